import { expect, test } from "vitest";
import { memorySource } from "../../../src/base/memory.ts";
import { Pages } from "../../../src/formats/flatbuffers/pages.ts";
import { FlatReader } from "../../../src/formats/flatbuffers/reader.ts";
import type { Schema } from "../../../src/formats/flatbuffers/schema.ts";
import { unpack } from "../../../src/formats/flatbuffers/unpack.ts";
import { flatbuffer, type TableValue } from "../../../src/formats/flatbuffers/write.ts";

const schema = {
  enums: { Colour: ["RED", "GREEN"], Wide: ["A", "B"] },
  wide: { Wide: "int" },
  unions: { Shape: ["Circle", "Square"] },
  tables: {
    Root: {
      colour: "Colour = GREEN",
      wide: "Wide",
      name: "string",
      shape: "Shape",
      parts: "[Part]",
      data: "[ubyte]",
      longs: "[long]",
      floats: "[float]",
      words: "[string]",
      small: "short = -3",
      on: "bool",
      big: "long",
    },
    Part: { id: "ushort", inner: "Circle" },
    Circle: { radius: "double" },
    Square: { side: "ubyte" },
  },
} as const satisfies Schema;

const unpacked = (file: Uint8Array): TableValue => {
  const reader = new FlatReader(Pages.whole(memorySource("x", file), file), schema);
  return unpack(reader, reader.root("Root"), file);
};

const whole: TableValue = {
  colour: "RED",
  wide: "#7",
  name: "säge",
  shape: ["Square", { side: 200 }],
  parts: [{ id: 65000, inner: { radius: 0.1 } }, { id: 3 }],
  data: Uint8Array.of(9, 0, 255),
  longs: [-5, 2 ** 40],
  floats: [1.5, -0.25],
  words: ["one", "", "three"],
  small: 12,
  on: true,
  big: -(2 ** 50),
};

test("what is written is read back", () => {
  expect(unpacked(flatbuffer(schema, "Root", whole))).toEqual(whole);
});

test("fields that are left out are at their defaults", () => {
  expect(unpacked(flatbuffer(schema, "Root", {}))).toEqual({ colour: "GREEN", wide: "A", small: -3, on: false, big: 0 });
});

test("bytes begin at a multiple of 16", () => {
  for (let length = 0; length < 40; length++) {
    const bytes = Uint8Array.from({ length }, (_, i) => 200 + i);
    const file = flatbuffer(schema, "Root", { name: "x".repeat(length), data: bytes });
    const { data } = unpacked(file) as { data: Uint8Array };
    expect(data).toEqual(bytes);
    expect((data.byteOffset - file.byteOffset) % 16).toBe(0);
  }
});

test("64-bit numbers at the ends of their range stay there", () => {
  expect(unpacked(flatbuffer(schema, "Root", { big: 2 ** 63, longs: [-(2 ** 63)] }))).toMatchObject({
    big: 2 ** 63,
    longs: [-(2 ** 63)],
  });
});
