/** model › decoder › If.then_branch: where in the nest of graphs the page is. */
import type { GraphLink, ModelView } from "../../src/protocol/views.ts";
import { counted, t } from "../l10n.ts";
import { h, icon } from "./dom.ts";

/** From the outermost graph to `id`. A damaged file may nest in a ring; each graph is passed once. */
export function pathTo(graphs: readonly GraphLink[], id: number): GraphLink[] {
  const path: GraphLink[] = [];
  const passed = new Set<number>();
  for (let at: number | undefined = id; at !== undefined && !passed.has(at); ) {
    const graph: GraphLink | undefined = graphs[at];
    if (!graph) break;
    passed.add(at);
    path.unshift(graph);
    at = graph.parent;
  }
  return path;
}

export function drawBreadcrumb(
  element: HTMLElement,
  model: ModelView,
  graph: number,
  node: string | undefined,
  open: (graph: number) => void,
): void {
  const path = pathTo(model.graphs, graph);
  const crumbs = path.flatMap((link, i) => {
    const text = link.name || (link.role === "main" ? model.file : t("graph {0}", link.id));
    const here = i === path.length - 1;
    const crumb =
      here && node === undefined
        ? h("span", { class: "here", attributes: { "aria-current": "page" } }, text)
        : h("button", { class: "crumb", attributes: { type: "button" }, on: { click: () => open(link.id) } }, text);
    return i === 0 ? [crumb] : [icon("chevron-right"), crumb];
  });
  element.setAttribute("aria-label", t("Graphs"));
  element.replaceChildren(
    ...crumbs,
    ...(node === undefined ? [] : [icon("chevron-right"), h("span", { class: "here" }, node)]),
    h("span", { class: "end" }, counted(path.at(-1)?.nodes ?? 0, "{0} node", "{0} nodes")),
  );
}
