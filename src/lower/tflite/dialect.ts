/** TFLite. */
import type { DialectRules } from "../dialect.ts";
import { withBlocks } from "./blocks.ts";
import { withResources } from "./resources.ts";
import { tfliteRules } from "./rules.ts";

export const tflite: DialectRules = {
  rules: tfliteRules,
  prepare: (model, constants) => withBlocks(withResources(model, constants)),
};
