/** Further operators of com.microsoft: forms that onnxruntime's optimiser writes, and what ai.onnx took over from it. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { normalAxis } from "../../tf/op.ts";
import { type Rule, rule } from "../rule.ts";
import { bool, float, int, ints, oneOf, required } from "../schema.ts";
import { swish } from "./activation.ts";
import { constants } from "./constant.ts";
import { countTo, difference, sizeAt } from "./dims.ts";
import { gathers } from "./gather.ts";
import { grids } from "./grid.ts";
import { groupNorm } from "./norm.ts";
import { pads } from "./pad.ts";
import { maxPool, poolAttrs } from "./pool.ts";

const domain = "com.microsoft";

/** The newest form of an operator, under the name it had before ai.onnx took it over. */
function again(rules: readonly Rule[], op: string): Rule {
  const ladder = rules.filter((each) => each.op === op && each.domain === "").sort((x, y) => y.since - x.since);
  if (!ladder[0]) throw new Error(`no row for ${op}`);
  return { ...ladder[0], domain, since: 1 };
}

const plus = (b: Builder, ...values: readonly (Value | undefined)[]): Value =>
  values.filter((value) => value !== undefined).reduce((sum, value) => b.op("AddV2", [sum, value]));

/** N … C as N C … for `apply`, and back. */
function throughFirst(b: Builder, x: Value, apply: (x: Value) => Value): Value {
  const spatial = Array.from({ length: x.rank - 2 }, (_, i) => i + 1);
  const y = apply(b.transpose(x, [0, x.rank - 1, ...spatial]));
  return b.transpose(y, [0, ...spatial.map((axis) => axis + 1), 1]);
}

const groupAttrs = { epsilon: float(1e-5), groups: int(1), activation: int(0), channels_last: bool(true) };
interface GroupAttrs {
  readonly epsilon: number;
  readonly groups: number;
  readonly activation: number;
  readonly channels_last: boolean;
}

function normalizeGroups(b: Builder, x: Value, scale: Value, shift: Value, a: GroupAttrs): Value {
  const normalize = (first: Value) =>
    groupNorm(b, first, scale, shift, { epsilon: a.epsilon, num_groups: a.groups, stash_type: 1 }, false);
  const y = a.channels_last ? throughFirst(b, x, normalize) : normalize(x);
  return a.activation === 1 ? swish(b, y, 1) : y;
}

/** [C] or [N, C] beside N H W C. */
function besideChannels(b: Builder, skip: Value, x: Value): Value {
  if (skip.rank !== 2) return skip;
  return b.reshapeTo(
    skip,
    [skip.shape[0], ...new Array<number>(x.rank - 2).fill(1), skip.shape[1]],
    [[skip, 0], ...new Array<undefined>(x.rank - 2).fill(undefined), [skip, 1]],
  );
}

/** Distances between all rows of two matrices. */
function distances(b: Builder, x: Value, y: Value, squared: boolean): Value {
  const apart = b.op("SquaredDifference", [
    b.op("ExpandDims", [x, b.scalar("int32", 1)]),
    b.op("ExpandDims", [y, b.scalar("int32", 0)]),
  ]);
  const sum = b.reduce("Sum", apart, [2], false);
  return squared ? sum : b.op("Sqrt", [sum]);
}

/** Softmax over `axis` and what follows it, of x plus a bias that broadcasts to it. */
function biasSoftmax(b: Builder, x: Value, bias: Value, axisGiven: number): Value {
  const axis = normalAxis(axisGiven, x.rank);
  const sum = b.op("AddV2", [x, bias]);
  if (axis === x.rank - 1) return b.op("Softmax", [sum]);
  const lead = Array.from({ length: axis }, (_, i) => sizeAt(b, sum, i));
  const flat = b.op("Reshape", [
    sum,
    b.concat([...lead.map((size) => (typeof size === "number" ? b.ints([size]) : size)), b.ints([-1])], 0),
  ]);
  return b.op("Reshape", [b.op("Softmax", [flat]), b.op("Shape", [sum])]);
}

/** Windows of `size` elements along an axis, `step` apart; their elements become the last axis. */
function unfold(b: Builder, x: Value, axisGiven: number, size: number, step: number): Value {
  const axis = normalAxis(axisGiven, x.rank);
  const room = difference(b, sizeAt(b, x, axis), size);
  const count =
    typeof room === "number"
      ? Math.floor(room / step) + 1
      : b.op("AddV2", [b.op("FloorDiv", [room, b.ints([step])]), b.ints([1])]);
  const starts = b.op("Mul", [countTo(b, count), b.scalar("int32", step)]);
  const places = b.op("AddV2", [b.op("ExpandDims", [starts, b.scalar("int32", 1)]), countTo(b, size)]);
  const windows = b.gather(x, places, axis);
  const axes = windows.shape.map((_, i) => i).filter((i) => i !== axis + 1);
  return b.transpose(windows, [...axes, axis + 1]);
}

/** Boxes of the images in a batch, each resized to one size; corners count as pixels. */
function cropAndResize(
  b: Builder,
  [x, boxes, places, size]: readonly Value[],
  method: string,
  extrapolation_value: number,
): Value {
  const image = b.cast(b.transpose(x!, [0, 2, 3, 1]), "float32");
  const crops = b.op("CropAndResize", [image, b.cast(boxes!, "float32"), places!, size!], { method, extrapolation_value });
  return b.cast(b.transpose(crops, [0, 3, 1, 2]), x!.dtype);
}

export const contrib: readonly Rule[] = [
  // Distinct elements in the order in which they are first met.
  rule("Unique", { domain, since: 1, arity: [1, 1], attrs: {} }, (b, [x]) => {
    const [y, , places, counts] = b.ops("UniqueElements", [x], { flat: true, axis: 0, sorted: false, output_type: "int64" });
    return [y, places, counts];
  }),
  rule(
    "NGramRepeatBlock",
    { domain, since: 1, arity: [2, 2], attrs: { ngram_size: required(int(0)) } },
    (b, [ids, scores], a, at) => {
      if (a.ngram_size < 1) throw at.invalid(`ngram_size ${a.ngram_size}`);
      return [b.op("BlockRepeats", [ids, scores], { size: a.ngram_size })];
    },
  ),
  rule("DynamicTimeWarping", { domain, since: 1, arity: [1, 1], attrs: {} }, (b, [x]) => [
    b.op("TimeWarp", [b.cast(x, "float32")]),
  ]),
  rule(
    "UnfoldTensor",
    { domain, since: 1, arity: [1, 1], attrs: { dim: int(-1), size: required(int(0)), step: int(1) } },
    (b, [x], a, at) => {
      if (a.size < 1 || a.step < 1) throw at.invalid(`windows of ${a.size} elements, ${a.step} apart`);
      return [unfold(b, x, a.dim, a.size, a.step)];
    },
  ),
  rule(
    "CropAndResize",
    { domain, since: 1, arity: [4, 4], attrs: { mode: oneOf("bilinear", "nearest"), extrapolation_value: float(0) } },
    (b, inputs, a) => [cropAndResize(b, inputs, a.mode, a.extrapolation_value)],
  ),
  again(grids, "GridSample"),
  again(pads, "Pad"),
  again(constants, "Range"),
  again(constants, "Trilu"),
  again(gathers, "GatherND"),
  rule("NhwcMaxPool", { domain, since: 1, arity: [1, 1], attrs: { ...poolAttrs, storage_order: int(0) } }, (b, [x], a, at) => [
    throughFirst(b, x, (first) => maxPool(b, first, a, at)[0]!),
  ]),
  rule("GroupNorm", { domain, since: 1, arity: [3, 3], attrs: groupAttrs }, (b, [x, scale, shift], a) => [
    normalizeGroups(b, x, scale, shift, a),
  ]),
  rule("SkipGroupNorm", { domain, since: 1, arity: [4, 5], attrs: groupAttrs }, (b, [x, scale, shift, skip, bias], a) => {
    const sum = plus(b, x, besideChannels(b, skip, x), bias);
    return [normalizeGroups(b, sum, scale, shift, a), sum];
  }),
  rule(
    "BiasSoftmax",
    { domain, since: 1, arity: [2, 2], attrs: { axis: int(1), is_inner_broadcast: bool(false) } },
    (b, [x, bias], a) => [biasSoftmax(b, x, bias, a.axis)],
  ),
  rule("CDist", { domain, since: 1, arity: [2, 2], attrs: {} }, (b, [x, y], _, at) => {
    const metric = at.node.attrs["metric"];
    const word = metric?.kind === "string" ? metric.value : "sqeuclidean";
    if (word !== "euclidean" && word !== "sqeuclidean") throw at.unsupported(`metric ${word}`);
    return [distances(b, x, y, word === "sqeuclidean")];
  }),
  rule(
    "IsAllFinite",
    { domain, since: 1, arity: [1, Number.POSITIVE_INFINITY], attrs: { isinf_only: bool(false), isnan_only: bool(false) } },
    (b, inputs, a) => {
      const bad = (inputs as readonly Value[]).map((x) => {
        const test = a.isinf_only
          ? b.op("IsInf", [x])
          : a.isnan_only
            ? b.op("IsNan", [x])
            : b.op("LogicalNot", [b.op("IsFinite", [x])]);
        return b.reduce(
          "Any",
          test,
          x.shape.map((_, i) => i),
          false,
        );
      });
      return [b.op("LogicalNot", [bad.reduce((any, each) => b.op("LogicalOr", [any, each]))])];
    },
  ),
  rule("TorchEmbedding", { domain, since: 1, arity: [2, 4], attrs: { padding_idx: ints() } }, (b, [weights, indices]) => [
    b.gather(weights, indices, 0),
  ]),
];
