/** Operators for which onnxruntime has no kernel on the CPU, compared with what they are defined as, which it has. */
import { expect, it } from "vitest";
import { elementCount } from "../../../src/graph/tensor.ts";
import { float, floats, type NodeSpec, node, onnxModel, type TensorSpec, tensor, untyped, value } from "../../build/onnx.ts";
import { random, randomInts } from "../../build/random.ts";
import { againstOrt } from "./against-ort.ts";

const ort = againstOrt();

const domain = "com.microsoft";
const f = (name: string, shape: number[]): TensorSpec => {
  const size = elementCount(shape);
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
    op: "SimplifiedLayerNormalization",
    inputs: [f("x", [2, 5, 7]), f("s", [7])],
    nodes: [ms("SimplifiedLayerNormalization", ["x", "s"], { epsilon: float(0.01) })],
    defined: [
      node("Mul", ["x", "x"], ["p"]),
      node("ReduceMean", ["p", "last"], ["m"]),
      node("Add", ["m", "e"], ["a"]),
      node("Sqrt", ["a"], ["r"]),
      node("Div", ["x", "r"], ["d"]),
      node("Mul", ["d", "s"], ["y"]),
    ],
    stored: [tensor("last", "int64", [1], [-1]), tensor("e", "float32", [], [0.01])],
  },
  {
    op: "QLinearReduceMean",
    inputs: [tensor("x", "uint8", [3, 5, 7], randomInts(105, 0, 255, 3))],
    nodes: [ms("QLinearReduceMean", ["x", "s", "z", "t", "o"], { axes: [1], keepdims: 0 })],
    defined: [
      node("DequantizeLinear", ["x", "s", "z"], ["d"]),
      node("ReduceMean", ["d", "axes"], ["m"], { keepdims: 0 }),
      node("QuantizeLinear", ["m", "t", "o"], ["y"]),
    ],
    stored: [
      ...[tensor("s", "float32", [], [0.02]), tensor("z", "uint8", [], [120]), tensor("t", "float32", [], [0.013])],
      ...[tensor("o", "uint8", [], [128]), tensor("axes", "int64", [1], [1])],
    ],
  },
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

/** Of the domain com.ms.internal.nhwc: the same on N C …, between two transposes. */
function turned(op: string, shape: number[], weights: readonly TensorSpec[], attrs: NodeSpec["attrs"] = {}): Row {
  const names = weights.map(({ name }) => name);
  const spatial = Array.from({ length: shape.length - 2 }, (_, i) => i + 1);
  return {
    op: `${op} of N … C`,
    inputs: [f("x", shape), ...weights],
    nodes: [node(op, ["x", ...names], ["y"], attrs, "own", { domain: "com.ms.internal.nhwc" })],
    defined: [
      node("Transpose", ["x"], ["f"], { perm: [0, shape.length - 1, ...spatial] }),
      node(op, ["f", ...names], ["n"], attrs),
      node("Transpose", ["n"], ["y"], { perm: [0, ...spatial.map((axis) => axis + 1), 1] }),
    ],
  };
}

const nhwc = [
  turned("Conv", [2, 7, 5, 3], [f("w", [4, 3, 3, 2]), f("b", [4])], { strides: [2, 1], pads: [1, 0, 1, 1] }),
  turned("ConvTranspose", [2, 4, 5, 3], [f("w", [3, 2, 3, 2])], { strides: [2, 1] }),
  turned("AveragePool", [2, 7, 5, 3], [], { kernel_shape: [3, 2], strides: [2, 1] }),
  turned("MaxPool", [2, 7, 3], [], { kernel_shape: [3], strides: [2] }),
  turned("LpPool", [2, 7, 5, 3], [], { kernel_shape: [3, 2], p: 2 }),
  turned("GlobalAveragePool", [2, 7, 5, 3], []),
  turned("GlobalMaxPool", [2, 7, 5, 3], []),
  turned("GlobalLpPool", [2, 7, 5, 3], [], { p: 2 }),
  turned("InstanceNormalization", [2, 7, 5, 3], [f("s", [3]), f("t", [3])]),
  turned(
    "BatchNormalization",
    [2, 7, 5, 3],
    [f("s", [3]), f("t", [3]), f("m", [3]), tensor("v", "float32", [3], [0.7, 1.9, 0.2])],
  ),
  turned("LRN", [2, 7, 5, 6], [], { size: 3, alpha: float(0.1) }),
  turned("DepthToSpace", [2, 3, 5, 12], [], { blocksize: 2, mode: "CRD" }),
  turned("SpaceToDepth", [2, 4, 6, 3], [], { blocksize: 2 }),
];

it.each([...rows, ...nhwc])("$op", async ({ inputs, nodes, defined, stored = [], outputs = ["y"] }) => {
  const modelOf = (list: readonly NodeSpec[]) =>
    onnxModel({
      ir: 10,
      opsets: { "": 21, [domain]: 1, "com.ms.internal.nhwc": 21 },
      graph: {
        inputs: inputs.map(({ name, dtype, shape }) => value(name, dtype, [...shape])),
        outputs: outputs.map(untyped),
        initializers: stored.filter(({ name }) => list.some((each) => each.inputs.includes(name))),
        nodes: list,
      },
    });
  expect(await ort.modelDifferences(modelOf(nodes), inputs, outputs, { reference: modelOf(defined) })).toEqual([]);
});
