import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { MemorySink } from "../../src/base/memory.ts";
import { convert } from "../../src/convert.ts";
import { type SourceMap, sourceMapName } from "../../src/graph/map.ts";
import { tensorOf } from "../../src/graph/tensor.ts";
import { compareWithin, roomOf } from "../../src/parity/steps.ts";
import { toleranceFor } from "../../src/parity/tolerance.ts";
import { parity } from "../../src/parity.ts";
import { TfjsWorker } from "../../src/runtime/tfjs.ts";
import { node, onnxModel, openOnnx, tensor, untyped, value } from "../build/onnx.ts";
import { randomInts } from "../build/random.ts";

let worker: TfjsWorker;
let folder: string;
beforeAll(async () => {
  [worker, folder] = await Promise.all([TfjsWorker.start("wasm"), mkdtemp(path.join(tmpdir(), "modelwright-"))]);
});
afterAll(() => Promise.all([worker.close(), rm(folder, { recursive: true })]));

const scalar = (name: string, dtype: "float32" | "uint8", of: number) => tensor(name, dtype, [], [of]);
const weights = randomInts(5 * 3 * 3 * 2, -20, 20, 3);

/** Two convolutions between codes. Every other sum of the first lies on a tie of its codes, where the last bit of a float decides. */
const modelWith = (codes: readonly number[]) =>
  onnxModel({
    ir: 8,
    opsets: { "": 19 },
    graph: {
      name: "main",
      inputs: [value("x", "float32", [1, 3, 7, 6])],
      outputs: [untyped("y")],
      initializers: [
        scalar("s", "float32", 0.1),
        scalar("z", "uint8", 117),
        scalar("t", "float32", 0.02),
        scalar("o", "uint8", 120),
        scalar("u", "float32", 0.7),
        tensor("w", "int8", [5, 3, 3, 2], codes),
        tensor("sw", "float32", [5], [0.1, 0.1, 0.1, 0.1, 0.1]),
        tensor("v", "int8", [4, 5, 1, 1], randomInts(20, -9, 9, 8)),
        tensor("sv", "float32", [4], [0.1, 0.07, 0.13, 0.1]),
      ],
      nodes: [
        node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        node("DequantizeLinear", ["q", "s", "z"], ["d"]),
        node("DequantizeLinear", ["w", "sw"], ["k"], { axis: 0 }),
        node("Conv", ["d", "k"], ["a"]),
        node("Relu", ["a"], ["r"]),
        node("QuantizeLinear", ["r", "t", "o"], ["b"]),
        node("DequantizeLinear", ["b", "t", "o"], ["c"]),
        node("DequantizeLinear", ["v", "sv"], ["l"], { axis: 0 }),
        node("Conv", ["c", "l"], ["e"]),
        node("QuantizeLinear", ["e", "u", "z"], ["f"]),
        node("DequantizeLinear", ["f", "u", "z"], ["g"]),
        node("Softmax", ["g"], ["y"], { axis: 1 }),
      ],
    },
  });

const source = modelWith(weights);

/** The source in onnxruntime beside the conversion of `converted`. */
async function parityOf(converted: Uint8Array) {
  const given = await openOnnx(source);
  const { model, files } = await openOnnx(converted);
  const sink = new MemorySink();
  expect((await convert(model, files, sink)).problems).toEqual([]);
  const file = path.join(folder, "m.onnx");
  await writeFile(file, source);
  const loaded = await worker.load(sink.files);
  const target = {
    backend: "wasm",
    inputs: loaded.inputs,
    outputs: loaded.outputs,
    run: (feeds: Parameters<TfjsWorker["run"]>[1], names: readonly string[]) => worker.run(loaded, feeds, names),
    close: async () => {},
  };
  const map = JSON.parse(new TextDecoder().decode(sink.files[sourceMapName])) as SourceMap;
  const report = await parity({ model: given.model, files: given.files, path: file, target, map, layers: true });
  await worker.unload(loaded);
  expect(report.problems).toEqual([]);
  return report;
}

const inRoom = "within what a step of the rounding before it makes";

test("a tie that falls to the other side is told as the step that it is, and what follows from it", async () => {
  const { layers = [], ok, firstDifference } = await parityOf(source);
  expect(ok).toBe(true);
  expect(firstDifference).toBeUndefined();
  const found = new Map(layers.map((layer) => [layer.source, layer]));
  expect(found.get("main/q")).toMatchObject({ verdict: "equal" });
  expect(found.get("main/c")).toMatchObject({ verdict: "within", note: inRoom });
  expect(found.get("main/c")!.maxAbs).toBeCloseTo(0.02, 5);
  expect(found.get("main/e")).toMatchObject({ verdict: "within", note: inRoom });
});

test("a weight that is not the source's is found at the first value behind it", async () => {
  const planted = [...weights];
  planted[11] = planted[11]! + 9;
  const { ok, firstDifference } = await parityOf(modelWith(planted));
  expect(ok).toBe(false);
  expect(firstDifference?.source).toBe("main/c");
});

const step = Math.fround(0.02);

test("codes have a step, what is dequantised or quantised next its scale, the rest behind them a share", async () => {
  const { model, files } = await openOnnx(source);
  const rooms = await roomOf(model, files);
  const scaled = (scale: number) => ({ scale: Math.fround(scale) });
  const codes = { steps: 1, share: 1 / 255 };
  expect(Object.fromEntries(rooms)).toEqual({
    ...{ q: codes, b: codes, f: codes },
    ...{ d: scaled(0.1), a: { scale: step }, r: { scale: step }, c: { scale: step }, e: scaled(0.7), g: scaled(0.7) },
    y: { share: 1 / 255 },
  });
});

test("nothing before the first rounding has room, nor the scale that is found for it", async () => {
  const { model, files } = await openOnnx(
    onnxModel({
      ir: 8,
      graph: {
        inputs: [value("x", "float32", [3, 5])],
        outputs: [untyped("y")],
        initializers: [tensor("w", "int8", [5, 2], randomInts(10, -9, 9, 8))],
        nodes: [
          node("Exp", ["x"], ["a"]),
          node("DynamicQuantizeLinear", ["a"], ["q", "s", "z"]),
          node("MatMulInteger", ["q", "w", "z"], ["p"]),
          node("Cast", ["p"], ["c"], { to: 1 }),
          node("Mul", ["c", "s"], ["y"]),
        ],
      },
    }),
  );
  const share = 1 / 255;
  expect(Object.fromEntries(await roomOf(model, files))).toEqual({
    ...{ q: { steps: 1, share }, z: { steps: 1, share }, p: { share, sums: true }, c: { share }, y: { share } },
  });
});

test("only what is out of tolerance and in its room is told so", () => {
  const options = { tolerance: toleranceFor("float32") };
  const a = tensorOf("float32", [3], [1, -2, 0.5]);
  const off = (by: number) => compareWithin(a, tensorOf("float32", [3], [1, -2 + by, 0.5]), options, { scale: 0.02 });
  expect(off(1e-4)).toMatchObject({ verdict: "within" });
  expect(off(1e-4).note).toBeUndefined();
  expect(off(0.02)).toMatchObject({ verdict: "within", note: inRoom, bad: 0 });
  expect(off(0.021)).toMatchObject({ verdict: "different", bad: 1 });
  const sums = tensorOf("int32", [2], [2550, -7]);
  const summed = (by: number) =>
    compareWithin(sums, tensorOf("int32", [2], [2550, by - 7]), options, { share: 1 / 255, sums: true });
  expect(summed(10)).toMatchObject({ verdict: "within", note: inRoom });
  expect(summed(11)).toMatchObject({ verdict: "different", bad: 1 });
  // An index is no sum of codes.
  expect(compareWithin(sums, tensorOf("int32", [2], [2550, -6]), options, { share: 1 / 255 }).verdict).toBe("different");
});
