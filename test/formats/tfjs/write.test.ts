import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MemorySink } from "../../../src/base/memory.ts";
import { type ConvertOptions, convert } from "../../../src/convert.ts";
import { legalName } from "../../../src/formats/tfjs/names.ts";
import { tensorOf } from "../../../src/graph/tensor.ts";
import { TfjsWorker } from "../../../src/runtime/tfjs.ts";
import { type GraphSpec, node, onnxModel, openOnnx, tensor, value } from "../../build/onnx.ts";
import { random, randomInts } from "../../build/random.ts";

interface ModelJson {
  readonly modelTopology: { readonly node: { readonly name: string; readonly op: string }[] };
  readonly weightsManifest: {
    readonly paths: string[];
    readonly weights: {
      name: string;
      dtype: string;
      shape: number[];
      quantization?: { dtype: string; scale?: number; min?: number };
    }[];
  }[];
  readonly signature: { readonly inputs: object; readonly outputs: object };
}

let worker: TfjsWorker;
beforeAll(async () => {
  worker = await TfjsWorker.start("cpu");
});
afterAll(() => worker.close());

async function write(graph: GraphSpec, options: ConvertOptions = {}, opset = 17) {
  const { model, files } = await openOnnx(onnxModel({ graph, opsets: { "": opset } }));
  const sink = new MemorySink();
  const converted = await convert(model, files, sink, options);
  const json = (): ModelJson => JSON.parse(new TextDecoder().decode(sink.files["model.json"]));
  const run = async (x: Float32Array, shape: readonly number[]): Promise<number[]> => {
    const loaded = await worker.load(sink.files);
    const out = await worker.run(loaded, new Map([["x", { dtype: "float32" as const, shape, data: x }]]), ["y"]);
    await worker.unload(loaded);
    return Array.from(out.get("y")!.data as Float32Array);
  };
  return { sink, converted, json, run };
}

/** y = x · w, the weight as large as wanted. */
const dense = (rows: number, columns: number, name = "w"): GraphSpec => ({
  inputs: [value("x", "float32", ["n", rows])],
  outputs: [value("y", "float32", ["n", columns])],
  initializers: [tensor(name, "float32", [rows, columns], random(rows * columns, 3))],
  nodes: [node("MatMul", ["x", name], ["y"], {}, "fc")],
});

function product(x: ArrayLike<number>, w: ArrayLike<number>, n: number, k: number, m: number): number[] {
  return Array.from({ length: n * m }, (_, at) => {
    let sum = 0;
    for (let i = 0; i < k; i++) sum += x[Math.floor(at / m) * k + i]! * w[i * m + (at % m)]!;
    return sum;
  });
}

describe("writeTfjs", () => {
  it("streams a large weight between small ones, over shards that end anywhere", async () => {
    const [rows, columns] = [601, 703];
    const w = random(rows * columns, 5);
    const bias = random(columns, 6);
    const graph: GraphSpec = {
      ...dense(rows, columns),
      initializers: [tensor("w", "float32", [rows, columns], w), tensor("b", "float32", [columns], bias)],
      nodes: [node("MatMul", ["x", "w"], ["m"], {}, "fc"), node("Add", ["b", "m"], ["s"]), node("Sin", ["s"], ["y"])],
    };
    const { sink, json } = await write(graph, { shardBytes: 1_000_003 });
    const { paths, weights } = json().weightsManifest[0]!;
    const stored = new Uint8Array(weights.reduce((sum, { shape }) => sum + 4 * shape.reduce((a, b) => a * b, 1), 0));
    let at = 0;
    for (const path of paths) {
      expect(sink.files[path]!.length).toBeLessThanOrEqual(1_000_003);
      stored.set(sink.files[path]!, at);
      at += sink.files[path]!.length;
    }
    expect(at).toBe(stored.length);
    const expected = { w, b: bias } as Record<string, Float32Array>;
    let offset = 0;
    for (const { name, shape } of weights) {
      const count = shape.reduce((a, b) => a * b, 1);
      expect(new Float32Array(stored.buffer, offset, count), name).toEqual(expected[name]);
      offset += 4 * count;
    }
  });

  it("cuts shards at exactly the size asked for, tensors across their borders", async () => {
    const { sink, converted, run } = await write(dense(37, 11), { shardBytes: 500 });
    const bytes = 37 * 11 * 4;
    expect(converted.weightBytes).toBe(bytes);
    expect(converted.files).toEqual(["model.json", ...[1, 2, 3, 4].map((i) => `group1-shard${i}of4.bin`), "model.map.json"]);
    expect([1, 2, 3, 4].map((i) => sink.files[`group1-shard${i}of4.bin`]!.length)).toEqual([500, 500, 500, bytes - 1500]);
    const x = random(3 * 37, 9);
    const expected = product(x, random(37 * 11, 3), 3, 37, 11);
    for (const [i, y] of (await run(x, [3, 37])).entries()) expect(y).toBeCloseTo(expected[i]!, 3);
  });

  it("keeps float16 and 8-bit weights as small as the file has them, exactly", async () => {
    const [rows, inner, columns] = [80, 110, 93];
    const halves = Array.from(random(rows * inner, 4), (v) => Math.round(v * 64) / 64);
    const codes = randomInts(columns * inner, -128, 127, 8);
    const { json, converted, run } = await write({
      inputs: [value("x", "float32", ["n", rows])],
      outputs: [value("y", "float32", ["n", columns])],
      initializers: [tensor("h", "float16", [rows, inner], halves), tensor("q", "int8", [columns, inner], codes)],
      nodes: [
        node("Cast", ["h"], ["hf"], { to: 1 }),
        node("Cast", ["q"], ["qf"], { to: 1 }),
        node("Transpose", ["qf"], ["qt"], { perm: [1, 0] }),
        node("MatMul", ["x", "hf"], ["a"]),
        node("MatMul", ["a", "qt"], ["y"]),
      ],
    });
    const kinds = json().weightsManifest[0]!.weights.map(({ dtype, quantization }) => [
      dtype,
      quantization?.dtype,
      quantization?.min,
    ]);
    expect(kinds).toEqual([
      ["float32", "float16", undefined],
      ["float32", "uint8", -128],
    ]);
    expect(converted.weightBytes).toBe(2 * rows * inner + columns * inner);
    const x = random(2 * rows, 1);
    const turned = Array.from({ length: inner * columns }, (_, i) => codes[(i % columns) * inner + Math.floor(i / columns)]!);
    const expected = product(product(x, halves, 2, rows, inner), turned, 2, inner, columns);
    const largest = Math.max(...expected.map(Math.abs));
    for (const [i, y] of (await run(x, [2, rows])).entries()) expect(Math.abs(y - expected[i]!)).toBeLessThan(1e-5 * largest);
  });

  it.each([
    ["uint8", 255],
    ["uint16", 65535],
  ] as const)("quantises to %s within half a step, zero exact", async (kind, levels) => {
    const { json, sink } = await write(dense(16, 9), { quantize: (name) => (name === "w" ? kind : undefined) });
    const spec = json().weightsManifest[0]!.weights.find(({ shape }) => shape.length === 2)!;
    const { scale, min } = spec.quantization as { scale: number; min: number };
    expect(Number.isInteger(Math.round((min / scale) * 1e6) / 1e6)).toBe(true);
    const bytes = sink.files["group1-shard1of1.bin"]!;
    const codes = kind === "uint8" ? bytes : new Uint16Array(bytes.slice().buffer);
    const w = random(16 * 9, 3);
    for (let i = 0; i < w.length; i++) expect(Math.abs(codes[i]! * scale + min - w[i]!)).toBeLessThanOrEqual(scale * 0.51);
    expect(Math.max(...codes)).toBeGreaterThan(levels * 0.9);
  });

  it("leaves the weight out where a glob does not match, and refuses what float16 cannot hold", async () => {
    const { converted } = await write(dense(16, 9), { quantize: (name) => (name === "other" ? "uint8" : undefined) });
    expect(converted.weightBytes).toBe(16 * 9 * 4);
    const huge: GraphSpec = { ...dense(2, 3), initializers: [tensor("w", "float32", [2, 3], [1, -70000, 3, 0.5, 2, 9])] };
    await expect(write(huge, { quantize: () => "float16" })).rejects.toThrow("a weight does not fit float16: -70000");
    const infinite: GraphSpec = { ...dense(1, 2), initializers: [tensor("w", "float32", [1, 2], [1, Number.POSITIVE_INFINITY])] };
    await expect(write(infinite, { quantize: () => "uint8" })).rejects.toThrow("a weight that is not finite has no uint8 codes");
  });

  it("finds an int64 constant that int32 cannot hold, and writes nothing", async () => {
    const graph: GraphSpec = {
      inputs: [value("x", "int64", ["n"])],
      outputs: [value("y", "int64", ["n"])],
      initializers: [tensor("big", "int64", [1], [(2n ** 40n) as unknown as number])],
      nodes: [node("Add", ["x", "big"], ["y"], {}, "sum")],
    };
    const { converted, sink } = await write(graph);
    expect(converted.ok).toBe(false);
    expect(converted.problems).toMatchObject([
      { code: "int64-overflow", node: "sum", reason: `a constant does not fit int32: ${2 ** 40}` },
    ]);
    expect(sink.files).toEqual({});
  });

  const big = 10 ** 12;
  const i64 = (name: string, dims: readonly number[], values: readonly number[]) => tensor(name, "int64", dims, values);
  it.each([
    ["Pad", [tensor("x", "float32", [1], [0.5]), i64("pads", [2], [0, big])], big],
    ["Pad", [tensor("x", "int64", [1], [3]), i64("pads", [2], [0, 1]), i64("value", [], [big])], big],
    ["OneHot", [i64("x", [2], [1, 2]), i64("depth", [], [big]), tensor("values", "float32", [2], [0, 1])], big],
    ["Gather", [tensor("x", "float32", [3], [1, 2, 4]), i64("at", [1], [big])], big],
    ["Mod", [tensor("x", "uint32", [3], [7, 8, 9]), tensor("by", "uint32", [1], [3_000_000_019])], 3_000_000_019],
    ["Max", [i64("x", [3], [7, 8, 9]), i64("other", [1], [-(2 ** 31) - 1])], -(2 ** 31) - 1],
    ["CumSum", [i64("x", [3], [7, 8, 9]), i64("axis", [], [big])], big],
  ] as const)("never wraps a constant: %s", async (op, inputs, constant) => {
    const [x, ...constants] = inputs;
    const graph: GraphSpec = {
      inputs: [value("x", x.dtype, [...x.shape])],
      outputs: [value("y", x.dtype, undefined)],
      initializers: constants,
      nodes: [node(op, ["x", ...constants.map(({ name }) => name)], ["y"], {}, "sum")],
    };
    const { converted, sink } = await write(graph);
    expect(converted.ok).toBe(false);
    expect(converted.problems.map(({ node, reason }) => [node, reason])).toEqual([
      ["sum", expect.stringContaining(`${constant}`)],
    ]);
    expect(sink.files).toEqual({});
  });

  it("gives every node a legal, unique name and every output a node of its own", async () => {
    const { json, run, converted } = await write(
      {
        inputs: [value("x", "float32", [2, 3])],
        outputs: [value("y", "float32", [2, 3]), value("same", "float32", [2, 3]), value("x_out:0", "float32", [2, 3])],
        nodes: [
          node("Neg", ["x"], ["a:b"], {}, "/n:1"),
          node("Neg", ["a:b"], ["a_b"], {}, "/n:1"),
          node("Neg", ["a_b"], ["y"], {}, ""),
          node("Identity", ["y"], ["same"], {}, ""),
          node("Identity", ["x"], ["x_out:0"], {}, ""),
        ],
      },
      { optimize: false },
    );
    const names = json().modelTopology.node.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[A-Za-z0-9.][A-Za-z0-9_./-]*$/);
    expect(converted.outputs.map(({ name }) => name)).toEqual(["y", "same", "x_out:0"]);
    expect(await run(Float32Array.of(1, -2, 3, -4, 5, 6), [2, 3])).toEqual([-1, 2, -3, 4, -5, -6]);
  });

  it("writes a model without weights and one with empty ones", async () => {
    const { converted, run } = await write({
      inputs: [value("x", "float32", [3])],
      outputs: [value("y", "float32", [3])],
      nodes: [node("Sigmoid", ["x"], ["y"])],
    });
    expect(converted.files).toEqual(["model.json", "model.map.json"]);
    expect((await run(Float32Array.of(0, 100, -100), [3])).map((v) => Math.round(v * 1e6) / 1e6)).toEqual([0.5, 1, 0]);
    const empty = await write({
      inputs: [value("x", "float32", [2, 3])],
      outputs: [value("y", "float32", [2, 3])],
      initializers: [tensor("none", "float32", [0, 3], [])],
      nodes: [node("Concat", ["x", "none"], ["y"], { axis: 0 })],
    });
    expect(await empty.run(Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3])).toEqual([1, 2, 3, 4, 5, 6]);
  });
});

describe("legalName", () => {
  it.each([
    ["conv1/weight:0", "conv1/weight_0"],
    ["/model/fc", "model/fc"],
    ["_x", "x"],
    ["", "node"],
    ["größe", "gr__e"],
    ["constructor", "constructor_"],
    ["_toString", "toString_"],
  ])("%s → %s", (name, expected) => {
    expect(legalName(name)).toBe(expected);
  });
});

// Keeps the builder's strictness honest: a tensor of the wrong length is our own fault.
it("tensorOf saturates 64-bit infinities", () => {
  expect((tensorOf("int64", [2], [Number.POSITIVE_INFINITY, -3]).data as BigInt64Array)[0]).toBe(2n ** 63n - 1n);
});
