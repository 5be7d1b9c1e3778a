import { afterAll, beforeAll, expect, it } from "vitest";
import { type GraphSpec, type NodeSpec, node, onnxModel, type TensorSpec, tensor, untyped, value } from "../../build/onnx.ts";
import { random } from "../../build/random.ts";
import { AgainstOrt } from "./against-ort.ts";

let ort: AgainstOrt;
beforeAll(async () => {
  ort = await AgainstOrt.start();
});
afterAll(() => ort.close());

const x = tensor("x", "float32", [7, 3], random(21));
const number = (name: string, at: number) => tensor(name, "int64", [], [at]);

const differences = (nodes: readonly NodeSpec[], initializers: readonly TensorSpec[], outputs: readonly string[], fed = [x]) => {
  const graph: GraphSpec = {
    inputs: fed.map(({ name, dtype, shape }) => value(name, dtype, [...shape])),
    outputs: outputs.map(untyped),
    initializers,
    nodes,
  };
  return ort.modelDifferences(onnxModel({ ir: 8, opsets: { "": 17 }, graph }), fed, outputs);
};

it("splits, counts, picks, and joins again", async () => {
  const sizes = tensor("sizes", "int64", [3], [2, 4, 1]);
  const nodes = [
    node("SplitToSequence", ["x", "sizes"], ["s"], { axis: 0 }),
    node("SequenceAt", ["s", "last"], ["y"]),
    node("SequenceLength", ["s"], ["n"]),
    node("SequenceErase", ["s", "one"], ["t"]),
    node("SequenceInsert", ["t", "y", "zero"], ["u"]),
    node("ConcatFromSequence", ["u"], ["z"], { axis: 0 }),
  ];
  expect(await differences(nodes, [sizes, number("last", -1), number("one", 1), number("zero", 0)], ["y", "n", "z"])).toEqual([]);
});

it("splits one by one and stacks, with the axis kept or not", async () => {
  for (const keepdims of [0, 1]) {
    const nodes = [
      node("SplitToSequence", ["x"], ["s"], { axis: 1, keepdims }),
      node("ConcatFromSequence", ["s"], ["y"], keepdims ? { axis: 1 } : { axis: 1, new_axis: 1 }),
      node("SplitToSequence", ["x", "two"], ["t"], { axis: 0 }),
      node("ConcatFromSequence", ["t"], ["z"], { axis: 0 }),
    ];
    expect(await differences(nodes, [number("two", 2)], ["y", "z"])).toEqual([]);
  }
});

it("picks where only the run knows", async () => {
  const nodes = [
    node("Neg", ["x"], ["n"]),
    node("SequenceConstruct", ["x", "n", "x"], ["s"]),
    node("SequenceAt", ["s", "at"], ["y"]),
  ];
  for (const at of [0, 1, -2]) expect(await differences(nodes, [], ["y"], [x, number("at", at)])).toEqual([]);
});

it("carries sequences through a loop of known length", async () => {
  const body: GraphSpec = {
    name: "body",
    inputs: [value("i", "int64", []), value("go", "bool", []), untyped("s")],
    outputs: [untyped("go_on"), untyped("t")],
    nodes: [
      node("Identity", ["go"], ["go_on"]),
      node("Cast", ["i"], ["f"], { to: 1 }),
      node("Add", ["x", "f"], ["e"]),
      node("SequenceInsert", ["s", "e"], ["t"]),
    ],
  };
  const nodes = [
    node("SequenceEmpty", [], ["none"]),
    node("Loop", ["three", "yes", "none"], ["s"], { body }),
    node("ConcatFromSequence", ["s"], ["y"], { axis: 0 }),
  ];
  expect(await differences(nodes, [number("three", 3), tensor("yes", "bool", [], [1])], ["y"])).toEqual([]);
});

it("tells whether an optional holds something", async () => {
  const nodes = [
    node("Optional", ["x"], ["o"]),
    node("OptionalHasElement", ["o"], ["has"]),
    node("OptionalGetElement", ["o"], ["e"]),
    node("Neg", ["e"], ["y"]),
  ];
  expect(await differences(nodes, [], ["has", "y"])).toEqual([]);
});
