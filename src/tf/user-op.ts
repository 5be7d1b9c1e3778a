/** Operators that a user declares: the hub knows that they are there, and the types that they were given as they were lowered. */
import type { Type } from "../graph/graph.ts";
import type { OpDef } from "./op.ts";

/** No op of TensorFlow, TF.js or ours begins so. */
const prefix = "custom.";

/** What the operator is called in the hub and in the written model. */
export const userOpName = (domain: string, op: string): string => `${prefix}${domain === "" ? "" : `${domain}.`}${op}`;

export const isUserOp = (name: string): boolean => name.startsWith(prefix);

/** Never folded and never merged with its like: what it does is known to its author alone. */
export const userOpDef = (name: string): OpDef => ({
  name,
  pure: false,
  infer: (call) => call.attr<readonly Type[]>("output_types"),
});
