/** Convolutions over N C …; kernels come as TensorFlow has them, spatial axes first. */

import { int, ints } from "../../graph/onnx-graph.ts";
import { type OnnxBuilder, type Ref, toEnd } from "../build.ts";
import { type EmitAt, type EmitRule, emittedOne } from "../rule.ts";
import { type Axis, axesOf, explicitPads, extent, onnxPads, samePads, windowAttrs } from "./window.ts";

const spatialAxes = (rank: number): number[] => Array.from({ length: rank - 2 }, (_, i) => i);

function conv(o: OnnxBuilder, x: Ref, filter: Ref, at: EmitAt): Ref {
  const shape = at.node.inputs[1]!.shape;
  const rank = shape.length;
  const input = at.node.inputs[0]!.type.shape;
  const axes = axesOf(at, shape.slice(0, -2));
  const [taken, made] = [shape[rank - 2], shape[rank - 1]];
  const attrs = windowAttrs(at, axes, input?.slice(2) ?? new Array(rank - 2).fill(undefined));
  if (at.node.op === "DepthwiseConv2dNative") {
    if (typeof taken !== "number" || typeof made !== "number") throw at.unsupported("a depthwise kernel of unknown size");
    const kernel = o.reshape(o.transpose(filter, [2, 3, 0, 1]), [taken * made, 1, ...axes.map((axis) => axis.kernel)]);
    return o.op("Conv", [x, kernel], { ...attrs, group: int(taken) });
  }
  const told = at.number("groups", 0);
  const channels = input?.[1];
  // Where the channels are not known they are one group, as nearly always; the runtime refuses others, since the kernel says how many.
  const known = typeof channels === "number" && typeof taken === "number" ? channels / taken : 1;
  const groups = told > 0 ? told : known;
  const kernel = o.transpose(filter, [rank - 1, rank - 2, ...spatialAxes(rank)]);
  return o.op("Conv", [x, kernel], { ...attrs, ...(groups > 1 && { group: int(groups) }) });
}

/** The gradient of a convolution over its input: all of what the kernel spreads, of which the result is a part. */
function convTranspose(o: OnnxBuilder, sizes: Ref, filter: Ref, x: Ref, at: EmitAt): Ref {
  const shape = at.node.inputs[1]!.shape;
  const rank = shape.length;
  const axes = axesOf(at, shape.slice(0, -2));
  const kernel = o.transpose(filter, [rank - 1, rank - 2, ...spatialAxes(rank)]);
  const outputs = at.type().shape;
  const [taken, channels] = [shape[rank - 2], outputs?.[1]];
  const groups = at.number("groups", 0) || (typeof channels === "number" && typeof taken === "number" ? channels / taken : 1);
  const attrs = {
    kernel_shape: ints(axes.map((axis) => axis.kernel)),
    strides: ints(axes.map(({ stride }) => stride)),
    ...(axes.some(({ dilation }) => dilation !== 1) && { dilations: ints(axes.map(({ dilation }) => dilation)) }),
    ...(groups > 1 && { group: int(groups) }),
  };
  const settled = axes.map((axis, i) => placed(axis, i, at));
  if (settled.every((each) => each !== undefined)) {
    const pads = settled.map(({ low, high }) => [low, Math.max(high, 0)] as const);
    const more = settled.map(({ high }) => Math.max(-high, 0));
    if (more.some((count, i) => count >= Math.max(axes[i]!.stride, axes[i]!.dilation)))
      throw at.unsupported("a transposed convolution to more than its kernel reaches");
    return o.op("ConvTranspose", [x, kernel], {
      ...attrs,
      ...(pads.some(([low, high]) => low || high) && { pads: onnxPads(pads) }),
      ...(more.some((count) => count > 0) && { output_padding: ints(more) }),
    });
  }
  const more = axes.map(({ stride }) => stride - 1);
  const all = o.op("ConvTranspose", [x, kernel], { ...attrs, ...(more.some(Boolean) && { output_padding: ints(more) }) });
  const wanted = o.int64(
    o.pick(
      sizes,
      spatialAxes(rank).map((axis) => axis + 2),
      0,
    ),
  );
  const starts = startsOf(o, x, wanted, axes, at);
  const along = o.ints(spatialAxes(rank).map((axis) => axis + 2));
  return o.op("Slice", [all, starts, o.op("Add", [starts, wanted]), along], {}, all.dtype);
}

/** What is cut off before and behind on an axis; undefined where sizes are not known. */
function placed(axis: Axis, i: number, at: EmitAt): { readonly low: number; readonly high: number } | undefined {
  const [input, output] = [at.node.inputs[2]!.type.shape?.[i + 2], at.type().shape?.[i + 2]];
  if (typeof input !== "number" || typeof output !== "number") return undefined;
  const padding = at.text("padding", "VALID");
  const low =
    padding === "SAME" ? samePads(output, axis)[0] : padding === "EXPLICIT" ? explicitPads(at, [axis, axis, axis])[i]![0] : 0;
  return { low, high: axis.stride * (input - 1) + extent(axis) - low - output };
}

/** As `placed`, of sizes that the runtime knows. */
function startsOf(o: OnnxBuilder, x: Ref, wanted: Ref, axes: readonly Axis[], at: EmitAt): Ref {
  const padding = at.text("padding", "VALID");
  if (padding === "VALID") return o.ints(axes.map(() => 0));
  if (padding === "EXPLICIT") return o.ints(explicitPads(at, axes).map(([low]) => low));
  const inputs = o.slice(o.shape(x), [2], [toEnd], [0]);
  const reached = o.op("Add", [
    o.op("Mul", [o.op("Sub", [inputs, o.ints(axes.map(() => 1))]), o.ints(axes.map(({ stride }) => stride))]),
    o.ints(axes.map(extent)),
  ]);
  const total = o.op("Max", [o.op("Sub", [reached, wanted]), o.ints(axes.map(() => 0))]);
  return o.op("Div", [total, o.ints(axes.map(() => 2))]);
}

export const convolutions: readonly EmitRule[] = [
  ...["Conv2D", "Conv3D", "DepthwiseConv2dNative"].map((op) => emittedOne(op, (o, [x, filter], at) => conv(o, x!, filter!, at))),
  ...["Conv2DBackpropInput", "Conv3DBackpropInputV2"].map((op) =>
    emittedOne(op, (o, [sizes, filter, x], at) => convTranspose(o, sizes!, filter!, x!, at)),
  ),
];
