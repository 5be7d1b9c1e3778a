/** Convolutions and matrix products: ops that are linear in their weights, whose last axis is made of the weights' output channels. */
import { isInteger } from "../base/dtype.ts";
import { codingOf } from "../graph/decode.ts";
import type { Node, Value } from "../graph/graph.ts";
import { movingOps } from "../graph/moving.ts";
import type { StoredTensor, Tensor } from "../graph/tensor.ts";
import type { Builder } from "../tf/build.ts";
import { constantOf } from "../tf/op.ts";

export interface Linear {
  readonly node: Node;
  /** Which input holds the weights. */
  readonly weights: number;
  /** Output channels, the last axis. */
  readonly channels: number;
  /** The shape in which a vector of channels broadcasts over the weights. */
  readonly along: readonly number[];
}

type Layout = (weights: readonly number[], node: Node) => { readonly channels: number; readonly along: readonly number[] };

/** … I O, with as many outputs as the last axis. */
const last: Layout = (w) => ({ channels: w.at(-1)!, along: [w.at(-1)!] });
/** … O I, as the ops that compute a convolution's gradient have it. */
const beforeLast: Layout = (w) => ({ channels: w.at(-2)!, along: [w.at(-2)!, 1] });

const layouts: ReadonlyMap<string, readonly [weights: number, layout: Layout]> = new Map<string, readonly [number, Layout]>([
  ["Conv2D", [1, last]],
  ["Conv3D", [1, last]],
  ["DepthwiseConv2dNative", [1, (w) => ({ channels: w[2]! * w[3]!, along: [w[2]!, w[3]!] })]],
  ["Conv2DBackpropInput", [1, beforeLast]],
  ["Conv3DBackpropInputV2", [1, beforeLast]],
  ["MatMul", [1, (w, node) => (node.attrs["transpose_b"] === true ? beforeLast(w, node) : last(w, node))]],
]);

/** The convolution or matrix product behind a value, where its weights have a known shape and channels come last. */
export function linearOf(value: Value): Linear | undefined {
  const { node } = value;
  const row = layouts.get(node.op);
  const format = node.attrs["data_format"] as string | undefined;
  if (!row || format?.startsWith("NC")) return undefined;
  const [weights, layout] = row;
  const shape = node.inputs[weights]!.staticShape;
  if (!shape || value.type.shape?.at(-1) === undefined) return undefined;
  const { channels, along } = layout(shape, node);
  return value.type.shape.at(-1) === channels ? { node, weights, channels, along } : undefined;
}

/** The op over other weights. */
export function withWeights(b: Builder, { node, weights }: Linear, changed: Value): Value {
  return b.op(
    node.op,
    node.inputs.map((input, i) => (i === weights ? changed : input)),
    node.attrs,
  );
}

/** A constant as a vector of `channels`, where it broadcasts over the last of `rank` axes alone. */
export function channelVector(b: Builder, value: Value, channels: number, rank: number): Value | undefined {
  const shape = value.staticShape;
  if (!value.node.constant || !shape || shape.length > rank) return undefined;
  if (!shape.every((dim, i) => (i === shape.length - 1 ? dim === 1 || dim === channels : dim === 1))) return undefined;
  if (shape.at(-1) === channels) return b.reshape(value, [channels]);
  return b.op("BroadcastTo", [b.reshape(value, [1]), b.ints([channels])]);
}

/**
 * Weights that are stored as codes, of quantised models, less one zero point or not: scaled they would take four times the space, and the
 * sums of whole numbers not be exact.
 */
export function isCodes(weights: Value): boolean {
  let { node } = weights;
  const isCentred = ({ op, inputs }: Node) => op === "Sub" && constantOf(inputs[1]!)?.data.length === 1;
  while (movingOps.has(node.op) || isCentred(node)) node = node.inputs[0]!.node;
  if (node.op !== "Const") return false;
  const coding = codingOf(node.attrs["value"] as Tensor | StoredTensor);
  if (coding && coding.codes !== "float16") return true;
  const tensor = constantOf(node.outputs[0]!);
  return isInteger(node.outputs[0]!.dtype) || (tensor !== undefined && (tensor.data as Float32Array).every(Number.isInteger));
}
