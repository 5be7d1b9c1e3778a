/** Convolutions: TF.js has no groups, no stride together with dilation, no padding numbers in 3-D, and no gradient in 3-D. */
import type { Dim, Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { type LegalAt, type LegalRule, legal } from "../rule.ts";
import {
  type Axis,
  axesOf,
  channelsLast,
  extent,
  knownPads,
  padAsAsked,
  padSpatial,
  spread,
  spreadKernel,
  type WindowAttrs,
  windowAttrs,
} from "./window.ts";

const spatialOf = (x: Value): Value["shape"] => x.shape.slice(1, -1);

/** Groups of `taken` channels each, convolved one by one; the filter is cut on its last axis. A size that is not known is cut evenly. */
function inGroups(
  b: Builder,
  x: Value,
  filter: Value,
  groups: number,
  taken: Dim,
  convolve: (x: Value, filter: Value) => Value,
): Value {
  const cut = (value: Value, size: Dim): readonly Value[] => {
    const last = value.rank - 1;
    if (typeof size !== "number") return b.ops("Split", [b.scalar("int32", last), value], { num_split: groups });
    const along = (own: number, rest: number) => value.shape.map((_, axis) => (axis === last ? own : rest));
    return Array.from({ length: groups }, (_, i) => b.slice(value, along(i * size, 0), along(size, -1)));
  };
  const outputs = filter.shape[filter.rank - 1];
  const filters = cut(filter, typeof outputs === "number" ? outputs / groups : undefined);
  const parts = cut(x, taken).map((part, i) => convolve(part, filters[i]!));
  return b.concat(parts, x.rank - 1);
}

/** Each becomes a convolution of its own. */
const maxGroups = 16_384;

/**
 * How many groups a filter cuts `channels` into; a lowering tells it where channels may be unknown. Where none does there is one: a run with
 * other channels ends with TF.js's own error.
 */
function groupsOf(channels: Dim, taken: Dim, at: LegalAt): number {
  const told = at.number("groups", 0);
  const isKnown = typeof channels === "number" && typeof taken === "number";
  const groups = told > 0 ? told : isKnown ? channels / taken : 1;
  if (groups > maxGroups) throw at.unsupported(`${at.node.op} in ${groups} groups`);
  return groups;
}

/**
 * SAME where a stride leaves elements out behind the last window: TF.js's wasm kernels take the padding, which is less than none, for a huge
 * number, and those of three axes begin before the first element.
 */
function withoutOverreach(b: Builder, x: Value, axes: readonly Axis[], attrs: WindowAttrs): readonly [Value, WindowAttrs] {
  const isPoint = axes.length === 2 && axes.every(({ kernel }) => kernel === 1);
  if (attrs.padding !== "SAME" || isPoint || axes.every((axis) => axis.stride <= extent(axis))) return [x, attrs];
  const valid = { ...attrs, padding: "VALID" };
  const pads = axes.flatMap((axis) => (axis.pads ? [axis.pads] : []));
  // Of three axes numbers are not read.
  if (pads.length < axes.length || axes.length === 3) return [padAsAsked(b, x, axes, 0), valid];
  if (pads.flat().every((pad) => pad === 0)) return [x, valid];
  return [x, { ...attrs, padding: "EXPLICIT", explicit_paddings: [0, 0, ...pads.flat(), 0, 0] }];
}

function conv(b: Builder, [x, filter]: readonly Value[], at: LegalAt): Value {
  channelsLast(at);
  const rank = filter!.rank;
  const axes = axesOf(at, x!.type.shape ? spatialOf(x!) : new Array(rank - 2).fill(undefined), filter!.shape.slice(0, -2));
  let attrs = windowAttrs(at, rank);
  const clash = axes.some(({ stride }) => stride > 1) && axes.some(({ dilation }) => dilation > 1);
  const kernel = clash ? spreadKernel(b, filter!, axes, at) : filter!;
  if (clash) attrs = { ...attrs, dilations: new Array<number>(rank).fill(1) };
  let input = x!;
  [input, attrs] = withoutOverreach(b, input, axes, attrs);
  if (rank === 5 && attrs.padding === "EXPLICIT") {
    input = padSpatial(b, input, knownPads(at, axes), 0);
    attrs = { ...attrs, padding: "VALID", explicit_paddings: [] };
  }
  const depthwise = at.node.op === "DepthwiseConv2dNative";
  const groups = depthwise ? 1 : groupsOf(x!.shape[rank - 1], filter!.shape[rank - 2], at);
  const settled = attrs;
  const one = (part: Value, weights: Value) => b.op(at.node.op, [part, weights], settled);
  return groups === 1 ? one(input, kernel) : inGroups(b, input, kernel, groups, filter!.shape[rank - 2], one);
}

/** The gradient of a convolution over its input: what a transposed convolution computes. */
function conv2dBackprop(b: Builder, [sizes, filter, x]: readonly Value[], at: LegalAt): Value {
  channelsLast(at);
  const outputs = at.node.outputs[0]!.shape;
  const axes = axesOf(at, outputs.slice(1, -1), filter!.shape.slice(0, 2));
  const kernel = spreadKernel(b, filter!, axes, at);
  const attrs = { ...windowAttrs(at, 4), dilations: [1, 1, 1, 1] };
  const groups = groupsOf(outputs[3], filter!.shape[2], at);
  if (groups === 1) return b.op("Conv2DBackpropInput", [sizes!, kernel, x!], attrs);
  const perGroup = b.concat([b.slice(sizes!, [0], [3]), b.ints([filter!.shape[2] as number])], 0);
  return inGroups(b, x!, kernel, groups, (filter!.shape[3] as number) / groups, (part, weights) =>
    b.op("Conv2DBackpropInput", [perGroup, weights, part], attrs),
  );
}

/** In 3-D: the input with stride − 1 zeroes between its elements, convolved with the reversed kernel. */
function conv3dBackprop(b: Builder, [, filter, x]: readonly Value[], at: LegalAt): Value {
  channelsLast(at);
  const outputs = at.node.outputs[0]!.shape;
  const axes = axesOf(at, outputs.slice(1, -1), filter!.shape.slice(0, 3));
  const pads = knownPads(at, axes);
  const spaced = axes.reduce((value, { stride }, i) => spread(b, value, i + 1, stride - 1, at), x!);
  const margins = axes.map((axis, i) => margin(axis, pads[i]!, x!.shape[i + 1], outputs[i + 1], at));
  const cut = b.slice(
    spaced,
    spaced.shape.map(() => 0),
    spaced.shape.map((dim, i) => (margins[i - 1] && margins[i - 1]![1] < 0 ? (dim as number) + margins[i - 1]![1] : -1)),
  );
  const padded = padSpatial(
    b,
    margins.some(([, high]) => high < 0) ? cut : spaced,
    margins.map(([low, high]) => [low, Math.max(0, high)] as const),
    0,
  );
  const attrs = {
    strides: [1, 1, 1, 1, 1],
    dilations: [1, ...axes.map(({ dilation }) => dilation), 1],
    padding: "VALID",
    data_format: "NDHWC",
  };
  const convolve = (part: Value, weights: Value) => {
    const flipped = b.op("ReverseV2", [weights, b.ints([0, 1, 2])]);
    return b.op("Conv3D", [part, b.transpose(flipped, [0, 1, 2, 4, 3])], attrs);
  };
  const groups = groupsOf(outputs[4], filter!.shape[3], at);
  return groups === 1
    ? convolve(padded, filter!)
    : inGroups(b, padded, filter!, groups, (filter!.shape[4] as number) / groups, convolve);
}

/** Zeroes round the spaced input of an axis so that exactly `output` elements come out; behind it also fewer than none. */
function margin(axis: Axis, pads: readonly [number, number], input: Dim, output: Dim, at: LegalAt): readonly [number, number] {
  if (typeof input !== "number" || typeof output !== "number")
    throw at.unsupported("a 3-D transposed convolution of a size that is not known", "give the input's shape with --input");
  const low = extent(axis) - 1 - pads[0];
  if (low < 0) throw at.unsupported(`padding ${pads[0]} beyond a kernel of ${extent(axis)}`);
  return [low, output - input * axis.stride + pads[0]];
}

export const convolutions: readonly LegalRule[] = [
  ...["Conv2D", "Conv3D", "DepthwiseConv2dNative"].map((op) => legal(op, (b, inputs, at) => [conv(b, inputs, at)])),
  legal("Conv2DBackpropInput", (b, inputs, at) => [conv2dBackprop(b, inputs, at)]),
  legal("Conv3DBackpropInputV2", (b, inputs, at) => [conv3dBackprop(b, inputs, at)]),
];
