/** A flatbuffers schema as data, and what its type strings mean: to the reader at run time, to the compiler as static types. */

/**
 * `tables`: fields in slot order, each a type as in a .fbs file, with its default: `"int = 1"`, `"[long]"`, `"Padding"`, `"BuiltinOptions"`.
 * A union takes two slots. `enums`: words in order from 0; stored as a byte unless `wide` tells another scalar. `unions`: tables from 1.
 */
export interface Schema {
  readonly enums: Readonly<Record<string, readonly string[]>>;
  readonly wide: Readonly<Record<string, Scalar>>;
  readonly unions: Readonly<Record<string, readonly string[]>>;
  readonly tables: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

export const scalars = {
  bool: 1,
  byte: 1,
  ubyte: 1,
  short: 2,
  ushort: 2,
  int: 4,
  uint: 4,
  float: 4,
  long: 8,
  ulong: 8,
  double: 8,
} as const;
export type Scalar = keyof typeof scalars;

export type TableName<S extends Schema> = keyof S["tables"] & string;

/** A run of bytes in the file. */
export interface Run {
  readonly offset: number;
  readonly length: number;
}

export type Parsed =
  | { readonly kind: "scalar"; readonly scalar: Scalar; readonly fallback: number }
  | { readonly kind: "enum"; readonly scalar: Scalar; readonly words: readonly string[]; readonly fallback: number }
  | { readonly kind: "string" }
  | { readonly kind: "table"; readonly table: string }
  | { readonly kind: "union"; readonly tables: readonly string[] }
  | { readonly kind: "vector"; readonly of: Parsed };

export interface Slot {
  readonly name: string;
  /** Of a union: of the value; its type is in the slot before. */
  readonly slot: number;
  readonly type: Parsed;
}

/** The slots of a table; a table without a row has no fields. */
export function slotsOf(schema: Schema, table: string): readonly Slot[] {
  let slot = 0;
  return Object.entries(schema.tables[table] ?? {}).map(([name, written]) => {
    const type = parse(schema, written);
    if (type.kind === "union") slot++;
    return { name, slot: slot++, type };
  });
}

function parse(schema: Schema, written: string): Parsed {
  const [type = "", fallback] = written.split(" = ");
  const inner = /^\[(\w+)\]$/.exec(type)?.[1];
  if (inner) return { kind: "vector", of: parse(schema, inner) };
  if (type === "string") return { kind: "string" };
  const number = (words: readonly string[]) =>
    fallback === undefined || fallback === "false"
      ? 0
      : fallback === "true"
        ? 1
        : words.includes(fallback)
          ? words.indexOf(fallback)
          : Number(fallback);
  if (Object.hasOwn(scalars, type)) return { kind: "scalar", scalar: type as Scalar, fallback: number([]) };
  const words = schema.enums[type];
  if (words) return { kind: "enum", scalar: schema.wide[type] ?? "byte", words, fallback: number(words) };
  const tables = schema.unions[type];
  return tables ? { kind: "union", tables } : { kind: "table", table: type };
}
