/**
 * What lowering wants of each source dialect, loaded when a model of it is at hand: rules are most of the program, and a model needs those
 * of one dialect.
 */
import type { Dialect } from "./graph/source.ts";
import type { DialectRules } from "./lower/dialect.ts";

const dialects: Readonly<Record<Dialect, () => Promise<DialectRules>>> = {
  onnx: async () => ({ rules: (await import("./lower/onnx/rules.ts")).onnxRules }),
  tflite: async () => (await import("./lower/tflite/dialect.ts")).tflite,
  tensorflow: async () => (await import("./lower/tensorflow/dialect.ts")).tensorflow,
  tfjs: async () => (await import("./lower/tfjs/dialect.ts")).tfjs,
  keras: async () => ({ rules: (await import("./lower/keras/rules.ts")).kerasRules }),
};

export const rulesOf = (dialect: Dialect): Promise<DialectRules> => dialects[dialect]();
