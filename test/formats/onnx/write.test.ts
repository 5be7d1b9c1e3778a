import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DType } from "../../../src/base/dtype.ts";
import { MemorySink, memorySource, memorySources } from "../../../src/base/memory.ts";
import { irVersion } from "../../../src/formats/onnx/message.ts";
import { readOnnx } from "../../../src/formats/onnx/read.ts";
import { externalName, type OnnxWriteOptions, onnxName, writeOnnx } from "../../../src/formats/onnx/write.ts";
import { loadTensor } from "../../../src/graph/decode.ts";
import { noOrigin, type Shape } from "../../../src/graph/graph.ts";
import type { OnnxAttr, OnnxGraph, OnnxModel, OnnxNode } from "../../../src/graph/onnx-graph.ts";
import { type Tensor, tensorOf } from "../../../src/graph/tensor.ts";
import { OrtProcess } from "../../../src/runtime/ort.ts";
import { Builder } from "../../../src/tf/build.ts";
import { evaluate } from "../../../src/tf/evaluate.ts";
import "../../../src/tf/all.ts";
import { random, randomInts } from "../../build/random.ts";

let folder: string;
let ort: OrtProcess;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "modelwright-"));
  ort = await OrtProcess.start();
});
afterAll(async () => {
  await ort.close();
  await rm(folder, { recursive: true });
});

const b = new Builder();
const float = (shape: Shape | undefined) => ({ dtype: "float32" as const, shape });
const node = (
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attrs: Readonly<Record<string, OnnxAttr>> = {},
): OnnxNode => ({ name: `${op}/${outputs[0]}`, op, domain: "", inputs, outputs, attrs, origin: noOrigin });
const graphOf = (graph: Partial<OnnxGraph>): OnnxGraph => ({
  name: "main",
  inputs: [],
  outputs: [],
  nodes: [],
  initializers: [],
  valueInfo: [],
  ...graph,
});
const modelOf = (graph: OnnxGraph, opset = 17): OnnxModel => ({ graph, opsets: new Map([["", opset]]) });

async function write(model: OnnxModel, options: Partial<OnnxWriteOptions> = {}) {
  const sink = new MemorySink();
  const written = await writeOnnx(model, sink, { producer: { name: "test", version: "3" }, evaluate, ...options });
  await sink.commit();
  const { model: read, files } = await readOnnx(memorySource(onnxName, sink.files[onnxName]!), memorySources(sink.files));
  const stored = async (name: string): Promise<Tensor> => {
    const tensor = read.graphs[0]!.values.find((value) => value.name === name)!.tensor!;
    return loadTensor({ dtype: tensor.dtype, shape: tensor.shape, stored: tensor, files });
  };
  const run = async (feeds: Readonly<Record<string, Tensor>>, fetches: readonly string[]) => {
    for (const [name, bytes] of Object.entries(sink.files)) await writeFile(path.join(folder, name), bytes);
    const loaded = await ort.load(path.join(folder, onnxName));
    const found = await ort.run(loaded, new Map(Object.entries(feeds)), fetches);
    await ort.unload(loaded);
    return found;
  };
  return { written, files: sink.files, read, stored, run };
}

/** y = (x · wᵀ) + c, the product's weight an expression over a constant. */
function dense(): OnnxModel {
  const w = b.transpose(b.constant(tensorOf("float32", [23, 13], random(299, 3))), [1, 0]);
  return modelOf(
    graphOf({
      inputs: [{ name: "x", ...float(["n", 13]) }],
      outputs: [{ name: "y", ...float(["n", 23]) }],
      nodes: [node("MatMul", ["x", "w"], ["h"]), node("Add", ["h", "c"], ["y"])],
      initializers: [
        { name: "w", value: w },
        { name: "c", value: b.constant(tensorOf("float32", [23], random(23, 5))) },
      ],
      valueInfo: [{ name: "h", ...float(["n", undefined]) }],
    }),
  );
}

function expectDense(y: Tensor, x: Float32Array): void {
  const [w, c] = [random(299, 3), random(23, 5)];
  expect(y.shape).toEqual([3, 23]);
  for (const [at, found] of (y.data as Float32Array).entries()) {
    let sum = c[at % 23]!;
    for (let k = 0; k < 13; k++) sum += x[Math.floor(at / 23) * 13 + k]! * w[(at % 23) * 13 + k]!;
    expect(found).toBeCloseTo(sum, 4);
  }
}

describe("writeOnnx", () => {
  it("writes what onnxruntime runs, constant expressions evaluated on the way", async () => {
    const { written, read, run } = await write(dense(), { metadata: { state: '["a"]' } });
    const x = random(39, 7);
    expectDense((await run({ x: tensorOf("float32", [3, 13], x) }, ["y"])).get("y")!, x);
    expect(written).toEqual({ files: [onnxName], weightBytes: 4 * (299 + 23) });
    expect(read.graphs[0]!.values.find(({ name }) => name === "h")?.type.shape).toEqual(["n", null]);
    expect(read.metadata).toMatchObject({ state: '["a"]' });
  });

  it("keeps large weights in a file of their own, at page borders, where the model would be too large", async () => {
    const progress: number[] = [];
    const model = dense();
    const more = { name: "unused", value: b.constant(tensorOf("float32", [7, 41], random(287, 9))) };
    const graph = { ...model.graph, initializers: [...model.graph.initializers, more] };
    const { written, files, stored, run } = await write(
      { ...model, graph },
      { externalAbove: 100, onWeight: (done, total) => progress.push(done / total) },
    );
    expect(written.files).toEqual([onnxName, externalName]);
    expect(files[externalName]!.length).toBe(4096 + 4 * 287);
    expect(await stored("unused")).toEqual(tensorOf("float32", [7, 41], random(287, 9)));
    expect(await stored("c")).toEqual(tensorOf("float32", [23], random(23, 5)));
    const x = random(39, 8);
    expectDense((await run({ x: tensorOf("float32", [3, 13], x) }, ["y"])).get("y")!, x);
    expect(progress.at(-1)).toBe(1);
  });

  const dtypes: readonly DType[] = [
    ...(["float64", "float16", "bfloat16", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"] as const),
    ...(["int4", "uint4"] as const),
  ];
  it.each(dtypes)("writes %s as it is", async (dtype) => {
    const low = dtype.startsWith("uint") ? 0 : -7;
    const tensor = tensorOf(dtype, [3, 7], randomInts(21, low, 7, 11));
    const { stored } = await write(modelOf(graphOf({ initializers: [{ name: "t", value: b.constant(tensor) }] }), 21));
    expect(await stored("t")).toEqual(tensor);
  });

  it("writes texts, of initializers and of attributes", async () => {
    const words: Tensor = { dtype: "string", shape: [3], data: ["", "naïve", "漢字"] };
    const attrs: Record<string, OnnxAttr> = { value: { kind: "tensor", value: b.constant(words) } };
    const graph = graphOf({
      outputs: [{ name: "y", dtype: "string", shape: [6] }],
      nodes: [node("Constant", [], ["k"], attrs), node("Concat", ["t", "k"], ["y"], { axis: { kind: "int", value: 0 } })],
      initializers: [{ name: "t", value: b.constant(words) }],
    });
    const { run, stored } = await write(modelOf(graph));
    expect(await stored("t")).toEqual(words);
    expect((await run({}, ["y"])).get("y")!.data).toEqual([...(words.data as string[]), ...(words.data as string[])]);
  });

  it("writes sub-graphs that read what is around them", async () => {
    const branch = (name: string, op: string) =>
      graphOf({ name, outputs: [{ name: `${name}_y`, ...float([5]) }], nodes: [node(op, ["h", `c`], [`${name}_y`])] });
    const graph = graphOf({
      inputs: [
        { name: "x", ...float([5]) },
        { name: "p", dtype: "bool", shape: [] },
      ],
      outputs: [{ name: "y", ...float([5]) }],
      nodes: [
        node("Neg", ["x"], ["h"]),
        node("If", ["p"], ["y"], {
          then_branch: { kind: "graph", value: branch("then", "Add") },
          else_branch: { kind: "graph", value: branch("else", "Mul") },
        }),
      ],
      initializers: [{ name: "c", value: b.constant(tensorOf("float32", [5], random(5, 2))) }],
    });
    const { run } = await write(modelOf(graph));
    const [x, c] = [random(5, 4), random(5, 2)];
    for (const p of [0, 1]) {
      const y = (await run({ x: tensorOf("float32", [5], x), p: tensorOf("bool", [], [p]) }, ["y"])).get("y")!;
      expect(y.data).toEqual(Float32Array.from(x, (v, i) => (p ? -v + c[i]! : Math.fround(-v * c[i]!))));
    }
  });

  it("takes the oldest IR version that has the opset", async () => {
    expect([13, 14, 17, 18, 19, 20, 21].map(irVersion)).toEqual([7, 8, 8, 8, 9, 9, 10]);
    const { read } = await write({
      ...dense(),
      opsets: new Map([
        ["", 19],
        ["com.microsoft", 1],
      ]),
    });
    expect(read.opsets).toEqual({ "": 19, "com.microsoft": 1 });
  });

  it("stops between weights when cancelled", async () => {
    const abort = new AbortController();
    const writing = write(dense(), { signal: abort.signal, onWeight: () => abort.abort() });
    await expect(writing).rejects.toThrow("cancelled");
  });
});

describe("assertSound", () => {
  const { graph } = dense();
  const breaches: readonly (readonly [string, Partial<OnnxGraph>, string])[] = [
    ["a value made twice", { nodes: [...graph.nodes, node("Neg", ["x"], ["h"])] }, "two values named h"],
    ["a value read before it is made", { nodes: [...graph.nodes].reverse() }, "wants h"],
    ["an output that nothing makes", { nodes: graph.nodes.slice(0, 1) }, "the graph's outputs wants y"],
    ["two nodes of one name", { nodes: graph.nodes.map((each) => ({ ...each, name: "same" })) }, "two nodes named same"],
  ];
  it.each(breaches)("refuses %s", async (_, change, message) => {
    await expect(write(modelOf({ ...graph, ...change }))).rejects.toThrow(message);
  });
});
