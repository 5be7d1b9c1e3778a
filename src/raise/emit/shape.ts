/** Shapes, joins and parts of tensors. ONNX counts dims, axes and indices in int64, TensorFlow mostly in int32. */
import type { Dim } from "../../graph/graph.ts";
import { int, text } from "../../graph/onnx-graph.ts";
import { dimsOf, normalAxis } from "../../tf/op.ts";
import { type OnnxBuilder, type Ref, toEnd } from "../build.ts";
import { type EmitAt, type EmitRule, emitted, emittedOne } from "../rule.ts";
import { axisOf } from "./axis.ts";
import { compare, where } from "./elementwise.ts";

/** What is known of the numbers in input `i`. */
const dimsIn = (at: EmitAt, i: number): readonly Dim[] | undefined => dimsOf(at.node.inputs[i]!);

function reshape(o: OnnxBuilder, x: Ref, dims: Ref, at: EmitAt): Ref {
  const to = at.type().shape;
  const open = to?.filter((dim) => typeof dim !== "number").length ?? 2;
  // In ONNX a dim of 0 copies the input's, unless it is told that it is one.
  const zeroes = (shape: readonly Dim[]) => (at.opset >= 14 && shape.includes(0) ? { allowzero: int(1) } : {});
  if (to && open === 0) return o.op("Reshape", [x, o.ints(to as readonly number[])], zeroes(to), x.dtype);
  if (to && open === 1 && !to.includes(0)) {
    const shape = o.ints(to.map((dim) => (typeof dim === "number" ? dim : -1)));
    return o.op("Reshape", [x, shape], {}, x.dtype);
  }
  return o.op("Reshape", [x, o.int64(dims)], at.opset >= 14 ? { allowzero: int(1) } : {}, x.dtype);
}

function transpose(o: OnnxBuilder, x: Ref, perm: Ref, at: EmitAt): Ref {
  const known = o.known(perm);
  if (!known) throw at.unsupported("a permutation that is computed");
  return o.transpose(x, known);
}

function squeeze(o: OnnxBuilder, x: Ref, at: EmitAt): Ref {
  const axes = at.numbers("squeeze_dims");
  if (axes?.length) return o.squeeze(x, axes);
  return o.op("Squeeze", [x]);
}

/** The dims of the result of a broadcast, from vectors of two shapes. */
function broadcastArgs(o: OnnxBuilder, a: Ref, b: Ref, at: EmitAt): Ref {
  const [p, q] = [a, b].map((each) => each.shape?.[0]);
  if (typeof p !== "number" || typeof q !== "number") throw at.unsupported("broadcasting of shapes of unknown rank");
  const rank = Math.max(p, q);
  const padded = (each: Ref, length: number) =>
    length === rank ? o.int64(each) : o.concat([o.ints(new Array<number>(rank - length).fill(1)), o.int64(each)], 0);
  const [x, y] = [padded(a, p), padded(b, q)];
  return o.cast(where(o, compare(o, "Equal", x, o.scalar("int64", 1)), y, x), a.dtype);
}

/** `begin` and `size`; a size of −1 goes to the end. */
function slice(o: OnnxBuilder, x: Ref, begin: Ref, size: Ref, at: EmitAt): Ref {
  const [starts, sizes] = [o.known(begin), dimsIn(at, 2)];
  const count = begin.shape?.[0];
  if (typeof count !== "number") throw at.unsupported("a slice of unknown rank");
  if (starts && sizes?.every((dim) => typeof dim === "number")) {
    const ends = sizes.map((dim, i) => (dim === -1 ? toEnd : starts[i]! + (dim as number)));
    const axes = starts.flatMap((start, i) => (start === 0 && ends[i] === toEnd ? [] : [i]));
    const pick = (from: readonly number[]) => axes.map((axis) => from[axis]!);
    return axes.length === 0 ? o.op("Identity", [x]) : o.slice(x, pick(starts), pick(ends), axes);
  }
  const first = o.int64(begin);
  const axes = o.ints(Array.from({ length: count }, (_, i) => i));
  const length = o.int64(size);
  const end = where(o, compare(o, "Equal", length, o.ints([-1])), o.ints([toEnd]), o.op("Add", [first, length]));
  return o.op("Slice", [x, first, end, axes], {}, x.dtype);
}

/** TensorFlow's masks. What is shrunk is picked by Gather, where a negative index counts from the end, as it does there. */
function stridedSlice(o: OnnxBuilder, x: Ref, [begin, end, step]: readonly [Ref, Ref, Ref], at: EmitAt): Ref {
  const count = begin.shape?.[0];
  const steps = o.known(step);
  if (typeof count !== "number" || !at.node.inputs[0]!.type.shape) throw at.unsupported("a strided slice of unknown rank");
  const rank = at.node.inputs[0]!.rank;
  const bit = (name: string, i: number) => (at.number(name, 0) >> i) & 1;
  const entries = Array.from({ length: count }, (_, i) => i);
  const explicit = entries.filter((i) => !bit("new_axis_mask", i) && !bit("ellipsis_mask", i)).length;
  const cuts: { axis: number; entry: number }[] = [];
  const shrunk: { axis: number; entry: number }[] = [];
  const added: number[] = [];
  let [axis, out] = [0, 0];
  for (let entry = 0; entry < count; entry++) {
    if (bit("ellipsis_mask", entry)) {
      axis += rank - explicit;
      out += rank - explicit;
    } else if (bit("new_axis_mask", entry)) added.push(out++);
    else if (bit("shrink_axis_mask", entry)) shrunk.push({ axis: axis++, entry });
    else {
      const whole = bit("begin_mask", entry) && bit("end_mask", entry) && steps?.[entry] === 1;
      if (!whole) cuts.push({ axis, entry });
      axis++;
      out++;
    }
  }
  let value = x;
  if (cuts.length > 0) {
    const bound = (vector: Ref, mask: string, past: (step: number) => number): Ref => {
      const known = o.known(vector);
      const parts = cuts.map(({ entry }) => {
        if (bit(mask, entry)) {
          if (!steps) throw at.unsupported("a slice from end to end by a step that is computed");
          return o.ints([past(steps[entry]!)]);
        }
        return known ? o.ints([known[entry]!]) : o.int64(o.pick(vector, [entry], 0));
      });
      return o.concat(parts, 0);
    };
    const starts = bound(begin, "begin_mask", (by) => (by > 0 ? 0 : toEnd));
    const ends = bound(end, "end_mask", (by) => (by > 0 ? toEnd : -toEnd));
    const by = cuts.map(({ entry }) => entry);
    const strides = steps ? o.ints(by.map((entry) => steps[entry]!)) : o.int64(o.pick(step, by, 0));
    const axes = cuts.map((cut) => cut.axis);
    const inputs = [value, starts, endsBackward(o, x, { starts, ends, strides, axes }), o.ints(axes), strides];
    value = o.op("Slice", inputs, {}, x.dtype);
  }
  const known = o.known(begin);
  for (const each of [...shrunk].reverse()) {
    const index = known ? o.scalar("int64", known[each.entry]!) : o.reshape(o.pick(begin, [each.entry], 0), []);
    value = o.op("Gather", [value, o.int64(index)], { axis: int(each.axis) }, x.dtype);
  }
  return o.unsqueeze(value === x ? o.op("Identity", [x]) : value, added);
}

interface Cuts {
  readonly starts: Ref;
  readonly ends: Ref;
  readonly strides: Ref;
  readonly axes: readonly number[];
}

/**
 * Backwards from before the first element nothing is taken in TensorFlow; ONNX moves such a start to the first element, also where there
 * is none. The end of those is put there too.
 */
function endsBackward(o: OnnxBuilder, x: Ref, { starts, ends, strides, axes }: Cuts): Ref {
  const [from, by] = [o.known(starts), o.known(strides)];
  const may = (i: number) => (from?.[i] ?? -1) < 0 && (by?.[i] ?? -1) < 0;
  if (!axes.some((_, i) => may(i))) return ends;
  const dims = axes.map((axis) => x.shape?.[axis]);
  const known = o.known(ends);
  if (from && by && known && dims.every((dim, i) => typeof dim === "number" || !may(i)))
    return o.ints(known.map((end, i) => (may(i) && from[i]! + (dims[i] as number) < 0 ? 0 : end)));
  const zero = o.ints([0]);
  const isBefore = compare(o, "Less", o.op("Add", [starts, o.pick(o.shape(x), axes, 0)]), zero);
  const isBackward = compare(o, "Less", strides, zero);
  return where(o, o.op("And", [isBefore, isBackward]), zero, ends);
}

/** From the last element, which is not written as −1: that is the first one of an axis of none. */
function reverse(o: OnnxBuilder, x: Ref, axes: Ref, at: EmitAt): Ref {
  const rank = at.node.inputs[0]!.rank;
  const known = o.known(axes)?.map((axis) => normalAxis(axis, rank));
  if (!known) throw at.unsupported("a reversal of axes that are computed");
  if (known.length === 0) return o.op("Identity", [x]);
  const all = (value: number) => known.map(() => value);
  return o.slice(x, all(toEnd), all(-toEnd), known, all(-1));
}

function split(o: OnnxBuilder, x: Ref, axis: number, at: EmitAt): readonly Ref[] {
  const parts = at.node.outputs.map((each) => each.type.shape?.[axis]);
  const dtypes = parts.map(() => x.dtype);
  if (parts.every((dim) => typeof dim === "number"))
    return o.raw("Split", [x, o.ints(parts as readonly number[])], { axis: int(axis) }, dtypes);
  const attrs = { axis: int(axis), ...(at.opset >= 18 && { num_outputs: int(parts.length) }) };
  return o.raw("Split", [x], attrs, dtypes);
}

/** Sizes of which one may be −1. */
function splitV(o: OnnxBuilder, x: Ref, sizes: Ref, axis: number, at: EmitAt): readonly Ref[] {
  const known = o.known(sizes);
  if (at.node.outputs.every((each) => typeof each.type.shape?.[axis] === "number")) return split(o, x, axis, at);
  let lengths = o.int64(sizes);
  if (known?.includes(-1)) {
    const rest = o.op("Sub", [o.pick(o.shape(x), [axis], 0), o.ints([known.reduce((sum, size) => sum + Math.max(size, 0), 0)])]);
    lengths = o.concat(
      known.map((size) => (size === -1 ? rest : o.ints([size]))),
      0,
    );
  }
  const dtypes = at.node.outputs.map(() => x.dtype);
  return o.raw("Split", [x, lengths], { axis: int(axis) }, dtypes);
}

/** [n, 2] → all that is padded before, then all that is behind. */
const padVector = (o: OnnxBuilder, pads: Ref): Ref => o.reshape(o.transpose(o.int64(pads), [1, 0]), [-1]);

/** A vector of one pick an axis, or of what to fill: any shape of integers that ONNX wants as int64. */
const broadcastTo = (o: OnnxBuilder, x: Ref, dims: Ref): Ref => o.op("Expand", [x, o.int64(dims)], {}, x.dtype);

const filled = (value: number) =>
  emittedOne(value === 0 ? "ZerosLike" : "OnesLike", (o, [x]) => broadcastTo(o, o.scalar(x!.dtype, value), o.shape(x!)));

/** The two axes are the first two in ONNX. */
function reverseSequence(o: OnnxBuilder, x: Ref, lengths: Ref, at: EmitAt): Ref {
  const [batch, time] = [at.number("batch_dim", 0), at.number("seq_dim", 0)];
  const reverse = (value: Ref, batchAxis: number, timeAxis: number) =>
    o.op(
      "ReverseSequence",
      [value, o.int64(lengths)],
      { batch_axis: int(batchAxis), time_axis: int(timeAxis) },
      x.dtype,
      value.shape,
    );
  if (Math.max(batch, time) < 2) return reverse(x, batch, time);
  const others = Array.from({ length: x.rank }, (_, axis) => axis).filter((axis) => axis !== batch && axis !== time);
  const perm = [batch, time, ...others];
  const back = perm.map((_, axis) => perm.indexOf(axis));
  return o.transpose(reverse(o.transpose(x, perm), 0, 1), back);
}

export const shapes: readonly EmitRule[] = [
  emittedOne("Shape", (o, [x], at) => o.cast(o.shape(x!), at.type().dtype)),
  emittedOne("Size", (o, [x], at) => o.cast(o.raw("Size", [x!], {}, ["int64"])[0]!, at.type().dtype)),
  emittedOne("Rank", (o, [x]) => o.cast(o.raw("Size", [o.shape(x!)], {}, ["int64"])[0]!, "int32")),
  emittedOne("Reshape", (o, [x, dims], at) => reshape(o, x!, dims!, at)),
  emittedOne("Transpose", (o, [x, perm], at) => transpose(o, x!, perm!, at)),
  emittedOne("ExpandDims", (o, [x, axis], at) => {
    const known = o.number(axis!);
    if (known === undefined) throw at.unsupported("an axis that is computed");
    return o.unsqueeze(x!, [known]);
  }),
  emittedOne("Squeeze", (o, [x], at) => squeeze(o, x!, at)),
  emittedOne("Fill", (o, [dims, value]) => broadcastTo(o, value!, dims!)),
  emittedOne("BroadcastTo", (o, [x, dims]) => broadcastTo(o, x!, dims!)),
  emittedOne("BroadcastArgs", (o, [a, b], at) => broadcastArgs(o, a!, b!, at)),
  filled(0),
  filled(1),
  emittedOne("Range", (o, inputs) => o.op("Range", inputs)),
  emittedOne("Slice", (o, [x, begin, size], at) => slice(o, x!, begin!, size!, at)),
  emittedOne("StridedSlice", (o, [x, begin, end, step], at) => stridedSlice(o, x!, [begin!, end!, step!], at)),
  emittedOne("ReverseV2", (o, [x, axes], at) => reverse(o, x!, axes!, at)),
  emitted("Split", (o, [axis, x], at) => split(o, x!, axisOf(o, axis!, at.node.inputs[1]!.rank, at), at)),
  emitted("SplitV", (o, [x, sizes, axis], at) => splitV(o, x!, sizes!, axisOf(o, axis!, at.node.inputs[0]!.rank, at), at)),
  emitted("Unpack", (o, [x], at) => {
    const axis = normalAxis(at.number("axis", 0), at.node.inputs[0]!.rank);
    return at.node.outputs.map((_, i) => o.op("Gather", [x!, o.scalar("int64", i)], { axis: int(axis) }, x!.dtype));
  }),
  emittedOne("ConcatV2", (o, inputs, at) => {
    const rank = at.type().shape?.length;
    const axis = o.number(inputs[inputs.length - 1]!);
    if (axis === undefined || (rank === undefined && axis < 0)) throw at.unsupported("a join over an axis that is computed");
    return o.op("Concat", inputs.slice(0, -1), { axis: int(axis) });
  }),
  emittedOne("Pack", (o, inputs, at) => {
    const axis = at.number("axis", 0);
    return o.op(
      "Concat",
      inputs.map((input) => o.unsqueeze(input, [axis])),
      { axis: int(axis) },
    );
  }),
  emittedOne("Tile", (o, [x, times]) => o.op("Tile", [x!, o.int64(times!)], {}, x!.dtype)),
  emittedOne("PadV2", (o, [x, pads, value]) =>
    o.op("Pad", [x!, padVector(o, pads!), o.reshape(value!, [])], { mode: text("constant") }, x!.dtype),
  ),
  emittedOne("MirrorPad", (o, [x, pads], at) => {
    if (at.text("mode", "REFLECT") !== "REFLECT") throw new Error("symmetric padding is decomposed before");
    return o.op("Pad", [x!, padVector(o, pads!)], { mode: text("reflect") }, x!.dtype);
  }),
  emittedOne("ReverseSequence", (o, [x, lengths], at) => reverseSequence(o, x!, lengths!, at)),
];
