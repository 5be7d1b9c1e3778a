import { expect, it } from "vitest";
import { elementCount } from "../../../src/graph/tensor.ts";
import { type AttrValue, float, node, onnxModel, type TensorSpec, tensor, untyped, value } from "../../build/onnx.ts";
import { random, randomInts } from "../../build/random.ts";
import { againstOrt, type Trial } from "./against-ort.ts";

const ort = againstOrt();

const u8 = (name: string, shape: number[], seed: number) =>
  tensor(name, "uint8", shape, randomInts(elementCount(shape), 0, 255, seed));
const i8 = (name: string, shape: number[], seed: number) =>
  tensor(name, "int8", shape, randomInts(elementCount(shape), -128, 127, seed));
const f32 = (name: string, values: number[], shape: number[] = values.length === 1 ? [] : [values.length]) =>
  tensor(name, "float32", shape, values);
const zero = (name: string, dtype: "uint8" | "int8", ...values: number[]) =>
  tensor(name, dtype, values.length === 1 ? [] : [values.length], values);
const x = tensor("x", "float32", [2, 3, 5], random(30, 4));

type Row = [
  name: string,
  op: string,
  inputs: (TensorSpec | undefined)[],
  attrs?: Record<string, AttrValue>,
  more?: Partial<Trial>,
];

const onnx: Row[] = [
  ["codes", "QuantizeLinear", [x, f32("s", [0.013]), zero("z", "uint8", 117)]],
  ["codes per axis", "QuantizeLinear", [x, f32("s", [0.013, 0.02, 0.4]), zero("z", "int8", 3, -7, 11)], { axis: 1 }],
  [
    "blocked codes",
    "QuantizeLinear",
    [x, f32("s", Array.from(random(12, 2), Math.abs), [2, 3, 2])],
    { axis: 2, block_size: 3, output_dtype: 3 },
  ],
  ["reals", "DequantizeLinear", [u8("x", [2, 3, 5], 1), f32("s", [0.013]), zero("z", "uint8", 117)]],
  [
    "reals per axis",
    "DequantizeLinear",
    [i8("x", [2, 3, 5], 1), f32("s", [0.013, 0.02, 0.4]), zero("z", "int8", 3, -7, 11)],
    { axis: -2 },
  ],
  ["reals of int32", "DequantizeLinear", [tensor("x", "int32", [5], randomInts(5, -1e6, 1e6, 3)), f32("s", [0.013])]],
  ["dynamic codes", "DynamicQuantizeLinear", [x], {}, { outputs: 3 }],
  ["products", "MatMulInteger", [u8("x", [2, 3, 5], 1), i8("w", [5, 7], 2), zero("zx", "uint8", 9), zero("zw", "int8", -3)]],
  [
    "products past 2^24",
    "MatMulInteger",
    [u8("x", [2, 1500], 1), u8("w", [1500, 3], 1), zero("zx", "uint8", 0), zero("zw", "uint8", 0)],
  ],
  [
    "zero points of columns",
    "MatMulInteger",
    [u8("x", [2, 5], 1), i8("w", [5, 3], 2), zero("zx", "uint8", 9), zero("zw", "int8", -3, 4, 9)],
  ],
  [
    "convolution",
    "ConvInteger",
    [u8("x", [1, 3, 7, 5], 1), u8("w", [4, 3, 3, 2], 2), zero("zx", "uint8", 9)],
    { pads: [1, 1, 0, 1] },
  ],
  ["convolution past 2^24", "ConvInteger", [u8("x", [1, 64, 4, 3], 1), u8("w", [2, 64, 3, 2], 2), zero("zx", "uint8", 9)]],
  [
    "coded convolution",
    "QLinearConv",
    [
      u8("x", [1, 3, 7, 5], 1),
      f32("sx", [0.02]),
      zero("zx", "uint8", 121),
      i8("w", [2, 3, 3, 3], 2),
      f32("sw", [0.01, 0.03]),
      zero("zw", "int8", 0, 0),
    ].concat([f32("sy", [0.11]), zero("zy", "uint8", 99), tensor("b", "int32", [2], [311, -727])]),
    { strides: [2, 1], pads: [1, 0, 1, 2] },
  ],
  [
    "coded product",
    "QLinearMatMul",
    [
      u8("x", [2, 3, 5], 1),
      f32("sx", [0.02]),
      zero("zx", "uint8", 121),
      u8("w", [5, 7], 2),
      f32("sw", [0.01]),
      zero("zw", "uint8", 8),
    ].concat([f32("sy", [0.04]), zero("zy", "uint8", 99)]),
  ],
];

it.each(onnx)("%s: %s", async (_, op, inputs, attrs = {}, more = {}) => {
  // Integer kernels scale by a fixed-point factor: a tie may fall to the other side.
  const steps = op.startsWith("QLinear") ? 1 : 0;
  expect(await ort.differences({ op, opset: 21, inputs, attrs, steps, ...more })).toEqual([]);
});

const pair = [u8("x", [2, 3, 7, 5], 1), f32("sx", [0.02]), zero("zx", "uint8", 121)];
const result = [f32("sy", [0.015]), zero("zy", "uint8", 99)];

it.each<Row>([
  ["sum", "QLinearAdd", [...pair, u8("y", [5], 3), f32("sw", [0.03]), zero("zw", "uint8", 7), ...result]],
  ["product", "QLinearMul", [...pair, u8("y", [7, 1], 3), f32("sw", [0.03]), zero("zw", "uint8", 7), ...result]],
  ["leaky", "QLinearLeakyRelu", [...pair, ...result], { alpha: float(0.3) }],
  ["sigmoid", "QLinearSigmoid", [...pair, f32("sy", [0.004]), zero("zy", "uint8", 1)]],
  ["global average", "QLinearGlobalAveragePool", [...pair, ...result]],
  ["average", "QLinearAveragePool", [...pair, ...result], { kernel_shape: [3, 2], pads: [1, 1, 0, 0] }],
  [
    "concat",
    "QLinearConcat",
    [...result, ...pair, u8("y", [2, 4, 7, 5], 5), f32("sw", [0.03]), zero("zw", "uint8", 7)],
    { axis: 1 },
    { fed: 0 },
  ],
  [
    "Gemm",
    "QGemm",
    [
      u8("x", [3, 5], 1),
      f32("sx", [0.02]),
      zero("zx", "uint8", 121),
      u8("w", [7, 5], 2),
      f32("sw", [0.01]),
      zero("zw", "uint8", 8),
      tensor("c", "int32", [7], randomInts(7, -900, 900)),
      ...result,
    ],
    { transB: 1 },
  ],
  [
    "real product",
    "MatMulIntegerToFloat",
    [
      u8("x", [3, 5], 1),
      u8("w", [5, 7], 2),
      f32("sx", [0.02]),
      f32("sw", [0.01]),
      zero("zx", "uint8", 121),
      zero("zw", "uint8", 8),
      f32("c", Array.from(random(7))),
    ],
  ],
  ["dynamic product", "DynamicQuantizeMatMul", [x, i8("w", [5, 7], 2), f32("sw", [0.01]), zero("zw", "int8", 3)]],
])("com.microsoft %s: %s", async (_, op, inputs, attrs = {}, more = {}) => {
  expect(await ort.differences({ op, domain: "com.microsoft", inputs, attrs, steps: 1, ...more })).toEqual([]);
});

it("numbers rounded to codes and back round a convolution", async () => {
  const w = i8("w", [4, 3, 3, 2], 2);
  const bytes = onnxModel({
    ir: 8,
    opsets: { "": 19 },
    graph: {
      inputs: [value("x", "float32", [1, 3, 7, 5])],
      outputs: [untyped("y")],
      initializers: [
        f32("s", [0.013]),
        zero("z", "uint8", 117),
        w,
        f32("sw", [0.01, 0.02, 0.03, 0.004]),
        zero("zw", "int8", 0, 0, 0, 0),
      ],
      nodes: [
        node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        node("DequantizeLinear", ["q", "s", "z"], ["d"]),
        node("DequantizeLinear", ["w", "sw", "zw"], ["k"], { axis: 0 }),
        node("Conv", ["d", "k"], ["c"]),
        node("QuantizeLinear", ["c", "s", "z"], ["e"]),
        node("DequantizeLinear", ["e", "s", "z"], ["y"]),
      ],
    },
  });
  const fed = [tensor("x", "float32", [1, 3, 7, 5], random(105, 6))];
  // One step of the last codes: onnxruntime fuses this into integer kernels.
  expect(await ort.modelDifferences(bytes, fed, ["y"], { rtol: 0.0131 / 1.8 })).toEqual([]);
});

it("a division by numbers that were rounded to zero", async () => {
  const bytes = onnxModel({
    ir: 8,
    opsets: { "": 19 },
    graph: {
      inputs: [value("x", "float32", [3, 5])],
      outputs: [untyped("y")],
      initializers: [f32("s", [0.5]), zero("z", "int8", 0)],
      nodes: [
        node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        node("DequantizeLinear", ["q", "s", "z"], ["d"]),
        node("Transpose", ["d"], ["t"], { perm: [1, 0] }),
        node("Transpose", ["x"], ["u"], { perm: [1, 0] }),
        node("Div", ["u", "t"], ["y"]),
      ],
    },
  });
  const fed = [tensor("x", "float32", [3, 5], random(15, 6))];
  expect(await ort.modelDifferences(bytes, fed, ["y"])).toEqual([]);
});
