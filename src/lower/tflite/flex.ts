/** Flex operators: TensorFlow's rows under their names here. Those of v1's control flow and of functions have no meaning without their graph. */
import type { Rule } from "../rule.ts";
import { tensorflowRules } from "../tensorflow/rules.ts";
import { customDomain } from "./names.ts";

export const flexPrefix = "Flex";

export const flex: readonly Rule[] = tensorflowRules
  .all()
  .filter(({ domain, op }) => domain === "" && !op.startsWith("^"))
  .map((row) => ({ ...row, op: `${flexPrefix}${row.op}`, domain: customDomain }));
