/** What is known about the boxes of one graph beyond its structure: problems, inferred types, parity. Made anew when any arrives. */
import { edgeLabel } from "../../src/protocol/format.ts";
import type { GraphLink, GraphView, ParityView, ProblemView, TypeView, VerdictsView } from "../../src/protocol/views.ts";

export type Sign = "error" | "warning";

export interface Marks {
  /** By node: the worst of its problems that is drawn, those in its sub-graphs included. */
  readonly signs: ReadonlyMap<number, Sign>;
  /** Nodes that run, but as something else: a quiet dotted mark. */
  readonly changed: ReadonlySet<number>;
  /** By value id. */
  readonly labels: ReadonlyMap<number, string>;
  /** By node: share of the tint (-1 to 1, 0 at the tolerance) and the number to write. */
  readonly parity: ReadonlyMap<
    number,
    { readonly share: number | undefined; readonly maxAbs: number | undefined; readonly bad: boolean }
  >;
  readonly firstDifference: number | undefined;
}

/** Decades above the tolerance at which the tint is full, and below it. */
const decadesAbove = 1.6;
const decadesBelow = 4;

/** `graphs`: all of the model, by id. */
export function marksOf(
  graph: GraphView,
  graphs: readonly GraphLink[],
  verdicts: VerdictsView | undefined,
  parity: ParityView | undefined,
): Marks {
  const signs = new Map<number, Sign>();
  for (const { at, severity } of verdicts?.problems ?? []) {
    const node = at && severity !== "info" ? nodeHere(graph.id, graphs, at.graph, at.node) : undefined;
    if (node === undefined || severity === "info") continue;
    if (severity === "error" || !signs.has(node)) signs.set(node, severity);
  }
  const changed = new Set<number>();
  for (const { graph: id, node, backends } of verdicts?.support ?? []) {
    if (id === graph.id && verdicts && backends[verdicts.backend] === "changed") changed.add(node);
  }
  const labels = new Map<number, string>();
  for (const value of graph.values) labels.set(value.id, edgeLabel(value));
  for (const type of typesOf(graph.id, verdicts).values())
    labels.set(type.value, edgeLabel(type) || (labels.get(type.value) ?? ""));
  const painted = new Map<number, { share: number | undefined; maxAbs: number | undefined; bad: boolean }>();
  for (const { graph: id, node, verdict, maxAbs } of parity?.nodes ?? []) {
    if (id !== graph.id || verdict === "not-compared" || !parity) continue;
    painted.set(node, {
      share: shareOf(verdict === "different", maxAbs, parity.tolerance),
      maxAbs,
      bad: verdict === "different",
    });
  }
  return {
    signs,
    changed,
    labels,
    parity: painted,
    firstDifference: parity?.first?.graph === graph.id ? parity.first.node : undefined,
  };
}

/** The node of `here` that a node of another graph lies in, however deep; a damaged file may nest in a ring. */
function nodeHere(here: number, graphs: readonly GraphLink[], graph: number, node: number): number | undefined {
  let [at, inside]: [number, number] = [graph, node];
  for (let steps = 0; steps <= graphs.length; steps++) {
    if (at === here) return inside;
    const link = graphs[at];
    if (link?.parent === undefined || link.holder === undefined) return undefined;
    [at, inside] = [link.parent, link.holder];
  }
  return undefined;
}

/** Logarithmic and centred on the tolerance; a verdict wins over the number where the two disagree. */
function shareOf(different: boolean, maxAbs: number | undefined, tolerance: number): number | undefined {
  if (maxAbs === undefined || Number.isNaN(maxAbs)) return different ? 1 : undefined;
  const decades = maxAbs > 0 ? Math.log10(maxAbs / tolerance) : -decadesBelow;
  return different ? Math.min(1, Math.max(0.05, decades / decadesAbove)) : Math.max(-1, Math.min(-0.05, decades / decadesBelow));
}

/** Inferred types of one graph, by value id. */
export function typesOf(graph: number, verdicts: VerdictsView | undefined): Map<number, TypeView & { readonly value: number }> {
  const types = new Map<number, TypeView & { readonly value: number }>();
  for (const type of verdicts?.types ?? []) if (type.graph === graph) types.set(type.value, type);
  return types;
}

/** Errors and warnings, in the order `‹ ›` walks them: as listed, those of the model itself left out. */
export function walkable(problems: readonly ProblemView[]): (ProblemView & { readonly at: NonNullable<ProblemView["at"]> })[] {
  return problems.filter(
    (p): p is ProblemView & { readonly at: NonNullable<ProblemView["at"]> } => p.at !== undefined && p.severity !== "info",
  );
}
