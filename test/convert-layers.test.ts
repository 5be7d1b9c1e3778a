import { expect, it } from "vitest";
import { MemorySink, memorySource, memorySources } from "../src/base/memory.ts";
import { convertToLayers } from "../src/convert-layers.ts";
import { openModel } from "../src/formats/open.ts";
import { type KerasLayer, sequential } from "./build/keras.ts";

const open = (layers: readonly KerasLayer[]) => openModel(memorySource("m.h5", sequential([3], layers)), memorySources());
const dense: KerasLayer = { op: "Dense", config: { units: 5, activation: "relu" }, weights: { kernel: [3, 5], bias: [5] } };

it("writes model.json, shards of the size asked for, and the source map", async () => {
  const { model, files } = await open([dense, { op: "SpatialDropout2D", config: { rate: 0.5 } }]);
  const sink = new MemorySink();
  const converted = await convertToLayers(model, files, sink, { shardBytes: 48 });
  expect(converted).toMatchObject({ ok: true, weightBytes: 80, problems: [] });
  expect(converted.inputs).toEqual([{ name: "dense_1_input", dtype: "float32", shape: [null, 3] }]);
  expect(converted.outputs).toEqual([{ name: "spatialdropout2d_2", dtype: "float32", shape: [null, 5] }]);
  expect(converted.files).toEqual(["model.json", "group1-shard1of2.bin", "group1-shard2of2.bin", "model.map.json"]);
  expect(Object.keys(sink.files).sort()).toEqual([...converted.files].sort());
  const json = JSON.parse(new TextDecoder().decode(sink.files["model.json"]));
  expect(json.format).toBe("layers-model");
  expect(json.weightsManifest[0].weights.map(({ name }: { name: string }) => name)).toEqual(["dense_1/kernel", "dense_1/bias"]);
  expect(json.modelTopology.model_config.config.layers.map((layer: { class_name: string }) => layer.class_name)).toEqual([
    "InputLayer",
    "Dense",
    "Dropout",
  ]);
  const map = JSON.parse(new TextDecoder().decode(sink.files["model.map.json"]));
  expect(map.nodes.map(({ target }: { target: string }) => target)).toEqual(["dense_1", "spatialdropout2d_2"]);
});

it("names a layer that stock TF.js does not have, and writes nothing", async () => {
  const { model, files } = await open([dense, { op: "UnitNormalization" }]);
  const sink = new MemorySink();
  const { ok, problems } = await convertToLayers(model, files, sink);
  expect(ok).toBe(false);
  expect(problems).toMatchObject([
    { severity: "error", op: "UnitNormalization", reason: expect.stringContaining("no layer UnitNormalization") },
  ]);
  expect(sink.files).toEqual({});
});

it("warns of a layer whose code is the user's, and writes a stub for it", async () => {
  const { model, files } = await open([dense, { op: "MyLayer" }]);
  const sink = new MemorySink();
  const { ok, problems } = await convertToLayers(model, files, sink);
  expect(ok).toBe(true);
  expect(problems).toMatchObject([
    { severity: "warning", node: "mylayer_2", op: "MyLayer", reason: expect.stringContaining("in code, not in the file") },
  ]);
  expect(new TextDecoder().decode(sink.files["custom-layers.mjs"])).toMatch(/class MyLayer extends/);
});
