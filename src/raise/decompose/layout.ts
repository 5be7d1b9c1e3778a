/**
 * Ops that ONNX has channels-first only: Transpose to N C …, the same op with its attributes in that order, Transpose back. Kernels stay as
 * TensorFlow has them; they are transposed when they are emitted.
 */
import type { Attrs, Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { type DecomposeRule, decomposed, type RaiseAt } from "../rule.ts";

const isFirst = (at: RaiseAt): boolean => at.text("data_format", "NHWC").startsWith("NC");

const toFirst = (rank: number): readonly number[] => [0, rank - 1, ...Array.from({ length: rank - 2 }, (_, i) => i + 1)];
const toLast = (rank: number): readonly number[] => [0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2), 1];

/** Attributes with an entry, or a pair of them, an axis. */
function attrsFirst(attrs: Attrs, rank: number): Attrs {
  const moved: Record<string, Attrs[string]> = { ...attrs, data_format: rank === 5 ? "NCDHW" : "NCHW" };
  for (const name of ["strides", "dilations", "ksize"]) {
    const entries = attrs[name] as readonly number[] | undefined;
    if (entries?.length === rank) moved[name] = toFirst(rank).map((axis) => entries[axis]!);
  }
  const pads = attrs["explicit_paddings"] as readonly number[] | undefined;
  if (pads?.length === 2 * rank)
    moved["explicit_paddings"] = toFirst(rank).flatMap((axis) => [pads[2 * axis]!, pads[2 * axis + 1]!]);
  return moved;
}

/** Input `data` is the one with a layout; `sizes`, where given, a vector in its order. */
export function channelsFirst(b: Builder, inputs: readonly Value[], at: RaiseAt, data = 0, sizes?: number): readonly Value[] {
  const { op } = at.node;
  if (isFirst(at)) return b.ops(op, inputs, at.attrs);
  const x = inputs[data]!;
  const rank = x.rank;
  const moved = inputs.map((input, i) => {
    if (i === data) return b.transpose(input, toFirst(rank));
    return i === sizes ? b.gather(input, b.ints(toFirst(rank)), 0) : input;
  });
  return b.ops(op, moved, attrsFirst(at.attrs, rank)).map((y) => b.transpose(y, toLast(rank)));
}

const first = (op: string): DecomposeRule => decomposed(op, (b, inputs, at) => channelsFirst(b, inputs, at));

/** The gradient of a convolution takes the sizes of its result, the kernel, and what is spread. */
const backprop = (op: string): DecomposeRule => decomposed(op, (b, inputs, at) => channelsFirst(b, inputs, at, 2, 0));

/** An addition along the last axis, which goes through Transposes as any other; `emit` makes it the bias of a Conv again. */
const biasAdd = decomposed("BiasAdd", (b, [x, bias], at) => {
  const last = !isFirst(at);
  return [b.op("AddV2", [x!, last ? bias! : b.reshape(bias!, [-1, ...new Array<number>(x!.rank - 2).fill(1)])])];
});

export const layouts: readonly DecomposeRule[] = [
  ...["Conv2D", "Conv3D", "DepthwiseConv2dNative", "FusedBatchNormV3", "LRN"].map(first),
  ...["MaxPool", "MaxPool3D", "MaxPoolWithArgmax", "AvgPool", "AvgPool3D"].map(first),
  ...["ResizeBilinear", "ResizeNearestNeighbor", "DepthToSpace", "SpaceToDepth"].map(first),
  ...["Conv2DBackpropInput", "Conv3DBackpropInputV2"].map(backprop),
  biasAdd,
];
