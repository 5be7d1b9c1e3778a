import { describe, expect, test } from "vitest";
import type { ByteSource } from "../../src/base/bytes.ts";
import type { DType } from "../../src/base/dtype.ts";
import { bitsOf } from "../../src/base/dtype.ts";
import { memorySource, memorySources } from "../../src/base/memory.ts";
import { decodeMiniFloat, isMiniFloat, miniFloats } from "../../src/base/minifloat.ts";
import { hasRanges, loadRange, loadTensor, prefetch } from "../../src/graph/decode.ts";
import { dtypeCodes } from "../../src/graph/onnx-types.ts";
import { bytesOf, packTensor } from "../../src/graph/pack.ts";
import type { SourceTensor } from "../../src/graph/source.ts";
import { ModelFiles, type StoredTensor } from "../../src/graph/tensor.ts";
import { onnxModel, openOnnx, type TensorSpec, tensor } from "../build/onnx.ts";
import { randomInts } from "../build/random.ts";

const dtypes = Object.keys(dtypeCodes) as DType[];

/** Coprime, so that sub-byte types end within a byte and no two axes can be mixed up. */
const shape = [3, 5, 7];

/** Values over the whole range of the type, its ends included. */
function valuesOf(dtype: DType, count: number): (number | bigint | string)[] {
  const ints = randomInts(count, 0, 2 ** 16 - 1, 11);
  const bits = bitsOf[dtype] ?? 0;
  if (dtype === "string") return ints.map((x, i) => (i % 5 === 0 ? "" : `säge-${x}`));
  if (dtype === "bool") return ints.map((x) => x % 2);
  if (isMiniFloat(dtype)) {
    const finite = ints.map((x) => decodeMiniFloat(miniFloats[dtype], x % 2 ** bits));
    return finite.map((x) => (Number.isNaN(x) ? 1.5 : x));
  }
  if (dtype.startsWith("float")) return ints.map((x, i) => Math.fround((x - 2 ** 15) * 2 ** ((i % 40) - 20)));
  if (dtype.startsWith("complex")) return ints.map((x) => Math.fround((x - 2 ** 15) / 7));
  const span = 2n ** BigInt(bits);
  const wide = ints.map((x, i) => (BigInt(x) * 0x123456789abcden + BigInt(i)) % span);
  const all = dtype.startsWith("u") ? wide : wide.map((x) => BigInt.asIntN(bits, x));
  all.splice(0, 2, dtype.startsWith("u") ? 0n : -(span / 2n), dtype.startsWith("u") ? span - 1n : span / 2n - 1n);
  return all;
}

function spec(dtype: DType, storage?: TensorSpec["storage"]): TensorSpec {
  const count = 105 * (dtype.startsWith("complex") ? 2 : 1);
  return tensor("w", dtype, shape, valuesOf(dtype, count), storage);
}

async function stored(t: TensorSpec, files: Record<string, Uint8Array> = {}): Promise<StoredTensor> {
  const opened = await openOnnx(onnxModel({ graph: { nodes: [], initializers: [t] } }), files);
  expect(opened.model.problems).toEqual([]);
  const found = opened.model.graphs[0]!.values[0]!.tensor!;
  return { dtype: found.dtype, shape: found.shape, stored: found, files: opened.files };
}

describe.each(dtypes)("%s", (dtype) => {
  const forms: (readonly [string, TensorSpec["storage"]])[] = [
    ["typed field", "typed"],
    ["typed field, an element a tag", "unpacked"],
  ];
  if (dtype !== "string") forms.push(["raw_data", "raw"]);

  test.each(forms)("from %s", async (_, storage) => {
    const t = spec(dtype, storage);
    const loaded = await loadTensor(await stored(t));
    expect(loaded.dtype).toBe(dtype);
    expect(loaded.shape).toEqual(shape);
    expect(loaded.data).toEqual(t.data);
  });

  test("any range of elements", async () => {
    const t = spec(dtype, dtype === "string" ? "typed" : "raw");
    const width = dtype.startsWith("complex") ? 2 : 1;
    const held = await stored(t);
    for (const [first, count] of [
      [0, 105],
      [17, 23],
      [104, 1],
      [50, 0],
    ] as const) {
      expect(await loadRange(held, first, count)).toEqual(t.data.slice(first * width, (first + count) * width));
    }
    await expect(loadRange(held, 100, 6)).rejects.toThrow("elements 100 to 106 of 105");
  });
});

test("from external data, at an odd offset", async () => {
  const t = spec("float64");
  const data = packTensor(t);
  const file = new Uint8Array(13 + data.length);
  file.set(data, 13);
  const held = await stored({ ...t, storage: { location: "sub/../w.bin", offset: 13 } }, { "w.bin": file });
  expect((await loadTensor(held)).data).toEqual(t.data);
});

function storedAs(parts: Omit<SourceTensor, "slices">, bytes: Uint8Array): StoredTensor {
  const slices = [{ file: 0, offset: 0, length: bytes.length }];
  const files = new ModelFiles(["m"], memorySource("m", bytes), memorySources());
  return { dtype: parts.dtype, shape: parts.shape, stored: { ...parts, slices }, files };
}

test.each(["float32", "float64", "int16", "int64", "complex64", "float16"] as const)("big-endian %s", async (dtype) => {
  const t = spec(dtype);
  const bytes = packTensor(t);
  const size = bitsOf[dtype]! / 8 / (dtype.startsWith("complex") ? 2 : 1);
  const swapped = bytes.map((_, i) => bytes[i - (i % size) + (size - 1 - (i % size))]!);
  const loaded = await loadTensor(storedAs({ dtype, shape, encoding: "big-endian" }, swapped));
  expect(loaded.data).toEqual(t.data);
});

test("a bool of 2 is true", async () => {
  const loaded = await loadTensor(storedAs({ dtype: "bool", shape: [3], encoding: "raw" }, Uint8Array.of(0, 2, 1)));
  expect(loaded.data).toEqual(Uint8Array.of(0, 1, 1));
});

test.each([
  ["raw", 103],
  ["varint", 103],
  ["varint", 106],
  ["utf8-repeated", 104],
])("%s of another length than the shape says is an error", async (encoding, length) => {
  const dtype = encoding === "utf8-repeated" ? "string" : "uint8";
  await expect(loadTensor(storedAs({ dtype, shape, encoding }, new Uint8Array(length)))).rejects.toMatchObject({
    problem: { code: "tensor-length" },
  });
});

test("one element that is said to repeat for ever is an error", async () => {
  const claimed = storedAs({ dtype: "float32", shape: [99_999_999_999], encoding: "raw-last" }, new Uint8Array(4));
  await expect(loadTensor(claimed)).rejects.toMatchObject({ problem: { code: "too-large" } });
});

function watched(source: ByteSource, onRead: (length: number) => void): ByteSource {
  return {
    ...source,
    read: (offset, length) => {
      onRead(length);
      return source.read(offset, length);
    },
  };
}

test("a range reads its own bytes only", async () => {
  const t = spec("float32");
  const held = await stored(t);
  const reads: number[] = [];
  const source = await held.files.open(0);
  const files = new ModelFiles(
    ["m"],
    watched(source, (length) => reads.push(length)),
    memorySources(),
  );
  expect(hasRanges(held)).toBe(true);
  await loadRange({ ...held, files }, 30, 11);
  expect(reads).toEqual([44]);
});

test("many small tensors come in few reads; large and broken ones are left out", async () => {
  const small = Array.from({ length: 300 }, (_, i) => tensor(`s${i}`, "int64", [3], [i, -i, i * 7]));
  const large = tensor("large", "float32", [71, 73], randomInts(71 * 73, -50, 50));
  const missing = tensor("missing", "int8", [4], [1, 2, 3, 4], { location: "absent.bin", length: 4 });
  const { model, files } = await openOnnx(onnxModel({ graph: { nodes: [], initializers: [...small, large, missing] } }));
  const source = await files.open(0);
  let reads = 0;
  const counted = new ModelFiles(
    model.files,
    watched(source, () => reads++),
    memorySources(),
  );
  const all = model.graphs[0]!.values.map(({ tensor: t }) => ({ dtype: t!.dtype, shape: t!.shape, stored: t!, files: counted }));
  const loaded = await prefetch(all);
  expect(reads).toBeLessThan(5);
  expect(loaded.size).toBe(300);
  for (const [i, { stored: held }] of all.slice(0, 300).entries()) {
    expect(loaded.get(held)!.data).toEqual(BigInt64Array.of(BigInt(i), BigInt(-i), BigInt(i * 7)));
  }
});

test("float types change by rounding when packed, others not at all", () => {
  const t = { dtype: "float32", shape: [3], data: Float32Array.of(1.0009765625, -2.00048828125, 70000) } as const;
  expect(packTensor(t, "float16")).toEqual(bytesOf(Uint16Array.of(0x3c01, 0xc000, 0x7c00)));
  expect(packTensor(t, "bfloat16")).toEqual(bytesOf(Uint16Array.of(0x3f80, 0xc000, 0x4789)));
  expect(packTensor(t, "float64")).toEqual(bytesOf(Float64Array.from(t.data)));
  expect(() => packTensor(t, "int32")).toThrow("not float32 to int32");
});
