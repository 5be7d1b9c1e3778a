import { describe, expect, it, onTestFinished } from "vitest";
import type { SourceMap } from "../src/graph/map.ts";
import type { Tensor } from "../src/graph/tensor.ts";
import { type ParityRequest, parity } from "../src/parity.ts";
import { openTfjs } from "../src/runtime/tfjs.ts";
import { map, node, onnxModel, openOnnx, sequence, tensor, value } from "./build/onnx.ts";
import { random } from "./build/random.ts";
import { folderOf, ints, op, spec, text, tfjsModel, type } from "./build/tfjs.ts";

const [m, c, h, w] = [3, 2, 2, 3];
const kernel = random(m * c * h * w, 3);
const bias = random(m, 4);
const dense = random(5 * 7, 5);

/** x [b, 2, 4, 7] → Conv → Relu → Transpose to NHWC … the last axis of 5 → MatMul [5, 7] → y; and a ZipMap that nobody can fetch. */
const source = () =>
  onnxModel({
    ir: 8,
    opsets: { "": 17, "ai.onnx.ml": 1 },
    graph: {
      name: "net",
      inputs: [value("x", "float32", ["b", c, 4, 7])],
      outputs: [value("y", "float32"), sequence("zip", map("", "int64", value("", "float32", [])))],
      initializers: [
        tensor("k", "float32", [m, c, h, w], kernel),
        tensor("bias", "float32", [m], bias),
        tensor("d", "float32", [5, 7], dense),
        tensor("flat", "int64", [2], [-1, 7]),
      ],
      nodes: [
        node("Conv", ["x", "k", "bias"], ["conv"], {}, "first"),
        node("Relu", ["conv"], ["act"], {}, "second"),
        node("MatMul", ["act", "d"], ["y"], {}, "last"),
        node("Reshape", ["y", "flat"], ["rows"]),
        node("ZipMap", ["rows"], ["zip"], { classlabels_int64s: [0, 1, 2, 3, 4, 5, 6] }, "", { domain: "ai.onnx.ml" }),
      ],
    },
  });

/** The same in NHWC, Conv and Relu fused or not; `change` is added to one kernel weight. */
function converted(change = 0) {
  const hwio = new Float32Array(kernel.length);
  for (let o = 0; o < m; o++)
    for (let i = 0; i < c; i++)
      for (let y = 0; y < h; y++)
        for (let x = 0; x < w; x++) hwio[((y * w + x) * c + i) * m + o] = kernel[((o * c + i) * h + y) * w + x]!;
  hwio[4] = hwio[4]! + change;
  const f = { T: type("float32") };
  const t = { ...f, Tperm: type("int32") };
  const conv = {
    ...f,
    strides: ints(1, 1, 1, 1),
    padding: text("VALID"),
    data_format: text("NHWC"),
    dilations: ints(1, 1, 1, 1),
  };
  return tfjsModel({
    inputs: { x: spec("x:0", "float32", [-1, c, 4, 7]) },
    outputs: { y: spec("y_1:0", "float32", [-1, m, 3, 7]) },
    nodes: [
      op("Transpose", "nhwc", ["x", "to"], t),
      op("Conv2D", "conv", ["nhwc", "k"], conv),
      op("BiasAdd", "first", ["conv", "bias"], f),
      op("Relu", "act", ["first"], f),
      op("Transpose", "nchw", ["act", "back"], t),
      op("BatchMatMulV2", "y_1", ["nchw", "d"], { ...f, adj_x: { b: false }, adj_y: { b: false } }),
    ],
    weights: [
      { name: "to", shape: [4], dtype: "int32", data: Int32Array.of(0, 2, 3, 1) },
      { name: "back", shape: [4], dtype: "int32", data: Int32Array.of(0, 3, 1, 2) },
      { name: "k", shape: [h, w, c, m], dtype: "float32", data: hwio },
      { name: "bias", shape: [m], dtype: "float32", data: bias },
      { name: "d", shape: [5, 7], dtype: "float32", data: dense },
    ],
  });
}

const sourceMap: SourceMap = {
  version: 1,
  values: [
    { source: "net/y", target: "y_1:0", exact: true },
    { source: "net/x", target: "x:0", exact: true },
    { source: "net/act", target: "act:0", perm: [0, 3, 1, 2], exact: true },
    { source: "net/conv", target: "first:0", perm: [0, 3, 1, 2], exact: true },
    { source: "net/rows", target: "gone:0", exact: true },
  ],
  nodes: [],
};

async function request(files = converted(), options: Partial<ParityRequest> = {}): Promise<ParityRequest> {
  const bytes = source();
  const dir = await folderOf({ ...files, "source.onnx": bytes });
  const { model } = await openOnnx(bytes);
  const target = await openTfjs(dir, { backend: "wasm" });
  onTestFinished(() => target.close());
  return { model, path: `${dir}/source.onnx`, target, map: sourceMap, ...options };
}

describe("parity", () => {
  it("compares outputs and layers through the source map, in the order of the source", async () => {
    const report = await parity(await request(converted(), { layers: true }));
    expect(report).toMatchObject({
      ok: true,
      backend: "wasm",
      reference: { kind: "onnxruntime", version: expect.stringMatching(/^1\./) },
      inputs: { seed: 0, dims: { b: 2 } },
      tolerance: { atol: 1e-5, rtol: 1e-4 },
      problems: [],
    });
    expect(report.outputs).toEqual([expect.objectContaining({ name: "y", dtype: "float32", shape: [2, 3, 3, 7], bad: 0 })]);
    expect(report.layers!.map(({ source, node, op, shape, verdict }) => [source, node, op, shape, verdict])).toEqual([
      ["net/conv", "first", "Conv", [2, 3, 3, 5], expect.stringMatching(/equal|within/)],
      ["net/act", "second", "Relu", [2, 3, 3, 5], expect.stringMatching(/equal|within/)],
      ["net/y", "last", "MatMul", [2, 3, 3, 7], expect.stringMatching(/equal|within/)],
      ["net/rows", undefined, "Reshape", undefined, "not-compared"],
    ]);
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });

  it("names the first layer that differs", async () => {
    const report = await parity(await request(converted(0.01), { layers: true, seed: 7 }));
    expect(report.ok).toBe(false);
    expect(report.outputs[0]!.verdict).toBe("different");
    // Weight 4 is HWIO [0, 0, 1, 1]: output channel 1.
    expect(report.firstDifference).toMatchObject({ source: "net/conv", target: "first:0", node: "first", op: "Conv" });
    expect(report.firstDifference!.firstBad!.index.slice(0, 2)).toEqual([0, 1]);
    expect(report.firstDifference!.bad).toBeLessThanOrEqual(2 * 3 * 5);
  });

  it("compares values that are no outputs of either side, and says which it cannot", async () => {
    const report = await parity(await request(converted(), { outputs: ["act", "y", "zip"] }));
    expect(report.outputs.map(({ name, shape, verdict }) => [name, shape, verdict])).toEqual([
      ["act", [2, 3, 3, 5], expect.stringMatching(/equal|within/)],
      ["y", [2, 3, 3, 7], expect.stringMatching(/equal|within/)],
      ["zip", undefined, "not-compared"],
    ]);
    expect(report.ok).toBe(true);
    expect(report.problems).toMatchObject([{ severity: "warning", code: "not-compared", tensor: "zip" }]);
  });

  it("is a failure where nothing could be compared", async () => {
    const nothing = await parity(await request(converted(), { outputs: ["zip"] }));
    expect(nothing).toMatchObject({ ok: false, outputs: [{ name: "zip", verdict: "not-compared" }] });
    expect(nothing.problems.at(-1)).toMatchObject({ severity: "error", code: "no-reference" });
    const { model, ...rest } = await request();
    const foreign = await parity({ ...rest, model: { ...model, dialect: "keras" } });
    expect(foreign).toMatchObject({ ok: false, outputs: [], reference: { kind: "none" }, problems: [{ code: "no-reference" }] });
  });

  it("tells why the converted model does not run, and up to which layer it is right", async () => {
    const files = converted();
    const json = JSON.parse(new TextDecoder().decode(files["model.json"]));
    json.modelTopology.node.find(({ name }: { name: string }) => name === "act").op = "Mystery";
    const broken = { ...files, "model.json": new TextEncoder().encode(JSON.stringify(json)) };
    const report = await parity(await request(broken, { layers: true }));
    expect(report.ok).toBe(false);
    expect(report.problems[0]).toMatchObject({
      severity: "error",
      code: "run-failed",
      reason: expect.stringContaining("Mystery"),
    });
    expect(report.layers!.map(({ source, verdict }) => [source, verdict])).toEqual([
      ["net/conv", expect.stringMatching(/equal|within/)],
      ["net/act", "not-compared"],
      ["net/y", "not-compared"],
      ["net/rows", "not-compared"],
    ]);
  });

  it("takes stored inputs and stored outputs", async () => {
    const x = { dtype: "float32" as const, shape: [1, c, 4, 7], data: random(c * 28, 6) };
    const input = { name: "", index: 0, tensorFor: () => x };
    const live = await request();
    const first = await parity({ ...live, stored: { path: "there", set: { inputs: [input], outputs: [] } } });
    expect(first).toMatchObject({ ok: true, inputs: { path: "there", dims: { b: 1 } }, reference: { kind: "onnxruntime" } });
    expect(first.outputs[0]!.shape).toEqual([1, 3, 3, 7]);

    const wrong = { dtype: "float32" as const, shape: [1, 3, 3, 7], data: random(63, 8) };
    const set = { inputs: [input], outputs: [{ name: "y", index: 0, tensorFor: () => wrong }] };
    const second = await parity({ ...live, layers: true, stored: { path: "there", set } });
    expect(second).toMatchObject({ ok: false, reference: { kind: "files" }, outputs: [{ name: "y", verdict: "different" }] });
    expect(second.layers!.slice(0, 3).every(({ verdict }) => verdict !== "different")).toBe(true);
    const missing = await parity({ ...live, stored: { path: "there", set: { inputs: [], outputs: [] } } });
    expect(missing.problems).toMatchObject([{ code: "input-missing", tensor: "x" }]);
  });

  it("tries sizes of one where the source refuses others", async () => {
    const bytes = onnxModel({
      ir: 8,
      opsets: { "": 17 },
      graph: {
        inputs: [value("x", "float32", ["n", "k"])],
        outputs: [value("y", "float32")],
        initializers: [tensor("d", "float32", [1, 3], random(3))],
        nodes: [node("MatMul", ["x", "d"], ["y"])],
      },
    });
    const files = tfjsModel({
      inputs: { x: spec("x:0", "float32", [-1, -1]) },
      outputs: { y: spec("y:0", "float32", [-1, 3]) },
      nodes: [op("MatMul", "y", ["x", "d"])],
      weights: [{ name: "d", shape: [1, 3], dtype: "float32", data: random(3) }],
    });
    const dir = await folderOf({ ...files, "source.onnx": bytes });
    const target = await openTfjs(dir, { backend: "cpu" });
    onTestFinished(() => target.close());
    const { model } = await openOnnx(bytes);
    const report = await parity({ model, path: `${dir}/source.onnx`, target });
    expect(report).toMatchObject({ ok: true, inputs: { dims: { n: 1, k: 1 } }, outputs: [{ shape: [1, 3] }] });
  });
});

describe("what proves nothing", () => {
  /** A model of these outputs, stored, against a target that gives `given`. */
  async function judged(outputs: Record<string, Tensor>, given = outputs) {
    const names = Object.keys(outputs);
    const bytes = onnxModel({
      graph: {
        inputs: [value("x", "float32", [2])],
        outputs: names.map((name) => value(name, outputs[name]!.dtype)),
        nodes: names.map((name) => node("Relu", ["x"], [name])),
      },
    });
    const stored = (tensors: Record<string, Tensor>) =>
      Object.entries(tensors).map(([name, tensor]) => ({ name, index: undefined, tensorFor: () => tensor }));
    const target = {
      backend: "cpu",
      inputs: [{ name: "x", dtype: "float32" as const, shape: [2] }],
      outputs: Object.entries(given).map(([name, { dtype, shape }]) => ({ name, dtype, shape })),
      run: async () => new Map(Object.entries(given)),
      close: async () => {},
    };
    const set = { inputs: stored({ x: floats([2], 1, 2) }), outputs: stored(outputs) };
    const { model } = await openOnnx(bytes);
    return parity({ model, path: "", target, stored: { path: "", set } });
  }
  const floats = (shape: number[], ...data: number[]): Tensor => ({ dtype: "float32", shape, data: Float32Array.from(data) });

  it("no elements are not equal", async () => {
    const report = await judged({ y: floats([0, 4]) });
    expect(report).toMatchObject({ ok: false, outputs: [{ name: "y", shape: [0, 4], verdict: "not-compared" }] });
    expect(report.problems.map(({ code }) => code)).toEqual(["not-compared", "no-reference"]);
    expect((await judged({ y: floats([0, 4]) }, { y: floats([4, 0]) })).outputs[0]!.verdict).toBe("different");
    expect(await judged({ y: floats([0]), z: floats([2], 1, 3) })).toMatchObject({ ok: true, problems: [{ tensor: "y" }] });
  });

  it("one number throughout is told, NaN too", async () => {
    const told = async (...data: number[]) => (await judged({ y: floats([3], ...data) })).problems.map(({ reason }) => reason);
    expect(await told(0, -0, 0)).toEqual(["every value is 0"]);
    expect(await told(Number.NaN, Number.NaN, Number.NaN)).toEqual(["every value is NaN"]);
    expect(await told(0, 0, 1e-9)).toEqual([]);
  });

  it("an output that the converted model lacks is named", async () => {
    const report = await judged({ y: floats([2], 1, 2), z: floats([2], 3, 4) }, { y: floats([2], 1, 2) });
    expect(report.outputs).toMatchObject([
      { name: "y", verdict: "equal" },
      { name: "z", verdict: "not-compared" },
    ]);
    expect(report.problems).toMatchObject([
      { severity: "warning", tensor: "z", reason: "the converted model has no such output" },
    ]);
  });
});
