/** What we decode is what onnxruntime decodes: an initializer of each type through Identity. */
import * as ort from "onnxruntime-node";
import { expect, test } from "vitest";
import type { DType } from "../../../src/base/dtype.ts";
import { loadTensor } from "../../../src/graph/decode.ts";
import { bytesOf } from "../../../src/graph/pack.ts";
import { node, onnxModel, openOnnx, tensor, value } from "../../build/onnx.ts";
import { random, randomInts } from "../../build/random.ts";

const shape = [3, 5, 2];

function valuesOf(dtype: DType): ArrayLike<number | string> {
  if (dtype === "string") return randomInts(30, 0, 999).map((x) => `ä${x}`);
  if (dtype === "bool") return randomInts(30, 0, 1);
  if (dtype.startsWith("uint")) return randomInts(30, 0, 200);
  if (dtype.startsWith("int")) return randomInts(30, -100, 100);
  return Array.from(random(30), (x) => x * 1.7);
}

const cases: (readonly [DType, "raw" | "typed" | "unpacked"])[] = (
  ["float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool"] as const
).flatMap((dtype) => (["raw", "typed", "unpacked"] as const).map((storage) => [dtype, storage] as const));

async function run(bytes: Uint8Array): Promise<ort.Tensor> {
  const session = await ort.InferenceSession.create(bytes, { graphOptimizationLevel: "disabled" });
  const { y } = await session.run({});
  await session.release();
  return y!;
}

async function ours(bytes: Uint8Array) {
  const { model, files } = await openOnnx(bytes);
  const stored = model.graphs[0]!.values.find(({ name }) => name === "w")!.tensor!;
  return loadTensor({ dtype: stored.dtype, shape: stored.shape, stored, files });
}

test.each([...cases, ["string", "typed"] as const])("%s in %s", async (dtype, storage) => {
  const bytes = onnxModel({
    graph: {
      initializers: [tensor("w", dtype, shape, valuesOf(dtype), storage)],
      nodes: [node("Identity", ["w"], ["y"])],
      outputs: [value("y", dtype, shape)],
    },
  });
  const [mine, theirs] = [await ours(bytes), await run(bytes)];
  expect(theirs.dims).toEqual(shape);
  if (dtype === "string") expect(mine.data).toEqual(theirs.data);
  else expect(bytesOf(mine.data as Float32Array)).toEqual(bytesOf(theirs.data as Float32Array));
});

/** Types that the binding cannot carry are cast by onnxruntime itself. */
test.each([
  ["float16", "raw"],
  ["float16", "typed"],
  ["bfloat16", "raw"],
  ["bfloat16", "typed"],
  ["float8e4m3fn", "raw"],
  ["float8e4m3fnuz", "typed"],
  ["float8e5m2", "raw"],
  ["float8e5m2fnuz", "raw"],
  ["int4", "raw"],
  ["int4", "typed"],
  ["uint4", "raw"],
] as const)("%s in %s, cast to float32", async (dtype, storage) => {
  const integers = dtype.endsWith("int4");
  const values = integers ? randomInts(30, dtype === "int4" ? -8 : 0, dtype === "int4" ? 7 : 15) : random(30);
  const small = integers ? [1, 3, 10] : shape;
  const op = integers ? node("DequantizeLinear", ["w", "one"], ["y"]) : node("Cast", ["w"], ["y"], { to: 1 });
  const bytes = onnxModel({
    graph: {
      initializers: [tensor("w", dtype, small, values, storage), ...(integers ? [tensor("one", "float32", [], [1])] : [])],
      nodes: [op],
      outputs: [value("y", "float32", small)],
    },
  });
  const [mine, theirs] = [await ours(bytes), await run(bytes)];
  expect(Float32Array.from(mine.data as Float32Array)).toEqual(theirs.data);
});
