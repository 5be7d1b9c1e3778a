/** DeformConv: every element of every window is read at a place of its own, then the windows are multiplied with the weights. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { type At, type Rule, rule } from "../rule.ts";
import { int, ints } from "../schema.ts";
import { Arithmetic } from "./arithmetic.ts";
import { checkGroups } from "./conv.ts";
import { product, reshapeToSizes, type Size, sizeAt } from "./dims.ts";
import { batchNumbers, interpolate, linearNeighbours, tableOf, zeroEdge } from "./sample.ts";
import { type Axis, resolveWindow } from "./window.ts";

interface Attrs {
  readonly strides: readonly number[] | undefined;
  readonly dilations: readonly number[] | undefined;
  readonly pads: readonly number[] | undefined;
  readonly group: number;
  readonly offset_group: number;
}

/** Places of all windows along an axis: [K, out], for the kernel's elements in order. */
function places(axes: readonly Axis[], outputs: readonly number[], which: number): { shape: number[]; values: Float32Array } {
  const [rows, columns] = outputs as [number, number];
  const kernels = axes.map(({ kernel }) => kernel) as [number, number];
  const values: number[] = [];
  for (let k = 0; k < kernels[0] * kernels[1]; k++) {
    const element = which === 0 ? Math.floor(k / kernels[1]) : k % kernels[1];
    for (let p = 0; p < rows * columns; p++) {
      const window = which === 0 ? Math.floor(p / columns) : p % columns;
      const axis = axes[which]!;
      values.push(window * axis.stride - axis.pads[0] + element * axis.dilation);
    }
  }
  return { shape: [1, kernels[0] * kernels[1], rows * columns], values: Float32Array.from(values) };
}

function deformConv(b: Builder, inputs: readonly (Value | undefined)[], a: Attrs, at: At): Value {
  const [x, w, offset, bias, mask] = inputs as readonly [Value, Value, Value, Value | undefined, Value | undefined];
  if (x.rank !== 4) throw at.unsupported(`a deformable convolution over ${x.rank - 2} spatial axes`);
  const weights = w.staticShape;
  const outputs = offset.shape.slice(2);
  if (!weights || !outputs.every((dim) => typeof dim === "number"))
    throw at.unsupported("sizes that are not known", "give the inputs' shapes with --input");
  const [filters, taken, ...kernel] = weights as [number, number, number, number];
  checkGroups(x.shape[1], filters, taken, a.group, at);
  const { axes } = resolveWindow(x.shape.slice(2), kernel, { ...a, auto_pad: "NOTSET" }, at);
  const elements = kernel[0]! * kernel[1]!;
  const count = (outputs[0] as number) * (outputs[1] as number);
  const batch = sizeAt(b, x, 0);
  const channels = taken * a.group;
  const each = channels / a.offset_group;
  const pieces = Array.from({ length: a.offset_group }, (_, g) => {
    const part = b.slice(x, [0, g * each, 0, 0], [-1, each, -1, -1]);
    const own = (v: Value, size: number) => b.slice(v, [0, g * size, 0, 0], [-1, size, -1, -1]);
    const moved = reshapeToSizes(b, own(offset, 2 * elements), [batch, elements, 2, count]);
    const shares = mask && reshapeToSizes(b, own(mask, elements), [batch, elements, count]);
    return windows(b, part, moved, shares, axes, outputs as number[]);
  });
  // [N, K, P, C] → [N·P, K, C], so that a group's channels can be cut out and multiplied.
  const rows = b.transpose(b.concat(pieces, 3), [0, 2, 1, 3]);
  const flat = reshapeToSizes(b, rows, [product(b, batch, count), elements, channels]);
  const products = Array.from({ length: a.group }, (_, g) => {
    const own = b.slice(flat, [0, 0, g * taken], [-1, -1, taken]);
    const filter = b.slice(w, [(g * filters) / a.group, 0, 0, 0], [filters / a.group, -1, -1, -1]);
    const matrix = b.reshape(b.transpose(filter, [2, 3, 1, 0]), [elements * taken, filters / a.group]);
    return b.op("MatMul", [b.reshape(own, [-1, elements * taken]), matrix]);
  });
  const sums = b.concat(products, 1);
  const y = reshapeToSizes(b, bias ? b.op("BiasAdd", [sums, bias]) : sums, [batch, ...(outputs as Size[]), filters]);
  return b.transpose(y, [0, 3, 1, 2]);
}

/** The elements of all windows of some channels: [N, K, P, C]. */
function windows(
  b: Builder,
  x: Value,
  offset: Value,
  mask: Value | undefined,
  axes: readonly Axis[],
  outputs: readonly number[],
): Value {
  const m = new Arithmetic(b);
  const table = tableOf(b, x);
  const [down, right] = b.ops("Unpack", [offset], { num: 2, axis: 2 });
  const neighbours = [down!, right!].map((moved, i) => {
    const { shape, values } = places(axes, outputs, i);
    return linearNeighbours(b, m.add(m.float(moved), b.constant({ dtype: "float32", shape, data: values })));
  });
  const read = interpolate(b, table, neighbours, zeroEdge(b), batchNumbers(b, table.batch, 3));
  return mask ? b.op("Mul", [read, b.op("ExpandDims", [mask, b.scalar("int32", -1)])]) : read;
}

export const deforms: readonly Rule[] = [
  rule(
    "DeformConv",
    {
      since: 19,
      arity: [3, 5],
      attrs: { strides: ints(), dilations: ints(), pads: ints(), kernel_shape: ints(), group: int(1), offset_group: int(1) },
    },
    (b, inputs, a, at) => [deformConv(b, inputs, a, at)],
  ),
];
