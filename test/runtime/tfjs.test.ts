import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Tensor } from "../../src/graph/tensor.ts";
import { openTfjs, TfjsWorker } from "../../src/runtime/tfjs.ts";
import type { TfjsBackend } from "../../src/runtime/tfjs-api.ts";
import { random } from "../build/random.ts";
import { folderOf, ints, op, spec, text, tfjsModel, type } from "../build/tfjs.ts";

const w = random(15, 3);
const bias = random(5, 4);
/** x [?, 3] → MatMul w [3, 5] → BiasAdd → Relu y; weights straddle three shards. */
const dense = () =>
  tfjsModel({
    inputs: { x: spec("x:0", "float32", [-1, 3]) },
    outputs: { y: spec("act:0", "float32", [-1, 5]) },
    nodes: [op("MatMul", "fc", ["x", "w"]), op("BiasAdd", "plus", ["fc", "b"]), op("Relu", "act", ["plus"])],
    weights: [
      { name: "w", shape: [3, 5], dtype: "float32", data: w },
      { name: "b", shape: [5], dtype: "float32", data: bias },
    ],
    shardBytes: 28,
  });

function matmul(x: Float32Array, rows: number): number[] {
  const at = (r: number, c: number) => [0, 1, 2].reduce((sum, k) => sum + x[r * 3 + k]! * w[k * 5 + c]!, 0);
  return Array.from({ length: rows * 5 }, (_, i) => at(Math.floor(i / 5), i % 5));
}

const float = (shape: readonly number[], data: Float32Array): Tensor => ({ dtype: "float32", shape, data });
const close = (actual: Tensor | undefined, expected: readonly number[]) => {
  const values = [...(actual!.data as Float32Array)];
  expect(values.length).toBe(expected.length);
  for (const [i, value] of values.entries()) expect(value).toBeCloseTo(expected[i]!, 5);
};

describe.each<TfjsBackend>(["cpu", "wasm"])("TF.js on %s", (backend) => {
  let worker: TfjsWorker;
  beforeAll(async () => {
    worker = await TfjsWorker.start(backend);
  });
  afterAll(() => worker.close());

  it("runs a written folder and taps values between", async () => {
    const run = await openTfjs(await folderOf(dense()), { backend });
    try {
      expect(run.version).toBe("4.22.0");
      expect(run.inputs).toEqual([{ name: "x", dtype: "float32", shape: [null, 3] }]);
      expect(run.outputs).toEqual([{ name: "y", dtype: "float32", shape: [null, 5] }]);
      const x = random(6, 9);
      const results = await run.run(new Map([["x", float([2, 3], x)]]), ["y", "fc:0", "plus:0", "w:0"]);
      const product = matmul(x, 2);
      const sum = product.map((v, i) => v + bias[i % 5]!);
      expect(results.get("fc:0")!.shape).toEqual([2, 5]);
      close(results.get("fc:0"), product);
      close(results.get("plus:0"), sum);
      close(
        results.get("y"),
        sum.map((v) => Math.max(v, 0)),
      );
      close(results.get("w:0"), [...w]);
    } finally {
      await run.close();
    }
  });

  it("holds nothing after many models and leaves stored tensors alone", async () => {
    const before = await worker.held();
    for (let rows = 1; rows < 6; rows++) {
      const model = await worker.load(dense());
      const x = random(rows * 3, rows);
      for (let again = 0; again < 2; again++) {
        const results = await worker.run(model, new Map([["x", float([rows, 3], x)]]), ["w:0", "fc:0", "x:0"]);
        close(results.get("fc:0"), matmul(x, rows));
        expect(results.get("x:0")!.data).toEqual(x);
      }
      await worker.unload(model);
    }
    expect(await worker.held()).toBe(before);
  });

  it("feeds 64-bit integers that fit and refuses those that do not", async () => {
    const model = await worker.load(
      tfjsModel({
        inputs: { i: spec("i:0", "int32", [3]), ok: spec("ok:0", "bool", [2]) },
        outputs: { n: spec("neg:0", "int32", [3]), not: spec("not:0", "bool", [2]) },
        nodes: [op("Neg", "neg", ["i"], { T: type("int32") }), op("LogicalNot", "not", ["ok"], {})],
      }),
    );
    const feeds = (first: bigint): Map<string, Tensor> =>
      new Map([
        ["i", { dtype: "int64", shape: [3], data: BigInt64Array.of(first, 7n, 11n) }],
        ["ok", { dtype: "bool", shape: [2], data: Uint8Array.of(1, 0) }],
      ]);
    const results = await worker.run(model, feeds(-5n), ["n", "not"]);
    expect(results.get("n")).toEqual({ dtype: "int32", shape: [3], data: Int32Array.of(5, -7, -11) });
    expect(results.get("not")).toEqual({ dtype: "bool", shape: [2], data: Uint8Array.of(0, 1) });
    await expect(worker.run(model, feeds(2n ** 31n), ["n"])).rejects.toMatchObject({
      problem: { code: "int64-overflow", tensor: "i" },
    });
  });

  it("runs what only executeAsync can", async () => {
    const model = await worker.load(
      tfjsModel({
        inputs: { c: spec("c:0", "bool", [2, 3]) },
        outputs: { at: spec("where:0", "int32", [-1, 2]) },
        nodes: [op("Where", "where", ["c"], { T: type("bool") })],
      }),
    );
    const feeds = new Map<string, Tensor>([["c", { dtype: "bool", shape: [2, 3], data: Uint8Array.of(0, 1, 0, 1, 0, 1) }]]);
    for (let again = 0; again < 2; again++) {
      const found = (await worker.run(model, feeds, ["at"])).get("at");
      expect(found).toEqual({ dtype: "int32", shape: [3, 2], data: Int32Array.of(0, 1, 1, 0, 1, 2) });
    }
  });

  it("does not take a tap for the output of the same name", async () => {
    const model = await worker.load(
      tfjsModel({
        inputs: { x: spec("x:0", "float32", [2]) },
        outputs: { "neg:0": spec("abs:0", "float32", [2]) },
        nodes: [op("Neg", "neg", ["x"]), op("Abs", "abs", ["neg"])],
      }),
    );
    const results = await worker.run(model, new Map([["x", float([2], Float32Array.of(3, -4))]]), ["neg:0"]);
    expect([...(results.get("neg:0")!.data as Float32Array)]).toEqual([-3, 4]);
  });

  it("registers custom-ops.mjs, from a folder and from memory", async () => {
    const files = {
      ...tfjsModel({
        inputs: { x: spec("x:0", "float32", [2]) },
        outputs: { y: spec("y:0", "float32", [2]) },
        nodes: [op("TwiceAndOne", "y", ["x"], { mode: text("Any") })],
      }),
      "custom-ops.mjs": new TextEncoder().encode(
        'export function register(tf) { tf.registerOp("TwiceAndOne", (node) => tf.add(tf.mul(node.inputs[0], 2), 1)); }',
      ),
    };
    for (const source of [files, await folderOf(files)]) {
      const model = await worker.load(source);
      const results = await worker.run(model, new Map([["x", float([2], Float32Array.of(3, -4))]]), ["y"]);
      expect([...(results.get("y")!.data as Float32Array)]).toEqual([7, -7]);
    }
  });

  it("tells a model's faults and stays alive", async () => {
    const unknown = await worker.load(
      tfjsModel({
        inputs: { x: spec("x:0", "float32", [2]) },
        outputs: { y: spec("y:0", "float32", [2]) },
        nodes: [op("NoSuchOp", "y", ["x"])],
      }),
    );
    const x = new Map([["x", float([2], random(2))]]);
    await expect(worker.run(unknown, x, ["y"])).rejects.toMatchObject({ problem: { code: "run-failed" } });
    await expect(worker.run(unknown, new Map([["z", float([2], random(2))]]), ["y"])).rejects.toMatchObject({
      problem: { code: "unknown-input", tensor: "z" },
    });
    await expect(worker.load({})).rejects.toMatchObject({ problem: { code: "file-missing" } });
    await expect(worker.load({ "model.json": new TextEncoder().encode("{") })).rejects.toMatchObject({
      problem: { code: "malformed" },
    });
    const escaping = new TextEncoder().encode(
      JSON.stringify({ modelTopology: { node: [] }, weightsManifest: [{ paths: ["../secret"], weights: [] }] }),
    );
    await expect(worker.load({ "model.json": escaping })).rejects.toMatchObject({ problem: { code: "path-outside" } });
    expect(worker.alive).toBe(true);
  });

  it("stops within its grace when cancelled in the middle of a kernel", async () => {
    const slow = await TfjsWorker.start(backend);
    const size = 2048;
    const model = await slow.load(
      tfjsModel({
        inputs: { x: spec("x:0", "float32", [size, size]) },
        outputs: { y: spec("m4:0", "float32", [size, size]) },
        nodes: [0, 1, 2, 3, 4].map((i) => op("MatMul", `m${i}`, [i ? `m${i - 1}` : "x", "x"])),
      }),
    );
    const abort = new AbortController();
    const running = slow.run(model, new Map([["x", float([size, size], random(size * size))]]), ["y"], abort.signal);
    setTimeout(() => abort.abort(), 100);
    const start = performance.now();
    await expect(running).rejects.toMatchObject({ name: "Cancelled" });
    expect(performance.now() - start).toBeLessThan(2000);
    expect(slow.alive).toBe(false);
    await expect(slow.load({})).rejects.toMatchObject({ problem: { code: "runtime-crashed" } });
  });
});

it("tells a thread that dies, and the next one works", async () => {
  const worker = await TfjsWorker.start("cpu");
  const model = await worker.load({
    ...tfjsModel({ inputs: {}, outputs: { y: spec("y:0", "float32", []) }, nodes: [op("Die", "y", [])] }),
    "custom-ops.mjs": new TextEncoder().encode(
      'export function register(tf) { tf.registerOp("Die", () => { setImmediate(() => { throw new Error("out of luck"); }); return new Promise(() => {}); }); }',
    ),
  });
  await expect(worker.run(model, new Map(), ["y"])).rejects.toMatchObject({
    problem: { code: "runtime-crashed", reason: "TF.js on cpu ended: out of luck" },
  });
  expect(worker.alive).toBe(false);
  const next = await TfjsWorker.start("cpu");
  expect(await next.held()).toBe(0);
  await next.close();
});

it("gives up a thread whose wasm broke down, since its memory is not to be trusted", async () => {
  // A module of one exported function, f: unreachable.
  const trap = "0061736d0100000001040160000003020100070501016600000a05010300000b";
  const worker = await TfjsWorker.start("wasm");
  const model = await worker.load({
    ...tfjsModel({ inputs: {}, outputs: { y: spec("y:0", "float32", []) }, nodes: [op("Trap", "y", [])] }),
    "custom-ops.mjs": new TextEncoder().encode(
      `const module = new WebAssembly.Module(Buffer.from("${trap}", "hex"));
       export const register = (tf) => tf.registerOp("Trap", () => new WebAssembly.Instance(module).exports.f());`,
    ),
  });
  await expect(worker.run(model, new Map(), ["y"])).rejects.toMatchObject({
    problem: { code: "runtime-crashed", reason: "TF.js on wasm ended: unreachable" },
  });
  expect(worker.alive).toBe(false);
});

it("runs a convolution", async () => {
  const run = await openTfjs(
    await folderOf(
      tfjsModel({
        inputs: { x: spec("x:0", "float32", [1, 2, 3, 1]) },
        outputs: { y: spec("y:0", "float32", [1, 1, 2, 1]) },
        nodes: [
          op("Conv2D", "y", ["x", "k"], {
            T: type("float32"),
            strides: ints(1, 1, 1, 1),
            padding: text("VALID"),
            dilations: ints(1, 1, 1, 1),
            data_format: text("NHWC"),
          }),
        ],
        weights: [{ name: "k", shape: [2, 2, 1, 1], dtype: "float32", data: Float32Array.of(1, 2, 3, 4) }],
      }),
    ),
    { backend: "wasm" },
  );
  const results = await run.run(new Map([["x", float([1, 2, 3, 1], Float32Array.of(1, 2, 3, 5, 7, 11))]]), ["y"]);
  expect([...(results.get("y")!.data as Float32Array)]).toEqual([1 + 4 + 15 + 28, 2 + 6 + 21 + 44]);
  await run.close();
});
