/** The command line of tensorflowjs_converter: each example of its guide, and each flag, against the built command line and stock TF.js. */
import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import "@tensorflow/tfjs-backend-cpu";
import { loadGraphModel } from "@tensorflow/tfjs-converter";
import * as tf from "@tensorflow/tfjs-core";
import { loadLayersModel } from "@tensorflow/tfjs-layers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { converterFlags, fromConverter } from "../../src/cli/converter.ts";
import { tensorOf } from "../../src/graph/tensor.ts";
import { dense, denseOfKeras, denseOutput, frozenDense, graphModelDense, kerasDense, savedDense } from "../build/dense.ts";
import { sequential } from "../build/keras.ts";
import { kerasSavedModel } from "../build/keras-saved-model.ts";
import { random } from "../build/random.ts";

const cli = path.resolve(import.meta.dirname, "../../dist/cli.js");

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "modelwright-converter-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function converter(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [cli, "convert", ...args], { cwd: folder });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (data) => {
    stdout += data;
  });
  child.stderr.on("data", (data) => {
    stderr += data;
  });
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, stdout, stderr };
}

function put(files: Readonly<Record<string, Uint8Array | string>>, below = ""): void {
  for (const [name, bytes] of Object.entries(files)) {
    const file = path.join(folder, below, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, bytes);
  }
}

const written = (out: string) => JSON.parse(readFileSync(path.join(folder, out, "model.json"), "utf8"));

/** What stock TF.js is given of a written folder. */
function handler(out: string): tf.io.IOHandler {
  const json = written(out);
  const bytes = json.weightsManifest.flatMap(({ paths }: { paths: string[] }) =>
    paths.map((name) => new Uint8Array(readFileSync(path.join(folder, out, name)))),
  );
  const { modelTopology, signature, userDefinedMetadata } = json;
  const weightSpecs = json.weightsManifest.flatMap(({ weights }: { weights: tf.io.WeightsManifestEntry[] }) => weights);
  const weightData = new Uint8Array(Buffer.concat(bytes)).buffer;
  return { load: async () => ({ modelTopology, signature, userDefinedMetadata, weightSpecs, weightData }) };
}

const x = random(6, 7);
const input = () => tf.tensor2d(x, [2, 3]);

async function graphResult(out: string): Promise<number[]> {
  const model = await loadGraphModel(handler(out));
  return [...(model.execute({ x: input() }) as tf.Tensor).dataSync()];
}

async function layersResult(out: string): Promise<number[]> {
  const model = await loadLayersModel(handler(out));
  return [...(model.predict(input()) as tf.Tensor).dataSync()];
}

function close(actual: readonly number[], expected: readonly number[], digits = 5): void {
  expect(actual.length).toBe(expected.length);
  for (const [i, value] of actual.entries()) expect(value).toBeCloseTo(expected[i]!, digits);
}

describe("the examples of the guide", () => {
  it("a SavedModel", async () => {
    put(savedDense(), "mobilenet/saved_model");
    const { code, stdout, stderr } = await converter(
      "--input_format=tf_saved_model",
      "--output_format=tfjs_graph_model",
      "--signature_name=serving_default",
      "--saved_model_tags=serve",
      "mobilenet/saved_model",
      "mobilenet/web_model",
    );
    expect(stdout + stderr).toContain("Converted");
    expect(code).toBe(0);
    close(await graphResult("mobilenet/web_model"), denseOutput(dense, x));
  });

  it("a frozen model", async () => {
    put({ "frozen_model.pb": frozenDense() });
    const { code } = await converter(
      "--input_format=tf_frozen_model",
      "--output_node_names=fc/sum",
      "frozen_model.pb",
      "web_model",
    );
    expect(code).toBe(0);
    close(await graphResult("web_model"), denseOutput(dense, x, false));
  });

  it("a TensorFlow Hub module: a folder; its address is not fetched", async () => {
    put({ ...savedDense([]), "tfhub_module.pb": Uint8Array.of(8, 3) }, "module");
    expect((await converter("--input_format=tf_hub", "--saved_model_tags=", "module", "web_model")).code).toBe(0);
    close(await graphResult("web_model"), denseOutput(dense, x));
    put(savedDense([], "image_vector", "default"), "first");
    expect((await converter("--input_format=tf_hub", "first", "first_model")).code).toBe(0);
    close(await graphResult("first_model"), denseOutput(dense, x, false));
    const { code, stderr } = await converter("--input_format=tf_hub", "https://tfhub.dev/google/imagenet/1", "out");
    expect(code).toBe(2);
    expect(stderr).toContain("nothing is fetched from the network");
  });

  it("Keras HDF5: a layers model unless a graph model is asked for", async () => {
    put({ "my_keras_model.h5": kerasDense() });
    expect((await converter("--input_format=keras", "my_keras_model.h5", "layers")).code).toBe(0);
    expect(written("layers").format).toBe("layers-model");
    close(await layersResult("layers"), denseOutput(denseOfKeras, x));
    expect((await converter("--input_format=keras", "--output_format=tfjs_graph_model", "my_keras_model.h5", "graph")).code).toBe(
      0,
    );
    const model = await loadGraphModel(handler("graph"));
    close([...(model.predict(input()) as tf.Tensor).dataSync()], denseOutput(denseOfKeras, x));
  });

  it("a SavedModel of tf.keras becomes a layers model, by what Keras says of its layers, or a graph model", async () => {
    const kernel = tensorOf("float32", [3, 5], denseOfKeras.weight);
    const bias = tensorOf("float32", [5], denseOfKeras.bias);
    const inner = {
      class_name: "Dense",
      name: "fc",
      config: { name: "fc", units: 5, activation: "relu", batch_input_shape: { class_name: "__tuple__", items: [null, 3] } },
      weights: { "fc/kernel": kernel, "fc/bias": bias },
    };
    const model = { class_name: "Sequential", name: "m", config: { name: "m", layers: [inner] }, layers: [inner] };
    put(kerasSavedModel(model, true), "keras");
    expect((await converter("--input_format=keras_saved_model", "keras", "layers")).code).toBe(0);
    expect(written("layers").weightsManifest[0].weights.map(({ name }: { name: string }) => name)).toEqual([
      "fc/kernel",
      "fc/bias",
    ]);
    close(await layersResult("layers"), denseOutput(denseOfKeras, x));
    put(savedDense(), "saved/1542211770");
    const none = await converter("--input_format=keras_saved_model", "saved/1542211770", "none");
    expect(none.code).toBe(1);
    expect(none.stdout).toContain("a model of another format than keras: tensorflow");
    const args = ["--input_format=keras_saved_model", "--output_format=tfjs_graph_model", "saved/1542211770", "graph"];
    expect((await converter(...args)).code).toBe(0);
    close(await graphResult("graph"), denseOutput(dense, x));
  });

  it("layers model → layers model with shards, and quantised", async () => {
    put({ "m.h5": kerasDense() });
    await converter("--input_format", "keras", "m.h5", "original_model");
    const args = ["--input_format", "tfjs_layers_model", "--output_format", "tfjs_layers_model"];
    expect((await converter(...args, "--weight_shard_size_bytes=48", "original_model/model.json", "sharded_model/")).code).toBe(
      0,
    );
    expect(readdirSync(path.join(folder, "sharded_model")).sort()).toEqual([
      "group1-shard1of2.bin",
      "group1-shard2of2.bin",
      "model.json",
      "model.map.json",
    ]);
    close(await layersResult("sharded_model"), denseOutput(denseOfKeras, x));
    // The guide's own example; Python's argparse would take the first path for the flag's value.
    expect((await converter(...args, "--quantize_uint16", "original_model/model.json", "quantized_model/")).code).toBe(0);
    expect(
      written("quantized_model").weightsManifest[0].weights.map((w: tf.io.WeightsManifestEntry) => w.quantization?.dtype),
    ).toEqual(["uint16", "uint16"]);
    close(await layersResult("quantized_model"), denseOutput(denseOfKeras, x), 3);
  });

  it("layers model → graph model", async () => {
    put({ "m.h5": kerasDense() });
    await converter("--input_format", "keras", "m.h5", "my_layers_model");
    const graph = ["--output_format", "tfjs_graph_model", "my_layers_model/model.json", "my_graph_model/"];
    expect((await converter("--input_format", "tfjs_layers_model", ...graph)).code).toBe(0);
    const model = await loadGraphModel(handler("my_graph_model"));
    close([...(model.predict(input()) as tf.Tensor).dataSync()], denseOutput(denseOfKeras, x));
  });

  it("layers model → Keras .h5, a file as it always was; and from that the same layers model", async () => {
    put({ "m.h5": kerasDense() });
    await converter("--input_format", "keras", "m.h5", "my_layers_model");
    const from = ["--input_format", "tfjs_layers_model", "--output_format", "keras"];
    const back = await converter(...from, "--json", "my_layers_model/model.json", "new/back.h5");
    expect(back.code).toBe(0);
    expect(JSON.parse(back.stdout)).toMatchObject({ to: "keras", out: "new/back.h5", files: ["back.h5"] });
    expect(readdirSync(path.join(folder, "new"))).toEqual(["back.h5"]);
    const again = ["--input_format", "tfjs_layers_model", "my_layers_model/model.json"];
    const held = await converter(...again, "new/back.h5");
    expect(held.code).toBe(2);
    expect(held.stderr).toContain("new/back.h5 is there already");
    expect((await converter(...again, "--force", "new/back.h5")).code).toBe(0);
    expect((await converter(...again, "new")).stderr).toContain("new is a folder, where a file is to be written");
    await converter("--input_format", "keras", "new/back.h5", "again");
    expect(written("again").weightsManifest).toEqual(written("my_layers_model").weightsManifest);
    close(await layersResult("again"), denseOutput(denseOfKeras, x));
  });

  it("a graph model → a graph model, with the weights quantised that match", async () => {
    put(graphModelDense(), "old");
    const args = ["--input_format=tfjs_graph_model", "--quantize_float16=w*", "--quantize_uint8", "old", "new"];
    expect((await converter(...args)).code).toBe(0);
    const weights: tf.io.WeightsManifestEntry[] = written("new").weightsManifest[0].weights;
    expect(weights.map(({ shape, quantization }) => [shape, quantization?.dtype])).toEqual([
      [[3, 5], "float16"],
      [[5], "uint8"],
    ]);
    close(await graphResult("new"), denseOutput(dense, x), 2);
    const misspelt = await converter("--input_format=tfjs_graph_model", "--quantize_float16=v*,w", "--json", "old", "other");
    expect(misspelt.code).toBe(0);
    expect(JSON.parse(misspelt.stdout).problems).toMatchObject([
      { code: "no-such-weight", severity: "warning", reason: "no weight is quantised by this name: v*" },
    ]);
  });
});

describe("flags", () => {
  const saved = async (...flags: string[]) => {
    put(savedDense(), "saved");
    return converter("--input_format=tf_saved_model", ...flags, "saved", "out");
  };

  it("--signature_name takes another signature, --use_structured_outputs_names gives outputs by name", async () => {
    expect((await saved("--signature_name=linear", "--use_structured_outputs_names=True")).code).toBe(0);
    const model = await loadGraphModel(handler("out"));
    const result = model.predict({ x: input() }) as tf.NamedTensorMap;
    expect(Object.keys(result)).toEqual(["sum"]);
    close([...result["sum"]!.dataSync()], denseOutput(dense, x, false));
  });

  it("--quantize_uint8 finds the variables of a SavedModel by their names", async () => {
    const { code, stdout } = await saved("--quantize_uint8=w*");
    expect(stdout).not.toContain("no weight is quantised");
    expect(code).toBe(0);
    const weights: tf.io.WeightsManifestEntry[] = written("out").weightsManifest[0].weights;
    expect(weights.map(({ shape, quantization }) => [shape, quantization?.dtype])).toEqual([
      [[3, 5], "uint8"],
      [[5], undefined],
    ]);
  });

  it("--metadata puts files of JSON into userDefinedMetadata, of both kinds of model", async () => {
    put({ "a.json": '{"classes":["cat","dog"]}', "b.json": "[3,5]", "m.h5": kerasDense() });
    expect((await saved("--metadata=labels:a.json,sizes:b.json")).code).toBe(0);
    const told = { labels: { classes: ["cat", "dog"] }, sizes: [3, 5] };
    expect(written("out").userDefinedMetadata).toEqual(told);
    expect((await converter("--input_format=keras", "--metadata=labels:a.json,sizes:b.json", "m.h5", "layers")).code).toBe(0);
    expect(written("layers").userDefinedMetadata).toEqual(told);
    const missing = await saved("--metadata=labels:none.json");
    expect(missing.code).toBe(2);
    expect(missing.stderr).toContain("--metadata labels:none.json: ENOENT");
    expect((await saved("--metadata=signature:a.json")).stderr).toContain("the key is taken: signature");
  });

  it("what a TF.js model says of itself is kept", async () => {
    put({ "a.json": '"[1, 2]"', "m.h5": kerasDense() });
    const named = ["--use_structured_outputs_names", "--metadata=note:a.json"];
    expect((await saved(...named)).code).toBe(0);
    expect((await converter("--input_format=tfjs_graph_model", "out", "again")).code).toBe(0);
    expect(written("again").userDefinedMetadata).toEqual({ note: "[1, 2]", structuredOutputKeys: ["y"] });
    expect((await converter("--input_format=keras", "--metadata=note:a.json", "m.h5", "layers")).code).toBe(0);
    const layers = ["--input_format=tfjs_layers_model", "--output_format=tfjs_layers_model", "layers", "layers-again"];
    expect((await converter(...layers)).code).toBe(0);
    expect(written("layers-again").userDefinedMetadata).toEqual({ note: "[1, 2]" });
    const graph = ["--input_format=tfjs_layers_model", "--output_format=tfjs_graph_model", "layers", "graph"];
    expect((await converter(...graph)).code).toBe(0);
    expect(written("graph").userDefinedMetadata).toEqual({ note: "[1, 2]" });
  });

  it("--split_weights_by_layer gives each layer its files", async () => {
    const layers = [
      { op: "Dense", config: { units: 5, activation: "relu" }, weights: { kernel: [3, 5], bias: [5] } },
      { op: "Dense", config: { units: 2, use_bias: false }, weights: { kernel: [5, 2] } },
    ];
    put({ "m.h5": sequential([3], layers) });
    const whole = ["--input_format=keras", "m.h5", "whole"];
    const split = ["--input_format=keras", "--split_weights_by_layer", "--weight_shard_size_bytes=50", "m.h5", "split"];
    expect([(await converter(...whole)).code, (await converter(...split)).code]).toEqual([0, 0]);
    expect(written("split").weightsManifest.map(({ paths }: { paths: string[] }) => paths)).toEqual([
      ["group1-shard1of2.bin", "group1-shard2of2.bin"],
      ["group2-shard1of1.bin"],
    ]);
    close(await layersResult("split"), await layersResult("whole"), 7);
  });

  it("--strip_debug_ops=False refuses what would be dropped, and only that word is false", async () => {
    const check = {
      name: "fc/out",
      op: "CheckNumerics",
      inputs: ["x"],
      attrs: { T: { type: "float32" }, message: { s: "nan" } },
    } as const;
    put({ "f.pb": frozenDense([{ ...check, name: "checked", inputs: ["fc/out"] }]) });
    const args = ["--input_format=tf_frozen_model", "--output_node_names=checked", "f.pb", "out"];
    const kept = await converter("--strip_debug_ops=False", ...args);
    expect(kept.code).toBe(1);
    expect(kept.stdout).toContain("main/checked (CheckNumerics): TF.js has no operator CheckNumerics");
    const flags = ["--strip_debug_ops=True", "--skip_op_check", "--control_flow_v2=True", "--experiments=True"];
    const dropped = await converter(...flags, ...args);
    expect(dropped.code).toBe(0);
    expect(dropped.stderr).toContain("--skip_op_check has no effect");
    expect((await converter("--skip_op_check=False", "--strip_debug_ops=True", ...args)).stderr).not.toContain("skip_op_check");
    close(await graphResult("out"), denseOutput(dense, x));
    expect((await converter("--strip_debug_ops=maybe", ...args)).stderr).toContain("wants true or false, not maybe");
  });

  it("a model of another format than --input_format says is refused", async () => {
    put(savedDense(), "saved");
    const { code, stdout } = await converter("--input_format=keras", "--json", "saved", "out");
    expect(code).toBe(1);
    expect(JSON.parse(stdout).problems[0]).toMatchObject({
      code: "format-mismatch",
      reason: expect.stringContaining("keras: tensorflow"),
    });
  });

  it("--version tells ours", async () => {
    expect((await converter("--input_format=keras", "--version")).stdout).toMatch(/^modelwright\/\d/);
  });
});

it("docs/migrating.md says what becomes of each flag", () => {
  const page = readFileSync(path.resolve(import.meta.dirname, "../../docs/migrating.md"), "utf8");
  expect(converterFlags.filter((flag) => !page.includes(`--${flag}`))).toEqual([]);
});

describe("how words are told apart", () => {
  const options = (...args: string[]) => fromConverter(["--input_format=tf_saved_model", ...args]).options;

  it("a flag with an optional value takes one only where INPUT and OUTPUT are left", () => {
    expect(options("--quantize_uint8", "in", "out")).toMatchObject({ quantize: ["uint8"], out: "out" });
    expect(options("--quantize_uint8", "conv/*", "in", "out")).toMatchObject({ quantize: ["uint8:conv/*"], out: "out" });
    expect(options("in", "out", "--quantize_float16", "a,b")).toMatchObject({ quantize: ["float16:a,b"], out: "out" });
    expect(options("--quantize_float16", "--quantize_uint8=dense*", "in", "out")["quantize"]).toEqual([
      "uint8:dense*",
      "float16",
    ]);
  });

  it("True is no name of a weight", () => {
    expect(options("--quantize_uint8=True", "in", "out")["quantize"]).toEqual(["uint8"]);
    expect(options("--quantize_uint8=False", "in", "out")["quantize"]).toBeUndefined();
    expect(options("--quantize_uint8=", "in", "out")["quantize"]).toEqual(["uint8"]);
  });

  it("quantization_bytes is one of two kinds, and stands alone", () => {
    expect(options("--quantization_bytes", "1", "in", "out")["quantize"]).toEqual(["uint8"]);
    expect(options("--quantization_bytes=2", "in", "out")["quantize"]).toEqual(["uint16"]);
    expect(() => options("--quantization_bytes=4", "in", "out")).toThrow("wants 1 or 2, not 4");
    expect(() => options("--quantization_bytes=1", "--quantize_uint8", "in", "out")).toThrow("does not go with");
    expect(() => options("--quantize_uint8", "--quantize_float16", "in", "out")).toThrow("all weights as float16 and uint8");
  });

  it("says what is missing or unknown", () => {
    expect(() => options("in")).toThrow("OUTPUT is missing");
    expect(() => options("a", "b", "c")).toThrow("not also c");
    expect(() => options("--out", "in", "out")).toThrow("--out is no flag of tensorflowjs_converter");
    expect(() => fromConverter(["--input_format=caffe", "a", "b"])).toThrow("not caffe");
    expect(() => fromConverter(["--input_format=keras", "--signature_name=a", "m.h5", "b"])).toThrow(
      "is for SavedModels, not for keras",
    );
    expect(() => options("--output_json=false", "a", "b")).toThrow("only model.json is written");
    const layers = "--input_format=tfjs_layers_model";
    expect(() => fromConverter([layers, "a/model.json", "b.keras"])).toThrow("an .h5 file");
    expect(() => fromConverter([layers, "--output_format=keras_saved_model", "a", "b"])).toThrow(
      "keras_saved_model is not written; --output_format wants one of tfjs_layers_model, tfjs_graph_model, keras",
    );
  });
});
