/** GridSample and AffineGrid. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { type At, type Rule, rule } from "../rule.ts";
import { bool, oneOf } from "../schema.ts";
import { Arithmetic } from "./arithmetic.ts";
import { countTo, reshapeToSizes, type Size, sizeAt } from "./dims.ts";
import {
  batchNumbers,
  clampEdge,
  type Edge,
  floatSize,
  interpolate,
  linearNeighbours,
  type Neighbour,
  tableOf,
  zeroEdge,
} from "./sample.ts";

type Mode = "nearest" | "linear" | "cubic";
type Padding = "zeros" | "border" | "reflection";

/** First and last place: the middles of the outer elements, or their outer edges. */
const bounds = (m: Arithmetic, size: Value, aligned: boolean): readonly [low: Value, high: Value] =>
  aligned ? [m.number(0), m.sub(size, 1)] : [m.number(-0.5), m.sub(size, 0.5)];

/** −1 … 1 as a place. */
function denormalize(m: Arithmetic, x: Value, size: Value, aligned: boolean): Value {
  return aligned ? m.mul(m.mul(m.add(x, 1), 0.5), m.sub(size, 1)) : m.mul(m.sub(m.mul(m.add(x, 1), size), 1), 0.5);
}

/** Folds the line at both bounds, as often as it takes. */
function reflect(m: Arithmetic, x: Value, low: Value, high: Value): Value {
  const range = m.sub(high, low);
  // One element with aligned corners: everything is that element.
  const period = m.max(m.mul(range, 2), 1e-30);
  const distance = m.b.op("Abs", [m.sub(x, low)]);
  const rest = m.sub(distance, m.mul(m.floor(m.div(distance, period)), period));
  return m.add(low, m.min(rest, m.sub(period, rest)));
}

function reflectEdge(b: Builder, aligned: boolean): Edge {
  const m = new Arithmetic(b);
  return ({ index, weight }, size) =>
    clampEdge(b)({ index: b.op("Round", [reflect(m, index, ...bounds(m, size, aligned))]), weight }, size);
}

const cubicA = -0.75;

/** Four neighbours with Keys' weights. */
function cubicNeighbours(b: Builder, place: Value): readonly Neighbour[] {
  const m = new Arithmetic(b);
  const low = m.floor(place);
  const share = m.sub(place, low);
  return [-1, 0, 1, 2].map((offset) => {
    const d = b.op("Abs", [m.sub(share, offset)]);
    const near = m.add(m.mul(m.mul(d, d), m.sub(m.mul(d, cubicA + 2), cubicA + 3)), 1);
    const far = m.sub(m.mul(d, m.add(m.mul(d, m.sub(m.mul(d, cubicA), 5 * cubicA)), 8 * cubicA)), 4 * cubicA);
    return { index: m.add(low, offset), weight: offset === 0 || offset === 1 ? near : far };
  });
}

function neighbours(b: Builder, place: Value, mode: Mode): readonly Neighbour[] {
  if (mode === "nearest") return [{ index: place, weight: undefined }];
  return mode === "linear" ? linearNeighbours(b, place) : cubicNeighbours(b, place);
}

function gridSample(b: Builder, x: Value, grid: Value, mode: Mode, padding: Padding, aligned: boolean, at: At): Value {
  const dims = x.rank - 2;
  if (grid.rank !== x.rank || (dims !== 2 && dims !== 3))
    throw at.invalid(`a grid of rank ${grid.rank} for a rank-${x.rank} input`);
  if (mode === "cubic" && dims === 3) throw at.unsupported("cubic sampling of volumes");
  const m = new Arithmetic(b);
  const table = tableOf(b, x);
  // The grid's innermost number belongs to the last axis.
  const components = [...b.ops("Unpack", [m.float(grid)], { num: dims, axis: grid.rank - 1 })].reverse();
  const sizes = components.map((_, i) => floatSize(b, table.sizes[i]!));
  const places = components.map((component, i) => {
    const place = denormalize(m, component, sizes[i]!, aligned);
    return mode === "nearest" ? b.op("Round", [place]) : place;
  });
  // Clamped neighbours are enough for a border; a place far outside is folded first.
  const axes = places.map((place, i) => {
    const inside = padding === "reflection" ? reflect(m, place, ...bounds(m, sizes[i]!, aligned)) : place;
    return neighbours(b, inside, mode);
  });
  const edge = padding === "zeros" ? zeroEdge(b) : padding === "border" ? clampEdge(b) : reflectEdge(b, aligned);
  const y = interpolate(b, table, axes, edge, batchNumbers(b, table.batch, dims + 1));
  return b.transpose(y, [0, dims + 1, ...Array.from({ length: dims }, (_, i) => i + 1)]);
}

/** Places −1 … 1 of the elements of an axis. */
function line(b: Builder, size: Size, aligned: boolean): Value {
  const m = new Arithmetic(b);
  const count = m.float(countTo(b, size));
  const length = floatSize(b, size);
  if (!aligned) return m.sub(m.div(m.add(m.mul(count, 2), 1), length), 1);
  return m.sub(m.div(m.mul(count, 2), m.max(m.sub(length, 1), 1)), 1);
}

/** theta [N, d, d + 1] over the places of an image or volume of the given size: [N, spatial…, d]. */
function affineGrid(b: Builder, theta: Value, size: Value, aligned: boolean, at: At): Value {
  const dims = theta.shape[1];
  if (dims !== 2 && dims !== 3) throw at.invalid(`transforms of shape ${theta.shape.map((dim) => dim ?? "?")}`);
  const m = new Arithmetic(b);
  const known = b.cast(size, "int32");
  const sizes = Array.from({ length: dims }, (_, i): Size => {
    const entry = b.slice(known, [i + 2], [1]);
    const number = entry.node.constant ? at.numbers(entry)[0] : entry.elements?.[0];
    return typeof number === "number" ? number : entry;
  });
  const ones = b.op("Fill", [
    b.concat(
      sizes.map((each) => (typeof each === "number" ? b.ints([each]) : each)),
      0,
    ),
    m.number(1),
  ]);
  const lines = sizes.map((each, i) =>
    m.mul(
      b.reshape(
        line(b, each, aligned),
        sizes.map((_, k) => (k === i ? -1 : 1)),
      ),
      ones,
    ),
  );
  const places = b.op("Pack", [...lines.reverse(), ones], { axis: dims, N: dims + 1 });
  const flat = b.reshape(places, [1, -1, dims + 1]);
  const batch = sizeAt(b, theta, 0);
  const wide = b.op("Tile", [flat, typeof batch === "number" ? b.ints([batch, 1, 1]) : b.concat([batch, b.ints([1, 1])], 0)]);
  const moved = b.op("BatchMatMulV2", [b.cast(wide, theta.dtype), theta], { adj_x: false, adj_y: true });
  return reshapeToSizes(b, moved, [batch, ...sizes, dims]);
}

export const grids: readonly Rule[] = [
  rule(
    "GridSample",
    {
      since: 16,
      arity: [2, 2],
      attrs: {
        align_corners: bool(false),
        mode: oneOf("linear", "bilinear", "nearest", "cubic", "bicubic"),
        padding_mode: oneOf("zeros", "border", "reflection"),
      },
    },
    (b, [x, grid], a, at) => [gridSample(b, x, grid, a.mode.replace("bi", "") as Mode, a.padding_mode, a.align_corners, at)],
  ),
  rule("AffineGrid", { since: 20, arity: [2, 2], attrs: { align_corners: bool(false) } }, (b, [theta, size], a, at) => [
    affineGrid(b, theta, size, a.align_corners, at),
  ]),
];
