/** Flatbuffers from plain objects, by the schema that the reader reads them by; the bytes are laid down by flatbuffers' own Builder. */
import { Builder } from "flatbuffers";
import { type Parsed, type Scalar, type Schema, type Slot, scalars, slotsOf } from "./schema.ts";

/** A table is an object of its fields; a union names its table: `["PadOptions", {}]`. Enums are words or numbers, [ubyte] is bytes. */
export type FieldValue = number | bigint | boolean | string | Uint8Array | readonly FieldValue[] | TableValue;
export interface TableValue {
  readonly [field: string]: FieldValue | undefined;
}

export function flatbuffer(schema: Schema, table: string, root: TableValue, identifier?: string): Uint8Array {
  const builder = new Builder(1024);
  // What equals its default is written all the same: absent and default are different tests.
  builder.forceDefaults(true);
  const offset = new Writer(schema, builder).table(table, root);
  builder.finish(offset, identifier);
  return builder.asUint8Array().slice();
}

const weightAlignment = 16;

class Writer {
  private readonly slots = new Map<string, readonly Slot[]>();

  constructor(
    private readonly schema: Schema,
    private readonly builder: Builder,
  ) {}

  table(name: string, value: TableValue): number {
    const slots = this.slotsOf(name);
    const unknown = Object.keys(value).find((field) => !slots.some((slot) => slot.name === field));
    if (unknown) throw new Error(`${name} has no field ${unknown}`);
    const set = slots.filter((slot) => value[slot.name] !== undefined);
    // What a table refers to is written before it.
    const offsets = new Map(set.map(({ name: field, type }) => [field, this.reference(type, value[field]!)]));
    this.builder.startObject(slots.reduce((count, { slot }) => Math.max(count, slot + 1), 0));
    for (const { name: field, slot, type } of set) {
      const offset = offsets.get(field);
      if (type.kind === "union") this.builder.addFieldInt8(slot - 1, 1 + type.tables.indexOf((value[field] as [string])[0]), 0);
      if (offset !== undefined) this.builder.addFieldOffset(slot, offset, 0);
      else this.scalar(slot, type, value[field]!);
    }
    return this.builder.endObject();
  }

  private slotsOf(table: string): readonly Slot[] {
    const known = this.slots.get(table) ?? slotsOf(this.schema, table);
    this.slots.set(table, known);
    return known;
  }

  private reference(type: Parsed, value: FieldValue): number | undefined {
    switch (type.kind) {
      case "string":
        return this.builder.createString(value as string);
      case "table":
        return this.table(type.table, value as TableValue);
      case "union": {
        const [name, fields] = value as readonly [string, TableValue];
        return this.table(name, fields);
      }
      case "vector":
        return this.vector(type.of, value);
      default:
        return undefined;
    }
  }

  private vector(of: Parsed, value: FieldValue): number {
    const { builder } = this;
    if (value instanceof Uint8Array) return this.bytes(value);
    const list = value as readonly FieldValue[];
    if (of.kind === "scalar" || of.kind === "enum") {
      const size = scalars[of.scalar];
      builder.startVector(size, list.length, size);
      for (const each of [...list].reverse()) this.element(of.scalar, numberOf(of, each));
    } else {
      const offsets = list.map((each) => this.reference(of, each)!);
      builder.startVector(4, offsets.length, 4);
      for (const offset of offsets.reverse()) builder.addOffset(offset);
    }
    return builder.endVector();
  }

  /** Aligned as TFLite wants its weights. */
  private bytes(value: Uint8Array): number {
    const { builder } = this;
    builder.prep(weightAlignment, value.length);
    return builder.createByteVector(value);
  }

  private element(scalar: Scalar, value: number): void {
    const { builder } = this;
    if (scalar === "float") builder.addFloat32(value);
    else if (scalar === "double") builder.addFloat64(value);
    else if (scalars[scalar] === 8) builder.addInt64(wide(value));
    else if (scalars[scalar] === 4) builder.addInt32(value);
    else if (scalars[scalar] === 2) builder.addInt16(value);
    else builder.addInt8(value);
  }

  private scalar(slot: number, type: Parsed, value: FieldValue): void {
    if (type.kind !== "scalar" && type.kind !== "enum") throw new Error(`no scalar: ${type.kind}`);
    const { builder } = this;
    const number = numberOf(type, value);
    if (type.scalar === "float") builder.addFieldFloat32(slot, number, null);
    else if (type.scalar === "double") builder.addFieldFloat64(slot, number, null);
    else if (scalars[type.scalar] === 8) builder.addFieldInt64(slot, wide(number), null);
    else if (scalars[type.scalar] === 4) builder.addFieldInt32(slot, number, null);
    else if (scalars[type.scalar] === 2) builder.addFieldInt16(slot, number, null);
    else builder.addFieldInt8(slot, number, null);
  }
}

/** Numbers read near the ends of the range may have been rounded past them. */
const wide = (value: number): bigint => {
  const [low, high] = [-(2n ** 63n), 2n ** 63n - 1n];
  const exact = BigInt(value);
  return exact < low ? low : exact > high ? high : exact;
};

/** A word, or `#17` for a number that has none. */
function numberOf(type: Parsed, value: FieldValue): number {
  if (type.kind !== "enum" || typeof value !== "string") return Number(value);
  if (value.startsWith("#")) return Number(value.slice(1));
  const index = type.words.indexOf(value);
  if (index < 0) throw new Error(`no word ${value}`);
  return index;
}
