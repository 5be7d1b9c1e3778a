/** What the bars' colours mean, of those that occur; or the signs, where there are problems. */
import type { Category, GraphView } from "../../src/protocol/views.ts";
import type { Marks } from "../canvas/marks.ts";
import { t } from "../l10n.ts";
import { h, icon } from "./dom.ts";

const order: readonly Category[] = [
  "convolution",
  "matmul",
  "activation",
  "normalization",
  "pooling",
  "shape",
  "control",
  "data",
];

export function drawLegend(element: HTMLElement, graph: GraphView, marks: Marks): void {
  const signs = new Set(marks.signs.values());
  if (signs.size > 0) {
    element.replaceChildren(
      ...(signs.has("error") ? [h("span", {}, icon("error", "error"), t("cannot run"))] : []),
      ...(signs.has("warning") ? [h("span", {}, icon("warning", "warning"), t("runs with a change"))] : []),
    );
    return;
  }
  const found = new Set(graph.nodeViews.map((node) => node.category));
  element.replaceChildren(
    ...order
      .filter((category) => found.has(category))
      .map((category) => h("span", {}, h("i", { class: `accent-${category}` }), t(category))),
  );
}
