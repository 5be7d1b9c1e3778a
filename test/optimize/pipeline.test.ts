import { expect, test } from "vitest";
import type { Graph } from "../../src/graph/graph.ts";
import { nodesOf } from "../../src/graph/order.ts";
import { elementCount } from "../../src/graph/tensor.ts";
import { translate } from "../../src/translate.ts";
import { type AttrValue, type NodeSpec, node, onnxModel, openOnnx, type TensorSpec, tensor, value } from "../build/onnx.ts";
import { noise } from "../build/random.ts";
import { type Backend, expectSame, opsOf } from "./run.ts";

/** Nodes and weights of an ONNX model as it is put together, values named by what makes them. */
class Net {
  readonly nodes: NodeSpec[] = [];
  readonly initializers: TensorSpec[] = [];
  private count = 0;

  weight(...shape: readonly number[]): string {
    const name = `w${this.count++}`;
    this.initializers.push(tensor(name, "float32", shape, noise(elementCount(shape), this.count)));
    return name;
  }

  /** Of variances: positive. */
  positive(size: number): string {
    const name = `v${this.count++}`;
    this.initializers.push(
      tensor(
        name,
        "float32",
        [size],
        noise(size, this.count).map((x) => x * x + 0.5),
      ),
    );
    return name;
  }

  op(op: string, inputs: readonly string[], attrs: Readonly<Record<string, AttrValue>> = {}): string {
    const output = `${op.toLowerCase()}${this.count++}`;
    this.nodes.push(node(op, inputs, [output], attrs, output));
    return output;
  }

  conv(x: string, from: number, to: number, kernel = 1, attrs: Readonly<Record<string, AttrValue>> = {}): string {
    const pad = (kernel - 1) / 2;
    const shape = { kernel_shape: [kernel, kernel], pads: [pad, pad, pad, pad] };
    return this.op("Conv", [x, this.weight(to, attrs["group"] ? 1 : from, kernel, kernel)], { ...shape, ...attrs });
  }

  norm(x: string, channels: number): string {
    return this.op("BatchNormalization", [
      x,
      this.weight(channels),
      this.weight(channels),
      this.weight(channels),
      this.positive(channels),
    ]);
  }

  relu = (x: string): string => this.op("Relu", [x]);
}

async function graphs(net: Net, output: string, dims: readonly (string | number)[]): Promise<{ plain: Graph; fast: Graph }> {
  const bytes = onnxModel({
    graph: {
      inputs: [value("x", "float32", ["n", 3, 9, 13])],
      outputs: [value(output, "float32", dims)],
      initializers: net.initializers,
      nodes: net.nodes,
    },
    opsets: { "": 17 },
  });
  const { model, files } = await openOnnx(bytes);
  const [plain, fast] = [await translate(model, files, { optimize: false }), await translate(model, files)];
  expect(fast.problems).toEqual([]);
  return { plain: plain.graph, fast: fast.graph };
}

/** Both give the same numbers; returns the ops left. */
async function converted(net: Net, output: string, dims: readonly (string | number)[]): Promise<Record<string, number>> {
  const { plain, fast } = await graphs(net, output, dims);
  const backends: readonly Backend[] = ["cpu", "wasm"];
  await expectSame(plain, fast, backends, 1e-5);
  for (const each of nodesOf(fast)) {
    if (each.op !== "Transpose" || each.constant) continue;
    const shuffle = each.inputs[0]!.node.op === "Reshape" && each.inputs[0]!.node.inputs[0]!.node.op === "_FusedConv2D";
    const border = shuffle || each.inputs[0]!.node.op === "Placeholder" || fast.outputs.some((out) => out.value.node === each);
    expect(border, "a Transpose inside").toBe(true);
  }
  return opsOf(fast);
}

test("MobileNet: inverted residuals, batch norms, ReLU6 by Clip", async () => {
  const net = new Net();
  net.initializers.push(tensor("zero", "float32", [], [0]), tensor("six", "float32", [], [6]));
  const clip = (x: string) => net.op("Clip", [x, "zero", "six"]);
  const block = (x: string, channels: number): string => {
    const wide = clip(net.norm(net.conv(x, channels, 10), 10));
    const deep = clip(net.norm(net.conv(wide, 10, 10, 3, { group: 10 }), 10));
    return net.op("Add", [net.norm(net.conv(deep, 10, channels), channels), x]);
  };
  const stem = clip(net.norm(net.conv("x", 3, 5, 3, { strides: [2, 2] }), 5));
  const pooled = net.op("GlobalAveragePool", [block(block(stem, 5), 5)]);
  const output = net.op("Gemm", [net.op("Flatten", [pooled]), net.weight(7, 5), net.weight(7)], { transB: 1 });
  expect(await converted(net, output, ["n", 7])).toEqual({
    Transpose: 1,
    _FusedConv2D: 5,
    FusedDepthwiseConv2dNative: 2,
    AddV2: 2,
    Mean: 1,
    _FusedMatMul: 1,
  });
});

test("ResNet: a max pool with padding, a shortcut through a convolution", async () => {
  const net = new Net();
  const stem = net.relu(net.norm(net.conv("x", 3, 4, 7, { strides: [2, 2] }), 4));
  const pooled = net.op("MaxPool", [stem], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] });
  const block = (x: string, from: number, to: number): string => {
    const y = net.norm(net.conv(net.relu(net.norm(net.conv(x, from, to, 3), to)), to, to, 3), to);
    return net.relu(net.op("Add", [y, from === to ? x : net.norm(net.conv(x, from, to), to)]));
  };
  const output = block(block(pooled, 4, 6), 6, 6);
  const ops = await converted(net, output, ["n", 6, 3, 4]);
  expect(ops).toMatchObject({ Transpose: 2, _FusedConv2D: 6, AddV2: 2, Relu: 2, MaxPool: 1 });
  expect(ops["Mul"]).toBeUndefined();
});

test("U-Net: transposed convolutions, skips joined by Concat", async () => {
  const net = new Net();
  const down = net.relu(net.conv("x", 3, 4, 3));
  const deep = net.relu(net.conv(net.op("MaxPool", [down], { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 }), 4, 6, 3));
  const up = net.op("ConvTranspose", [deep, net.weight(6, 4, 2, 2), net.weight(4)], { kernel_shape: [2, 2], strides: [2, 2] });
  net.initializers.push(
    tensor("starts", "int64", [2], [0, 0]),
    tensor("ends", "int64", [2], [9, 13]),
    tensor("axes", "int64", [2], [2, 3]),
  );
  const joined = net.op("Concat", [net.op("Slice", [up, "starts", "ends", "axes"]), down], { axis: 1 });
  const output = net.op("Sigmoid", [net.conv(joined, 8, 2, 1)]);
  const ops = await converted(net, output, ["n", 2, 9, 13]);
  // The third Transpose is the shuffle that the transposed convolution became.
  expect(ops).toMatchObject({ Transpose: 3, _FusedConv2D: 4, ConcatV2: 1, Slice: 1 });
});

test("squeeze and excitation: a gate made of matrix products", async () => {
  const net = new Net();
  const x = net.relu(net.conv("x", 3, 6, 3));
  const flat = net.op("Flatten", [net.op("GlobalAveragePool", [x])]);
  const hidden = net.relu(net.op("Gemm", [flat, net.weight(6, 2), net.weight(2)]));
  const gate = net.op("Sigmoid", [net.op("Gemm", [hidden, net.weight(2, 6), net.weight(6)])]);
  net.initializers.push(tensor("axes", "int64", [2], [2, 3]));
  const scaled = net.op("Mul", [x, net.op("Unsqueeze", [gate, "axes"])]);
  const output = net.conv(scaled, 6, 2);
  expect(await converted(net, output, ["n", 2, 9, 13])).toMatchObject({ Transpose: 2, _FusedMatMul: 2, Mul: 1 });
});

test("a flattened head: the layout goes into the weights", async () => {
  const net = new Net();
  const x = net.relu(net.conv("x", 3, 2, 3));
  const output = net.op("Gemm", [net.op("Flatten", [x]), net.weight(7, 2 * 9 * 13), net.weight(7)], { transB: 1 });
  expect(await converted(net, output, ["n", 7])).toEqual({ Transpose: 1, _FusedConv2D: 1, Reshape: 1, _FusedMatMul: 1 });
});
