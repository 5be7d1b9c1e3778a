/** Which outputs of which calls a layer is called on, in the three ways that Keras has written it. */
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
}

/** The attribute that says so. */
export const keywords = "keywords";

const withKeywords = (attrs: Json, names: readonly string[]): Json =>
  names.length > 0 ? { ...attrs, [keywords]: names } : attrs;

/** `[name, call, output]`, perhaps with a fourth: arguments of the call. */
const isReference = (value: unknown): value is readonly [string, number, number, Json?] =>
  Array.isArray(value) && typeof value[0] === "string" && typeof value[1] === "number" && typeof value[2] === "number";

const referenceOf = ([layer, call, output]: readonly [string, number, number, Json?]): Reference => ({ layer, call, output });

/** Of a model: one reference or a list. */
export function readReferences(given: unknown, place: Place): Reference[] {
  if (isReference(given)) return [referenceOf(given)];
  if (Array.isArray(given) && given.every(isReference)) return given.map(referenceOf);
  throw modelError(
    "unsupported",
    "inputs or outputs that are no list",
    place,
    "give the model a list of tensors instead of a dict",
  );
}

export function readCalls(given: unknown, place: Place): Call[] {
  if (!Array.isArray(given)) return [];
  // A layer of one call on one tensor may be written without a list around it.
  if (given.every(isReference) && given.length > 0) return [callOf(given, place)];
  return given.map((each) => callOf(each, place));
}

function callOf(given: unknown, place: Place): Call {
  if (isReference(given)) return callOf([given], place);
  if (Array.isArray(given) && given.every(isReference)) {
    const attrs: Record<string, unknown> = {};
    const named: { readonly name: string; readonly reference: Reference }[] = [];
    for (const each of given)
      for (const [name, value] of Object.entries(each[3] ?? {})) {
        const list = isReference(value)
          ? [value]
          : Array.isArray(value) && value.length > 0 && value.every(isReference)
            ? value
            : [];
        named.push(...list.map((reference) => ({ name, reference: referenceOf(reference) })));
        if (list.length === 0) attrs[name] = value;
      }
    const inputs = [...given.map(referenceOf), ...named.map(({ reference }) => reference)];
    return {
      inputs,
      attrs: withKeywords(
        attrs,
        named.map(({ name }) => name),
      ),
    };
  }
  if (isObject(given) && "args" in given) {
    const inputs: Reference[] = [];
    const attrs: Record<string, unknown> = {};
    collect(given["args"], inputs);
    const names: string[] = [];
    for (const [name, value] of Object.entries(isObject(given["kwargs"]) ? given["kwargs"] : {})) {
      const count = collect(value, inputs);
      if (count === 0) attrs[name] = value;
      for (let i = 0; i < count; i++) names.push(name);
    }
    return { inputs, attrs: withKeywords(attrs, names) };
  }
  throw modelError("unsupported", "a call whose arguments are not a list of tensors", place);
}

/** Keras 3: tensors anywhere among the arguments, in order; how many. Lists in lists are as deep as the file's text allows, a few. */
function collect(given: unknown, into: Reference[]): number {
  if (Array.isArray(given)) return given.reduce((sum: number, each) => sum + collect(each, into), 0);
  if (!isObject(given) || given["class_name"] !== "__keras_tensor__" || !isObject(given["config"])) return 0;
  const history = given["config"]["keras_history"];
  if (!isReference(history)) return 0;
  into.push(referenceOf(history));
  return 1;
}
