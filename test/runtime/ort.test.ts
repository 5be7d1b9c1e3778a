import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Tensor } from "../../src/graph/tensor.ts";
import { OrtProcess, openOrt } from "../../src/runtime/ort.ts";
import { externalFile, float, map, node, onnxModel, sequence, tensor, value } from "../build/onnx.ts";
import { random } from "../build/random.ts";
import { folderOf } from "../build/tfjs.ts";

const opsets = { "": 17 };
const ir = 8;
const w = random(15, 3);

/** x [b, 3] → MatMul w [3, 5] "fc" → Relu "act" → Neg y. */
const dense = () =>
  onnxModel({
    ir,
    opsets,
    graph: {
      inputs: [value("x", "float32", ["b", 3])],
      outputs: [value("y", "float32", ["b", 5])],
      initializers: [tensor("w", "float32", [3, 5], w)],
      nodes: [node("MatMul", ["x", "w"], ["fc"]), node("Relu", ["fc"], ["act"]), node("Neg", ["act"], ["y"])],
    },
  });

const modelPath = async (bytes: Uint8Array, others: Record<string, Uint8Array> = {}) =>
  `${await folderOf({ "model.onnx": bytes, ...others })}/model.onnx`;

function product(x: Float32Array): number[] {
  const at = (r: number, c: number) => [0, 1, 2].reduce((sum, k) => sum + x[r * 3 + k]! * w[k * 5 + c]!, 0);
  return Array.from({ length: (x.length / 3) * 5 }, (_, i) => at(Math.floor(i / 5), i % 5));
}

const close = (actual: Tensor | undefined, expected: readonly number[]) => {
  expect([...(actual!.data as Float32Array)]).toEqual(expected.map((v) => expect.closeTo(v, 5)));
};

const floats = (shape: readonly number[], data: ArrayLike<number>): Tensor => ({
  dtype: "float32",
  shape,
  data: Float32Array.from(data),
});

describe("onnxruntime", () => {
  let ort: OrtProcess;
  beforeAll(async () => {
    ort = await OrtProcess.start();
  });
  afterAll(() => ort.close());

  it("runs a model, and taps values between", async () => {
    const run = await openOrt(await modelPath(dense()), { taps: ["fc", "act", "y"] });
    expect(run.version).toMatch(/^1\.30\./);
    expect(run.inputs).toEqual([{ name: "x", dtype: "float32", shape: ["b", 3] }]);
    expect(run.outputs).toEqual([{ name: "y", dtype: "float32", shape: ["b", 5] }]);
    const x = random(6, 9);
    const results = await run.run(new Map([["x", floats([2, 3], x)]]), ["act", "fc", "y"]);
    await run.close();
    const fc = product(x);
    expect([...results.keys()]).toEqual(["act", "fc", "y"]);
    expect(results.get("fc")!.shape).toEqual([2, 5]);
    close(results.get("fc"), fc);
    close(
      results.get("act"),
      fc.map((v) => Math.max(v, 0)),
    );
    close(
      results.get("y"),
      fc.map((v) => -Math.max(v, 0)),
    );
  });

  it("finds external data beside the model, tapped or not", async () => {
    const { tensors, file } = externalFile("weights.bin", [tensor("w", "float32", [3, 5], w)]);
    const bytes = onnxModel({
      ir,
      opsets,
      graph: {
        inputs: [value("x", "float32", ["b", 3])],
        outputs: [value("y", "float32", ["b", 5])],
        initializers: tensors,
        nodes: [node("MatMul", ["x", "w"], ["fc"]), node("Neg", ["fc"], ["y"])],
      },
    });
    const path = await modelPath(bytes, { "weights.bin": file });
    const x = random(3, 2);
    for (const taps of [[], ["fc"]]) {
      const model = await ort.load(path, taps);
      const results = await ort.run(model, new Map([["x", floats([1, 3], x)]]), ["y", ...taps]);
      close(
        results.get("y"),
        product(x).map((v) => -v),
      );
      if (taps.length) close(results.get("fc"), product(x));
      await ort.unload(model);
    }
  });

  it("carries every dtype there and back", async () => {
    const tensors: Tensor[] = [
      { dtype: "float16", shape: [3], data: Float32Array.of(0.5, -65504, 2 ** -24) },
      { dtype: "float64", shape: [2], data: Float64Array.of(1e300, -0.1) },
      { dtype: "int64", shape: [2], data: BigInt64Array.of(-(2n ** 63n), 2n ** 53n + 1n) },
      { dtype: "uint64", shape: [1], data: BigUint64Array.of(2n ** 64n - 1n) },
      { dtype: "int32", shape: [], data: Int32Array.of(-7) },
      { dtype: "int8", shape: [3], data: Int8Array.of(-128, 0, 127) },
      { dtype: "uint8", shape: [2, 1], data: Uint8Array.of(255, 3) },
      { dtype: "int16", shape: [1], data: Int16Array.of(-300) },
      { dtype: "uint16", shape: [1], data: Uint16Array.of(65535) },
      { dtype: "uint32", shape: [1], data: Uint32Array.of(2 ** 32 - 1) },
      { dtype: "bool", shape: [3], data: Uint8Array.of(1, 0, 1) },
      { dtype: "string", shape: [2], data: ["", "naïve 🙂"] },
      { dtype: "float32", shape: [0, 3], data: new Float32Array(0) },
    ];
    const model = await ort.load(
      await modelPath(
        onnxModel({
          ir,
          opsets,
          graph: {
            inputs: tensors.map((t, i) => value(`x${i}`, t.dtype, t.shape)),
            outputs: tensors.map((t, i) => value(`y${i}`, t.dtype, t.shape)),
            nodes: tensors.map((_, i) => node("Identity", [`x${i}`], [`y${i}`])),
          },
        }),
      ),
    );
    const feeds = new Map(tensors.map((t, i) => [`x${i}`, t]));
    const results = await ort.run(
      model,
      feeds,
      tensors.map((_, i) => `y${i}`),
    );
    for (const [i, sent] of tensors.entries()) expect(results.get(`y${i}`)).toEqual(sent);
  });

  it("says what cannot be fetched, and fetches the rest", async () => {
    const model = await ort.load(
      await modelPath(
        onnxModel({
          ir,
          opsets: { "": 17, "ai.onnx.ml": 1 },
          graph: {
            inputs: [value("x", "float32", [1, 2])],
            outputs: [sequence("m", map("", "int64", value("", "float32", []))), value("y", "float32", [1, 2])],
            nodes: [
              node("Abs", ["x"], ["y"]),
              node("ZipMap", ["y"], ["m"], { classlabels_int64s: [3, 7] }, "", { domain: "ai.onnx.ml" }),
            ],
          },
        }),
      ),
    );
    expect(model.outputs[0]).toEqual({ name: "m", dtype: undefined, shape: undefined });
    const feeds = new Map([["x", floats([1, 2], [-3, 4])]]);
    close((await ort.run(model, feeds, ["y"])).get("y"), [3, 4]);
    await expect(ort.run(model, feeds, ["m"])).rejects.toMatchObject({ problem: { code: "not-a-tensor", tensor: "m" } });
  });

  it("tells a model's faults and stays alive", async () => {
    const path = await modelPath(dense());
    await expect(ort.load(`${path}.none`)).rejects.toMatchObject({ problem: { code: "reference-refused" } });
    await expect(ort.load(path, ["nope"])).rejects.toMatchObject({
      problem: { code: "reference-refused", reason: expect.stringContaining("nope") },
    });
    const model = await ort.load(path);
    const x = floats([1, 3], random(3));
    await expect(ort.run(model, new Map([["z", x]]), ["y"])).rejects.toMatchObject({ problem: { code: "unknown-input" } });
    await expect(ort.run(model, new Map([["x", x]]), ["fc"])).rejects.toMatchObject({ problem: { code: "unknown-value" } });
    await expect(ort.run(model, new Map([["x", floats([3, 1], random(3))]]), ["y"])).rejects.toMatchObject({
      problem: { code: "reference-failed", reason: expect.stringContaining("invalid dimensions") },
    });
    expect(ort.alive).toBe(true);
  });

  it("is killed when cancelled", async () => {
    const size = 1024;
    const slow = onnxModel({
      ir,
      opsets,
      graph: {
        inputs: [value("x", "float32", [size, size])],
        outputs: [value("m400", "float32", [size, size])],
        nodes: Array.from({ length: 400 }, (_, i) => node("MatMul", [i ? `m${i}` : "x", "x"], [`m${i + 1}`])),
      },
    });
    const abort = new AbortController();
    const run = await openOrt(await modelPath(slow), { signal: abort.signal });
    const running = run.run(new Map([["x", floats([size, size], random(size * size))]]), ["m400"]);
    setTimeout(() => abort.abort(), 50);
    const start = performance.now();
    await expect(running).rejects.toMatchObject({ name: "Cancelled" });
    expect(performance.now() - start).toBeLessThan(2000);
    await run.close();
  });

  it("runs If with a branch's captures, tapped in the main graph", async () => {
    const branch = (name: string, op: string) => ({
      name,
      outputs: [value(`${name}_y`, "float32", [3])],
      nodes: [node(op, ["a"], [`${name}_y`])],
    });
    const model = await ort.load(
      await modelPath(
        onnxModel({
          ir,
          opsets,
          graph: {
            inputs: [value("c", "bool", []), value("x", "float32", [3])],
            outputs: [value("y", "float32", [3])],
            nodes: [
              node("LeakyRelu", ["x"], ["a"], { alpha: float(0.5) }),
              node("If", ["c"], ["y"], { then_branch: branch("t", "Neg"), else_branch: branch("e", "Abs") }),
            ],
          },
        }),
      ),
      ["a"],
    );
    const feeds = new Map<string, Tensor>([
      ["c", { dtype: "bool", shape: [], data: Uint8Array.of(1) }],
      ["x", floats([3], [-2, 3, -5])],
    ]);
    const results = await ort.run(model, feeds, ["a", "y"]);
    close(results.get("a"), [-1, 3, -2.5]);
    close(results.get("y"), [1, -3, 2.5]);
  });
});
