/**
 * What translating wants of each source dialect, loaded when a model of it is at hand: rules are most of the program, and a model needs
 * those of one dialect.
 */
import type { Problem } from "./base/problem.ts";
import type { Dialect, SourceModel } from "./graph/source.ts";
import type { Constants, Verdict } from "./lower/lower.ts";
import type { RuleTable } from "./lower/rule.ts";

export interface DialectRules {
  readonly rules: RuleTable;
  /** The model without what rules, which see a node at a time, cannot lower: control flow as a web of nodes, variables, tables. */
  readonly prepare?: (model: SourceModel, constants: Constants, outputs: readonly string[] | undefined) => SourceModel;
  /** What is said of nodes that are left out though they do something. */
  readonly dropped?: (model: SourceModel, verdicts: ReadonlyMap<string, Verdict>) => readonly Problem[];
  /** Operators that TF.js runs as the source means them. */
  readonly native?: ReadonlySet<string>;
}

const dialects: Readonly<Record<Dialect, () => Promise<DialectRules>>> = {
  onnx: async () => ({ rules: (await import("./lower/onnx/rules.ts")).onnxRules }),
  tflite: async () => {
    const [{ tfliteRules }, { withBlocks }, { withResources }] = await Promise.all([
      import("./lower/tflite/rules.ts"),
      import("./lower/tflite/blocks.ts"),
      import("./lower/tflite/resources.ts"),
    ]);
    return { rules: tfliteRules, prepare: (model, constants) => withBlocks(withResources(model, constants)) };
  },
  tensorflow: async () => ({ rules: (await import("./lower/tensorflow/rules.ts")).tensorflowRules, ...(await rawGraphs()) }),
  tfjs: async () => {
    const { tfjsRules, nativeOps } = await import("./lower/tfjs/rules.ts");
    return { rules: tfjsRules, native: nativeOps, ...(await rawGraphs()) };
  },
  keras: async () => ({ rules: (await import("./lower/keras/rules.ts")).kerasRules }),
};

async function rawGraphs() {
  const [{ prepare }, { droppedProblems }] = await Promise.all([
    import("./lower/tensorflow/prepare.ts"),
    import("./lower/tensorflow/dropped.ts"),
  ]);
  return { prepare, dropped: droppedProblems };
}

export const rulesOf = (dialect: Dialect): Promise<DialectRules> => dialects[dialect]();
