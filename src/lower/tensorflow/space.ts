/** Space, depth and batches: blocks moved between axes; patches; shifts round the end of an axis. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { normalAxis } from "../../tf/op.ts";
import type { At, Rule } from "../rule.ts";
import { int, required, string } from "../schema.ts";
import { list, same, tfRule } from "./attrs.ts";
import { inLast, isFirst } from "./layout.ts";
import { zeroOf } from "./shape.ts";

const block = (op: string): Rule =>
  tfRule(op, [1, 1], { block_size: required(int(2)), data_format: string("NHWC") }, (b, [x], a, at) => [
    inLast(b, x, isFirst(a.data_format, at), (last) => b.op(op, [last], { block_size: a.block_size, data_format: "NHWC" })),
  ]);

/** The old forms over two axes. */
const batch = (op: string): Rule =>
  tfRule(
    op,
    [2, 2],
    { block_size: required(int(2)) },
    (b, [x, sides], a) => [b.op(`${op}ND`, [x, b.ints([a.block_size, a.block_size]), sides])],
    { parameters: [1] },
  );

interface Patches {
  readonly ksizes: readonly number[];
  readonly strides: readonly number[];
  readonly rates: readonly number[];
  readonly padding: string;
}

/** Each place of the window as a strided slice of the padded image, side by side on the channels. */
function patches(b: Builder, x: Value, a: Patches, at: At): Value {
  const [, height, width] = x.shape;
  if (typeof height !== "number" || typeof width !== "number")
    throw at.unsupported("patches of an image of unknown size", "give the input's shape with --input");
  const axes = [height, width].map((size, i) => {
    const [kernel, stride, rate] = [a.ksizes[i + 1]!, a.strides[i + 1]!, a.rates[i + 1]!];
    const extent = (kernel - 1) * rate + 1;
    const out = a.padding === "SAME" ? Math.ceil(size / stride) : Math.floor((size - extent) / stride) + 1;
    const total = a.padding === "SAME" ? Math.max(0, (out - 1) * stride + extent - size) : 0;
    return { kernel, stride, rate, out: Math.max(0, out), pads: [Math.floor(total / 2), Math.ceil(total / 2)] as const };
  });
  const [rows, columns] = axes as [(typeof axes)[number], (typeof axes)[number]];
  const pads = b.reshape(b.ints([0, 0, ...rows.pads, ...columns.pads, 0, 0]), [4, 2]);
  const padded = b.op("PadV2", [x, pads, zeroOf(b, x.dtype)]);
  const parts: Value[] = [];
  for (let i = 0; i < rows.kernel; i++)
    for (let j = 0; j < columns.kernel; j++) {
      const start = [0, i * rows.rate, j * columns.rate, 0];
      const end = [0, start[1]! + (rows.out - 1) * rows.stride + 1, start[2]! + (columns.out - 1) * columns.stride + 1, 0];
      parts.push(
        b.op("StridedSlice", [padded, b.ints(start), b.ints(end), b.ints([1, rows.stride, columns.stride, 1])], {
          begin_mask: 9,
          end_mask: 9,
          ellipsis_mask: 0,
          new_axis_mask: 0,
          shrink_axis_mask: 0,
        }),
      );
    }
  return b.concat(parts, 3);
}

/** Element i comes from i − shift, counted round. */
function roll(b: Builder, x: Value, shift: Value, axes: Value, at: At): Value {
  const along = at.numbers(axes, "the axes").map((axis) => normalAxis(axis, x.rank));
  const shifts = b.reshape(shift, [-1]);
  return along.reduce((value, axis, i) => {
    const size = b.cast(b.reshape(b.dim(x, axis), []), shift.dtype);
    const range = b.op("Range", [b.scalar(shift.dtype, 0), size, b.scalar(shift.dtype, 1)]);
    const places = b.op("FloorMod", [b.op("Sub", [range, b.slice(shifts, [i], [1])]), size]);
    return b.gather(value, places, axis);
  }, x);
}

export const spaces: readonly Rule[] = [
  block("SpaceToDepth"),
  block("DepthToSpace"),
  same("SpaceToBatchND", 3, {}, { parameters: [1, 2] }),
  same("BatchToSpaceND", 3, {}, { parameters: [1, 2] }),
  batch("SpaceToBatch"),
  batch("BatchToSpace"),
  tfRule(
    "ExtractImagePatches",
    [1, 1],
    { ksizes: list(), strides: list(), rates: list(), padding: required(string("")) },
    (b, [x], a, at) => [patches(b, x, a, at)],
  ),
  tfRule("Roll", [3, 3], {}, (b, [x, shift, axes], _, at) => [roll(b, x, shift, axes, at)], { parameters: [2] }),
];
