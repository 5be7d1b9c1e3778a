/** Which outputs of which calls a layer is called on, in the ways that Keras has written it. */
import { modelError, type Place } from "../../base/problem.ts";
import { isObject, type Json } from "./attributes.ts";

/** Output `output` of call `call` of a layer. */
export interface Reference {
  readonly layer: string;
  readonly call: number;
  readonly output: number;
}

export interface Call {
  readonly inputs: readonly Reference[];
  /** Arguments of the call that are no tensors; and under `keywords`, what the last of the inputs were passed as. */
  readonly attrs: Json;
  /** The arguments as written, `{tensor: i}` in the place of input i: for functions, whose constants stand among the tensors. */
  readonly args: readonly unknown[];
  readonly kwargs: Json;
}

/** The attribute that says so. */
export const keywords = "keywords";
/** The attribute of arguments that are neither tensors nor named. */
export const positional = "positional";
/** In the place of a reference where Keras 2 calls a function with a number first. */
const constantName = "_CONSTANT_VALUE";
/** Lists within lists among the arguments. */
const MAX_DEPTH = 16;

/** `[name, call, output]`, perhaps with a fourth: arguments of the call. */
export const isReference = (value: unknown): value is readonly [string, number, number, Json?] =>
  Array.isArray(value) && typeof value[0] === "string" && typeof value[1] === "number" && typeof value[2] === "number";

/** As `isReference`, or a constant in its place. */
const isFirst = (value: unknown): value is readonly [string, number, unknown, Json?] =>
  isReference(value) || (Array.isArray(value) && value[0] === constantName && value.length >= 3);

export const referenceOf = ([layer, call, output]: readonly [string, number, number, Json?]): Reference => ({
  layer,
  call,
  output,
});

/** Of a model: one reference, a list, or (Keras 3) a structure of them, whose order is that of the file. */
export function readReferences(given: unknown, place: Place): Reference[] {
  const found: Reference[] = [];
  const stack: { readonly value: unknown; readonly depth: number }[] = [{ value: given, depth: 0 }];
  for (let top = stack.pop(); top; top = stack.pop()) {
    const { value, depth } = top;
    if (isReference(value)) found.push(referenceOf(value));
    else if (depth > MAX_DEPTH || typeof value !== "object" || value === null)
      throw modelError("malformed", "inputs or outputs that name no layers", place);
    else for (const each of Object.values(value).reverse()) stack.push({ value: each, depth: depth + 1 });
  }
  return found;
}

export function readCalls(given: unknown, place: Place): Call[] {
  if (!Array.isArray(given)) return [];
  // A layer of one call on one tensor may be written without a list around it.
  if (given.every(isFirst) && given.length > 0) return [new Arguments(place).listed(given)];
  return given.map((each) => {
    if (isFirst(each)) return new Arguments(place).listed([each]);
    if (Array.isArray(each) && each.every(isFirst)) return new Arguments(place).listed(each);
    if (isObject(each) && "args" in each) return new Arguments(place).written(each);
    throw modelError("unsupported", "a call whose arguments are not a list of tensors", place);
  });
}

/** Collects the tensors of one call. */
class Arguments {
  private readonly inputs: Reference[] = [];
  private readonly attrs: Record<string, unknown> = {};
  private readonly kwargs: Record<string, unknown> = {};
  private readonly names: string[] = [];

  constructor(private readonly place: Place) {}

  /** Keras 1 and 2: references, the keywords behind them. */
  listed(given: readonly (readonly [string, number, unknown, Json?])[]): Call {
    const args = given.map((each) => (isReference(each) && each[0] !== constantName ? this.tensor(referenceOf(each)) : each[2]));
    for (const [name, value] of given.flatMap((each) => Object.entries(each[3] ?? {}))) this.keyword(name, value);
    return this.call(args.length === 1 ? args : [args]);
  }

  /** Keras 3: lists and dicts as they were called, tensors anywhere in them. */
  written(given: Json): Call {
    const args = Array.isArray(given["args"]) ? given["args"].map((each) => this.structure(each, 0)) : [];
    const kwargs = isObject(given["kwargs"]) ? given["kwargs"] : {};
    for (const [name, value] of Object.entries(kwargs)) this.keyword(name, value);
    return this.call(args);
  }

  private call(args: readonly unknown[]): Call {
    const { inputs, attrs, kwargs, names } = this;
    const plain = args.some((each) => each !== null && !holdsTensors(each));
    return {
      inputs,
      attrs: {
        ...attrs,
        ...(names.length > 0 && { [keywords]: names }),
        ...(plain && { [positional]: JSON.stringify(args) }),
      },
      args,
      kwargs,
    };
  }

  private tensor(reference: Reference): object {
    this.inputs.push(reference);
    return { tensor: this.inputs.length - 1 };
  }

  private keyword(name: string, value: unknown): void {
    const before = this.inputs.length;
    const read = this.structure(value, 0);
    this.kwargs[name] = read;
    const count = this.inputs.length - before;
    if (count === 0) this.attrs[name] = value;
    // Among tensors something else holds a place that a list of tensors alone does not tell.
    const mixed = Array.isArray(read) && count !== read.length;
    for (let i = 0; i < count; i++) this.names.push(mixed ? `${name}[${i}]` : name);
  }

  private structure(value: unknown, depth: number): unknown {
    if (depth > MAX_DEPTH) throw modelError("too-deep", `more than ${MAX_DEPTH} lists within each other`, this.place);
    if (isReference(value)) return this.tensor(referenceOf(value));
    if (Array.isArray(value)) return value.map((each) => this.structure(each, depth + 1));
    if (!isObject(value)) return value;
    const { class_name: kind, config } = value;
    if (kind === "__keras_tensor__" && isObject(config) && isReference(config["keras_history"]))
      return this.tensor(referenceOf(config["keras_history"]));
    if (kind === "__tuple__" && Array.isArray(value["items"]))
      return value["items"].map((each) => this.structure(each, depth + 1));
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, this.structure(each, depth + 1)]));
  }
}

const holdsTensors = (given: unknown): boolean =>
  Array.isArray(given)
    ? given.every(holdsTensors)
    : isObject(given) && ("tensor" in given || Object.values(given).every(holdsTensors));
