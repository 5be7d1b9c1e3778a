/** Conv and ConvTranspose, N C … × O I … → Conv2D, Conv3D and their backprops over N … C × … I O. The transposes cancel later; see optimize/. */
import type { Dim, Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { type At, type Rule, rule } from "../rule.ts";
import { int, ints } from "../schema.ts";
import { codedProduct } from "./quantized-weights.ts";
import {
  type Axis,
  autoPad,
  extent,
  padBy,
  resolveWindow,
  spatialShape,
  toFirst,
  toLast,
  type Window,
  type WindowAttrs,
  windowAttrs,
  windowAttrsOf,
} from "./window.ts";

export const convAttrs = { ...windowAttrs, kernel_shape: ints(), group: int(1) };

export interface ConvAttrs extends WindowAttrs {
  readonly kernel_shape: readonly number[] | undefined;
  readonly group: number;
}

/** The kernel's spatial dims, from the weights; `kernel_shape` must agree. */
function kernelOf(w: Value, a: ConvAttrs, at: At): readonly number[] {
  const dims = w.shape.slice(2);
  const kernel = dims.map((dim, i) => {
    if (typeof dim === "number") return dim;
    const told = a.kernel_shape?.[i];
    if (told === undefined) throw at.unsupported("a kernel of unknown size");
    return told;
  });
  if (a.kernel_shape && (a.kernel_shape.length !== kernel.length || a.kernel_shape.some((dim, i) => dim !== kernel[i])))
    throw at.invalid(`kernel_shape ${a.kernel_shape} with weights of ${w.shape.map((dim) => dim ?? "?")}`);
  return kernel;
}

/** O I … → … I O, with a leading unit axis where there is one spatial axis. The same swap serves I O … of ConvTranspose. */
function filterLast(b: Builder, w: Value): Value {
  const last = b.transpose(w, [...Array.from({ length: w.rank - 2 }, (_, i) => i + 2), 1, 0]);
  return w.rank === 3 ? b.op("ExpandDims", [last, b.scalar("int32", 0)]) : last;
}

/** C·m 1 h w → h w C m: output channel c·m + j belongs to input channel c, as in TensorFlow. */
function depthwiseFilter(b: Builder, w: Value, channels: number): Value {
  const [outputs, , ...kernel] = w.shape as readonly number[];
  const spatial = kernel.length === 1 ? [1, ...kernel] : kernel;
  return b.transpose(b.reshape(w, [channels, outputs! / channels, ...spatial]), [2, 3, 0, 1]);
}

/** Conv over N C … → N … C: the convolution without the way back. */
function convLast(b: Builder, x: Value, w: Value, a: ConvAttrs, at: At): Value {
  const spatial = spatialShape(x, "a convolution", at);
  if (w.rank !== x.rank) throw at.invalid(`weights of rank ${w.rank} for an input of rank ${x.rank}`);
  const [channels, outputs, taken] = [x.shape[1], w.shape[0], w.shape[1]];
  checkGroups(channels, outputs, taken, a.group, at);
  const window = resolveWindow(spatial, kernelOf(w, a, at), a, at);
  const attrs = { ...windowAttrsOf(window), groups: a.group };
  const last = toLast(b, x);
  if (spatial.length === 3) return b.op("Conv3D", [last, filterLast(b, w)], attrs);
  const depthwise = a.group > 1 && taken === 1 && w.staticShape !== undefined;
  return depthwise
    ? b.op("DepthwiseConv2dNative", [last, depthwiseFilter(b, w, a.group)], attrs)
    : b.op("Conv2D", [last, filterLast(b, w)], attrs);
}

export function checkGroups(channels: Dim, outputs: Dim, taken: Dim, group: number, at: At): void {
  if (group < 1) throw at.invalid(`group ${group}`);
  if (typeof outputs === "number" && outputs % group !== 0) throw at.invalid(`${outputs} output channels in ${group} groups`);
  if (typeof channels !== "number" || typeof taken !== "number" || channels === taken * group) return;
  throw at.invalid(`${group} groups of ${taken} channels over an input of ${channels}`);
}

/** Conv with its bias. */
export function convolve(b: Builder, x: Value, w: Value, bias: Value | undefined, a: ConvAttrs, at: At): Value {
  return codedProduct(b, {
    ...{ x, w, bias, axis: 0, mode: at.quantized, after: x.rank - 2 },
    product: (input, weights, c) => {
      const y = convLast(b, input, weights, a, at);
      return c ? b.op("BiasAdd", [y, c]) : y;
    },
    placed: (y) => toFirst(b, y, x.rank - 2),
  });
}

interface TransposeAttrs extends ConvAttrs {
  readonly output_padding: readonly number[] | undefined;
  readonly output_shape: readonly number[] | undefined;
}

/** An axis of the result: its size, the padding of the convolution whose gradient this is, and zeroes past what any window reaches. */
interface Produced {
  readonly axis: Axis;
  readonly size: Dim;
  readonly beyond: number;
}

/** ONNX's rules for the size: given, or stride·(n − 1) + output_padding + extent − pads. */
function produced(axis: Axis, i: number, a: TransposeAttrs, at: At): Produced {
  const extra = a.output_padding?.[i] ?? 0;
  const full = typeof axis.size === "number" ? axis.stride * (axis.size - 1) + extent(axis) : undefined;
  const asked =
    a.output_shape?.[i] ??
    (a.auto_pad.startsWith("SAME") && full !== undefined ? (axis.size as number) * axis.stride : undefined);
  let [low, high] = [axis.pads[0], axis.pads[1]];
  let size: Dim;
  if (asked !== undefined) {
    if (full === undefined)
      throw at.unsupported("output_shape over a size that is not known", "give the input's shape with --input");
    const total = Math.max(0, full + extra - asked);
    low = a.auto_pad === "SAME_UPPER" ? Math.floor(total / 2) : Math.ceil(total / 2);
    high = full - low - asked;
    size = asked;
  } else {
    if (full === undefined && a.auto_pad.startsWith("SAME"))
      throw at.unsupported(`auto_pad ${a.auto_pad} over a size that is not known`, "give the input's shape with --input");
    high -= extra;
    size = full === undefined ? undefined : full - low - high;
  }
  const beyond = Math.max(0, -high);
  if (typeof size === "number" && size < 1) throw at.invalid(`an output of ${size} elements on spatial axis ${i}`);
  return {
    axis: { ...axis, pads: [low, Math.max(0, high)] },
    size: typeof size === "number" ? size - beyond : undefined,
    beyond,
  };
}

/** `input_sizes`: what is not known is computed from the input's own sizes at run time. */
function inputSizes(b: Builder, last: Value, sizes: readonly Produced[], channels: number): Value {
  const lead = sizes.length === 1 ? [b.ints([1])] : [];
  const dims = sizes.map(({ axis, size }, i) => {
    if (typeof size === "number") return b.ints([size]);
    const n = b.dim(last, i + 1 + lead.length);
    const offset = extent(axis) - axis.stride - axis.pads[0] - axis.pads[1];
    return b.op("AddV2", [b.op("Mul", [n, b.ints([axis.stride])]), b.ints([offset])]);
  });
  return b.concat([b.dim(last, 0), ...lead, ...dims, b.ints([channels])], 0);
}

/** I O … weights, grouped: M = O·group outputs. */
export function convTranspose(b: Builder, x: Value, w: Value, bias: Value | undefined, a: TransposeAttrs, at: At): Value {
  const spatial = spatialShape(x, "a transposed convolution", at);
  if (w.rank !== x.rank) throw at.invalid(`weights of rank ${w.rank} for an input of rank ${x.rank}`);
  const [inputs, perGroup] = [w.shape[0], w.shape[1]];
  if (typeof perGroup !== "number" || typeof inputs !== "number") throw at.unsupported("weights of unknown size");
  if (inputs % a.group !== 0) throw at.invalid(`${inputs} input channels in ${a.group} groups`);
  if (typeof x.shape[1] === "number" && x.shape[1] !== inputs)
    throw at.invalid(`${x.shape[1]} channels into weights of ${inputs}`);
  const { axes } = resolveWindow(
    spatial,
    kernelOf(w, a, at),
    { ...a, auto_pad: a.auto_pad.startsWith("SAME") ? "VALID" : a.auto_pad },
    at,
  );
  const shape = a.output_shape && a.output_shape.length > spatial.length ? a.output_shape.slice(-spatial.length) : a.output_shape;
  const sizes = axes.map((axis, i) => produced(axis, i, { ...a, output_shape: shape }, at));
  const window: Window = { axes: sizes.map(({ axis }) => axis), same: false };
  const last = toLast(b, x);
  const op = spatial.length === 3 ? "Conv3DBackpropInputV2" : "Conv2DBackpropInput";
  const y = b.op(op, [inputSizes(b, last, sizes, perGroup * a.group), filterLast(b, w), last], {
    ...windowAttrsOf(window),
    groups: a.group,
  });
  const whole = padBy(
    b,
    y,
    sizes.map(({ beyond }) => [0, beyond] as const),
    spatial.length === 1 ? 2 : 1,
    0,
  );
  return toFirst(b, bias ? b.op("BiasAdd", [whole, bias]) : whole, spatial.length);
}

export const conv: readonly Rule[] = [
  rule("Conv", { since: 1, arity: [2, 3], attrs: convAttrs }, (b, [x, w, bias], a, at) => [convolve(b, x, w, bias, a, at)]),
  rule(
    "ConvTranspose",
    { since: 1, arity: [2, 3], attrs: { ...convAttrs, output_padding: ints(), output_shape: ints() } },
    (b, [x, w, bias], a, at) => [convTranspose(b, x, w, bias, a, at)],
  ),
  rule(
    "ConvTransposeWithDynamicPads",
    {
      domain: "com.microsoft",
      since: 1,
      arity: [2, 4],
      attrs: {
        auto_pad: autoPad,
        strides: ints(),
        dilations: ints(),
        kernel_shape: ints(),
        group: int(1),
        output_padding: ints(),
      },
    },
    (b, [x, w, pads, bias], a, at) => [
      convTranspose(b, x, w, bias, { ...a, pads: pads && at.numbers(pads, "the padding"), output_shape: undefined }, at),
    ],
  ),
];
