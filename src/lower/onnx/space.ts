/** DepthToSpace and SpaceToDepth, and the image ops of the experimental opset that old files still hold. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { type At, type Rule, rule } from "../rule.ts";
import { float, floats, int, ints, oneOf, required } from "../schema.ts";
import { toFirst, toLast } from "./window.ts";

/** The block is the outermost part of the channels (DCR, TensorFlow's own order), or the innermost (CRD). */
function depthToSpace(b: Builder, x: Value, block: number, order: "DCR" | "CRD", at: At): Value {
  if (x.rank !== 4) throw at.invalid(`DepthToSpace of a rank-${x.rank} tensor`);
  const channels = x.shape[1];
  if (typeof channels === "number" && channels % (block * block) !== 0)
    throw at.invalid(`${channels} channels in blocks of ${block}×${block}`);
  if (block === 1) return x;
  if (order === "DCR") return toFirst(b, b.op("DepthToSpace", [toLast(b, x)], { block_size: block, data_format: "NHWC" }), 2);
  const depth = typeof channels === "number" ? channels / (block * block) : -1;
  const split = b.op("Reshape", [x, b.concat([b.dim(x, 0), b.ints([depth, block, block]), b.dim(x, 2), b.dim(x, 3)], 0)]);
  const mixed = b.transpose(split, [0, 1, 4, 2, 5, 3]);
  const rows = (axis: number): Value => b.op("Mul", [b.dim(x, axis), b.ints([block])]);
  return b.op("Reshape", [mixed, b.concat([b.dim(x, 0), b.ints([depth]), rows(2), rows(3)], 0)]);
}

/** y = x·scale + shift, both numbers. */
const affine = (b: Builder, x: Value, scale: number, shift: number): Value =>
  b.op("AddV2", [b.op("Mul", [x, b.scalar(x.dtype, scale)]), b.scalar(x.dtype, shift)]);

/** Cuts [left, top, right, bottom] off the last two axes, or takes `size` elements from left and top on. */
function crop(b: Builder, x: Value, border: readonly number[], size: readonly number[] | undefined, at: At): Value {
  const [left, top, right, bottom] = border;
  const [height, width] = x.shape.slice(-2);
  if (border.length !== 4 || x.rank !== 4) throw at.invalid(`border of ${border.length} numbers on a rank-${x.rank} tensor`);
  if (size) return b.slice(x, [0, 0, top!, left!], [-1, -1, size[0]!, size[1]!]);
  if (typeof height !== "number" || typeof width !== "number")
    throw at.unsupported("crop of unknown size", "give the input's shape with --input");
  return b.slice(x, [0, 0, top!, left!], [-1, -1, height - top! - bottom!, width - left! - right!]);
}

export const space: readonly Rule[] = [
  rule(
    "DepthToSpace",
    { since: 1, arity: [1, 1], attrs: { blocksize: required(int(0)), mode: oneOf("DCR", "CRD") } },
    (b, [x], a, at) => [depthToSpace(b, x, a.blocksize, a.mode, at)],
  ),
  rule("SpaceToDepth", { since: 1, arity: [1, 1], attrs: { blocksize: required(int(0)) } }, (b, [x], a, at) => {
    if (x.rank !== 4) throw at.invalid(`SpaceToDepth of a rank-${x.rank} tensor`);
    return [toFirst(b, b.op("SpaceToDepth", [toLast(b, x)], { block_size: a.blocksize, data_format: "NHWC" }), 2)];
  }),
  rule("ImageScaler", { since: 1, arity: [1, 1], attrs: { scale: float(1), bias: floats() } }, (b, [x], a) => {
    const bias = b.constant({ dtype: "float32", shape: [a.bias?.length ?? 1, 1, 1], data: Float32Array.from(a.bias ?? [0]) });
    return [b.op("AddV2", [b.op("Mul", [x, b.scalar(x.dtype, a.scale)]), b.cast(bias, x.dtype)])];
  }),
  rule("Affine", { since: 1, arity: [1, 1], attrs: { alpha: float(1), beta: float(0) } }, (b, [x], a) => [
    affine(b, x, a.alpha, a.beta),
  ]),
  rule("Scale", { since: 1, arity: [1, 1], attrs: { scale: float(1) } }, (b, [x], a) => [
    b.op("Mul", [x, b.scalar(x.dtype, a.scale)]),
  ]),
  rule("Crop", { since: 1, arity: [1, 1], attrs: { border: required(ints()), scale: ints() } }, (b, [x], a, at) => [
    crop(b, x, a.border, a.scale, at),
  ]),
  rule("ScaledTanh", { since: 1, arity: [1, 1], attrs: { alpha: float(1), beta: float(1) } }, (b, [x], a) => {
    const inner = b.op("Tanh", [b.op("Mul", [x, b.scalar(x.dtype, a.beta)])]);
    return [b.op("Mul", [inner, b.scalar(x.dtype, a.alpha)])];
  }),
  rule("ParametricSoftplus", { since: 1, arity: [1, 1], attrs: { alpha: float(1), beta: float(1) } }, (b, [x], a) => {
    const inner = b.op("Softplus", [b.op("Mul", [x, b.scalar(x.dtype, a.beta)])]);
    return [b.op("Mul", [inner, b.scalar(x.dtype, a.alpha)])];
  }),
  rule(
    "GivenTensorFill",
    {
      since: 1,
      arity: [0, 1],
      attrs: { values: required(floats()), shape: ints(), extra_shape: ints(), input_as_shape: int(0) },
    },
    (b, [like], a, at) => {
      if (a.input_as_shape || a.extra_shape) throw at.unsupported("a fill of a computed shape");
      const shape = a.shape ?? like?.staticShape;
      if (!shape) throw at.unsupported("a fill of unknown shape");
      return [b.constant({ dtype: "float32", shape, data: Float32Array.from(a.values) })];
    },
  ),
];
