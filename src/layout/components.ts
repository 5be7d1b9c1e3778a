/** Parts of the graph that share no edge are laid out each by itself, the largest first, else in order of their first box. */
import type { LayoutInput } from "./layout.ts";

export interface Component {
  /** Boxes of the whole graph; the arrays below number them from 0 in this order. */
  readonly boxes: readonly number[];
  readonly edgeIds: readonly number[];
  readonly widths: readonly number[];
  readonly heights: readonly number[];
  readonly from: Int32Array;
  readonly to: Int32Array;
  readonly value: Int32Array;
  readonly roots: readonly number[];
}

export function components(input: LayoutInput): Component[] {
  const size = input.widths.length;
  const parent = Int32Array.from({ length: size }, (_, v) => v);
  const find = (v: number): number => {
    let root = v;
    while (parent[root] !== root) root = parent[root]!;
    for (let at = v; at !== root; ) {
      const next = parent[at]!;
      parent[at] = root;
      at = next;
    }
    return root;
  };
  for (const [a, b] of input.edges) {
    const [rootA, rootB] = [find(a), find(b)];
    parent[Math.max(rootA, rootB)] = Math.min(rootA, rootB);
  }
  const groups = new Map<number, { boxes: number[]; edges: number[]; roots: number[] }>();
  const local = new Int32Array(size);
  for (let v = 0; v < size; v++) {
    const root = find(v);
    let group = groups.get(root);
    if (!group) {
      group = { boxes: [], edges: [], roots: [] };
      groups.set(root, group);
    }
    local[v] = group.boxes.length;
    group.boxes.push(v);
  }
  input.edges.forEach(([a], e) => {
    groups.get(find(a))!.edges.push(e);
  });
  for (const root of input.roots) groups.get(find(root))!.roots.push(local[root]!);
  const parts = [...groups.values()].map(
    ({ boxes, edges, roots }): Component => ({
      boxes,
      edgeIds: edges,
      widths: boxes.map((box) => input.widths[box]!),
      heights: boxes.map((box) => input.heights[box]!),
      from: Int32Array.from(edges, (e) => local[input.edges[e]![0]]!),
      to: Int32Array.from(edges, (e) => local[input.edges[e]![1]]!),
      value: Int32Array.from(edges, (e) => input.edges[e]![2]),
      roots,
    }),
  );
  return parts.sort((a, b) => b.boxes.length - a.boxes.length);
}
