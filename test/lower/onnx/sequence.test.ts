import { expect, it } from "vitest";
import { MemorySink } from "../../../src/base/memory.ts";
import { convert } from "../../../src/convert.ts";
import {
  type GraphSpec,
  type NodeSpec,
  node,
  onnxModel,
  openOnnx,
  optionalOf,
  type TensorSpec,
  tensor,
  typeAttr,
  untyped,
  value,
} from "../../build/onnx.ts";
import { random } from "../../build/random.ts";
import { againstOrt } from "./against-ort.ts";

const ort = againstOrt();

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
    node("Loop", ["trips", "yes", "none"], ["s"], { body }),
    node("ConcatFromSequence", ["s"], ["y"], { axis: 0 }),
  ];
  for (const trips of [3, 40])
    expect(await differences(nodes, [number("trips", trips), tensor("yes", "bool", [], [1])], ["y"])).toEqual([]);
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

const flag = (on: number) => tensor("on", "bool", [], [on]);
const branch = (name: string, nodes: readonly NodeSpec[], output: string): GraphSpec => ({
  name,
  inputs: [],
  outputs: [untyped(output)],
  nodes,
});

it("chooses between sequences as the run says, and takes out what lies outside", async () => {
  const nodes = [
    node("Neg", ["x"], ["n"]),
    node("SequenceConstruct", ["x", "n"], ["outer"]),
    node("If", ["on"], ["s"], {
      then_branch: branch("yes", [node("SequenceConstruct", ["n", "x"], ["p"])], "p"),
      else_branch: branch(
        "no",
        [
          node("SequenceAt", ["outer", "one"], ["e"]),
          node("Mul", ["e", "e"], ["m"]),
          node("SequenceConstruct", ["x", "m"], ["q"]),
        ],
        "q",
      ),
    }),
    node("ConcatFromSequence", ["s"], ["y"], { axis: 1 }),
  ];
  for (const on of [0, 1]) expect(await differences(nodes, [number("one", 1)], ["y"], [x, flag(on)])).toEqual([]);
});

it("an optional that the run fills or leaves empty", async () => {
  const nodes = [
    node("If", ["on"], ["o"], {
      then_branch: branch("yes", [node("Optional", ["x"], ["p"])], "p"),
      else_branch: branch("no", [node("Optional", [], ["q"], { type: typeAttr(value("", "float32", [7, 3])) })], "q"),
    }),
    node("OptionalHasElement", ["o"], ["has"]),
    node("If", ["has"], ["y"], {
      then_branch: branch("full", [node("OptionalGetElement", ["o"], ["g"]), node("Neg", ["g"], ["r"])], "r"),
      else_branch: branch("empty", [node("Add", ["x", "x"], ["t"])], "t"),
    }),
  ];
  for (const on of [0, 1]) expect(await differences(nodes, [], ["has", "y"], [x, flag(on)])).toEqual([]);
});

it("writes an output for each element of a sequence", async () => {
  const graph: GraphSpec = {
    inputs: [value("x", "float32", [7, 3])],
    outputs: [untyped("s")],
    initializers: [tensor("sizes", "int64", [2], [3, 4])],
    nodes: [node("SplitToSequence", ["x", "sizes"], ["s"], { axis: 0 })],
  };
  const { model, files } = await openOnnx(onnxModel({ ir: 8, opsets: { "": 17 }, graph }));
  const { outputs, problems } = await convert(model, files, new MemorySink());
  expect(outputs).toMatchObject([
    { name: "s_0", shape: [3, 3] },
    { name: "s_1", shape: [4, 3] },
  ]);
  expect(problems).toMatchObject([{ code: "sequence-output", severity: "info", tensor: "s" }]);
});

it("an optional input is taken as given; whether it is cannot be told", async () => {
  const bytes = (op: string) =>
    onnxModel({
      ir: 8,
      opsets: { "": 18 },
      graph: {
        inputs: [optionalOf("o", value("", "float32", [2, 3]))],
        outputs: [untyped("y")],
        nodes: [node(op, ["o"], ["y"], {}, "n")],
      },
    });
  const problemsOf = async (op: string) => {
    const { model, files } = await openOnnx(bytes(op));
    return (await convert(model, files, new MemorySink())).problems;
  };
  expect(await problemsOf("OptionalGetElement")).toMatchObject([{ code: "optional-input", severity: "info", tensor: "o" }]);
  expect((await problemsOf("OptionalHasElement")).filter(({ severity }) => severity === "error")).toMatchObject([{ node: "n" }]);
});
