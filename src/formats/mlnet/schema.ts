/** `Schema`: the columns of the data, in ML.NET's binary format for data views, here without rows. */
import type { DType } from "../../base/dtype.ts";
import type { EntryBytes } from "./bytes.ts";

export interface MlnetColumn {
  readonly name: string;
  /** As ML.NET calls it: `Single`, `VBuffer<Single>`, `Key<UInt32>`. */
  readonly type: string;
  /** Undefined: no type of a tensor. */
  readonly dtype: DType | undefined;
  /** Dims of a vector, undefined where the size is open; [] for a single value. */
  readonly dims: readonly (number | undefined)[];
}

const MAGIC = "CML\0DVB\0";
const TABLE_OF_CONTENTS = 24;
const COLUMN_COUNT = 48;
/** As many as a wide table of one-hot features; more is a count that is wrong. */
const MAX_COLUMNS = 1_000_000;
const MAX_RANK = 64;

const dtypes: Readonly<Record<string, DType>> = {
  Single: "float32",
  Double: "float64",
  Boolean: "bool",
  TextSpan: "string",
  SByte: "int8",
  Byte: "uint8",
  Int16: "int16",
  UInt16: "uint16",
  Int32: "int32",
  UInt32: "uint32",
  Int64: "int64",
  UInt64: "uint64",
};

export function readSchema(entry: EntryBytes): MlnetColumn[] {
  if (!entry.startsWith(MAGIC)) throw entry.fail("no data view in ML.NET's binary format");
  const contents = entry.seek(TABLE_OF_CONTENTS).uint64();
  const count = entry.seek(COLUMN_COUNT).uint32();
  if (count > MAX_COLUMNS) throw entry.fail(`${count} columns`);
  entry.seek(contents);
  const columns: MlnetColumn[] = [];
  for (let i = 0; i < count; i++) {
    const name = entry.string();
    const type = readType(entry);
    // Compression, rows a block, places of the blocks and of the column's metadata.
    entry.take(1);
    entry.leb128();
    entry.take(16);
    columns.push({ name, ...type });
  }
  return columns;
}

function readType(entry: EntryBytes): Omit<MlnetColumn, "name"> {
  const kind = entry.string();
  const length = entry.leb128();
  const end = entry.at + length;
  const type =
    kind === "VBuffer" ? vector(entry) : /^Key/.test(kind) ? key(entry) : { type: kind, dtype: dtypes[kind], dims: [] };
  entry.seek(end);
  return type;
}

/** The element's codec and its own parameters, the rank, the dims; 0 is a dim that is open. */
function vector(entry: EntryBytes): Omit<MlnetColumn, "name"> {
  const item = entry.string();
  entry.take(entry.leb128());
  const rank = entry.uint32();
  if (rank > MAX_RANK) throw entry.fail(`a vector of rank ${rank}`);
  const dims = Array.from({ length: rank }, () => entry.uint32() || undefined);
  return { type: `VBuffer<${item}>`, dtype: dtypes[item], dims };
}

/** Keys count from 1 in memory; their storage is an unsigned integer. */
function key(entry: EntryBytes): Omit<MlnetColumn, "name"> {
  const storage = entry.string();
  return { type: `Key<${storage}>`, dtype: dtypes[storage], dims: [] };
}
