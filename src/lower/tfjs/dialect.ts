/** TF.js's graph models: TensorFlow's graphs with operators of its own. */
import type { DialectRules } from "../dialect.ts";
import { tensorflow } from "../tensorflow/dialect.ts";
import { nativeOps, tfjsRules } from "./rules.ts";

export const tfjs: DialectRules = { ...tensorflow, rules: tfjsRules, native: nativeOps };
