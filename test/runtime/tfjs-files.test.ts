import { expect, it } from "vitest";
import { readTfjsFiles } from "../../src/runtime/tfjs-files.ts";
import { spec, tfjsModel } from "../build/tfjs.ts";

it("copies the bytes of a Buffer, not the pool in which it lies", async () => {
  const data = Float32Array.of(0.5, -2, 11);
  const files = tfjsModel({
    inputs: {},
    outputs: { w: spec("w:0", "float32", [3]) },
    nodes: [],
    weights: [{ name: "w", shape: [3], dtype: "float32", data }],
  });
  const pooled = Object.entries(files).map(([name, bytes]) => [name, Buffer.from(bytes)] as const);
  const { artifacts } = await readTfjsFiles(Object.fromEntries(pooled));
  const [shard] = artifacts.weightData as ArrayBuffer[];
  expect(Array.from(new Float32Array(shard!))).toEqual([0.5, -2, 11]);
});
