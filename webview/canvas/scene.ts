/** One graph ready to be drawn: what crosses a range of heights, which edges touch a box, where the labels stand. Made once a page. */
import type { DrawnGraph, GraphView, LayoutView, NodeView, PillView } from "../../src/protocol/views.ts";
import { Bands } from "./bands.ts";

export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A shape label: its left end, and its middle height. */
export interface LabelPlace {
  readonly edge: number;
  readonly x: number;
  readonly y: number;
}

/** Right of the line it belongs to. */
const labelGap = 8;
/** A vertical this long has room for a label. */
const labelHeight = 20;

export class Scene {
  readonly graph: GraphView;
  readonly layout: LayoutView;
  readonly boxes: Bands;
  readonly edges: Bands;
  readonly labels: readonly LabelPlace[];
  readonly labelBands: Bands;
  private readonly leaving: readonly (readonly number[])[];
  private readonly entering: readonly (readonly number[])[];

  constructor({ graph, layout }: DrawnGraph) {
    this.graph = graph;
    this.layout = layout;
    this.boxes = new Bands(
      layout.y,
      layout.y.map((y, box) => y + layout.boxHeights[box]!),
    );
    const tops = layout.routes.map((route) => lowest(route));
    const bottoms = layout.routes.map((route) => highest(route));
    this.edges = new Bands(tops, bottoms);
    const leaving: number[][] = Array.from({ length: graph.boxes }, () => []);
    const entering: number[][] = Array.from({ length: graph.boxes }, () => []);
    graph.edges.forEach((edge, e) => {
      leaving[edge.from]!.push(e);
      entering[edge.to]!.push(e);
    });
    this.leaving = leaving;
    this.entering = entering;
    this.labels = placeLabels(graph, layout);
    const heights = this.labels.map((label) => label.y);
    this.labelBands = new Bands(heights, heights);
  }

  edgesFrom(box: number): readonly number[] {
    return this.leaving[box] ?? [];
  }

  edgesTo(box: number): readonly number[] {
    return this.entering[box] ?? [];
  }

  node(box: number): NodeView | undefined {
    return this.graph.nodeViews[box];
  }

  pill(box: number): PillView | undefined {
    const { nodeViews, inputs, outputs } = this.graph;
    const i = box - nodeViews.length;
    return i < 0 ? undefined : i < inputs.length ? inputs[i] : outputs[i - inputs.length];
  }

  rect(box: number): Rect {
    const { x, y, boxWidths, boxHeights } = this.layout;
    return { x: x[box]!, y: y[box]!, width: boxWidths[box]!, height: boxHeights[box]! };
  }

  /** Where a reader begins: the topmost input, else the topmost box. */
  entry(): number | undefined {
    const { nodeViews, inputs, boxes } = this.graph;
    const [from, to] = inputs.length > 0 ? [nodeViews.length, nodeViews.length + inputs.length] : [0, boxes];
    let best: number | undefined;
    for (let box = from; box < to; box++) if (best === undefined || this.layout.y[box]! < this.layout.y[best]!) best = box;
    return best;
  }

  /** The box at a point of the graph. */
  hit(x: number, y: number): number | undefined {
    let found: number | undefined;
    this.boxes.within(y, y, (box) => {
      const rect = this.rect(box);
      if (x >= rect.x && x <= rect.x + rect.width && y >= rect.y && y <= rect.y + rect.height) found = box;
    });
    return found;
  }
}

function lowest(route: readonly number[]): number {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 1; i < route.length; i += 2) least = Math.min(least, route[i]!);
  return least;
}

function highest(route: readonly number[]): number {
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 1; i < route.length; i += 2) most = Math.max(most, route[i]!);
  return most;
}

/** One label a value, on the vertical part nearest to where it is made; none where every part is bent. */
function placeLabels(graph: GraphView, layout: LayoutView): LabelPlace[] {
  const { routes } = layout;
  /** Rightmost end of what leaves and what enters a box. */
  const leaves = new Map<number, number>();
  const enters = new Map<number, number>();
  const rightmost = (of: Map<number, number>, box: number, x: number): void => void of.set(box, Math.max(of.get(box) ?? x, x));
  graph.edges.forEach((edge, e) => {
    const route = routes[e]!;
    rightmost(leaves, edge.from, route[2]!);
    rightmost(enters, edge.to, route[route.length - 2]!);
  });
  const labels = new Map<string, LabelPlace & { readonly rank: number }>();
  graph.edges.forEach((edge, e) => {
    const route = routes[e]!;
    const free = route[2] === leaves.get(edge.from) && route[route.length - 2] === enters.get(edge.to);
    const place = labelOn(route, free);
    if (!place) return;
    const key = `${edge.from}:${edge.value}`;
    const known = labels.get(key);
    if (!known || place.rank < known.rank) labels.set(key, { edge: e, x: place.x + labelGap, y: place.y, rank: place.rank });
  });
  return [...labels.values()];
}

/** `free`: nothing of the same fork or join lies to the right. */
function labelOn(route: readonly number[], free: boolean): { x: number; y: number; rank: number } | undefined {
  const vertical = (i: number): boolean => route[i] === route[i + 2] && route[i + 3]! - route[i + 1]! >= labelHeight;
  const last = route.length - 4;
  if (vertical(0))
    return { x: route[0]!, y: Math.min((route[1]! + route[3]!) / 2, route[1]! + 40), rank: route.length === 4 ? 0 : 1 };
  if (vertical(last)) return { x: route[last]!, y: (route[last + 1]! + route[last + 3]!) / 2, rank: 2 };
  // A curve to the right leaves the room right of its end free.
  if (free && route.length === 4 && route[2]! > route[0]!) return { x: route[2]!, y: route[3]! - 14, rank: 3 };
  return undefined;
}
