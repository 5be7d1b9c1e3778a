import { describe, expect, test } from "vitest";
import { ModelError } from "../../../src/base/problem.ts";
import { readFlexbuffer } from "../../../src/formats/flatbuffers/flexbuffer.ts";
import { flexbuffers } from "../../build/flexbuffers.ts";

describe("what flatbuffers' encoder writes is read back", () => {
  test.each([
    [
      "a map of every kind",
      { name: "säge", on: true, off: false, small: -3, large: 70000, share: 0.25, list: [1, -2, 300], none: null },
    ],
    ["nested maps and vectors", { a: { b: [{ c: 1.5 }, "x", [true, 2]] }, empty: [], words: ["one", "two", "one"] }],
    ["a vector at the root", [1, "two", 3.5]],
    ["a number", 42],
    ["a string", "just text"],
    ["doubles", [0.1, -1.5e-300]],
  ])("%s", (_, value) => {
    expect(readFlexbuffer(flexbuffers(value))).toEqual(value);
  });

  test("blobs", () => {
    const bytes = Uint8Array.of(9, 0, 255);
    expect(readFlexbuffer(flexbuffers({ blob: bytes }))).toEqual({ blob: bytes });
  });
});

test("any byte changed: a value or a ModelError, never anything else", () => {
  const sound = flexbuffers({ a: [1, 2.5, "x"], b: { c: true, d: [[1], [2]] }, e: "text" });
  for (let at = 0; at < sound.length; at++) {
    for (const change of [1, 4, 16, 128, 255]) {
      const spoilt = sound.slice();
      spoilt[at]! ^= change;
      try {
        readFlexbuffer(spoilt);
      } catch (error) {
        expect(error).toBeInstanceOf(ModelError);
      }
    }
  }
});

test("cut at every byte", () => {
  const sound = flexbuffers({ a: [1, 2.5, "x"], b: { c: true } });
  for (let size = 0; size < sound.length; size++) {
    try {
      readFlexbuffer(sound.subarray(0, size));
    } catch (error) {
      expect(error).toBeInstanceOf(ModelError);
    }
  }
});
