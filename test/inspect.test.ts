import { expect, test } from "vitest";
import { MemorySink, memorySource, memorySources } from "../src/base/memory.ts";
import { convertToLayers } from "../src/convert-layers.ts";
import { openModel } from "../src/formats/open.ts";
import { inspect } from "../src/inspect.ts";
import { frozenDense, graphModelDense, kerasDense, savedDense } from "./build/dense.ts";
import { hdf5 } from "./build/hdf5.ts";
import { externalFile, node, onnxModel, sequence, tensor, value } from "./build/onnx.ts";
import { random } from "./build/random.ts";
import { specimen } from "./build/specimen.ts";

const look = (bytes: Uint8Array, files: Record<string, Uint8Array> = {}, name = "m.onnx") =>
  inspect(memorySource(name, bytes), memorySources(files));

test("the report of a model", async () => {
  const branch = (op: string) => ({ nodes: [node(op, ["h"], ["b"])], outputs: [value("b", "float32")] });
  const { tensors, file } = externalFile("m.data", [tensor("w", "float32", [3, 5], random(15))]);
  const bytes = onnxModel({
    opsets: { "": 17, "com.microsoft": 1 },
    producer: ["pytorch", "2.1"],
    metadata: { task: "demo" },
    graph: {
      inputs: [value("x", "float32", ["batch", 3, null]), value("c", "bool", []), sequence("s", value("", "int64"))],
      outputs: [value("y", "float16")],
      initializers: [...tensors, tensor("i", "int8", [7], [1, 2, 3, 4, 5, 6, 7])],
      nodes: [
        node("MatMul", ["x", "w"], ["h"]),
        node("Gelu", ["h"], ["g"], {}, "", { domain: "com.microsoft" }),
        node("Constant", [], ["k"], { value: tensor("", "int64", [2], [3, 4]) }),
        node("If", ["c"], ["y"], { then_branch: branch("Neg"), else_branch: branch("Neg") }),
      ],
    },
  });
  expect(await look(bytes, { "m.data": file })).toEqual({
    format: "onnx",
    ok: true,
    graphs: 3,
    nodes: 6,
    inputs: [
      { name: "x", dtype: "float32", shape: ["batch", 3, null] },
      { name: "c", dtype: "bool", shape: [] },
      { name: "s", dtype: "sequence(tensor(int64))", shape: null },
    ],
    outputs: [{ name: "y", dtype: "float16", shape: null }],
    ops: { Neg: 2, Constant: 1, If: 1, MatMul: 1, "com.microsoft.Gelu": 1 },
    parameters: 15 + 7 + 2,
    weightBytes: 60 + 7 + 16,
    metadata: { task: "demo" },
    preprocessing: [],
    diagnosis: "ONNX model for onnxruntime, IR 10, opset 17, com.microsoft 1, made by pytorch 2.1, weights in m.data",
    problems: [],
    ms: { read: expect.any(Number) },
  });
});

test("missing weights: all else is told, and what is missing", async () => {
  const w = tensor("w", "float32", [3], [1, 2, 3], { location: "lost.bin", length: 12 });
  const report = await look(onnxModel({ graph: { nodes: [node("Neg", ["w"], ["y"])], initializers: [w] } }));
  expect(report).toMatchObject({ ok: false, nodes: 1, parameters: 3, problems: [{ code: "external-data" }] });
  expect(report.diagnosis).toContain("; missing: lost.bin; put the file beside the model");
});

test("a file that cannot be read is a report, not an exception", async () => {
  expect(await look(specimen().subarray(0, 700))).toMatchObject({
    ok: false,
    format: "unknown",
    nodes: 0,
    problems: [{ code: "truncated", severity: "error", offset: expect.any(Number) }],
  });
  expect(await look(new Uint8Array(9), {}, "m.ort")).toMatchObject({
    ok: false,
    problems: [{ code: "unknown-format", reason: "a model in ORT format, for onnxruntime" }],
  });
});

test("a report is plain JSON", async () => {
  const report = await look(specimen());
  expect(JSON.parse(JSON.stringify(report))).toEqual(report);
});

test("a diagnosis says which loader takes the model, and which does not", async () => {
  const diagnosis = async (name: string, files: Record<string, Uint8Array>) => (await look(files[name]!, files, name)).diagnosis;
  const graph = graphModelDense();
  expect(await diagnosis("model.json", graph)).toBe(
    "TF.js graph model for tf.loadGraphModel, graph model, GraphDef 1, weights in group1-shard1of1.bin; tf.loadLayersModel refuses it",
  );
  const { "group1-shard1of1.bin": _, ...bare } = graph;
  expect(await diagnosis("model.json", bare)).toContain(
    "; missing: group1-shard1of1.bin; put the weight files beside model.json",
  );
  expect((await look(bare["model.json"]!, bare, "model.json")).problems.map(({ code }) => code)).toEqual(["file-missing"]);
  const saved = savedDense();
  expect(await diagnosis("saved_model.pb", saved)).toBe(
    "TensorFlow SavedModel for tf.saved_model.load, SavedModel, GraphDef 1395, made by TensorFlow 2.15.0, weights in " +
      "variables/variables.data-00000-of-00001; tf.loadGraphModel takes the model.json that converting it makes",
  );
  expect(await diagnosis("saved_model.pb", { "saved_model.pb": saved["saved_model.pb"]! })).toMatch(
    /; missing: variables\/variables.index; put variables\/variables.index and its data beside the graph$/,
  );
  expect(await diagnosis("m.pb", { "m.pb": frozenDense() })).toMatch(/^frozen TensorFlow graph for tf.import_graph_def, /);
  expect(await diagnosis("m.h5", { "m.h5": kerasDense() })).toMatch(
    /^Keras model for keras.models.load_model, HDF5, .*; tf.loadLayersModel and tf.loadGraphModel take the model.json that converting it makes$/,
  );
  const { model, files } = await openModel(memorySource("m.h5", kerasDense()), memorySources());
  const sink = new MemorySink();
  await convertToLayers(model, files, sink);
  expect(await diagnosis("model.json", sink.files)).toMatch(
    /^TF.js layers model for tf.loadLayersModel, .*; tf.loadGraphModel takes the graph model that converting it makes$/,
  );
  const { "model.json": text, ...shards } = sink.files;
  const lone = await look(text!, {}, "model.json");
  expect(lone.problems.map(({ code, reason }) => [code, reason])).toEqual([
    ["file-missing", "no such file: group1-shard1of1.bin"],
  ]);
  const mistaken = new TextDecoder().decode(text).replace('"format":"layers-model"', '"format":"graph-model"');
  const report = await look(new TextEncoder().encode(mistaken), shards, "model.json");
  expect(report.problems).toMatchObject([
    { code: "format-mismatch", severity: "warning", offset: mistaken.indexOf('"graph-model"') },
  ]);
  expect(report.diagnosis).toMatch(/^TF.js layers model for tf.loadLayersModel/);
  const weights = hdf5({ attributes: { layer_names: ["a"] }, members: { layers: { members: {} } } });
  expect(await diagnosis("m.weights.h5", { "m.weights.h5": weights })).toMatch(
    /weights of a Keras model without its architecture\. .*save the whole model/,
  );
  const manifest = JSON.parse(new TextDecoder().decode(graph["model.json"])).weightsManifest;
  const alone = { ...graph, "weights_manifest.json": new TextEncoder().encode(JSON.stringify(manifest)) };
  expect(await diagnosis("weights_manifest.json", alone)).toMatch(
    /^TF.js weights without a graph for tf.io.loadWeights, .*; no loader of models takes them/,
  );
});
