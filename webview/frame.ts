/** The page's skeleton; the parts fill it. */

import { t } from "./l10n.ts";
import { h } from "./panel/dom.ts";

export interface PageFrame {
  readonly root: HTMLElement;
  readonly progress: HTMLElement;
  readonly title: HTMLElement;
  readonly toolbar: HTMLElement;
  readonly stage: HTMLElement;
  readonly canvas: HTMLCanvasElement;
  readonly minimap: HTMLCanvasElement;
  readonly legend: HTMLElement;
  readonly state: HTMLElement;
  readonly details: HTMLElement;
  readonly breadcrumb: HTMLElement;
  /** Where moves in the graph are read out. */
  readonly live: HTMLElement;
  /** Where the verdict is. */
  readonly verdict: HTMLElement;
}

export function buildFrame(into: HTMLElement): PageFrame {
  const progress = h("div", { class: "progress" });
  const title = h("header", { class: "title" });
  const toolbar = h("div", { class: "toolbar" });
  const canvas = h("canvas", { class: "graph", attributes: { "data-testid": "graph" } });
  const minimap = h("canvas", { class: "minimap", attributes: { "aria-hidden": "true" } });
  const legend = h("div", { class: "legend", attributes: { "aria-hidden": "true" } });
  const state = h("div", { class: "state", attributes: { "data-testid": "state" } });
  const details = h("aside", { class: "details", attributes: { "aria-label": t("Details"), "data-testid": "details" } });
  const breadcrumb = h("nav", { class: "breadcrumb" });
  const live = h("div", { class: "unseen", attributes: { role: "status", "aria-live": "polite", "data-testid": "live" } });
  const verdict = h("div", { class: "unseen", attributes: { role: "status", "aria-live": "polite" } });
  minimap.hidden = true;
  state.hidden = true;
  const stage = h("section", { class: "stage" }, canvas, legend, minimap, state);
  const root = h("div", { class: "page" }, progress, title, toolbar, h("main", {}, stage, details), breadcrumb, live, verdict);
  into.replaceChildren(root);
  return { root, progress, title, toolbar, stage, canvas, minimap, legend, state, details, breadcrumb, live, verdict };
}
