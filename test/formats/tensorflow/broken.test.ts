import { describe, expect, it } from "vitest";
import { memorySource, memorySources } from "../../../src/base/memory.ts";
import { ModelError } from "../../../src/base/problem.ts";
import { readTensorflow } from "../../../src/formats/tensorflow/read.ts";
import { unpackSnappy } from "../../../src/formats/tensorflow/snappy.ts";
import { tensorOf } from "../../../src/graph/tensor.ts";
import { random } from "../../build/random.ts";
import { constant, graphDef, placeholder, snappyLiterals } from "../../build/tensorflow.ts";

const bytes = graphDef({
  nodes: [
    placeholder("x", "float32", [7]),
    constant("w", tensorOf("float32", [7, 50], random(350))),
    { name: "y", op: "MatMul", inputs: ["x", "w"], attrs: { transpose_a: { b: false } } },
  ],
  functions: [{ name: "f", inputs: [["a", "float32"]], outputs: [["b", "float32", "a"]], nodes: [] }],
});

const read = (content: Uint8Array) => readTensorflow(memorySource("graph.pb", content), memorySources());

/** A problem of the model with a place, or a graph. */
async function sound(content: Uint8Array): Promise<void> {
  try {
    await read(content);
  } catch (error) {
    expect(error).toBeInstanceOf(ModelError);
    expect((error as ModelError).problem.offset).toBeGreaterThanOrEqual(0);
  }
}

describe("a damaged graph", () => {
  it("cut at every 64th byte", async () => {
    for (let at = 0; at < bytes.length; at += 64) await sound(bytes.slice(0, at));
  });

  it("with any byte flipped", async () => {
    for (let at = 0; at < bytes.length; at++) {
      const flipped = bytes.slice();
      flipped[at]! ^= 1 << (at % 8);
      await sound(flipped);
    }
  });

  it("that is something else says what it is", async () => {
    await expect(read(new TextEncoder().encode("version https://git-lfs.github.com/spec/v1"))).rejects.toThrow("Git LFS");
    await expect(read(new Uint8Array(0))).rejects.toThrow("the file is empty");
  });

  it("that names ports beyond reason is refused", async () => {
    const far = graphDef({ nodes: [{ name: "y", op: "Relu", inputs: ["x:99999999"] }] });
    await expect(read(far)).rejects.toMatchObject({ problem: { code: "malformed" } });
  });
});

describe("snappy", () => {
  const text = new TextEncoder().encode("abcdabcdabcdabcd, once more");

  it("copies what it has written, also onto itself", () => {
    // "abcd", a copy of 12 from 4 back, then literals.
    const rest = text.subarray(16);
    const packed = Uint8Array.of(27, 3 << 2, ...text.subarray(0, 4), (11 << 2) | 2, 4, 0, (rest.length - 1) << 2, ...rest);
    expect(unpackSnappy(packed, 100, 0)).toEqual(text);
  });

  it("meets cuts, flips and bombs with a problem", () => {
    const packed = snappyLiterals(text);
    for (let at = 0; at < packed.length; at++) expect(() => unpackSnappy(packed.slice(0, at), 100, 0)).toThrow(ModelError);
    expect(() => unpackSnappy(packed, 10, 5)).toThrow("a block of more than 10 bytes at byte 5");
    expect(() => unpackSnappy(Uint8Array.of(4, (3 << 2) | 2, 1, 0), 100, 0)).toThrow("a compressed block that is damaged");
  });
});
