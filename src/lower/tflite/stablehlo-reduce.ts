/** Regions of StableHLO's reductions, and what they reduce: whole axes, or windows over them. */
import type { Value } from "../../graph/graph.ts";
import type { GraphId } from "../../graph/source.ts";
import type { Builder } from "../../tf/build.ts";
import { constantOf } from "../../tf/op.ts";
import type { At, Rule } from "../rule.ts";
import { graph, ints, oneOf } from "../schema.ts";
import { lite } from "./rule.ts";
import { dilate, padEdges } from "./stablehlo.ts";

/** What a region of two scalars computes, as an operator of the hub. */
export type Region = "AddV2" | "Mul" | "Maximum" | "Minimum" | "LogicalAnd" | "LogicalOr" | "second";
const reductions: Partial<Record<Region, string>> = {
  AddV2: "Sum",
  Mul: "Prod",
  Maximum: "Max",
  Minimum: "Min",
  LogicalAnd: "All",
  LogicalOr: "Any",
};

/** Regions are looked at, not run: those that are one operator over both scalars. */
export function regionOf(b: Builder, id: GraphId, like: Value, at: At): Region {
  const scalars = [0, 1].map((i) => b.input(`scalar_${i}`, { dtype: like.dtype, shape: [] }));
  const { outputs } = at.body(id, scalars);
  const [result] = outputs;
  if (outputs.length !== 1 || !result) throw at.unsupported(`a region of ${outputs.length} results`);
  if (result === scalars[1]) return "second";
  const { op, inputs } = result.node;
  const known = op in reductions && inputs.length === 2 && scalars.every((scalar) => inputs.includes(scalar));
  if (!known) throw at.unsupported(`a region that computes ${op}`);
  return op as Region;
}

function reduce(b: Builder, x: Value, init: Value, dims: readonly number[], region: Region, at: At): Value {
  const op = reductions[region];
  if (!op) throw at.unsupported("a reduction to the last element");
  const y = b.reduce(op, x, dims, false);
  return isNeutral(init, region) ? y : b.op(region, [y, init]);
}

const neutral: Partial<Record<Region, number>> = {
  AddV2: 0,
  Mul: 1,
  Maximum: Number.NEGATIVE_INFINITY,
  Minimum: Number.POSITIVE_INFINITY,
  LogicalAnd: 1,
  LogicalOr: 0,
};

function isNeutral(init: Value, region: Region): boolean {
  const tensor = constantOf(init);
  return tensor !== undefined && Number(tensor.data[0]) === neutral[region];
}

/** Elements of a window that are written out one by one. */
const maxWindow = 256;

/** Every element of the window is a strided slice; the slices are combined. */
function reduceWindow(
  b: Builder,
  x: Value,
  init: Value,
  a: {
    window_dimensions: readonly number[];
    window_strides: readonly number[];
    base_dilations: readonly number[];
    window_dilations: readonly number[];
    padding: readonly number[];
  },
  region: Region,
  at: At,
): Value {
  if (region === "second") throw at.unsupported("a window of which the last element is taken");
  const count = a.window_dimensions.reduce((n, dim) => n * dim, 1);
  if (count > maxWindow) throw at.unsupported(`a window of ${count} elements`);
  const spaced = a.base_dilations.reduce((y, factor, axis) => dilate(b, y, axis, factor, init, at), x);
  const low = a.window_dimensions.map((_, i) => a.padding[2 * i] ?? 0);
  const high = a.window_dimensions.map((_, i) => a.padding[2 * i + 1] ?? 0);
  const padded = padEdges(b, spaced, low, high, init, at);
  const dims = padded.staticShape;
  if (!dims) throw at.unsupported("windows over an input of unknown size", "give the input's shape with --input");
  const extent = a.window_dimensions.map((dim, i) => (dim - 1) * (a.window_dilations[i] ?? 1));
  let total: Value | undefined;
  for (let at = 0; at < count; at++) {
    const offset = coordinates(at, a.window_dimensions).map((place, i) => place * (a.window_dilations[i] ?? 1));
    const end = dims.map((dim, i) => offset[i]! + dim - extent[i]!);
    const strides = a.window_dimensions.map((_, i) => a.window_strides[i] ?? 1);
    const part = b.op("StridedSlice", [padded, b.ints(offset), b.ints(end), b.ints(strides)], {});
    total = total ? b.op(region, [total, part]) : part;
  }
  return isNeutral(init, region) ? total! : b.op(region, [total!, init]);
}

/** Of element `flat` of a tensor of these dims. */
export function coordinates(flat: number, dims: readonly number[]): number[] {
  const places = new Array<number>(dims.length);
  let rest = flat;
  for (let i = dims.length - 1; i >= 0; i--) {
    places[i] = rest % dims[i]!;
    rest = Math.floor(rest / dims[i]!);
  }
  return places;
}

export const list = (value: readonly number[] | undefined): readonly number[] => value ?? [];

/** The builtin's words for a region. */
const combined: Readonly<Record<string, Region>> = {
  ADD: "AddV2",
  MUL: "Mul",
  MINIMUM: "Minimum",
  MAXIMUM: "Maximum",
  ALL: "LogicalAnd",
  ANY: "LogicalOr",
};

export const stablehloReductions: readonly Rule[] = [
  lite(
    "STABLEHLO_REDUCE",
    { arity: [2, 2], attrs: { dimensions: ints(), body_subgraph_index: graph() } },
    (b, [x, init], a, at) => [
      reduce(b, x, b.reshape(init, []), list(a.dimensions), regionOf(b, a.body_subgraph_index, x, at), at),
    ],
  ),
  lite(
    "STABLEHLO_REDUCE_WINDOW",
    {
      arity: [2, 2],
      attrs: {
        window_dimensions: ints(),
        window_strides: ints(),
        base_dilations: ints(),
        window_dilations: ints(),
        padding: ints(),
        body_subgraph_index: graph(),
      },
    },
    (b, [x, init], a, at) => {
      const windows = {
        window_dimensions: list(a.window_dimensions),
        window_strides: list(a.window_strides),
        base_dilations: list(a.base_dilations),
        window_dilations: list(a.window_dilations),
        padding: list(a.padding),
      };
      return [reduceWindow(b, x, b.reshape(init, []), windows, regionOf(b, a.body_subgraph_index, x, at), at)];
    },
  ),
  lite(
    "REDUCE_WINDOW",
    {
      arity: [5, 5],
      attrs: { reduce_function: oneOf("UNSUPPORTED", "ADD", "MUL", "MINIMUM", "MAXIMUM", "ALL", "ANY") },
    },
    (b, [x, init, ...sizes], { reduce_function }, at) => {
      const region = combined[reduce_function];
      if (!region) throw at.invalid("no function to reduce by");
      const [dims, strides, dilations] = ["the window", "its strides", "its dilations"].map((what, i) =>
        at.numbers(sizes[i]!, what),
      );
      const windows = {
        window_dimensions: dims!,
        window_strides: strides!,
        base_dilations: dims!.map(() => 1),
        window_dilations: dilations!,
        padding: dims!.flatMap(() => [0, 0]),
      };
      return [reduceWindow(b, x, b.reshape(init, []), windows, region, at)];
    },
  ),
];
