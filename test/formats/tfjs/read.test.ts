import { describe, expect, it } from "vitest";
import { memorySource, memorySources } from "../../../src/base/memory.ts";
import { ModelError } from "../../../src/base/problem.ts";
import { isLayersModel, readTfjs } from "../../../src/formats/tfjs/read.ts";
import { loadTensor } from "../../../src/graph/decode.ts";

const info = (name: string, dims: readonly number[]) => ({
  name,
  dtype: "DT_FLOAT",
  tensorShape: { dim: dims.map((size) => ({ size: String(size) })) },
});

const constant = (name: string) => ({ name, op: "Const", attr: { dtype: { type: "DT_FLOAT" } } });

/** y = x · w, with w of 3×2. */
const model = {
  format: "graph-model",
  generatedBy: "a test",
  signature: { inputs: { x: info("in:0", [-1, 3]) }, outputs: { y: info("out:0", [-1, 2]) } },
  modelTopology: {
    node: [
      {
        name: "in",
        op: "Placeholder",
        attr: { dtype: { type: "DT_FLOAT" }, shape: { shape: { dim: [{ size: "-1" }, { size: "3" }] } } },
      },
      constant("w"),
      { name: "out", op: "MatMul", input: ["in", "w"], attr: { T: { type: "DT_FLOAT" }, transpose_a: { b: false } } },
    ],
    versions: { producer: 1100 },
  },
  weightsManifest: [{ paths: ["a.bin", "b.bin"], weights: [{ name: "w", shape: [3, 2], dtype: "float32" }] as object[] }],
};

type Files = Readonly<Record<string, Uint8Array>>;
const w = [1.5, -2, 0.25, 7, -11, 13];
const bytes = new Uint8Array(Float32Array.from(w).buffer);
const shards: Files = { "a.bin": bytes.subarray(0, 10), "b.bin": bytes.subarray(10) };
const text = (json: unknown) => new TextEncoder().encode(JSON.stringify(json));
const read = (json: unknown, files: Files) => readTfjs(memorySource("model.json", text(json)), memorySources(files));
const offset = (json: unknown, part: string) => JSON.stringify(json).indexOf(part);

async function weight(json: unknown, files: Files, name: string) {
  const opened = await read(json, files);
  const stored = opened.model.graphs[0]!.values.find((value) => value.name === name)!.tensor!;
  return loadTensor({ dtype: stored.dtype, shape: stored.shape, stored, files: opened.files });
}

const withWeights = (weights: readonly object[], paths = ["a.bin"]) => ({ ...model, weightsManifest: [{ paths, weights }] });

describe("readTfjs", () => {
  it("reads nodes, the signature, and a weight that lies across two shards", async () => {
    const { model: found } = await read(model, shards);
    expect(found.problems).toEqual([]);
    const [main] = found.graphs;
    expect(main!.nodes.map(({ name, op }) => `${name} ${op}`)).toEqual(["in Placeholder", "w Const", "out MatMul"]);
    expect([main!.inputNames, main!.outputNames]).toEqual([["x"], ["y"]]);
    expect(main!.values[main!.inputs[0]!]!.type).toEqual({ dtype: "float32", shape: [null, 3] });
    expect(found.files).toEqual(["model.json", "a.bin", "b.bin"]);
    expect(await weight(model, shards, "w")).toEqual({ dtype: "float32", shape: [3, 2], data: Float32Array.from(w) });
  });

  it("undoes quantisation in double precision, as the loader does", async () => {
    const quantized = (dtype: string, coding: object) =>
      withWeights([{ name: "w", shape: [3, 2], dtype: "float32", quantization: { dtype, ...coding } }]);
    const codes = Uint8Array.of(0, 255, 3, 128, 77, 1);
    const eight = await weight(quantized("uint8", { scale: 0.013, min: -1.7 }), { "a.bin": codes }, "w");
    expect(eight.data).toEqual(Float32Array.from(codes, (code) => code * 0.013 - 1.7));
    const wide = Uint16Array.of(65535, 0, 300, 4, 5, 1000);
    const sixteen = await weight(quantized("uint16", { scale: 1e-3, min: 2 }), { "a.bin": new Uint8Array(wide.buffer) }, "w");
    expect(sixteen.data).toEqual(Float32Array.from(wide, (code) => code * 1e-3 + 2));
    const halves = Uint16Array.of(0x3c00, 0xc000, 0x3800, 0, 0x4248, 0x0001);
    const half = await weight(quantized("float16", {}), { "a.bin": new Uint8Array(halves.buffer) }, "w");
    expect(half).toEqual({ dtype: "float32", shape: [3, 2], data: Float32Array.of(1, -2, 0.5, 0, 3.140625, 2 ** -24) });
    const spec = { name: "w", shape: [2], dtype: "int32", quantization: { dtype: "uint8", scale: 2.6, min: -3 } };
    const ints = await weight(withWeights([spec]), { "a.bin": Uint8Array.of(1, 9) }, "w");
    expect(ints.data).toEqual(Int32Array.of(-0, 20));
  });

  it("walks the lengths of strings to find what follows", async () => {
    const strings = ["", "häh", "x".repeat(70_000)].map((each) => new TextEncoder().encode(each));
    const parts = strings.flatMap((each) => [new Uint8Array(Uint32Array.of(each.length).buffer), each]);
    const all = new Uint8Array([...parts, bytes].flatMap((part) => [...part]));
    const json = withWeights([
      { name: "s", shape: [3], dtype: "string" },
      { name: "w", shape: [3, 2], dtype: "float32" },
    ]);
    const topology = { ...json.modelTopology, node: [...json.modelTopology.node, constant("s")] };
    const files = { "a.bin": all };
    expect((await weight({ ...json, modelTopology: topology }, files, "w")).data).toEqual(Float32Array.from(w));
    expect((await weight({ ...json, modelTopology: topology }, files, "s")).data).toEqual(["", "häh", "x".repeat(70_000)]);
  });

  it.each([
    ["a missing shard", model, { "b.bin": shards["b.bin"]! }, "error file-missing", '"a.bin"'],
    ["a short shard", model, { ...shards, "b.bin": new Uint8Array(13) }, "error weights-short", '["a.bin"'],
    [
      "a shard no weight is in",
      withWeights([{ name: "w", shape: [5], dtype: "bool" }], ["a.bin", "c.bin"]),
      { "a.bin": new Uint8Array(5), "c.bin": new Uint8Array(3) },
      "warning weights-long",
      '"c.bin"',
    ],
    [
      "a stored type that does not load",
      withWeights([{ name: "w", shape: [2], dtype: "int64" }]),
      shards,
      "error bad-weight",
      '{"name":"w","shape"',
    ],
    ["a path out of the folder", withWeights([], ["../a.bin"]), shards, "error file-outside", '"../a.bin"'],
    ["a constant without a weight", withWeights([]), shards, "error weight-missing", '{"name":"w"'],
    [
      "a signature that names no node",
      { ...model, signature: { ...model.signature, outputs: { z: info("none:0", []) } } },
      shards,
      "error bad-signature",
      '{"name":"none:0"',
    ],
    [
      "a shard that only names promise",
      withWeights([{ name: "w", shape: [3, 2], dtype: "float32" }], ["group1-shard1of3.bin", "group1-shard3of3.bin"]),
      { "group1-shard1of3.bin": bytes.subarray(0, 10), "group1-shard3of3.bin": bytes.subarray(10) },
      "warning shard-unlisted",
      '["group1-shard1of3.bin"',
    ],
    [
      "a weight nobody reads",
      withWeights([
        { name: "w", shape: [2], dtype: "bool" },
        { name: "spare", shape: [8], dtype: "bool" },
      ]),
      shards,
      "warning weight-unused",
      '{"name":"spare"',
    ],
  ])("says where %s is named", async (_, json, files, expected, part) => {
    const { model: found } = await read(json, files as Files);
    const problem = found.problems.find(({ severity, code }) => `${severity} ${code}` === expected);
    expect(problem, JSON.stringify(found.problems)).toBeDefined();
    expect(problem!.offset).toBe(offset(json, part));
  });

  it("tells other JSON, and other files by that name", async () => {
    const reason = async (source: Uint8Array) => {
      const error = await readTfjs(memorySource("model.json", source), memorySources()).catch((thrown: unknown) => thrown);
      return error instanceof ModelError ? error.problem.reason : error;
    };
    expect(await reason(text({ a: 1 }))).toMatch(/no TF.js model/);
    expect(await reason(text([1, 2]))).toMatch(/no TF.js model/);
    expect(await reason(new TextEncoder().encode("version https://git-lfs.github.com/spec/v1\noid sha256:1\n"))).toMatch(
      /Git LFS/,
    );
    expect(await reason(text({ ...model, format: "layers-model" }))).toMatch(/calls itself a layers model/);
    expect(isLayersModel({ modelTopology: { model_config: {} } })).toBe(true);
    expect(isLayersModel(model)).toBe(false);
  });
});
