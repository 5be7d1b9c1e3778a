/** A TF.js model read and written again gives what stock TF.js gives for the model itself. */
import "@tensorflow/tfjs-backend-cpu";
import * as core from "@tensorflow/tfjs-core";
import { beforeAll, expect, it } from "vitest";
import { MemorySink, memorySource, memorySources } from "../../../src/base/memory.ts";
import { convert } from "../../../src/convert.ts";
import { readTfjs } from "../../../src/formats/tfjs/read.ts";
import type { Tensor } from "../../../src/graph/tensor.ts";
import { readTfjsFiles } from "../../../src/runtime/tfjs-files.ts";
import { TfjsModels } from "../../../src/runtime/tfjs-models.ts";
import { random } from "../../build/random.ts";
import { ints, op, spec, text, tfjsModel, type } from "../../build/tfjs.ts";

const models = new TfjsModels();

beforeAll(async () => {
  await core.setBackend("cpu");
});

async function run(files: Readonly<Record<string, Uint8Array>>, feeds: readonly (readonly [string, Tensor])[]) {
  const { customOps, ...artifacts } = await readTfjsFiles(files);
  const loaded = await models.load(artifacts, customOps);
  return models.run(
    loaded.id,
    feeds,
    loaded.outputs.map(({ name }) => name),
  );
}

async function agree(made: Record<string, Uint8Array>, feeds: readonly (readonly [string, Tensor])[]): Promise<string[]> {
  // Copies: a Buffer's slices are views.
  const files = Object.fromEntries(Object.entries(made).map(([name, bytes]) => [name, Uint8Array.from(bytes)]));
  const { model, files: opened } = await readTfjs(memorySource("model.json", files["model.json"]!), memorySources(files));
  expect(model.problems).toEqual([]);
  const sink = new MemorySink();
  const { ok, problems } = await convert(model, opened, sink);
  expect(problems).toEqual([]);
  expect(ok).toBe(true);
  const [expected, actual] = [await run(files, feeds), await run(sink.files, feeds)];
  expect(expected.length).toBeGreaterThan(0);
  for (const [i, tensor] of expected.entries()) {
    expect(actual[i]!.shape).toEqual(tensor.shape);
    for (let j = 0; j < tensor.data.length; j++) expect(actual[i]!.data[j]).toBeCloseTo(tensor.data[j] as number, 5);
  }
  const { modelTopology } = JSON.parse(new TextDecoder().decode(sink.files["model.json"]));
  return modelTopology.node.map((node: { op: string }) => node.op).filter((name: string) => !/^(Const|Placeholder)$/.test(name));
}

const weight = (name: string, shape: readonly number[], seed: number) => ({
  name,
  shape,
  dtype: "float32" as const,
  data: random(
    shape.reduce((count, dim) => count * dim, 1),
    seed,
  ),
});
const float32 = type("float32");
const fusedOps = (...names: string[]) => ({ list: { s: names.map((name) => text(name).s) } });

it("keeps fused convolutions and products fused, with every kind of argument", async () => {
  const window = {
    T: float32,
    strides: ints(1, 2, 2, 1),
    dilations: ints(1, 1, 1, 1),
    padding: text("SAME"),
    data_format: text("NHWC"),
  };
  const files = tfjsModel({
    inputs: { x: spec("x:0", "float32", [-1, 7, 5, 3]) },
    outputs: { y: spec("y:0", "float32", [-1, 4]) },
    nodes: [
      op("_FusedConv2D", "a", ["x", "k", "kb"], { ...window, fused_ops: fusedOps("BiasAdd", "Relu6"), num_args: { i: "1" } }),
      op("FusedDepthwiseConv2dNative", "b", ["a", "d", "db", "slope"], {
        ...window,
        fused_ops: fusedOps("BiasAdd", "Prelu"),
        num_args: { i: "2" },
      }),
      op("Reshape", "c", ["b", "shape"], { T: float32 }),
      op("_FusedMatMul", "y", ["c", "m", "mb"], {
        T: float32,
        transpose_a: { b: false },
        transpose_b: { b: false },
        fused_ops: fusedOps("BiasAdd", "LeakyRelu"),
        num_args: { i: "1" },
        leakyrelu_alpha: { f: 0.17 },
      }),
    ],
    weights: [
      weight("k", [3, 2, 3, 5], 2),
      weight("kb", [5], 3),
      weight("d", [2, 3, 5, 2], 4),
      weight("db", [10], 5),
      weight("slope", [10], 6),
      weight("m", [40, 4], 7),
      weight("mb", [4], 8),
      { name: "shape", shape: [2], dtype: "int32", data: Int32Array.of(-1, 40) },
    ],
  });
  const x: Tensor = { dtype: "float32", shape: [2, 7, 5, 3], data: random(210, 1) };
  expect(await agree(files, [["x", x]])).toEqual(["_FusedConv2D", "FusedDepthwiseConv2dNative", "Reshape", "_FusedMatMul"]);
});

it("divides whole numbers as TF.js does", async () => {
  const int32 = { T: type("int32") };
  const files = tfjsModel({
    inputs: { x: spec("x:0", "int32", [7]), y: spec("y:0", "int32", [7]) },
    outputs: Object.fromEntries(
      ["Div", "RealDiv", "FloorDiv", "Mod", "FloorMod"].map((name) => [name, spec(`${name}:0`, "int32", [7])]),
    ),
    nodes: ["Div", "RealDiv", "FloorDiv", "Mod", "FloorMod"].map((name) => op(name, name, ["x", "y"], int32)),
  });
  const tensor = (...values: number[]): Tensor => ({ dtype: "int32", shape: [7], data: Int32Array.from(values) });
  await agree(files, [
    ["x", tensor(7, -7, 7, -7, 0, -9, 11)],
    ["y", tensor(2, 2, -2, -2, 3, 4, -5)],
  ]);
});
