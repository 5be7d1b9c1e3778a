/** Reading an image or a volume at places between its elements: what GridSample, DeformConv and RoiAlign share. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { Arithmetic } from "./arithmetic.ts";
import { product, reshapeToSizes, type Size, sizeAt, sizeVector } from "./dims.ts";

/** N spatial… C as rows of C, with the sizes of its spatial axes. */
export interface Table {
  /** [N·S, C] */
  readonly rows: Value;
  readonly sizes: readonly Size[];
  readonly batch: Size;
}

/** From N C spatial…. */
export function tableOf(b: Builder, x: Value): Table {
  const spatial = Array.from({ length: x.rank - 2 }, (_, i) => i + 2);
  const last = b.transpose(x, [0, ...spatial, 1]);
  const sizes = spatial.map((axis) => sizeAt(b, x, axis));
  const batch = sizeAt(b, x, 0);
  const count = sizes.reduce((n, size) => product(b, n, size), batch);
  return { rows: reshapeToSizes(b, last, [count, sizeAt(b, x, 1)]), sizes, batch };
}

/** One neighbour along an axis: a whole number as float32, and its weight; both have the shape of the places. */
export interface Neighbour {
  readonly index: Value;
  readonly weight: Value | undefined;
}

/** Maps an index that may be outside to one inside, and its weight. */
export type Edge = (neighbour: Neighbour, size: Value) => Neighbour;

/** Outside is zero. */
export const zeroEdge =
  (b: Builder): Edge =>
  ({ index, weight }, size) => {
    const m = new Arithmetic(b);
    const last = m.sub(size, 1);
    const inside = m.float(m.and(m.compare("GreaterEqual", index, 0), m.compare("LessEqual", index, last)));
    return { index: m.clamp(index, 0, last), weight: weight ? m.mul(weight, inside) : inside };
  };

/** Outside is the nearest element. */
export const clampEdge =
  (b: Builder): Edge =>
  ({ index, weight }, size) => {
    const m = new Arithmetic(b);
    return { index: m.clamp(index, 0, m.sub(size, 1)), weight };
  };

/** The two elements round a place. */
export function linearNeighbours(b: Builder, place: Value): readonly Neighbour[] {
  const m = new Arithmetic(b);
  const low = m.floor(place);
  const share = m.sub(place, low);
  return [
    { index: low, weight: m.sub(m.number(1), share) },
    { index: m.add(low, 1), weight: share },
  ];
}

export const floatSize = (b: Builder, size: Size): Value =>
  typeof size === "number" ? b.scalar("float32", size) : b.cast(b.reshape(size, []), "float32");

/**
 * Rows of the table at places: neighbours by axis, each [N, …]; `batches` [N, 1…] is the image of every place. Each combination gives
 * rows [N, …, C] with its weight [N, …, 1]; how they are put together is the caller's.
 */
export function neighbourRows(
  b: Builder,
  table: Table,
  axes: readonly (readonly Neighbour[])[],
  edge: Edge,
  batches: Value,
): readonly { rows: Value; weight: Value | undefined }[] {
  const m = new Arithmetic(b);
  const placed = axes.map((neighbours, i) => neighbours.map((each) => edge(each, floatSize(b, table.sizes[i]!))));
  const combinations = placed.reduce<readonly (readonly Neighbour[])[]>(
    (lists, neighbours) => lists.flatMap((list) => neighbours.map((each) => [...list, each])),
    [[]],
  );
  return combinations.map((each) => {
    const flat = each.reduce<Value>(
      (at, { index }, i) => b.op("AddV2", [b.op("Mul", [at, scalarSize(b, table.sizes[i]!)]), m.int(index)]),
      m.int(batches),
    );
    const weights = each.flatMap(({ weight }) => weight ?? []);
    const weight = weights.length > 0 ? weights.reduce((x, y) => m.mul(x, y)) : undefined;
    return { rows: b.gather(table.rows, flat, 0), weight: weight && b.op("ExpandDims", [weight, b.scalar("int32", -1)]) };
  });
}

const scalarSize = (b: Builder, size: Size): Value => (typeof size === "number" ? b.scalar("int32", size) : b.reshape(size, []));

/** The weighted sum of all neighbours: [N, …, C]. */
export function interpolate(
  b: Builder,
  table: Table,
  axes: readonly (readonly Neighbour[])[],
  edge: Edge,
  batches: Value,
): Value {
  const terms = neighbourRows(b, table, axes, edge, batches).map(({ rows, weight }) =>
    weight ? b.op("Mul", [rows, b.cast(weight, rows.dtype)]) : rows,
  );
  return terms.reduce((sum, term) => b.op("AddV2", [sum, term]));
}

/** 0, 1, … as [N, 1, …] of the given rank. */
export function batchNumbers(b: Builder, batch: Size, rank: number): Value {
  const count = b.op("Range", [b.scalar("int32", 0), b.reshape(sizeVector(b, batch), []), b.scalar("int32", 1)]);
  return b.reshape(count, [-1, ...new Array<number>(rank - 1).fill(1)]);
}
