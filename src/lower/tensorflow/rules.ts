/** The TensorFlow dialect: every family, one table. */
import { RuleTable } from "../rule.ts";
import { arrays } from "./arrays.ts";
import { controls } from "./control.ts";
import { elementwise } from "./elementwise.ts";
import { gathers } from "./gather.ts";
import { nn } from "./nn.ts";
import { reductions } from "./reduce.ts";
import { shapes } from "./shape.ts";
import { variables } from "./variables.ts";

export const tensorflowRules = new RuleTable([
  ...elementwise,
  ...reductions,
  ...shapes,
  ...gathers,
  ...nn,
  ...arrays,
  ...controls,
  ...variables,
]);
