import { expect, it } from "vitest";
import {
  float,
  type GraphSpec,
  type NodeSpec,
  node,
  onnxModel,
  ref,
  type TensorSpec,
  tensor,
  untyped,
  value,
} from "../../build/onnx.ts";
import { random } from "../../build/random.ts";
import { againstOrt } from "./against-ort.ts";

const ort = againstOrt();

const x = tensor("x", "float32", [2, 3], random(6));
const flag = (on: boolean) => tensor("flag", "bool", [], [on ? 1 : 0]);
const scalar = (name: string, number: number) => tensor(name, "float32", [], [number]);

const body = (nodes: readonly NodeSpec[], outputs: readonly string[], rest: Partial<GraphSpec> = {}): GraphSpec => ({
  name: "body",
  nodes,
  outputs: outputs.map(untyped),
  ...rest,
});

function model(
  fed: readonly TensorSpec[],
  graph: Partial<GraphSpec> & { readonly nodes: readonly NodeSpec[] },
  outputs: readonly string[],
): Uint8Array {
  return onnxModel({
    ir: 8,
    opsets: { "": 17 },
    graph: {
      inputs: fed.map(({ name, dtype, shape }) => value(name, dtype, [...shape])),
      outputs: outputs.map(untyped),
      ...graph,
    },
  });
}

it("If of a condition that the run knows, with captured values, weights and constants of the same name", async () => {
  const w = tensor("w", "float32", [3, 5], random(15, 3));
  const yes = body([node("MatMul", ["double", "w"], ["p"]), node("Add", ["p", "c"], ["out"])], ["out"], {
    initializers: [scalar("c", 100)],
  });
  const no = body([node("MatMul", ["x", "w"], ["p"]), node("Mul", ["p", "c"], ["out"])], ["out"], {
    initializers: [scalar("c", -3)],
  });
  for (const on of [true, false]) {
    const fed = [x, flag(on)];
    const nodes = [
      node("Add", ["x", "x"], ["double"]),
      node("If", ["flag"], ["chosen"], { then_branch: yes, else_branch: no }),
      node("Sub", ["chosen", "c"], ["y"]),
    ];
    expect(await ort.modelDifferences(model(fed, { nodes, initializers: [w, scalar("c", 2)] }, ["y"]), fed, ["y"])).toEqual([]);
  }
});

it("If whose branches give an outer value, a constant, two shapes, and If within If", async () => {
  const inner = (name: string) =>
    body(
      [
        node("If", ["other"], [name], {
          then_branch: body([node("Neg", ["x"], ["a"])], ["a"]),
          else_branch: body([node("Identity", ["x"], ["b"])], ["b"]),
        }),
      ],
      [name, "x_again"],
    );
  const yes = { ...inner("nested"), nodes: [...inner("nested").nodes, node("Identity", ["x"], ["x_again"])] };
  const no = body([node("Identity", ["k"], ["kk"]), node("Concat", ["x", "x"], ["wide"], { axis: 1 })], ["kk", "wide"], {
    initializers: [tensor("k", "float32", [2, 3], random(6, 4))],
  });
  for (const on of [true, false])
    for (const second of [true, false]) {
      const fed = [x, flag(on), tensor("other", "bool", [], [second ? 1 : 0])];
      const nodes = [node("If", ["flag"], ["y", "z"], { then_branch: yes, else_branch: no })];
      expect(await ort.modelDifferences(model(fed, { nodes }, ["y", "z"]), fed, ["y", "z"])).toEqual([]);
    }
});

it("If of a known condition is its branch: the other is not even looked at", async () => {
  const nodes = [
    node("Shape", ["x"], ["shape"]),
    node("Size", ["shape"], ["rank"]),
    node("Equal", ["rank", "two"], ["flat"]),
    node("If", ["flat"], ["y"], {
      then_branch: body([node("Neg", ["x"], ["n"])], ["n"]),
      else_branch: body(
        [
          node("RandomNormalLike", ["x"], ["r"]),
          node("Multinomial", ["r"], ["c"], { dtype: 6 }),
          node("Cast", ["c"], ["f"], { to: 1 }),
        ],
        ["f"],
      ),
    }),
  ];
  const bytes = model([x], { nodes, initializers: [tensor("two", "int64", [], [2])] }, ["y"]);
  expect(await ort.modelDifferences(bytes, [x], ["y"])).toEqual([]);
});

it("model-local functions: attributes, defaults, omitted inputs, a function within a function", async () => {
  const leaky = {
    name: "Leaky",
    domain: "mine",
    inputs: ["a"],
    outputs: ["b"],
    attributes: ["slope"],
    opsets: { "": 17 },
    nodes: [node("LeakyRelu", ["a"], ["b"], { alpha: ref("slope", "FLOAT") })],
  };
  const twice = {
    name: "Twice",
    domain: "mine",
    inputs: ["a", "low", "high"],
    outputs: ["b", "unused"],
    defaults: { gain: float(0.25) },
    opsets: { "": 17, mine: 1 },
    nodes: [
      node("Leaky", ["a"], ["one"], { slope: float(0.5) }, "", { domain: "mine" }),
      node("Leaky", ["one"], ["two"], { slope: ref("gain", "FLOAT") }, "", { domain: "mine" }),
      node("Clip", ["two", "low", "high"], ["b"]),
      node("Neg", ["two"], ["unused"]),
    ],
  };
  const bytes = onnxModel({
    ir: 9,
    opsets: { "": 17, mine: 1 },
    functions: [twice, leaky],
    graph: {
      inputs: [value("x", "float32", [2, 3])],
      outputs: ["y", "z"].map((name) => value(name, "float32", [2, 3])),
      initializers: [scalar("top", 1)],
      nodes: [
        node("Twice", ["x", "", "top"], ["y", "n1"], {}, "", { domain: "mine" }),
        node("Twice", ["x", "", "top"], ["z", "n2"], { gain: float(-2) }, "", { domain: "mine" }),
      ],
    },
  });
  expect(await ort.modelDifferences(bytes, [x], ["y", "z"])).toEqual([]);
});

const int64 = (name: string, number: number) => tensor(name, "int64", [], [number]);
const typed = (name: string, dtype: "float32" | "int64" | "bool", shape?: readonly (number | string)[]) =>
  value(name, dtype, shape);

/** v ← v · w + i, scanned; goes on while the sum of v is below `top`, which may be captured. */
const stepping: GraphSpec = {
  name: "body",
  inputs: [typed("i", "int64", []), typed("go", "bool", []), typed("v", "float32", [2, 3])],
  outputs: [typed("more", "bool", []), typed("next", "float32", [2, 3]), typed("seen", "float32", [3])],
  nodes: [
    node("Cast", ["i"], ["fi"], { to: 1 }),
    node("Mul", ["v", "w"], ["vw"]),
    node("Add", ["vw", "fi"], ["next"]),
    node("ReduceSum", ["next"], ["sum"], { keepdims: 0 }),
    node("Less", ["sum", "top"], ["more"]),
    node("ReduceMax", ["next"], ["seen"], { axes: [0], keepdims: 0 }),
  ],
};

it.each([
  [7, 1e9, false],
  [7, 20, false],
  [40, 30, false],
  [3, 1e9, true],
  [23, 1e9, true],
])("Loop of %i iterations below %f, the count known: %s", async (trips, top, known) => {
  const fed = [x, tensor("w", "float32", [3], [0.9, -0.7, 1.05]), ...(known ? [] : [int64("trips", trips)])];
  const initializers = [scalar("top", top), tensor("go", "bool", [], [1]), ...(known ? [int64("trips", trips)] : [])];
  const nodes = [node("Loop", ["trips", "go", "x"], ["y", "z"], { body: stepping })];
  expect(await ort.modelDifferences(model(fed, { nodes, initializers }, ["y", "z"]), fed, ["y", "z"])).toEqual([]);
});

it("Loop that runs not once, and one without a count", async () => {
  const fed = [x, tensor("w", "float32", [3], [0.9, -0.7, 1.05]), int64("trips", 0)];
  const initializers = [scalar("top", 30), tensor("go", "bool", [], [1])];
  const once = [node("Loop", ["trips", "go", "x"], ["y", "z"], { body: stepping })];
  expect(await ort.modelDifferences(model(fed, { nodes: once, initializers }, ["y", "z"]), fed, ["y", "z"])).toEqual([]);
  const open = [node("Loop", ["", "go", "x"], ["y", "z"], { body: stepping }), node("Neg", ["trips"], ["n"])];
  expect(await ort.modelDifferences(model(fed, { nodes: open, initializers }, ["y", "z"]), fed, ["y", "z"])).toEqual([]);
});

it("Loop whose state grows", async () => {
  const growing: GraphSpec = {
    name: "body",
    inputs: [typed("i", "int64", []), typed("go", "bool", []), typed("v", "float32", ["n"])],
    outputs: [typed("go_on", "bool", []), typed("longer", "float32", ["m"])],
    nodes: [node("Identity", ["go"], ["go_on"]), node("Concat", ["v", "row"], ["longer"], { axis: 0 })],
  };
  const fed = [tensor("row", "float32", [3], random(3, 9)), int64("trips", 19)];
  const nodes = [node("Loop", ["trips", "go", "row"], ["y"], { body: growing })];
  expect(
    await ort.modelDifferences(model(fed, { nodes, initializers: [tensor("go", "bool", [], [1])] }, ["y"]), fed, ["y"]),
  ).toEqual([]);
});

/** Running sums, and each element less the state before. */
const summing: GraphSpec = {
  name: "body",
  inputs: [typed("s", "float32", [2]), typed("e", "float32", [2])],
  outputs: [typed("t", "float32", [2]), typed("d", "float32", [2])],
  nodes: [node("Add", ["s", "e"], ["t"]), node("Sub", ["e", "s"], ["d"])],
};

it.each([[5], [21]])("Scan of %i steps, forward and backward, along other axes", async (length) => {
  const fed = [tensor("x", "float32", [2, length], random(2 * length)), tensor("s", "float32", [2], [0.5, -2])];
  for (const scan_input_directions of [[0], [1]])
    for (const scan_output_directions of [[0], [1]]) {
      const attrs = {
        body: summing,
        num_scan_inputs: 1,
        scan_input_axes: [1],
        scan_output_axes: [1],
        scan_input_directions,
        scan_output_directions,
      };
      const nodes = [node("Scan", ["s", "x"], ["y", "z"], attrs)];
      expect(await ort.modelDifferences(model(fed, { nodes }, ["y", "z"]), fed, ["y", "z"])).toEqual([]);
    }
});
