import { readFileSync } from "node:fs";
import path from "node:path";
import { zipSync } from "fflate";
import { describe, expect, test } from "vitest";
import { memorySource } from "../../../src/base/memory.ts";
import { ModelError } from "../../../src/base/problem.ts";
import { readNpy, readNpz } from "../../../src/formats/npy/read.ts";
import { writeNpy, writeNpz } from "../../../src/formats/npy/write.ts";
import { allocate, numbersOf, type Tensor, tensorOf } from "../../../src/graph/tensor.ts";
import { random, randomInts } from "../../build/random.ts";
import { zooFiles } from "../../build/zoo.ts";

/** A file as NumPy would write it, but for the padding. */
function npy(descr: string, fortran: boolean, shape: string, body: Uint8Array, version = 1): Uint8Array {
  const header = `{'descr': ${descr}, 'fortran_order': ${fortran ? "True" : "False"}, 'shape': ${shape}, }\n`;
  const size = version === 1 ? 2 : 4;
  const out = new Uint8Array(8 + size + header.length + body.length);
  out.set([0x93, ...new TextEncoder().encode("NUMPY"), version, 0]);
  new DataView(out.buffer).setUint16(8, header.length, true);
  out.set(new TextEncoder().encode(header), 8 + size);
  out.set(body, 8 + size + header.length);
  return out;
}

const bytesOf = (...values: number[]): Uint8Array => new Uint8Array(Int16Array.from(values).buffer);

describe("round trips", () => {
  test.each(["float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool"] as const)(
    "%s",
    (dtype) => {
      const t = tensorOf(
        dtype,
        [3, 5, 2],
        dtype === "bool" ? randomInts(30, 0, 1) : randomInts(30, dtype.startsWith("u") ? 0 : -99, 99),
      );
      expect(readNpy(writeNpy(t))).toEqual(t);
    },
  );

  test("float16, complex, strings, scalars and nothing", () => {
    const half: Tensor = { dtype: "float16", shape: [3], data: Float32Array.of(1.5, -0.25, 65504) };
    const complex: Tensor = { dtype: "complex64", shape: [2], data: Float32Array.of(1, -2, 3, 0.5) };
    const words: Tensor = { dtype: "string", shape: [2, 2], data: ["a", "", "säge", "\u{1f600}!"] };
    const scalar = tensorOf("float64", [], [0.1]);
    const empty: Tensor = { dtype: "int32", shape: [0, 3], data: allocate("int32", 0) };
    for (const t of [half, complex, words, scalar, empty]) expect(readNpy(writeNpy(t))).toEqual(t);
  });

  test("elements start at a multiple of 64", () => {
    const written = writeNpy(tensorOf("int8", [3], [1, 2, 3]));
    expect(written.length % 64).toBe(3);
    expect(Array.from(written.subarray(0, 8))).toEqual([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]);
  });

  test("types without a NumPy name are an Error", () => {
    expect(() => writeNpy({ dtype: "bfloat16", shape: [1], data: Float32Array.of(1) })).toThrow("NumPy has no type for bfloat16");
  });
});

test.each([1, 2, 3])("version %d", (version) => {
  expect(readNpy(npy("'<i2'", false, "(2, 3)", bytesOf(1, 2, 3, 4, 5, 6), version))).toEqual(
    tensorOf("int16", [2, 3], [1, 2, 3, 4, 5, 6]),
  );
});

test("Fortran order", () => {
  const read = readNpy(npy("'<i2'", true, "(2, 3, 2)", bytesOf(...Array.from({ length: 12 }, (_, i) => i))));
  // Element (i, j, k) is at i + 2 j + 6 k.
  const expected = [0, 1].flatMap((i) => [0, 1, 2].flatMap((j) => [0, 1].map((k) => i + 2 * j + 6 * k)));
  expect(numbersOf(read)).toEqual(expected);
});

test("big-endian", () => {
  const swapped = bytesOf(258, -2).map((_, i, all) => all[i ^ 1]!);
  expect(readNpy(npy("'>i2'", false, "(2,)", swapped))).toEqual(tensorOf("int16", [2], [258, -2]));
});

test("byte strings", () => {
  expect(readNpy(npy("'|S3'", false, "(2,)", new TextEncoder().encode("abcd\0\0"))).data).toEqual(["abc", "d"]);
});

test.each([
  ["objects", npy("'|O'", false, "(1,)", new Uint8Array(8)), "npy-dtype"],
  ["records", npy("[('a', '<i4')]", false, "(1,)", new Uint8Array(4)), "npy-dtype"],
  ["too few bytes", npy("'<i4'", false, "(3,)", new Uint8Array(8)), "tensor-length"],
  ["no header", npy("", false, "x", new Uint8Array(0)), "malformed"],
  ["another file", new TextEncoder().encode("hello, world, hello"), "malformed"],
  ["nothing", new Uint8Array(0), "malformed"],
  ["a cut header", npy("'<i4'", false, "(3,)", new Uint8Array(0)).subarray(0, 30), "truncated"],
])("%s: a ModelError", (_, file, code) => {
  let thrown: unknown;
  try {
    readNpy(file);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(ModelError);
  expect((thrown as ModelError).problem.code).toBe(code);
});

test("an .npz by name, packed or not", async () => {
  const x = { dtype: "float32", shape: [7, 3], data: random(21) } as const;
  const y = tensorOf("int64", [2], [5, -6]);
  const expected = [
    { name: "x", tensor: x },
    { name: "deep/y", tensor: y },
  ];
  expect(await readNpz(memorySource("a.npz", writeNpz({ x, "deep/y": y })))).toEqual(expected);
  const packed = zipSync({ "x.npy": writeNpy(x), "deep/y.npy": writeNpy(y), "readme.txt": new Uint8Array(3) }, { level: 9 });
  expect(await readNpz(memorySource("b.npz", packed))).toEqual(expected);
});

const stored = zooFiles("", ".npy", ".npz");
if (stored.length) {
  test("zoo: every .npy and .npz can be read, or is refused for its type", { timeout: 60_000 }, async () => {
    const failed: string[] = [];
    for (const file of stored) {
      const content = readFileSync(file);
      try {
        if (file.endsWith(".npy")) readNpy(content);
        else await readNpz(memorySource(file, content));
      } catch (error) {
        if (!(error instanceof ModelError) || error.problem.code !== "npy-dtype") failed.push(`${path.basename(file)}: ${error}`);
      }
    }
    expect(failed).toEqual([]);
  });
}
