/** A constant added to each channel of a convolution, or to each column of a product: the bias that Conv and Gemm take as an input. */
import { isFloat } from "../../base/dtype.ts";
import type { Value } from "../../graph/graph.ts";
import type { OnnxBuilder, Ref } from "../build.ts";
import type { EmitAt } from "../rule.ts";

/** The axis of the channels, by hub op. */
const channelAxis: Readonly<Record<string, (rank: number) => number>> = {
  Conv2D: () => 1,
  Conv3D: () => 1,
  DepthwiseConv2dNative: () => 1,
  Conv2DBackpropInput: () => 1,
  Conv3DBackpropInputV2: () => 1,
  MatMul: (rank) => rank - 1,
};

/** The sum, where one of the two is a product that nothing else reads and the other a bias for it. */
export function biased(o: OnnxBuilder, x: Ref, y: Ref, at: EmitAt): Ref | undefined {
  const [left, right] = at.node.inputs as readonly [Value, Value];
  return onto(o, left, x, y, at) ?? onto(o, right, y, x, at);
}

function onto(o: OnnxBuilder, value: Value, product: Ref, bias: Ref, at: EmitAt): Ref | undefined {
  const axisOf = channelAxis[value.node.op];
  const maker = o.makers.get(product);
  const shape = value.type.shape;
  if (!axisOf || !maker || !shape || at.usesOf(value) !== 1 || maker.inputs.length !== 2 || !isFloat(product.dtype))
    return undefined;
  const axis = axisOf(shape.length);
  const channels = shape[axis];
  if (typeof channels !== "number" || !alongAxis(bias, axis, shape.length, channels)) return undefined;
  if (!/^(Conv|ConvTranspose|MatMul|Gemm)$/.test(maker.op)) return undefined;
  if (maker.op === "MatMul") maker.op = "Gemm";
  maker.inputs.push(vector(o, bias, channels));
  maker.origin = { nodes: [...new Set([...maker.origin.nodes, ...o.origin.nodes])], how: "fused" };
  at.fused.push(value);
  return product;
}

/** The bias with an axis of channels only: as it was before it was given others, where it is made of codes. */
function vector(o: OnnxBuilder, bias: Ref, channels: number): Ref {
  let value = bias.expression;
  while (value?.node.op === "Reshape") value = value.node.inputs[0];
  const isVector = value?.node.op === "Dequantize" && value.type.shape?.length === 1 && value.shape[0] === channels;
  return isVector ? o.constant(value!) : o.reshape(bias, [channels]);
}

/** A constant with one element a channel, which broadcasts along no other axis. */
function alongAxis({ constant, expression, shape }: Ref, axis: number, rank: number, channels: number): boolean {
  if (!(constant ?? expression) || !shape || shape.length > rank) return false;
  const full = [...new Array<number>(rank - shape.length).fill(1), ...shape];
  return full.every((dim, i) => dim === (i === axis ? channels : 1));
}
