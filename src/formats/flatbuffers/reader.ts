/** Tables, vectors and strings of a flatbuffer by their schema. Every offset is checked before it is followed. */
import { modelError } from "../../base/problem.ts";
import { decodeUtf8 } from "../../base/utf8.ts";
import type { Pages } from "./pages.ts";
import { type Parsed, type Run, type Scalar, type Schema, type Slot, scalars, slotsOf, type TableName } from "./schema.ts";

/** Tables and vectors of eight elements looked at in all; tables may be shared, so that a small file could ask for any number. */
const MAX_OBJECTS = 2 ** 22;
/** A name or a description. */
const MAX_STRING = 2 ** 20;

/** What a field of a type string reads as. Enums are words (`#17` for one that the schema does not know); byte vectors stay in the file. */
export type FieldType<S extends Schema, T extends string> = T extends `${infer U} = ${string}`
  ? FieldType<S, U>
  : T extends "[ubyte]"
    ? Run | undefined
    : T extends `[${infer U}]`
      ? VectorType<S, U> | undefined
      : T extends "string"
        ? string | undefined
        : T extends "bool"
          ? boolean
          : T extends Scalar
            ? number
            : T extends keyof S["enums"]
              ? string
              : T extends TableName<S>
                ? Table<S, T> | undefined
                : Table<S, TableName<S>> | undefined;

type VectorType<S extends Schema, U extends string> = U extends "bool" | Scalar
  ? readonly number[]
  : U extends "string" | keyof S["enums"]
    ? readonly string[]
    : U extends TableName<S>
      ? TableList<S, U>
      : never;

export interface TableList<S extends Schema, N extends TableName<S>> {
  readonly length: number;
  at(i: number): Table<S, N>;
}

export class FlatReader<S extends Schema> {
  private readonly slots = new Map<string, ReadonlyMap<string, Slot>>();
  private objects = 0;

  constructor(
    readonly pages: Pages,
    readonly schema: S,
  ) {}

  /** The table that the buffer starting at `base` begins with. */
  root<N extends TableName<S>>(name: N, base = 0): Table<S, N> {
    return this.table(name, this.follow(base));
  }

  table<N extends TableName<S>>(name: N, at: number): Table<S, N> {
    this.spend(1, at);
    const { pages } = this;
    pages.check(at, 4);
    const vtable = at - pages.i32(at);
    pages.check(vtable, 4);
    const [size, length] = [pages.u16(vtable), pages.u16(vtable + 2)];
    if (size < 4 || size % 2 !== 0 || length < 4)
      throw modelError("malformed", `a table of a ${size}-byte vtable`, { offset: at });
    pages.check(vtable, size);
    pages.check(at, length);
    return new Table(this, name, at, vtable, size, length);
  }

  /** By field name, in slot order. */
  slotsOf(table: string): ReadonlyMap<string, Slot> {
    let slots = this.slots.get(table);
    if (!slots) {
      slots = new Map(slotsOf(this.schema, table).map((slot) => [slot.name, slot]));
      this.slots.set(table, slots);
    }
    return slots;
  }

  /** Where an offset leads; it is never 0 and always forward. */
  follow(at: number): number {
    const offset = this.pages.u32(at);
    if (offset === 0) throw modelError("malformed", "an offset of 0", { offset: at });
    this.pages.check(at + offset, 4);
    return at + offset;
  }

  spend(count: number, offset: number): void {
    this.objects += count;
    if (this.objects > MAX_OBJECTS) throw modelError("too-large", `more than ${MAX_OBJECTS} tables and numbers`, { offset });
  }

  /** For `Pages.each`: what an item spent before a page was missing is not counted. */
  mark(): () => void {
    const { objects } = this;
    return () => {
      this.objects = objects;
    };
  }

  value(type: Parsed, at: number): unknown {
    switch (type.kind) {
      case "scalar":
        return this.scalar(type.scalar, at);
      case "enum":
        return word(type.words, this.scalar(type.scalar, at) as number);
      case "string":
        return this.string(this.follow(at));
      case "table":
        return this.table(type.table as TableName<S>, this.follow(at));
      case "vector":
        return this.vector(type.of, this.follow(at));
      default:
        throw new Error("a union has two slots");
    }
  }

  /** 64-bit numbers beyond 2^53 come as the nearest number; whoever follows one as an offset meets the bounds check. */
  private scalar(scalar: Scalar, at: number): number | boolean {
    const { pages } = this;
    switch (scalar) {
      case "bool":
        return pages.u8(at) !== 0;
      case "byte":
        return pages.i8(at);
      case "ubyte":
        return pages.u8(at);
      case "short":
        return pages.i16(at);
      case "ushort":
        return pages.u16(at);
      case "int":
        return pages.i32(at);
      case "uint":
        return pages.u32(at);
      case "float":
        return pages.f32(at);
      case "double":
        return pages.f64(at);
      case "long":
        return Number(pages.i64(at));
      case "ulong":
        return Number(pages.u64(at));
    }
  }

  private string(at: number): string {
    const { offset, length } = this.run(at, 1);
    if (length > MAX_STRING) throw modelError("too-large", `a string of ${length} bytes`, { offset });
    return decodeUtf8(this.pages.bytes(offset, length));
  }

  private vector(of: Parsed, at: number): unknown {
    if (of.kind === "scalar" && of.scalar === "ubyte") return this.run(at, 1);
    const width = widthOf(of);
    const { offset, length } = this.run(at, width);
    if (of.kind === "table") return { length, at: (i: number) => this.element(of.table, offset, length, i) };
    this.spend(1 + length / 8, at);
    return Array.from({ length }, (_, i) => {
      const value = this.value(of, offset + i * width);
      return typeof value === "boolean" ? Number(value) : value;
    });
  }

  private element(table: string, offset: number, length: number, i: number): Table<S, TableName<S>> {
    if (i < 0 || i >= length) throw new Error(`element ${i} of ${length}`);
    return this.table(table as TableName<S>, this.follow(offset + 4 * i));
  }

  /** Where a field is stored; undefined where the table leaves it out. */
  placeOf(table: Table<S, TableName<S>>, field: string): number | undefined {
    return table.place(this.slotsOf(table.name).get(field)!.slot, 4);
  }

  /** The bytes of a vector of numbers, which are left in the file. */
  vectorBytes(table: Table<S, TableName<S>>, field: string): Run | undefined {
    const { type } = this.slotsOf(table.name).get(field)!;
    const at = this.placeOf(table, field);
    if (at === undefined || type.kind !== "vector") return undefined;
    const width = widthOf(type.of);
    const { offset, length } = this.run(this.follow(at), width);
    return { offset, length: length * width };
  }

  /** Elements of a vector whose length stands at `at`; `length` counts elements. */
  private run(at: number, width: number): Run {
    const length = this.pages.u32(at);
    this.pages.check(at + 4, length * width);
    return { offset: at + 4, length };
  }
}

const word = (words: readonly string[], value: number): string => words[value] ?? `#${value}`;

export class Table<S extends Schema, N extends TableName<S>> {
  constructor(
    private readonly reader: FlatReader<S>,
    readonly name: N,
    /** Offset in the file. */
    readonly at: number,
    private readonly vtable: number,
    private readonly vtableSize: number,
    private readonly size: number,
  ) {}

  get<F extends keyof S["tables"][N] & string>(field: F): FieldType<S, S["tables"][N][F]> {
    return this.read(this.reader.slotsOf(this.name).get(field)!) as FieldType<S, S["tables"][N][F]>;
  }

  /** The fields that are in the file or have a value by default, as `get` gives them. */
  fields(): [name: string, type: Parsed, value: unknown][] {
    const found: [string, Parsed, unknown][] = [];
    for (const slot of this.reader.slotsOf(this.name).values()) {
      const value = this.read(slot);
      if (value !== undefined) found.push([slot.name, slot.type, value]);
    }
    return found;
  }

  private read({ type, slot }: Slot): unknown {
    if (type.kind === "union") return this.union(type.tables, slot);
    const at = this.place(slot, widthOf(type));
    if (at !== undefined) return this.reader.value(type, at);
    if (type.kind === "enum") return word(type.words, type.fallback);
    return type.kind === "scalar" ? (type.scalar === "bool" ? type.fallback !== 0 : type.fallback) : undefined;
  }

  /** A table of a kind that the schema does not know is taken for absent. */
  private union(tables: readonly string[], slot: number): unknown {
    const kind = this.place(slot - 1, 1);
    const at = this.place(slot, 4);
    const table = kind === undefined ? undefined : tables[this.reader.pages.u8(kind) - 1];
    return at === undefined || table === undefined ? undefined : this.reader.table(table as TableName<S>, this.reader.follow(at));
  }

  /** Where the field of a slot is stored; undefined where the table leaves it out. */
  place(slot: number, width: number): number | undefined {
    const entry = 4 + 2 * slot;
    if (entry + 2 > this.vtableSize) return undefined;
    const offset = this.reader.pages.u16(this.vtable + entry);
    if (offset === 0) return undefined;
    if (offset < 4 || offset + width > this.size)
      throw modelError("malformed", `a field at byte ${offset} of a table of ${this.size}`, { offset: this.at });
    return this.at + offset;
  }
}

const widthOf = (type: Parsed): number => (type.kind === "scalar" || type.kind === "enum" ? scalars[type.scalar] : 4);
