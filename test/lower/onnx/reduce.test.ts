import { expect, it } from "vitest";
import { type NodeSpec, node, onnxModel, tensor, untyped, value } from "../../build/onnx.ts";
import { random, randomInts } from "../../build/random.ts";
import { againstOrt } from "./against-ort.ts";

const ort = againstOrt();

const shape = [2, 3, 7, 5];
const x = tensor("x", "float32", shape, random(210));
const positive = tensor(
  "x",
  "float32",
  shape,
  random(210).map((each) => Math.abs(each) + 0.1),
);
const whole = tensor("x", "int32", shape, randomInts(210, -9, 9));
const ops = ["Sum", "Mean", "Max", "Min", "Prod", "L1", "L2", "SumSquare", "LogSum", "LogSumExp"].map((op) => `Reduce${op}`);
const axesTensor = (axes: readonly number[]) => tensor("axes", "int64", [axes.length], axes);

it.each(ops)("%s over attribute and input axes", async (op) => {
  const data = op === "ReduceLogSum" ? positive : x;
  for (const axes of [[1], [-1, 0], [0, 1, 2, 3]])
    for (const keepdims of [0, 1]) {
      expect(await ort.differences({ op, opset: 11, inputs: [data], attrs: { axes, keepdims } })).toEqual([]);
      expect(await ort.differences({ op, opset: 18, inputs: [data, axesTensor(axes)], attrs: { keepdims } })).toEqual([]);
    }
  expect(await ort.differences({ op, opset: 18, inputs: [data], open: true })).toEqual([]);
});

it.each(["ReduceSum", "ReduceMax"])("%s over computed axes", async (op) => {
  const inputs = [x, axesTensor([-2, 0])];
  for (const keepdims of [0, 1])
    expect(await ort.differences({ op, opset: 18, inputs, fed: 2, attrs: { keepdims } })).toEqual([]);
});

it("reduces over no axes, or over all, as noop_with_empty_axes says", async () => {
  for (const noop_with_empty_axes of [0, 1])
    for (const inputs of [[x], [x, axesTensor([])]])
      expect(await ort.differences({ op: "ReduceSum", opset: 18, inputs, attrs: { noop_with_empty_axes } })).toEqual([]);
});

it.each(["ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1"])("%s of integers", async (op) => {
  expect(await ort.differences({ op, opset: 11, inputs: [whole], attrs: { axes: [1], keepdims: 0 } })).toEqual([]);
});

it("finds the first or the last of equals", async () => {
  const ties = tensor("x", "float32", [3, 7, 2], randomInts(42, -2, 2));
  for (const op of ["ArgMax", "ArgMin"])
    for (const axis of [0, 1, -1])
      for (const select_last_index of [0, 1])
        for (const keepdims of [0, 1])
          expect(
            await ort.differences({ op, inputs: [ties], attrs: { axis, keepdims, select_last_index }, open: axis === 1 }),
          ).toEqual([]);
});

it("takes the greatest and the least, in order, along any axis", async () => {
  const k = tensor("k", "int64", [1], [3]);
  for (const axis of [0, 1, -1])
    for (const largest of [0, 1]) {
      const data = tensor("x", "float32", [5, 7, 3], random(105, 8));
      expect(await ort.differences({ op: "TopK", inputs: [data, k], attrs: { axis, largest }, outputs: 2 })).toEqual([]);
      const ints = tensor("x", "int64", [5, 7, 3], randomInts(105, -900, 900, 8));
      expect(await ort.differences({ op: "TopK", inputs: [ints, k], attrs: { axis, largest }, outputs: 2 })).toEqual([]);
    }
  expect(
    await ort.differences({
      op: "TopK",
      opset: 9,
      inputs: [tensor("x", "float32", [2, 11], random(22))],
      attrs: { k: 4 },
      outputs: 2,
    }),
  ).toEqual([]);
});

it("accumulates along an axis", async () => {
  for (const along of [0, 1, -1])
    for (const exclusive of [0, 1])
      for (const reverse of [0, 1])
        for (const fed of [1, 2]) {
          const inputs = [tensor("x", "float32", [3, 5, 2], random(30)), tensor("axis", "int64", [], [along])];
          expect(await ort.differences({ op: "CumSum", inputs, attrs: { exclusive, reverse }, fed })).toEqual([]);
        }
});

it.each(["ReduceMax", "ReduceMin", "ReduceProd", "ReduceSum"])("%s over what a search may have found nothing of", async (op) => {
  for (const keepdims of [0, 1])
    for (const found of [
      [1, 0, 0, 1, 1],
      [0, 0, 0, 0, 0],
    ]) {
      const fed = [tensor("x", "float32", [5], found)];
      const graph = {
        inputs: [value("x", "float32", ["n"])],
        outputs: [untyped("y")],
        initializers: [tensor("table", "float32", [5, 3], random(15)), axesTensor([0])],
        nodes: [
          node("NonZero", ["x"], ["places"]),
          node("Transpose", ["places"], ["rows"], { perm: [1, 0] }),
          node("GatherND", ["table", "rows"], ["taken"]),
          node(op, ["taken", "axes"], ["y"], { keepdims }),
        ],
      };
      expect(await ort.modelDifferences(onnxModel({ ir: 8, opsets: { "": 20 }, graph }), fed, ["y"])).toEqual([]);
    }
});

/** onnxruntime has no greatest of no bools: it is asked for that of floats. */
it.each(["ReduceMax", "ReduceMin"])("%s of bools, and of none", async (op) => {
  const model = (nodes: readonly NodeSpec[]) =>
    onnxModel({
      ir: 9,
      opsets: { "": 20 },
      graph: {
        inputs: [value("x", "float32", ["n"])],
        outputs: [untyped("y")],
        initializers: [tensor("limit", "int64", [], [2]), axesTensor([1]), tensor("zero", "float32", [], [0])],
        nodes: [node("NonZero", ["x"], ["places"]), node("Greater", ["places", "limit"], ["test"]), ...nodes],
      },
    });
  const reference = model([
    node("Cast", ["test"], ["numbers"], { to: 1 }),
    node(op, ["numbers", "axes"], ["most"]),
    node("Greater", ["most", "zero"], ["y"]),
  ]);
  for (const found of [
    [1, 0, 0, 1, 1],
    [0, 0, 0, 0, 0],
  ]) {
    const fed = [tensor("x", "float32", [5], found)];
    expect(await ort.modelDifferences(model([node(op, ["test", "axes"], ["y"])]), fed, ["y"], { reference })).toEqual([]);
  }
});

it("ReduceProd over an axis that is fed as nothing", async () => {
  const nothing = tensor("x", "float32", [0, 3], []);
  for (const axis of [0, 1])
    expect(await ort.differences({ op: "ReduceProd", inputs: [nothing, axesTensor([axis])], open: true })).toEqual([]);
});
