/** Hash tables and variables behind handles, once resources.ts has said what they hold. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import type { At, Rule } from "../rule.ts";
import { tensor } from "../schema.ts";
import { tensorflowOp } from "./borrowed.ts";
import { firstIsOver, firstOrLater } from "./resources.ts";
import { lite } from "./rule.ts";

const changing = (at: At) => at.unsupported("a variable that changes and that a sub-graph reads or assigns");

const dtyped = (b: Builder, x: Value, at: At): Value => {
  const dtype = at.declared()?.dtype;
  return dtype && dtype !== "string" ? b.cast(x, dtype) : x;
};

export const states: readonly Rule[] = [
  // What it sets has been taken over by those who read it.
  lite("CALL_ONCE", { arity: [0, 0], attrs: {}, codes: true }, () => []),
  lite("HASHTABLE_IMPORT", { arity: [3, 3], attrs: {}, codes: true }, () => []),
  lite("HASHTABLE", { arity: [0, 0], attrs: { keys: tensor(), values: tensor() }, codes: true }, (b, _, { keys, values }, at) => {
    if (!keys || !values) throw at.unsupported("a table that CALL_ONCE does not fill with constants");
    return tensorflowOp(b, "HashTableV2", [], { keys, values }, at);
  }),
  lite("HASHTABLE_FIND", { arity: [3, 3], attrs: {}, codes: true }, (b, inputs, _, at) =>
    tensorflowOp(b, "LookupTableFindV2", inputs, {}, at),
  ),
  lite("HASHTABLE_SIZE", { arity: [1, 1], attrs: {}, codes: true }, (b, inputs, _, at) => [
    dtyped(b, b.reshape(tensorflowOp(b, "LookupTableSizeV2", inputs, {}, at)[0]!, [1]), at),
  ]),
  lite("VAR_HANDLE", { arity: [0, 0], attrs: {}, codes: true }, (_, __, ___, at) => {
    throw changing(at);
  }),
  lite("READ_VARIABLE", { arity: [0, 1], attrs: { value: tensor() }, codes: true }, (_, [current], { value }, at) => {
    if (value) return [at.constant(value)];
    if (!current) throw changing(at);
    return [current];
  }),
  lite("ASSIGN_VARIABLE", { arity: [2, 2], attrs: {}, codes: true }, (_, [, value], __, at) => {
    at.assign(0, value);
    return [value];
  }),
  lite(firstOrLater, { arity: [3, 3], attrs: {}, codes: true }, (b, [flag, later, first]) => [
    b.op("SelectV2", [flag, later, first]),
  ]),
  lite(firstIsOver, { arity: [1, 1], attrs: {}, codes: true }, (b, _, __, at) => {
    const over = b.scalar("bool", 1);
    at.assign(0, over);
    return [over];
  }),
];
