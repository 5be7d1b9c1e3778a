/** Operators for which onnxruntime has no kernel on the CPU, compared with what they are defined as, which it has. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { float, floats, type NodeSpec, node, onnxModel, type TensorSpec, tensor, untyped, value } from "../../build/onnx.ts";
import { random } from "../../build/random.ts";
import { AgainstOrt } from "./against-ort.ts";

let ort: AgainstOrt;
beforeAll(async () => {
  ort = await AgainstOrt.start();
});
afterAll(() => ort.close());

const domain = "com.microsoft";
const f = (name: string, shape: number[]): TensorSpec => {
  const size = shape.reduce((n, dim) => n * dim, 1);
  return tensor(name, "float32", shape, random(size, name.charCodeAt(0)));
};
const ms = (op: string, inputs: string[], attrs: NodeSpec["attrs"] = {}, outputs = ["y"]) =>
  node(op, inputs, outputs, attrs, "own", { domain });

interface Row {
  readonly op: string;
  readonly inputs: readonly TensorSpec[];
  readonly nodes: readonly NodeSpec[];
  /** What the nodes are defined as. */
  readonly defined: readonly NodeSpec[];
  readonly stored?: readonly TensorSpec[];
  readonly outputs?: readonly string[];
}

const image = f("x", [2, 5, 3, 6]);
const first = node("Transpose", ["x"], ["f"], { perm: [0, 3, 1, 2] });
const back = node("Transpose", ["n"], ["b"], { perm: [0, 2, 3, 1] });
const groups = (attrs: NodeSpec["attrs"]) => node("GroupNormalization", ["f", "s", "t"], ["n"], { ...attrs, num_groups: 3 });
const swish = [node("Sigmoid", ["b"], ["g"]), node("Mul", ["b", "g"], ["y"])];

const rows: Row[] = [
  {
    op: "BiasAdd",
    inputs: [f("x", [2, 5, 3]), f("b", [3]), f("s", [2, 5, 3])],
    nodes: [ms("BiasAdd", ["x", "b", "s"])],
    defined: [node("Add", ["x", "b"], ["p"]), node("Add", ["p", "s"], ["y"])],
  },
  {
    op: "BiasSoftmax",
    inputs: [f("x", [2, 3, 5, 7]), f("b", [2, 1, 1, 7])],
    nodes: [ms("BiasSoftmax", ["x", "b"], { axis: 3, is_inner_broadcast: 0 })],
    defined: [node("Add", ["x", "b"], ["p"]), node("Softmax", ["p"], ["y"], { axis: 3 })],
  },
  {
    op: "BiasSplitGelu",
    inputs: [f("x", [2, 5, 14]), f("b", [14])],
    nodes: [ms("BiasSplitGelu", ["x", "b"])],
    defined: [
      node("Add", ["x", "b"], ["p"]),
      node("Split", ["p"], ["l", "r"], { axis: 2, num_outputs: 2 }),
      node("Gelu", ["r"], ["g"]),
      node("Mul", ["l", "g"], ["y"]),
    ],
  },
  {
    op: "FusedMatMulActivation",
    inputs: [f("x", [2, 5, 3]), f("w", [2, 7, 3])],
    nodes: [
      ms("FusedMatMulActivation", ["x", "w"], {
        transB: 1,
        alpha: float(0.7),
        activation: "LeakyRelu",
        activation_alpha: float(0.2),
      }),
    ],
    defined: [
      node("Transpose", ["w"], ["v"], { perm: [0, 2, 1] }),
      node("MatMul", ["x", "v"], ["p"]),
      node("Mul", ["p", "c"], ["q"]),
      node("LeakyRelu", ["q"], ["y"], { alpha: float(0.2) }),
    ],
    stored: [tensor("c", "float32", [], [0.7])],
  },
  {
    op: "GemmFastGelu",
    inputs: [f("x", [2, 5, 3]), f("w", [3, 7]), f("b", [7])],
    nodes: [ms("GemmFastGelu", ["x", "w", "b"])],
    defined: [
      node("MatMul", ["x", "w"], ["p"]),
      node("Add", ["p", "b"], ["q"]),
      node("Gelu", ["q"], ["y"], { approximate: "tanh" }),
    ],
  },
  {
    op: "GroupNorm",
    inputs: [image, f("s", [6]), f("t", [6])],
    nodes: [ms("GroupNorm", ["x", "s", "t"], { groups: 3, epsilon: float(0.01), activation: 1 })],
    defined: [first, groups({ epsilon: float(0.01) }), back, ...swish],
  },
  {
    op: "SkipGroupNorm",
    inputs: [image, f("s", [6]), f("t", [6]), f("k", [2, 6]), f("d", [6])],
    nodes: [ms("SkipGroupNorm", ["x", "s", "t", "k", "d"], { groups: 3, activation: 0 }, ["b", "sum"])],
    defined: [
      node("Unsqueeze", ["k", "axes"], ["k4"]),
      node("Add", ["x", "k4"], ["p"]),
      node("Add", ["p", "d"], ["sum"]),
      node("Transpose", ["sum"], ["f"], { perm: [0, 3, 1, 2] }),
      groups({}),
      back,
    ],
    stored: [tensor("axes", "int64", [2], [1, 2])],
    outputs: ["b", "sum"],
  },
  {
    op: "TorchEmbedding",
    inputs: [f("w", [7, 3]), tensor("i", "int64", [2, 2], [6, 0, 3, 3])],
    nodes: [ms("TorchEmbedding", ["w", "i"])],
    defined: [node("Gather", ["w", "i"], ["y"])],
  },
  ...[Number.NaN, Number.POSITIVE_INFINITY, 2].map(
    (odd): Row => ({
      op: `IsAllFinite of ${odd}`,
      inputs: [f("x", [2, 3]), tensor("z", "float32", [2], [1, odd])],
      nodes: [ms("IsAllFinite", ["x", "z"])],
      defined: [
        node("Sub", ["z", "z"], ["d"]),
        node("ReduceSum", ["d", "axes"], ["s"], { keepdims: 0 }),
        node("Equal", ["s", "none"], ["y"]),
      ],
      stored: [tensor("axes", "int64", [1], [0]), tensor("none", "float32", [], [0])],
    }),
  ),
  {
    op: "GivenTensorFill",
    inputs: [f("x", [2, 3])],
    nodes: [
      node("GivenTensorFill", [], ["g"], { values: floats([1.5, -2, 3, 4, 0.25, 6]), shape: [2, 3] }),
      node("Add", ["x", "g"], ["y"]),
    ],
    defined: [node("Add", ["x", "c"], ["y"])],
    stored: [tensor("c", "float32", [2, 3], [1.5, -2, 3, 4, 0.25, 6])],
  },
  {
    op: "SequenceMap",
    inputs: [f("x", [6, 5])],
    nodes: [
      node("SplitToSequence", ["x"], ["s"], { axis: 0, keepdims: 1 }),
      node("SequenceMap", ["s", "x"], ["m"], {
        body: {
          name: "body",
          inputs: [value("e", "float32", [1, 5]), value("all", "float32", [6, 5])],
          outputs: [untyped("o")],
          nodes: [node("ReduceMax", ["all"], ["top"], { keepdims: 0 }), node("Sub", ["e", "top"], ["o"])],
        },
      }),
      node("ConcatFromSequence", ["m"], ["y"], { axis: 0 }),
    ],
    defined: [node("ReduceMax", ["x"], ["top"], { keepdims: 0 }), node("Sub", ["x", "top"], ["y"])],
  },
];

it.each(rows)("$op", async ({ inputs, nodes, defined, stored = [], outputs = ["y"] }) => {
  const modelOf = (list: readonly NodeSpec[]) =>
    onnxModel({
      ir: 10,
      opsets: { "": 21, [domain]: 1 },
      graph: {
        inputs: inputs.map(({ name, dtype, shape }) => value(name, dtype, [...shape])),
        outputs: outputs.map(untyped),
        initializers: stored.filter(({ name }) => list.some((each) => each.inputs.includes(name))),
        nodes: list,
      },
    });
  expect(await ort.modelDifferences(modelOf(nodes), inputs, outputs, { reference: modelOf(defined) })).toEqual([]);
});
