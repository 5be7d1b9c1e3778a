/** Assignments. Variables of a frozen graph are constants, and what assigns them gives the new value; those of a SavedModel are refused. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import type { Rule } from "../rule.ts";
import { flag, tfRule } from "./attrs.ts";

/** Set by functionalize.ts on assignments whose variable is none any more. */
export const frozen = "^frozen";

/** An op that changes its first operand in place and gives it back. */
export const onFrozen = (
  op: string,
  arity: readonly [number, number],
  each: (b: Builder, inputs: readonly (Value | undefined)[]) => Value,
): Rule =>
  tfRule(op, arity, { [frozen]: flag(false) }, (b, inputs, a, at) => {
    if (!a[frozen]) throw at.unsupported("a variable that is assigned as the model runs");
    return [each(b, inputs)];
  });

const arithmetic = (op: string, by: string): Rule => onFrozen(op, [2, 2], (b, [x, y]) => b.op(by, [x!, y!]));

export const assignments: readonly Rule[] = [
  onFrozen("Assign", [2, 2], (_, [, value]) => value!),
  arithmetic("AssignAdd", "AddV2"),
  arithmetic("AssignSub", "Sub"),
  onFrozen("AssignVariableOp", [2, 2], (_, [, value]) => value!),
  arithmetic("AssignAddVariableOp", "AddV2"),
  arithmetic("AssignSubVariableOp", "Sub"),
];
