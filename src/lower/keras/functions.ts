/** Functions called on tensors between layers: `tf.math.multiply(x, 2)` of Keras 2, operators and `keras.ops` of Keras 3, single TensorFlow operators of Keras 2.0. */
import { type DType, isFloat, isInteger } from "../../base/dtype.ts";
import type { Value } from "../../graph/graph.ts";
import { tensorOf } from "../../graph/tensor.ts";
import type { Builder } from "../../tf/build.ts";
import { type At, type Rule, rule } from "../rule.ts";
import { isObject, type Json } from "./config.ts";

export interface FunctionCall {
  readonly b: Builder;
  readonly at: At;
  /** Argument by place, else by one of its names; tensors are values, what is not given is undefined. */
  argument(place: number, ...names: readonly string[]): unknown;
}

export type FunctionFn = (call: FunctionCall) => readonly Value[];

/** Of nodes whose attribute `arguments` holds what they are called on. */
export const functionDomains = ["tf", "keras.ops"] as const;

export const isValue = (given: unknown): given is Value => isObject(given) && "node" in given && "port" in given;

/** A table of functions, each under its names: `tf.math.add`, `keras.ops.Add`. */
export function functionRules(table: Readonly<Record<string, FunctionFn>>): Rule[] {
  return Object.entries(table).map(([name, fn]) => {
    const domain = functionDomains.find((each) => name.startsWith(`${each}.`));
    if (!domain) throw new Error(`a function of no known library: ${name}`);
    const op = name.slice(domain.length + 1);
    return rule(op, { domain, since: 0, arity: [0, Number.POSITIVE_INFINITY], attrs: {} }, (b, inputs, _, at) => {
      const { args, kwargs } = argumentsOf(at, inputs);
      return fn({
        b,
        at,
        argument: (place, ...names) => {
          const given = args[place] ?? names.map((each) => kwargs[each]).find((each) => each !== undefined);
          return given ?? undefined;
        },
      });
    });
  });
}

/** Lists within lists among the arguments; the reader stops before. */
const MAX_DEPTH = 32;

/** The arguments as written, with the node's inputs in the places of the tensors. */
function argumentsOf(at: At, inputs: readonly (Value | undefined)[]) {
  const { arguments: written } = at.node.attrs;
  const { args = [], kwargs = {} } = (written?.kind === "string" ? JSON.parse(written.value) : {}) as {
    readonly args?: readonly unknown[];
    readonly kwargs?: Json;
  };
  const filled = (given: unknown, depth: number): unknown => {
    if (depth > MAX_DEPTH) throw at.invalid(`more than ${MAX_DEPTH} lists within each other`);
    if (Array.isArray(given)) return given.map((each) => filled(each, depth + 1));
    if (!isObject(given)) return given;
    if (typeof given["tensor"] === "number") {
      const value = inputs[given["tensor"]];
      if (!value) throw at.invalid(`no input ${given["tensor"]}`);
      return value;
    }
    const { class_name: kind, config } = given;
    if ((kind === "__numpy__" || kind === "__tensor__") && isObject(config)) return config["value"];
    if (kind === "__slice__" && isObject(config)) return config;
    if (kind === "__ellipsis__") return "...";
    return Object.fromEntries(Object.entries(given).map(([key, each]) => [key, filled(each, depth + 1)]));
  };
  return { args: args.map((each) => filled(each, 0)), kwargs: filled(kwargs, 0) as Readonly<Record<string, unknown>> };
}

/** Numbers in lists within lists, as deep as a tensor is. */
function constantOf(b: Builder, given: unknown, dtype: DType, at: At): Value {
  const shape: number[] = [];
  let level = [given];
  while (Array.isArray(level[0])) {
    const size = level[0].length;
    if (!level.every((each) => Array.isArray(each) && each.length === size)) throw at.invalid("a ragged list of numbers");
    shape.push(size);
    level = (level as unknown[][]).flat();
  }
  if (!level.every((each) => typeof each === "number" || typeof each === "boolean"))
    throw at.unsupported(`an argument that is no number: ${JSON.stringify(level[0])}`);
  return b.constant(tensorOf(dtype, shape, level.map(Number)));
}

/** The argument as a tensor; one that is missing is a fault of the file. */
export function tensorAt({ b, at, argument }: FunctionCall, place: number, ...names: readonly string[]): Value {
  const given = argument(place, ...names);
  if (isValue(given)) return given;
  if (given === undefined) throw at.invalid(`no argument ${names[0] ?? place}`);
  return constantOf(b, given, "float32", at);
}

const wider: readonly DType[] = ["bool", "int32", "int64", "float16", "bfloat16", "float32", "float64"];

/** Both operands in one type: a number takes the tensor's, but a fraction among integers makes them floats. */
export function pairAt(
  call: FunctionCall,
  first: readonly [number, ...string[]],
  second: readonly [number, ...string[]],
): [Value, Value] {
  const { b, at } = call;
  const [x, y] = [call.argument(...first), call.argument(...second)];
  if (x === undefined || y === undefined) throw at.invalid("fewer than two operands");
  if (isValue(x) && isValue(y)) {
    if (x.dtype === y.dtype) return [x, y];
    const place = Math.max(wider.indexOf(x.dtype), wider.indexOf(y.dtype));
    const mixed = isFloat(x.dtype) !== isFloat(y.dtype) || wider.indexOf(x.dtype) < 0 || wider.indexOf(y.dtype) < 0;
    const dtype = mixed ? "float32" : wider[place]!;
    return [b.cast(x, dtype), b.cast(y, dtype)];
  }
  const value = isValue(x) ? x : isValue(y) ? y : constantOf(b, x, "float32", at);
  const other = isValue(x) ? y : x;
  const fraction = JSON.stringify(other).includes(".") && (isInteger(value.dtype) || value.dtype === "bool");
  const dtype = fraction ? "float32" : value.dtype;
  const [tensor, constant] = [b.cast(value, dtype), constantOf(b, other, dtype, at)];
  return isValue(x) ? [tensor, constant] : [constant, tensor];
}

/** Whole numbers: axes, sizes; one stands for a list of one. */
export function intsAt(
  { at, argument }: FunctionCall,
  place: number,
  ...names: readonly string[]
): readonly number[] | undefined {
  const given = argument(place, ...names);
  if (given === undefined) return undefined;
  const list = Array.isArray(given) ? given : [given];
  if (!list.every(Number.isInteger)) throw at.unsupported(`${names[0]} that is not known before it runs`);
  return list as number[];
}

export const flagAt = ({ argument }: FunctionCall, place: number, ...names: readonly string[]): boolean =>
  argument(place, ...names) === true;

/** The axis, counted from the front. */
export function axisAt(call: FunctionCall, rank: number, fallback: number, place: number, ...names: readonly string[]): number {
  const axis = intsAt(call, place, ...names)?.[0] ?? fallback;
  if (axis < -rank || axis >= rank) throw call.at.invalid(`axis is ${axis} of rank ${rank}`);
  return axis < 0 ? axis + rank : axis;
}
