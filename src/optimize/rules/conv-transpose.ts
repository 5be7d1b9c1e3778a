/**
 * A transposed convolution whose stride divides its kernel → a plain convolution that makes all places of a stride at once, and a shuffle:
 * ten times as fast on wasm, the same products. Bias and activation then go before the shuffle, into the convolution.
 */
import type { Node, Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { isElementwise } from "../elementwise.ts";
import { any, constant, op } from "../pattern.ts";
import { permOf, samePerm } from "../perm.ts";
import { type Rewrite, rewrite, rewriteAt, type Site } from "../rewrite.ts";

/** One axis: place u of the result is the sum over j of x[⌊(u + first) / stride⌋ − j] times the kernel at stride · j + (u + first) mod stride. */
interface Axis {
  readonly stride: number;
  /** Windows that meet at a place: kernel / stride. */
  readonly taps: number;
  /** Of the plain convolution. */
  readonly pads: readonly [number, number];
  /** Positions of the plain convolution, each of which makes `stride` places. */
  readonly count: number;
  /** Places before the first that is wanted. */
  readonly skip: number;
  readonly size: number;
}

const ints = (node: Node, name: string): readonly number[] => (node.attrs[name] as readonly number[] | undefined) ?? [];

/** Undefined where a size is not known, or the windows meet a place in different numbers. */
function axisOf(node: Node, axis: 1 | 2): Axis | undefined {
  const [, w, x] = node.inputs;
  const kernel = w!.staticShape?.[axis - 1];
  const [from, size] = [x!.type.shape?.[axis], node.output.type.shape?.[axis]];
  const stride = ints(node, "strides")[axis]!;
  if (kernel === undefined || typeof from !== "number" || typeof size !== "number" || kernel % stride !== 0) return undefined;
  const padding = node.attrs["padding"];
  const same = Math.max((from - 1) * stride + kernel - size, 0);
  const first =
    padding === "SAME" ? Math.floor(same / 2) : padding === "EXPLICIT" ? (ints(node, "explicit_paddings")[2 * axis] ?? 0) : 0;
  const taps = kernel / stride;
  const start = Math.floor(first / stride);
  const count = Math.floor((first + size - 1) / stride) - start + 1;
  const before = taps - 1 - start;
  const after = count - from - before + taps - 1;
  return before < 0 || after < 0 ? undefined : { stride, taps, pads: [before, after], count, skip: first - stride * start, size };
}

/** N H W I × kh kw O I → N H′ W′ O. */
export const separateWindows: Rewrite = rewrite(
  "conv-transpose-to-conv",
  op("Conv2DBackpropInput", [any("sizes"), constant("w"), any("x")], "node"),
  ({ w, x, node }, b) => {
    const [high, wide] = [axisOf(node, 1), axisOf(node, 2)];
    const format = node.attrs["data_format"] as string | undefined;
    if (!high || !wide || format?.startsWith("NC") || !ints(node, "dilations").every((each) => each === 1)) return undefined;
    const y = b.op("Conv2D", [x, filterOf(b, w, high, wide)], {
      strides: [1, 1, 1, 1],
      padding: "EXPLICIT",
      explicit_paddings: [0, 0, ...high.pads, ...wide.pads, 0, 0],
      dilations: [1, 1, 1, 1],
      data_format: "NHWC",
    });
    const whole = high.stride * wide.stride === 1 ? y : spread(b, y, high, wide);
    const cut = high.size !== high.count * high.stride || wide.size !== wide.count * wide.stride;
    return cut ? b.slice(whole, [0, high.skip, wide.skip, 0], [-1, high.size, wide.size, -1]) : whole;
  },
);

/** kh kw O I → taps taps I (stride stride O), the taps backwards as a convolution's gradient has them. */
function filterOf(b: Builder, w: Value, high: Axis, wide: Axis): Value {
  const [, , outputs, inputs] = w.staticShape as readonly number[];
  const split = b.reshape(w, [high.taps, high.stride, wide.taps, wide.stride, outputs!, inputs!]);
  const turned = b.transpose(b.op("ReverseV2", [split, b.ints([0, 2])]), [0, 2, 5, 1, 3, 4]);
  return b.reshape(turned, [high.taps, wide.taps, inputs!, high.stride * wide.stride * outputs!]);
}

/** N H W (stride stride O) → N H·stride W·stride O. */
function spread(b: Builder, y: Value, high: Axis, wide: Axis): Value {
  const [batch, , , channels] = y.shape;
  const outputs = (channels as number) / (high.stride * wide.stride);
  const rows = b.transpose(b.reshape(y, [-1, wide.count, high.stride, wide.stride * outputs]), shuffle);
  return b.reshapeTo(rows, [batch, high.count * high.stride, wide.count * wide.stride, outputs]);
}

/** The rows of a window come before the columns of the image. */
const shuffle: readonly number[] = [0, 2, 1, 3];

/** What stands before the shuffle, bare, with its bias, or with that taken in. */
const convolutions = ["Conv2D", "BiasAdd", "_FusedConv2D"];

interface Shuffled {
  /** The convolution before the shuffle. */
  readonly y: Value;
  /** The nodes between it and the value, the nearest first; each moves what its first input holds. */
  readonly moves: readonly Node[];
  /** Its output channels per channel of `value`. */
  readonly repeats: number;
}

/** What `separateWindows` made, where nobody else reads any of it. */
function shuffled(value: Value, site: Site): Shuffled | undefined {
  const whole = value.node.op === "Slice" ? value.node.inputs[0]! : value;
  const rows = whole.node.op === "Reshape" ? whole.node.inputs[0]! : undefined;
  const perm = rows && permOf(rows.node);
  if (!perm || !samePerm(perm, shuffle)) return undefined;
  const split = rows.node.inputs[0]!;
  const y = split.node.op === "Reshape" ? split.node.inputs[0]! : undefined;
  if (!y || !convolutions.includes(y.node.op)) return undefined;
  const [, columns, rowsOf, rest] = split.type.shape ?? [];
  const [channels, each] = [y.type.shape?.at(-1), whole.type.shape?.at(-1)];
  if (typeof rowsOf !== "number" || typeof rest !== "number" || typeof channels !== "number" || typeof each !== "number")
    return undefined;
  // Channel l of the result must be channels l, l + L, l + 2 L … of the convolution, whole.
  const splitsChannels =
    columns === y.type.shape?.[2] && rowsOf * rest === channels && rest % each === 0 && each === value.type.shape?.at(-1);
  const alone = [value, whole, rows, split, y].every((one) => site.uses(one) === 1);
  const moves = [split.node, rows.node, whole.node, ...(value === whole ? [] : [value.node])];
  return splitsChannels && alone ? { y, moves, repeats: channels / each } : undefined;
}

/** The same moves over another convolution. */
function reshuffled(b: Builder, moves: readonly Node[], y: Value): Value {
  return moves.reduce((value, node) => {
    b.origin = node.origin;
    return b.rebuild(node, [value, ...node.inputs.slice(1)])[0]!;
  }, y);
}

/** BiasAdd(shuffle(conv), c) → shuffle(BiasAdd(conv, c repeated)). */
export const biasBeforeShuffle: Rewrite = rewrite(
  "bias-before-shuffle",
  op("BiasAdd", [any("value"), constant("c")]),
  ({ value, c }, b, site) => {
    const found = shuffled(value, site);
    if (!found || c.staticShape?.length !== 1) return undefined;
    const bias = b.op("Tile", [c, b.ints([found.repeats])]);
    return reshuffled(b, found.moves, b.op("BiasAdd", [found.y, bias]));
  },
);

/** Relu(shuffle(conv)) → shuffle(Relu(conv)), and any other function of one operand. */
export const activationBeforeShuffle: Rewrite = rewriteAt("activation-before-shuffle", "any", (node, b, site) => {
  const [value] = node.inputs;
  if (node.inputs.length !== 1 || !isElementwise(node)) return undefined;
  const found = shuffled(value!, site);
  return found && node.outputs[0]!.dtype === value!.dtype
    ? [reshuffled(b, found.moves, b.op(node.op, [found.y], node.attrs))]
    : undefined;
});
