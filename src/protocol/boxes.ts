/** How large each box is, by rule and not by font, so that the layout can run where nothing is drawn. Pixels; ui-mock/README. */
import type { GraphView, NodeView, PillView } from "./views.ts";

export const nodeWidth = 264;
export const lineHeight = 34;
export const namedHeight = 52;
export const chipsHeight = 76;
export const pillHeight = 26;
const pillPadding = 14;
/** Of the pill's 13 px text, generously. */
const pillCharacter = 7.5;
/** Of an operator's 13 px bold and a name's 11 px mono; what one line holds beside its insets. */
const opCharacter = 7.8;
const nameCharacter = 6.7;
const lineRoom = 226;

/** One line; with the name under it; with chips under that, or in the name's place where there is none. A node without a summary has its name on the first line where both fit. */
export function nodeHeight(node: NodeView): number {
  if (node.chips.length > 0 || node.subgraphs.length > 0) return node.name ? chipsHeight : namedHeight;
  const op = node.op.length + (node.domain ? node.domain.length + 1 : 0);
  const fits = op * opCharacter + node.name.length * nameCharacter <= lineRoom;
  return node.name && (node.summary || !fits) ? namedHeight : lineHeight;
}

export function pillWidth(pill: PillView): number {
  return Math.min(nodeWidth, Math.max(56, 2 * Math.ceil((pill.name.length * pillCharacter) / 2 + pillPadding)));
}

/** What the layout takes: sizes by box, edges as [from, to, value], and the boxes from which the graph is entered. */
export function layoutInput(graph: GraphView): {
  readonly widths: readonly number[];
  readonly heights: readonly number[];
  readonly edges: readonly (readonly [from: number, to: number, value: number])[];
  readonly roots: readonly number[];
} {
  const pills = [...graph.inputs, ...graph.outputs];
  return {
    widths: [...graph.nodeViews.map(() => nodeWidth), ...pills.map(pillWidth)],
    heights: [...graph.nodeViews.map(nodeHeight), ...pills.map(() => pillHeight)],
    edges: graph.edges.map((edge) => [edge.from, edge.to, edge.value]),
    roots: graph.inputs.map((_, i) => graph.nodeViews.length + i),
  };
}
