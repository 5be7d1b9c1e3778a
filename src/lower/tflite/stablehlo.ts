/** StableHLO's operators inside TFLite: elementwise ones, and those that move elements. Shapes are equal; nothing broadcasts by itself. */
import { isInteger } from "../../base/dtype.ts";
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { range } from "../onnx/axis.ts";
import type { At, Rule } from "../rule.ts";
import { int, ints, oneOf } from "../schema.ts";
import { lite } from "./rule.ts";
import { updateSlice } from "./slice.ts";

const many = Number.POSITIVE_INFINITY;
const named = (op: string): string => `STABLEHLO_${op}`;

const unary = (op: string, target: string): Rule =>
  lite(named(op), { arity: [1, 1], attrs: {} }, (b, [x]) => [b.op(target, [x])]);

type Apply = (b: Builder, x: Value, y: Value) => Value;
const binary = (op: string, apply: Apply): Rule => lite(named(op), { arity: [2, 2], attrs: {} }, (b, [x, y]) => [apply(b, x, y)]);
const to =
  (target: string): Apply =>
  (b, x, y) =>
    b.op(target, [x, y]);
/** Bits of integers, truth of booleans. */
const logic =
  (ofBools: string, ofBits: string): Apply =>
  (b, x, y) =>
    b.op(x.dtype === "bool" ? ofBools : ofBits, [x, y]);

function cubeRoot(b: Builder, x: Value): Value {
  const root = b.op("Pow", [b.op("Abs", [x]), b.scalar(x.dtype, 1 / 3)]);
  return b.op("Mul", [b.op("Sign", [x]), root]);
}

const comparisons = { EQ: "Equal", NE: "NotEqual", GE: "GreaterEqual", GT: "Greater", LE: "LessEqual", LT: "Less" } as const;

/** The declared shape of the result, which the operator's meaning hangs on. */
export function declaredShape(at: At): readonly number[] {
  const shape = at.declared()?.shape;
  if (!shape?.every((dim) => typeof dim === "number")) throw at.unsupported("a result of unknown size");
  return shape as readonly number[];
}

/** Puts `factor` − 1 fillers between the elements of an axis. */
export function dilate(b: Builder, x: Value, axis: number, factor: number, filler: Value, at: At): Value {
  const dims = x.staticShape;
  if (factor === 1) return x;
  if (!dims) throw at.unsupported("spacing elements of unknown number", "give the input's shape with --input");
  const pads = range(x.rank + 1).flatMap((i) => (i === axis + 1 ? [0, factor - 1] : [0, 0]));
  const spread = b.op("PadV2", [
    b.op("ExpandDims", [x, b.scalar("int32", axis + 1)]),
    b.reshape(b.ints(pads), [x.rank + 1, 2]),
    filler,
  ]);
  const whole = b.reshape(
    spread,
    dims.map((dim, i) => (i === axis ? dim * factor : dim)),
  );
  return b.slice(
    whole,
    dims.map(() => 0),
    dims.map((dim, i) => (i === axis ? Math.max(0, (dim - 1) * factor + 1) : -1)),
  );
}

/** Negative amounts cut. */
export function padEdges(b: Builder, x: Value, low: readonly number[], high: readonly number[], filler: Value, at: At): Value {
  let value = x;
  if ([...low, ...high].some((amount) => amount < 0)) {
    const dims = x.staticShape;
    if (!dims) throw at.unsupported("cutting an input of unknown size", "give the input's shape with --input");
    const begin = low.map((amount) => Math.max(-amount, 0));
    value = b.slice(
      x,
      begin,
      dims.map((dim, i) => dim - begin[i]! - Math.max(-high[i]!, 0)),
    );
  }
  const pads = low.flatMap((amount, i) => [Math.max(amount, 0), Math.max(high[i]!, 0)]);
  return pads.every((amount) => amount === 0) ? value : b.op("PadV2", [value, b.reshape(b.ints(pads), [x.rank, 2]), filler]);
}

const asScalar = (b: Builder, x: Value): Value => b.reshape(x, []);
const zeroes = (x: Value): number[] => x.shape.map(() => 0);

function iota(b: Builder, axis: number, at: At): Value {
  const shape = declaredShape(at);
  const dtype = at.declared()?.dtype ?? "int32";
  const along = b.reshape(
    b.ints(range(shape[axis]!)),
    shape.map((dim, i) => (i === axis ? dim : 1)),
  );
  return b.cast(b.op("BroadcastTo", [along, b.ints(shape)]), dtype);
}

function broadcastInDim(b: Builder, x: Value, dims: readonly number[], at: At): Value {
  const shape = declaredShape(at);
  const own = shape.map(() => 1);
  dims.forEach((axis, i) => {
    const dim = x.shape[i];
    if (typeof dim !== "number") throw at.unsupported("a broadcast of unknown size");
    own[axis] = dim;
  });
  return b.op("BroadcastTo", [b.reshape(x, own), b.ints(shape)]);
}

/** Starts are moved so that the slice lies within. */
function dynamicSlice(b: Builder, x: Value, starts: readonly Value[], sizes: readonly number[], at: At): Value {
  const dims = x.staticShape;
  if (!dims) throw at.unsupported("a slice of unknown size", "give the input's shape with --input");
  const vector = b.op(
    "Pack",
    starts.map((start) => b.cast(asScalar(b, start), "int32")),
    { axis: 0 },
  );
  const greatest = b.ints(dims.map((dim, i) => dim - sizes[i]!));
  const begin = b.op("Maximum", [b.op("Minimum", [vector, greatest]), b.scalar("int32", 0)]);
  return b.op("Slice", [x, begin, b.ints(sizes)]);
}

export const stablehlo: readonly Rule[] = [
  unary("LOGISTIC", "Sigmoid"),
  unary("ABS", "Abs"),
  unary("COSINE", "Cos"),
  unary("EXPONENTIAL", "Exp"),
  unary("FLOOR", "Floor"),
  unary("LOG", "Log"),
  unary("NEGATE", "Neg"),
  unary("RSQRT", "Rsqrt"),
  unary("TANH", "Tanh"),
  lite(named("CBRT"), { arity: [1, 1], attrs: {} }, (b, [x]) => [cubeRoot(b, x)]),
  binary("ADD", (b, x, y) => (x.dtype === "bool" ? b.op("LogicalOr", [x, y]) : b.op("AddV2", [x, y]))),
  binary("SUBTRACT", to("Sub")),
  binary("MULTIPLY", (b, x, y) => (x.dtype === "bool" ? b.op("LogicalAnd", [x, y]) : b.op("Mul", [x, y]))),
  binary("DIVIDE", (b, x, y) => b.op(isInteger(x.dtype) ? "TruncateDiv" : "RealDiv", [x, y])),
  binary("REMAINDER", to("TruncateMod")),
  binary("MAXIMUM", to("Maximum")),
  binary("MINIMUM", to("Minimum")),
  binary("POWER", to("Pow")),
  binary("AND", logic("LogicalAnd", "BitwiseAnd")),
  binary("OR", logic("LogicalOr", "BitwiseOr")),
  binary("SHIFT_LEFT", to("LeftShift")),
  lite(named("SELECT"), { arity: [3, 3], attrs: {} }, (b, [test, x, y]) => [b.op("SelectV2", [test, x, y])]),
  lite(named("CLAMP"), { arity: [3, 3], attrs: {} }, (b, [low, x, high]) => [b.op("Minimum", [b.op("Maximum", [x, low]), high])]),
  lite(
    named("COMPARE"),
    { arity: [2, 2], attrs: { comparison_direction: oneOf("EQ", "NE", "GE", "GT", "LE", "LT") } },
    (b, [x, y], a) => [b.op(comparisons[a.comparison_direction], [x, y])],
  ),
  lite(named("CONVERT"), { arity: [1, 1], attrs: {}, codes: true }, (b, [x], _, at) => [
    b.cast(x, at.declared()?.dtype ?? x.dtype),
  ]),
  lite(named("RESHAPE"), { arity: [1, 1], attrs: {}, moves: true }, (b, [x], _, at) => [b.reshape(x, declaredShape(at))]),
  lite(named("TRANSPOSE"), { arity: [1, 1], attrs: { permutation: ints() }, moves: true }, (b, [x], a) => [
    b.transpose(x, a.permutation ?? []),
  ]),
  lite(named("CONCATENATE"), { arity: [1, many], attrs: { dimension: int(0) }, moves: true }, (b, inputs, a) => [
    b.concat(inputs as readonly Value[], a.dimension),
  ]),
  lite(named("BROADCAST_IN_DIM"), { arity: [1, 2], attrs: { broadcast_dimensions: ints() }, moves: true }, (b, [x], a, at) => [
    broadcastInDim(b, x, a.broadcast_dimensions ?? [], at),
  ]),
  lite(named("IOTA"), { arity: [0, 0], attrs: { iota_dimension: int(0) } }, (b, _, a, at) => [iota(b, a.iota_dimension, at)]),
  lite(
    named("SLICE"),
    { arity: [1, 1], attrs: { start_indices: ints(), limit_indices: ints(), strides: ints() }, moves: true },
    (b, [x], a) => {
      const vectors = [a.start_indices ?? [], a.limit_indices ?? [], a.strides ?? zeroes(x).map(() => 1)];
      return [b.op("StridedSlice", [x, ...vectors.map((vector) => b.ints(vector))], {})];
    },
  ),
  lite(named("DYNAMIC_SLICE"), { arity: [1, many], attrs: { slice_sizes: ints() }, moves: true }, (b, inputs, a, at) => {
    const [x, ...starts] = inputs as readonly Value[];
    return [dynamicSlice(b, x!, starts, a.slice_sizes ?? [], at)];
  }),
  lite(named("DYNAMIC_UPDATE_SLICE"), { arity: [2, many], attrs: {}, moves: true }, (b, inputs, _, at) => {
    const [x, update, ...starts] = inputs as readonly Value[];
    if (starts.length === 0) return [update];
    const start = b.op(
      "Pack",
      starts.map((each) => b.cast(asScalar(b, each), "int32")),
      { axis: 0 },
    );
    return [updateSlice(b, x!, update!, start, at)];
  }),
  lite(
    named("PAD"),
    { arity: [2, 2], attrs: { edge_padding_low: ints(), edge_padding_high: ints(), interior_padding: ints() }, moves: true },
    (b, [x, filler], a, at) => {
      const value = asScalar(b, filler);
      const spread = (a.interior_padding ?? []).reduce((y, gap, axis) => dilate(b, y, axis, gap + 1, value, at), x);
      return [padEdges(b, spread, a.edge_padding_low ?? zeroes(x), a.edge_padding_high ?? zeroes(x), value, at)];
    },
  ),
  lite("DILATE", { arity: [3, 3], attrs: {}, moves: true }, (b, [x, factors, filler], _, at) => [
    at.numbers(factors, "the factors").reduce((y, factor, axis) => dilate(b, y, axis, factor, asScalar(b, filler), at), x),
  ]),
];
