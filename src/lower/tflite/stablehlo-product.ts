/** StableHLO's products and convolutions, whose axes are told by dimension numbers. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { inverse, range } from "../onnx/axis.ts";
import type { At, Rule } from "../rule.ts";
import { int, ints } from "../schema.ts";
import { lite } from "./rule.ts";
import { dilate, padEdges } from "./stablehlo.ts";
import { list } from "./stablehlo-reduce.ts";

/** A letter an axis; contracted and batch axes share theirs. Results: batch, the left's own, the right's own. */
function dotGeneral(b: Builder, x: Value, y: Value, [xBatch, yBatch, xSum, ySum]: readonly (readonly number[])[]): Value {
  const letter = (i: number) => String.fromCharCode(97 + i);
  const left = range(x.rank).map(letter);
  const right = range(y.rank).map((i) => letter(x.rank + i));
  xBatch!.forEach((axis, i) => {
    right[yBatch![i]!] = left[axis]!;
  });
  xSum!.forEach((axis, i) => {
    right[ySum![i]!] = left[axis]!;
  });
  const own = (letters: readonly string[], ...taken: readonly (readonly number[])[]) =>
    letters.filter((_, i) => !taken.flat().includes(i));
  const result = [...xBatch!.map((axis) => left[axis]!), ...own(left, xBatch!, xSum!), ...own(right, yBatch!, ySum!)];
  return b.op("Einsum", [x, y], { equation: `${left.join("")},${right.join("")}->${result.join("")}` });
}

interface Dims {
  readonly batch: number;
  readonly feature: number;
  readonly spatial: readonly number[];
}

/** Any layout to N spatial… C, convolved there, and to the layout of the result. */
function convolution(
  b: Builder,
  x: Value,
  w: Value,
  layouts: {
    readonly input: Dims;
    readonly kernel: { readonly from: number; readonly to: number; readonly spatial: readonly number[] };
    readonly output: Dims;
  },
  a: {
    window_strides: readonly number[];
    padding: readonly number[];
    lhs_dilation: readonly number[];
    rhs_dilation: readonly number[];
    feature_group_count: number;
  },
  at: At,
): Value {
  const { input, kernel, output } = layouts;
  const count = input.spatial.length;
  if (count < 1 || count > 3) throw at.unsupported(`a convolution over ${count} spatial axes`);
  const zero = b.scalar(x.dtype, 0);
  let last = b.transpose(x, [input.batch, ...input.spatial, input.feature]);
  a.lhs_dilation.forEach((factor, i) => {
    last = dilate(b, last, i + 1, factor, zero, at);
  });
  const amounts = (side: number) => [0, ...range(count).map((i) => a.padding[2 * i + side] ?? 0), 0];
  const padded = padEdges(b, last, amounts(0), amounts(1), zero, at);
  const filter = b.transpose(w, [...kernel.spatial, kernel.from, kernel.to]);
  // One spatial axis is two, of which one is of size 1.
  const single = count === 1;
  const image = single ? b.op("ExpandDims", [padded, b.scalar("int32", 1)]) : padded;
  const weights = single ? b.op("ExpandDims", [filter, b.scalar("int32", 0)]) : filter;
  const around = (list: readonly number[]) => [1, ...(single ? [1] : []), ...range(count).map((i) => list[i] ?? 1), 1];
  const attrs = {
    strides: around(a.window_strides),
    dilations: around(a.rhs_dilation),
    padding: "VALID",
    data_format: count === 3 ? "NDHWC" : "NHWC",
    ...(a.feature_group_count > 1 ? { groups: a.feature_group_count } : {}),
  };
  const y = b.op(count === 3 ? "Conv3D" : "Conv2D", [image, weights], attrs);
  const flat = single ? b.squeeze(y, [1]) : y;
  return b.transpose(flat, inverse([output.batch, ...output.spatial, output.feature]));
}

export const stablehloProducts: readonly Rule[] = [
  lite(
    "STABLEHLO_DOT_GENERAL",
    {
      arity: [2, 2],
      attrs: {
        lhs_batching_dimensions: ints(),
        rhs_batching_dimensions: ints(),
        lhs_contracting_dimensions: ints(),
        rhs_contracting_dimensions: ints(),
      },
    },
    (b, [x, y], a) => [
      dotGeneral(b, x, y, [
        list(a.lhs_batching_dimensions),
        list(a.rhs_batching_dimensions),
        list(a.lhs_contracting_dimensions),
        list(a.rhs_contracting_dimensions),
      ]),
    ],
  ),
  lite(
    "STABLEHLO_CONVOLUTION",
    {
      arity: [2, 2],
      attrs: {
        window_strides: ints(),
        padding: ints(),
        lhs_dilation: ints(),
        rhs_dilation: ints(),
        window_reversal: ints(),
        input_batch_dimension: int(0),
        input_feature_dimension: int(0),
        input_spatial_dimensions: ints(),
        kernel_input_feature_dimension: int(0),
        kernel_output_feature_dimension: int(0),
        kernel_spatial_dimensions: ints(),
        output_batch_dimension: int(0),
        output_feature_dimension: int(0),
        output_spatial_dimensions: ints(),
        feature_group_count: int(1),
        batch_group_count: int(1),
      },
    },
    (b, [x, w], a, at) => {
      if (a.batch_group_count > 1) throw at.unsupported(`a convolution in ${a.batch_group_count} groups of the batch`);
      if (list(a.window_reversal).some((reversed) => reversed !== 0))
        throw at.unsupported("a convolution with a reversed window");
      const layouts = {
        input: { batch: a.input_batch_dimension, feature: a.input_feature_dimension, spatial: list(a.input_spatial_dimensions) },
        kernel: {
          from: a.kernel_input_feature_dimension,
          to: a.kernel_output_feature_dimension,
          spatial: list(a.kernel_spatial_dimensions),
        },
        output: {
          batch: a.output_batch_dimension,
          feature: a.output_feature_dimension,
          spatial: list(a.output_spatial_dimensions),
        },
      };
      const window = {
        window_strides: list(a.window_strides),
        padding: list(a.padding),
        lhs_dilation: list(a.lhs_dilation),
        rhs_dilation: list(a.rhs_dilation),
        feature_group_count: a.feature_group_count,
      };
      return [convolution(b, x, w, layouts, window, at)];
    },
  ),
];
