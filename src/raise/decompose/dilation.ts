/** Dilation2D: the greatest of each window's elements plus the kernel's, a strided slice for each place in the window. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { type DecomposeRule, decomposed, type RaiseAt } from "../rule.ts";

interface Axis {
  readonly kernel: number;
  readonly stride: number;
  readonly rate: number;
}

/** A kernel of more places makes a graph that is slow to load. */
const maxPlaces = 256;

const extent = ({ kernel, rate }: Axis): number => (kernel - 1) * rate + 1;

/** SAME's padding, below everything. */
function padded(b: Builder, x: Value, axes: readonly Axis[], at: RaiseAt): Value {
  const rows = axes.flatMap((axis, i) => {
    const size = x.shape[i + 1];
    if (typeof size !== "number")
      throw at.unsupported("SAME padding over a size that is not known", "give the input's shape with --input");
    const total = Math.max(0, (Math.ceil(size / axis.stride) - 1) * axis.stride + extent(axis) - size);
    return [Math.floor(total / 2), Math.ceil(total / 2)];
  });
  const pads = b.reshape(b.ints([0, 0, ...rows, 0, 0]), [4, 2]);
  return b.op("PadV2", [x, pads, b.scalar(x.dtype, Number.NEGATIVE_INFINITY)]);
}

function dilation(b: Builder, x: Value, filter: Value, at: RaiseAt): Value {
  const [height, width] = filter.shape;
  if (typeof height !== "number" || typeof width !== "number") throw at.unsupported("a kernel of unknown size");
  if (height * width > maxPlaces) throw at.unsupported(`a dilation by a kernel of ${height}×${width}`);
  const [strides, rates] = [at.numbers("strides")!, at.numbers("rates")!];
  const axes = [height, width].map((kernel, i) => ({ kernel, stride: strides[i + 1]!, rate: rates[i + 1]! }));
  const image = at.text("padding", "VALID") === "SAME" ? padded(b, x, axes, at) : x;
  const begins = (places: readonly number[]) => axes.map((axis, i) => places[i]! * axis.rate);
  const each = (places: readonly number[]): Value => {
    const first = begins(places);
    // From behind, so that the size need not be known; 0 is the end itself.
    const ends = first.map((begin, i) => begin + 1 - extent(axes[i]!));
    const mask = 0b1001;
    const attrs = {
      begin_mask: mask,
      end_mask: ends.reduce((bits, end, i) => (end === 0 ? bits | (2 << i) : bits), mask),
      ellipsis_mask: 0,
      new_axis_mask: 0,
      shrink_axis_mask: 0,
    };
    const steps = b.ints([1, ...axes.map(({ stride }) => stride), 1]);
    const part = b.op("StridedSlice", [image, b.ints([0, ...first, 0]), b.ints([0, ...ends, 0]), steps], attrs);
    return b.op("AddV2", [part, b.reshape(b.slice(filter, [...places, 0], [1, 1, -1]), [-1])]);
  };
  const places = Array.from({ length: height * width }, (_, k) => [Math.floor(k / width), k % width]);
  return places.map(each).reduce((greatest, value) => b.op("Maximum", [greatest, value]));
}

export const dilations: readonly DecomposeRule[] = [
  decomposed("Dilation2D", (b, [x, filter], at) => [dilation(b, x!, filter!, at)]),
];
