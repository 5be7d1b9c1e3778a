import { expect, it } from "vitest";
import { MemorySink } from "../../../src/base/memory.ts";
import { convert } from "../../../src/convert.ts";
import { elementCount } from "../../../src/graph/tensor.ts";
import type { QuantizedMode } from "../../../src/lower/rule.ts";
import { node, onnxModel, openOnnx, type TensorSpec, tensor, untyped, value } from "../../build/onnx.ts";
import { random, randomInts } from "../../build/random.ts";
import { againstOrt } from "./against-ort.ts";

const ort = againstOrt();

const codes = (name: string, shape: number[], seed: number) =>
  tensor(name, "int8", shape, randomInts(elementCount(shape), -127, 127, seed));
const scales = (name: string, count: number, unit: number) =>
  tensor(
    name,
    "float32",
    [count],
    Array.from({ length: count }, (_, i) => unit * (1 + ((i * 7) % 5) / 3)),
  );
const scalar = (name: string, dtype: "float32" | "uint8" | "int8", of: number) => tensor(name, dtype, [], [of]);

/** Nodes that make `l` of `d` with weights `w` of so many codes. */
interface Layer {
  readonly name: string;
  readonly shape: number[];
  readonly initializers: TensorSpec[];
  readonly nodes: ReturnType<typeof node>[];
  readonly codes: number;
}

const weights = (shape: number[], axis: number, unit = 0.004) => [
  codes("w", shape, 3),
  scales("sw", shape[axis]!, unit),
  tensor("zw", "int8", [shape[axis]!], new Array<number>(shape[axis]!).fill(0)),
];
const bias = (count: number, unit = 0.004) => [
  tensor("c", "int32", [count], randomInts(count, -900, 900, 5)),
  tensor(
    "sc",
    "float32",
    [count],
    Array.from({ length: count }, (_, i) => Math.fround(Math.fround(0.013) * Math.fround(unit * (1 + ((i * 7) % 5) / 3)))),
  ),
];

const layers: Layer[] = [
  {
    name: "convolution",
    shape: [2, 5, 7, 6],
    initializers: [...weights([11, 5, 3, 2], 0), ...bias(11)],
    nodes: [
      node("DequantizeLinear", ["w", "sw", "zw"], ["k"], { axis: 0 }),
      node("DequantizeLinear", ["c", "sc"], ["e"], { axis: 0 }),
      node("Conv", ["d", "k", "e"], ["l"], { pads: [1, 0, 1, 1] }),
    ],
    codes: 330,
  },
  {
    name: "convolution and ReLU",
    shape: [2, 5, 7, 6],
    initializers: [...weights([11, 5, 3, 2], 0), ...bias(11)],
    nodes: [
      node("DequantizeLinear", ["w", "sw", "zw"], ["k"], { axis: 0 }),
      node("DequantizeLinear", ["c", "sc"], ["e"], { axis: 0 }),
      node("Conv", ["d", "k", "e"], ["m"], { strides: [2, 1] }),
      node("Relu", ["m"], ["l"]),
    ],
    codes: 330,
  },
  {
    name: "depthwise convolution without a bias",
    shape: [2, 13, 7, 6],
    initializers: weights([13, 1, 3, 2], 0, 0.009),
    nodes: [
      node("DequantizeLinear", ["w", "sw", "zw"], ["k"], { axis: 0 }),
      node("Conv", ["d", "k"], ["l"], { group: 13, pads: [1, 0, 1, 1] }),
    ],
    codes: 78,
  },
  {
    name: "convolution along one axis, one scale",
    shape: [2, 5, 7],
    initializers: [codes("w", [11, 5, 3], 3), scalar("sw", "float32", 0.011), scalar("zw", "int8", 0)],
    nodes: [node("DequantizeLinear", ["w", "sw", "zw"], ["k"]), node("Conv", ["d", "k"], ["l"])],
    codes: 165,
  },
  {
    name: "product",
    shape: [2, 3, 17],
    initializers: weights([17, 9], 1),
    nodes: [node("DequantizeLinear", ["w", "sw", "zw"], ["k"], { axis: 1 }), node("MatMul", ["d", "k"], ["l"])],
    codes: 153,
  },
  {
    name: "Gemm of transposed weights",
    shape: [3, 17],
    initializers: [...weights([9, 17], 0), ...bias(9)],
    nodes: [
      node("DequantizeLinear", ["w", "sw", "zw"], ["k"], { axis: 0 }),
      node("DequantizeLinear", ["c", "sc"], ["e"], { axis: 0 }),
      node("Gemm", ["d", "k", "e"], ["l"], { transB: 1 }),
    ],
    codes: 153,
  },
  {
    name: "large convolution",
    shape: [1, 64, 5, 4],
    initializers: weights([32, 64, 3, 3], 0),
    nodes: [
      node("DequantizeLinear", ["w", "sw", "zw"], ["k"], { axis: 0 }),
      node("Conv", ["d", "k"], ["l"], { pads: [1, 1, 1, 1] }),
    ],
    codes: 18432,
  },
];

const modelOf = ({ shape, initializers, nodes }: Layer, activations: boolean) =>
  onnxModel({
    ir: 8,
    opsets: { "": 19 },
    graph: {
      inputs: [value("x", "float32", shape)],
      outputs: [untyped("y")],
      initializers: [scalar("s", "float32", 0.013), scalar("z", "uint8", 117), scalar("t", "float32", 0.031), ...initializers],
      nodes: activations
        ? [
            node("QuantizeLinear", ["x", "s", "z"], ["q"]),
            node("DequantizeLinear", ["q", "s", "z"], ["d"]),
            ...nodes,
            node("QuantizeLinear", ["l", "t", "z"], ["r"]),
            node("DequantizeLinear", ["r", "t", "z"], ["y"]),
          ]
        : [node("Identity", ["x"], ["d"]), ...nodes, node("Identity", ["l"], ["y"])],
    },
  });

const fedTo = ({ shape }: Layer) => [tensor("x", "float32", shape, random(elementCount(shape), 6))];

it.each(layers)("$name between codes: the very codes of onnxruntime's integer kernels", async (layer) => {
  expect(await ort.modelDifferences(modelOf(layer, true), fedTo(layer), ["y"])).toEqual([]);
});

/** Weights as floats in the file: onnxruntime multiplies dequantised ones with inputs that it rounds by itself. */
function ofFloats(layer: Layer): Layer {
  const [w, sw] = layer.initializers as [TensorSpec, TensorSpec];
  const decoding = layer.nodes.find(({ outputs }) => outputs[0] === "k")!;
  const axis = layer.name === "product" ? 1 : 0;
  const inner = elementCount(w.shape.slice(axis + 1));
  const numbers = Array.from(w.data as Int8Array, (code, i) => {
    const channel = sw.shape.length === 0 ? 0 : Math.floor(i / inner) % w.shape[axis]!;
    return code * (sw.data as Float32Array)[channel]!;
  });
  const initializers = [...layer.initializers.slice(3), tensor("k", "float32", [...w.shape], numbers)];
  return { ...layer, initializers, nodes: layer.nodes.filter((each) => each !== decoding) };
}

it.each(layers)("$name of floats", async (layer) => {
  const reference = modelOf(ofFloats(layer), false);
  expect(await ort.modelDifferences(modelOf(layer, false), fedTo(layer), ["y"], { reference })).toEqual([]);
});

it.each(
  (["faithful", "float"] as QuantizedMode[]).flatMap((quantized) =>
    [true, false].flatMap((activations) => layers.map((layer) => ({ ...layer, quantized, activations, layer }))),
  ),
)("$name, $quantized, activations $activations: a byte a weight", async ({ layer, quantized, activations, codes: count }) => {
  const { model, files } = await openOnnx(modelOf(layer, activations));
  const sink = new MemorySink();
  await convert(model, files, sink, { quantized });
  const bytes = Object.entries(sink.files).filter(([name]) => name.endsWith(".bin"));
  const written = bytes.reduce((sum, [, { byteLength }]) => sum + byteLength, 0);
  // Scales, biases and bounds beside it.
  expect(written).toBeLessThan(count + 300);
});
