/** A table and all that it refers to, as the plain objects that write.ts lays down again. Recursion is as deep as the schema. */
import type { FlatReader, Table, TableList } from "./reader.ts";
import type { Parsed, Run, Schema, TableName } from "./schema.ts";
import type { FieldValue, TableValue } from "./write.ts";

/** Fields at their defaults are written out. Of a union of a kind that the schema does not know nothing is kept. `bytes`: of the file. */
export function unpack<S extends Schema>(reader: FlatReader<S>, table: Table<S, TableName<S>>, bytes: Uint8Array): TableValue {
  const found: Record<string, FieldValue> = {};
  for (const [name, type, value] of table.fields()) {
    const plain = field(reader, type, value, bytes);
    if (plain !== undefined) found[name] = plain;
  }
  return found;
}

function field<S extends Schema>(reader: FlatReader<S>, type: Parsed, value: unknown, bytes: Uint8Array): FieldValue | undefined {
  const inner = (table: unknown) => unpack(reader, table as Table<S, TableName<S>>, bytes);
  if (type.kind === "table") return inner(value);
  if (type.kind === "union") return [(value as Table<S, TableName<S>>).name, inner(value)];
  if (type.kind !== "vector") return value as FieldValue;
  if (type.of.kind === "scalar" && type.of.scalar === "ubyte") {
    const { offset, length } = value as Run;
    return bytes.subarray(offset, offset + length);
  }
  if (type.of.kind !== "table") return value as FieldValue;
  const list = value as TableList<S, TableName<S>>;
  return Array.from({ length: list.length }, (_, i) => inner(list.at(i)));
}
