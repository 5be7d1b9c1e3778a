/**
 * The layered drawing of a graph: numbers in, numbers out. Linear in boxes and edges but for sorting; no recursion over boxes; the same
 * input gives the same output. Cycles, loops onto oneself, isolated boxes and several components are all drawn.
 */
import { placeColumns } from "./columns.ts";
import { type Component, components } from "./components.ts";
import { assignLanes } from "./lanes.ts";
import { orderRows } from "./order.ts";
import { placePorts } from "./ports.ts";
import { rankBoxes } from "./rank.ts";
import { findRegions } from "./regions.ts";
import { routeEdges } from "./routes.ts";
import { arrangeRows } from "./rows.ts";

export interface LayoutInput {
  /** By box, pixels, whole. */
  readonly widths: readonly number[];
  readonly heights: readonly number[];
  /** Edges of one value from one box are bundled. */
  readonly edges: readonly (readonly [from: number, to: number, value: number])[];
  /** Boxes from which the graph is entered. */
  readonly roots: readonly number[];
}

/** See `LayoutView` in protocol/views.ts. */
export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly x: number[];
  readonly y: number[];
  readonly boxWidths: readonly number[];
  readonly boxHeights: readonly number[];
  readonly routes: number[][];
}

/** Between components that share no edge. */
const componentGap = 64;
/** Components fill columns as tall as the largest, or as makes a drawing about so much wider than tall. */
const ratio = 1.6;

export function layOut(input: LayoutInput): Layout {
  const x = new Array<number>(input.widths.length).fill(0);
  const y = new Array<number>(input.widths.length).fill(0);
  const routes = new Array<number[]>(input.edges.length);
  const drawn = components(input).map((component) => ({ component, drawing: layOutComponent(component) }));

  const area = drawn.reduce((sum, { drawing }) => sum + (drawing.width + componentGap) * (drawing.height + componentGap), 0);
  const tallest = Math.max(Math.sqrt(area / ratio), drawn[0]?.drawing.height ?? 0);
  let [left, top, widest, height] = [0, 0, 0, 0];
  for (const [place, { component, drawing }] of drawn.entries()) {
    // The largest has a column to itself.
    if (place === 1 || (top > 0 && top + drawing.height > tallest)) {
      left += widest + componentGap;
      top = 0;
      widest = 0;
    }
    component.boxes.forEach((box, i) => {
      x[box] = left + drawing.x[i]!;
      y[box] = top + drawing.y[i]!;
    });
    component.edgeIds.forEach((edge, i) => {
      routes[edge] = drawing.routes[i]!.map((at, n) => at + (n % 2 === 0 ? left : top));
    });
    height = Math.max(height, top + drawing.height);
    top += drawing.height + componentGap;
    widest = Math.max(widest, drawing.width);
  }
  return { width: left + widest, height, x, y, boxWidths: input.widths, boxHeights: input.heights, routes };
}

interface Drawing {
  readonly width: number;
  readonly height: number;
  readonly x: number[];
  readonly y: number[];
  readonly routes: number[][];
}

function layOutComponent({ widths, heights, from, to, value, roots }: Component): Drawing {
  const size = widths.length;
  if (size === 1 && from.length === 0) return { width: widths[0]!, height: heights[0]!, x: [0], y: [0], routes: [] };
  const ranks = rankBoxes(size, from, to, roots);
  const rows = arrangeRows(size, from, to, value, ranks);
  const order = orderRows(rows);
  const centre = placeColumns(rows, order, widths, findRegions(size, from, to, ranks));
  const lanes = assignLanes(rows, order, widths, centre, from, to, value, ranks);

  const comesFrom = new Float64Array(from.length);
  for (let e = 0; e < from.length; e++) {
    const lane = lanes.laneOf[e]!;
    const bend = rows.firstBend[e]!;
    const before = bend >= 0 ? bend + ranks.rank[to[e]!]! - ranks.rank[from[e]!]! - 2 : from[e]!;
    comesFrom[e] = lane >= 0 ? lanes.x[lane]! : centre[before]!;
  }
  const ports = placePorts(to, comesFrom, centre, widths);
  const routed = routeEdges({ rows, ranks, heights, x: centre, ports, lanes, from, to });

  const lefts = widths.map((width, box) => centre[box]! - Math.floor(width / 2));
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let box = 0; box < size; box++) {
    least = Math.min(least, lefts[box]!);
    most = Math.max(most, lefts[box]! + widths[box]!);
  }
  for (const route of routed.routes) {
    for (let i = 0; i < route.length; i += 2) {
      least = Math.min(least, route[i]!);
      most = Math.max(most, route[i]!);
    }
  }
  for (const route of routed.routes) for (let i = 0; i < route.length; i += 2) route[i]! -= least;
  return {
    width: most - least,
    height: routed.height,
    x: lefts.map((left) => left - least),
    y: Array.from(routed.top),
    routes: routed.routes,
  };
}
