/**
 * More than six axes: the wasm kernels that go through XNNPACK (Add, Sub, Mul, Div, Pad) leave such results unwritten without a word, and
 * the GPU backends have no programs for them. Neighbouring axes that an op treats alike are merged before it and parted after it.
 */
import { type Dim, isStatic, type Shape, sameShape, type Value } from "../../graph/graph.ts";
import { elementCount, numbersOf } from "../../graph/tensor.ts";
import type { Builder } from "../../tf/build.ts";
import { constantOf } from "../../tf/op.ts";
import { type LegalAt, type Legalize, type LegalRule, legal } from "../rule.ts";
import { floorMod } from "./integer.ts";
import { asNumbers, both, choose, isSizes } from "./sizes.ts";

/** The most axes that every kernel of every backend takes; past them wasm goes wrong, so an op that does not merge is refused. */
const maxRank = 6;
/** Some programs of WebGL and WebGPU stop earlier; an op that does not merge stays as it is, and the check names the backends. */
const gpuRanks: Readonly<Record<string, number>> = { SelectV2: 4, PadV2: 4 };
/** WebGPU's programs for five axes and more do not compile where the operands are of different shapes. */
const mixedRank = 4;
const rankOf = (op: string): number => gpuRanks[op] ?? maxRank;

/** Runs of neighbours that may become one axis; `alike(i)` tells whether axis i may join axis i − 1. */
function runs(rank: number, alike: (axis: number) => boolean): number[][] {
  const found: number[][] = [];
  for (let axis = 0; axis < rank; axis++) {
    if (axis > 0 && alike(axis)) found[found.length - 1]!.push(axis);
    else found.push([axis]);
  }
  return found;
}

/** Dims of a tensor over the runs of the output's axes, −1 for one that is not known; axes that a lower rank lacks count as 1. */
function mergedDims(shape: Shape, groups: readonly (readonly number[])[], rank: number): number[] {
  const lead = rank - shape.length;
  return groups.map((axes) => {
    const dims = axes.map((axis) => (axis < lead ? 1 : shape[axis - lead]));
    return isStatic(dims) ? elementCount(dims) : -1;
  });
}

const biasAdd: Legalize = (b, inputs, at) =>
  (inputs[0]!.type.shape?.length ?? 0) <= mixedRank ? at.same(b, inputs) : elementwise(b, inputs, at, "AddV2");

/** `op`: where it is to be another than the node's own. */
export function elementwise(b: Builder, inputs: readonly Value[], at: LegalAt, op = at.node.op): readonly Value[] {
  const same = (values: readonly Value[]) => (op === at.node.op ? at.same(b, values) : [b.op(op, values)]);
  const out = at.node.outputs[0]!.type.shape;
  const mixed = inputs.some(({ type: { shape } }) => !shape?.every((dim) => dim === 1) && !sameShape(shape, out));
  const limit = Math.min(rankOf(op), mixed ? mixedRank : maxRank);
  if (!out || out.length <= limit) return same(inputs);
  const rank = out.length;
  const shapes = inputs.map((input) => input.shape);
  /** 1: repeated along the axis; undefined where nobody knows. */
  const own = (shape: Shape, axis: number): Dim => (axis < rank - shape.length ? 1 : shape[axis - rank + shape.length]);
  const known = shapes.every((shape) =>
    out.every((dim, axis) => dim !== undefined && [1, dim].includes(own(shape, axis) as string)),
  );
  const repeats = (shape: Shape, axis: number) => own(shape, axis) === 1 && out[axis] !== 1;
  const groups = runs(rank, (axis) => {
    // Axes of size 1 join any run: what counts is the one before them.
    const before = out.findLastIndex((dim, i) => i < axis && dim !== 1);
    return out[axis] === 1 || before < 0 || shapes.every((shape) => repeats(shape, axis) === repeats(shape, before));
  });
  // Where it would be read from the shape as it runs, an op that some backend takes is better left alone.
  const open = out.filter((dim) => typeof dim !== "number").length;
  if (rank <= maxRank && (!known || open > 1 || groups.length > rankOf(at.node.op))) return at.same(b, inputs);
  if (!known) throw at.unsupported(`${at.node.op} of ${rank} axes of which some are not known`);
  if (groups.length > maxRank) throw at.unsupported(`${at.node.op} of ${groups.length} axes that do not merge`);
  const results = at.same(
    b,
    inputs.map((input, i) => mergedAxes(b, input, shapes[i]!, groups, rank)),
  );
  // A dim of the result is that of an operand which is not repeated there.
  const like = out.map((dim, axis): readonly [Value, number] | undefined => {
    const owner = shapes.findIndex((shape) => own(shape, axis) === dim);
    return owner < 0 ? undefined : [inputs[owner]!, axis - rank + shapes[owner]!.length];
  });
  return results.map((value) => b.reshapeTo(value, out, like));
}

/** The operand with the axes of each group as one; sizes that are not known are multiplied when it runs. */
function mergedAxes(b: Builder, x: Value, shape: Shape, groups: readonly (readonly number[])[], rank: number): Value {
  const merged = mergedDims(shape, groups, rank);
  if (merged.filter((dim) => dim < 0).length <= 1) return b.reshape(x, merged);
  const lead = rank - shape.length;
  const sizes = b.op("Shape", [x]);
  const parts = groups.map((axes, i) => {
    const inside = axes.filter((axis) => axis >= lead);
    return merged[i]! >= 0
      ? b.ints([merged[i]!])
      : b.reduce("Prod", b.slice(sizes, [inside[0]! - lead], [inside.length]), [0], true);
  });
  return b.op("Reshape", [x, b.concat(parts, 0)]);
}

/** Axes that are not padded join their neighbours; where too many are left, the first padded one goes before the others. */
const pad: Legalize = (b, inputs, at) => {
  const [x, pads, value] = inputs as [Value, Value, Value];
  const { shape } = x.type;
  if (!shape || shape.length <= gpuRanks["PadV2"]!) return at.same(b, inputs);
  const amounts = constantOf(pads);
  if (!isStatic(shape) || !amounts) {
    if (shape.length <= maxRank) return at.same(b, inputs);
    throw at.unsupported(`padding of ${shape.length} axes of which some are not known`);
  }
  return [padInSteps(b, x, shape, numbersOf(amounts), value)];
};

function padInSteps(b: Builder, x: Value, from: readonly number[], amounts: readonly number[], value: Value): Value {
  const amount = (axis: number): [number, number] => [amounts[2 * axis]!, amounts[2 * axis + 1]!];
  const left = [...from.keys()].filter((axis) => amount(axis).some((each) => each !== 0));
  const parts = (padded: readonly number[]) => runs(from.length, (axis) => !padded.includes(axis) && !padded.includes(axis - 1));
  let y = x;
  let shape = from;
  while (left.length > 0) {
    const now = left.splice(0, parts(left).length <= gpuRanks["PadV2"]! ? left.length : 1);
    const groups = parts(now);
    const rows = groups.flatMap(([axis]) => (now.includes(axis!) ? amount(axis!) : [0, 0]));
    const flat = b.reshape(y, mergedDims(shape, groups, shape.length));
    shape = shape.map((dim, axis) => (now.includes(axis) ? dim + amount(axis)[0] + amount(axis)[1] : dim));
    y = b.reshape(b.op("PadV2", [flat, b.reshape(b.ints(rows), [groups.length, 2]), value]), shape);
  }
  return y;
}

/** These are made of other kernels; only the last axis counts. */
const lastAxis: Legalize = (b, inputs, at) => {
  const x = inputs[0]!;
  const { shape } = x.type;
  if (!shape || shape.length <= maxRank) return at.same(b, inputs);
  const last = shape.length - 1;
  const flat = mergedAxes(b, x, shape, [[...shape.keys()].slice(0, last), [last]], shape.length);
  const like = shape.map((_, axis): readonly [Value, number] => [x, axis]);
  return at.same(b, [flat]).map((y) => b.reshapeTo(y, shape, like));
};

const pointwise = [
  ...["AddV2", "Sub", "Mul", "RealDiv", "Maximum", "Minimum", "Pow", "SquaredDifference", "DivNoNan"],
  ...["Less", "LessEqual", "Greater", "GreaterEqual", "LogicalOr"],
];

/**
 * The wasm kernel of Prelu takes the slopes in a circle: right where they are one number, or the last axes of the data.
 * Others are written out, which is the same at infinities and NaN.
 */
const prelu: Legalize = (b, inputs, at) => {
  const [x, slope] = inputs as [Value, Value];
  const own = slope.shape.slice(slope.shape.findIndex((dim) => dim !== 1));
  const last = x.shape.slice(x.rank - own.length);
  if (slope.shape.every((dim) => dim === 1) || own.every((dim, i) => dim !== undefined && dim === last[i]))
    return elementwise(b, inputs, at);
  const negative = b.op("Mul", [slope, b.op("Minimum", [x, b.scalar(x.dtype, 0)])]);
  return [b.op("AddV2", [b.op("Relu", [x]), negative])];
};

/** Where the operands are sizes, in kernels that run on the host; not where something is known of the result, which that would hide. */
const ofSizes =
  (way: (b: Builder, inputs: readonly Value[]) => Value): Legalize =>
  (b, inputs, at) => {
    const known = at.node.outputs[0]!.elements?.some((dim) => dim !== undefined);
    return !known && inputs.every(isSizes) ? [way(b, inputs)] : elementwise(b, inputs, at);
  };

const select = ofSizes((b, [condition, x, y]) => choose(b, condition!, x!, y!));

export const ranks: readonly LegalRule[] = [
  legal(
    "FloorMod",
    ofSizes((b, [x, y]) => floorMod(b, x!, y!)),
  ),
  legal(
    "LogicalAnd",
    ofSizes((b, [p, q]) => both(b, p!, q!)),
  ),
  legal("SelectV2", (b, [condition, x, y], at) => [
    asNumbers(b, [x!, y!], (values) => select(b, [condition!, ...values], at)[0]!),
  ]),
  ...pointwise.map((op) => legal(op, elementwise)),
  legal("Prelu", prelu),
  legal("BiasAdd", biasAdd),
  legal("PadV2", pad),
  legal("Softmax", lastAxis),
  legal("LogSoftmax", lastAxis),
];
