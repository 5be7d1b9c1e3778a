/** Attribute schemas: the only parser of source attributes. A row's schema gives the rule's attributes their static type. */
import type { DType } from "../base/dtype.ts";
import { modelError } from "../base/problem.ts";
import { dtypeCodes, dtypeOfCode } from "../graph/onnx-types.ts";
import type { GraphId, SourceAttr, SourceTensor } from "../graph/source.ts";

export interface Field<T> {
  /** The value of the attribute, or of its absence. Throws a `ModelError` without a place. */
  readonly read: (attr: SourceAttr | undefined, name: string) => T;
}

export type Schema = Readonly<Record<string, Field<unknown>>>;
export type AttrsOf<S extends Schema> = { readonly [K in keyof S]: S[K] extends Field<infer T> ? T : never };

type Kind = SourceAttr["kind"];
type OfKind<K extends Kind> = Extract<SourceAttr, { kind: K }>;

function expect<K extends Kind>(attr: SourceAttr, kind: K, name: string): OfKind<K> {
  if (attr.kind !== kind) throw modelError("bad-attribute", `attribute ${name} is of type ${attr.kind}, not ${kind}`);
  return attr as OfKind<K>;
}

/** `fallback` undefined: the attribute is optional and may be undefined. */
function field<K extends Kind, T>(kind: K, take: (attr: OfKind<K>, name: string) => T, fallback: T): Field<T> {
  return { read: (attr, name) => (attr === undefined ? fallback : take(expect(attr, kind, name), name)) };
}

function exact(value: number | string, name: string): number {
  const number = Number(value);
  if (typeof value === "string" && !Number.isSafeInteger(number)) return number; // INT64_MAX and its like: "to the end"
  if (!Number.isInteger(number)) throw modelError("bad-attribute", `attribute ${name} is no integer: ${value}`);
  return number;
}

export const int = (fallback: number): Field<number> => field("int", (attr, name) => exact(attr.value, name), fallback);
export const optionalInt = (): Field<number | undefined> =>
  field<"int", number | undefined>("int", (attr, name) => exact(attr.value, name), undefined);
export const bool = (fallback: boolean): Field<boolean> => field("int", (attr) => Number(attr.value) !== 0, fallback);
/** A boolean of dialects that have them. */
export const flag = (fallback: boolean): Field<boolean> => field("bool", (attr) => attr.value, fallback);
export const dtype = (fallback: DType): Field<DType> => field("dtype", (attr) => attr.value, fallback);
export const float = (fallback: number): Field<number> => field("float", (attr) => attr.value, fallback);
export const optionalFloat = (): Field<number | undefined> =>
  field<"float", number | undefined>("float", (attr) => attr.value, undefined);
export const string = (fallback: string): Field<string> => field("string", (attr) => attr.value, fallback);
export const optionalString = (): Field<string | undefined> =>
  field<"string", string | undefined>("string", (attr) => attr.value, undefined);
export const ints = (): Field<readonly number[] | undefined> =>
  field<"ints", readonly number[] | undefined>("ints", (attr, name) => attr.value.map((value) => exact(value, name)), undefined);
export const floats = (): Field<readonly number[] | undefined> =>
  field<"floats", readonly number[] | undefined>("floats", (attr) => attr.value, undefined);
export const strings = (): Field<readonly string[] | undefined> =>
  field<"strings", readonly string[] | undefined>("strings", (attr) => attr.value, undefined);
export const tensor = (): Field<SourceTensor | undefined> =>
  field<"tensor", SourceTensor | undefined>("tensor", (attr) => attr.value, undefined);
/** A sub-graph, which must be there. */
export const graph = (): Field<GraphId> =>
  required(field<"graph", GraphId | undefined>("graph", (attr) => attr.value, undefined));
/** Several of them. */
export const graphs = (): Field<readonly GraphId[]> =>
  required(field<"graphs", readonly GraphId[] | undefined>("graphs", (attr) => attr.value, undefined));
/** StridedSlice's vectors of bits, an axis each. */
export const sliceMasks = {
  begin_mask: int(0),
  end_mask: int(0),
  ellipsis_mask: int(0),
  new_axis_mask: int(0),
  shrink_axis_mask: int(0),
};
/** The attribute itself, for the few rules that take several kinds. */
export const raw = (): Field<SourceAttr | undefined> => ({ read: (attr) => attr });

/** One of a few words; the first is the default. */
export function oneOf<T extends string>(...words: readonly [T, ...T[]]): Field<T> {
  return field(
    "string",
    (attr, name) => {
      const word = words.find((each) => each === attr.value);
      if (!word) throw modelError("bad-attribute", `attribute ${name} is ${attr.value}, not one of ${words.join(", ")}`);
      return word;
    },
    words[0],
  );
}

/** Turns an optional field into one that must be there. */
export function required<T>(inner: Field<T>): Field<Exclude<T, undefined>> {
  return {
    read: (attr, name) => {
      if (attr === undefined) throw modelError("bad-attribute", `attribute ${name} is missing`);
      return inner.read(attr, name) as Exclude<T, undefined>;
    },
  };
}

/** An ONNX data type: its number, or (before opset 6) its name. */
export const onnxType = (fallback?: DType): Field<DType | undefined> => ({
  read: (attr, name) => {
    if (attr === undefined) return fallback;
    const dtype = attr.kind === "string" ? oldName(attr.value) : dtypeOfCode(Number(expect(attr, "int", name).value));
    if (!dtype)
      throw modelError(
        "bad-attribute",
        `attribute ${name} is no data type: ${attr.kind === "string" || attr.kind === "int" ? attr.value : attr.kind}`,
      );
    return dtype;
  },
});

/** Before opset 6 types were words: FLOAT, INT32. */
function oldName(word: string): DType | undefined {
  const name = word === "FLOAT" ? "float32" : word === "DOUBLE" ? "float64" : word.toLowerCase();
  return Object.keys(dtypeCodes).find((each) => each === name) as DType | undefined;
}
