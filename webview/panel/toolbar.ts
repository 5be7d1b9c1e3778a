/** Fit, zoom, backend, problems. Made once; then only what changes is written. */
import { type Backend, backends, type ProblemView } from "../../src/protocol/views.ts";
import { t } from "../l10n.ts";
import { h, icon, tool } from "./dom.ts";
import { problemCounts } from "./words.ts";

export interface ToolbarEvents {
  readonly fit: () => void;
  readonly zoomBy: (factor: number) => void;
  readonly zoomTo: (zoom: number) => void;
  readonly backend: (backend: Backend) => void;
  readonly problem: (step: 1 | -1) => void;
  readonly overlay: (overlay: "support" | "parity") => void;
}

interface Select extends HTMLElement {
  value: string;
}

export class Toolbar {
  private readonly percent: HTMLElement;
  private readonly backend: Select;
  private readonly overlay: Select;
  private readonly overlayBox: HTMLElement;
  private readonly counts = h("span", { class: "counts", attributes: { "data-testid": "problems" } });
  private readonly place = h("span", { class: "mono", attributes: { "data-testid": "problem-place" } });
  private readonly walk: HTMLElement;

  constructor(element: HTMLElement, events: ToolbarEvents) {
    this.percent = h("button", {
      class: "percent mono",
      title: t("Zoom to 100 % (0)"),
      attributes: { type: "button" },
      on: { click: () => events.zoomTo(1) },
    });
    this.backend = select(
      t("Backend"),
      backends.map((name) => [name, name] as const),
      (value) => events.backend(value as Backend),
    );
    this.overlay = select(
      t("Overlay"),
      [
        ["support", t("support")],
        ["parity", t("parity")],
      ],
      (value) => events.overlay(value as "support" | "parity"),
    );
    this.overlayBox = h("label", { class: "choice" }, h("span", {}, t("Overlay")), this.overlay);
    this.walk = h(
      "span",
      { class: "walk" },
      h("span", { class: "separator" }),
      tool("chevron-left", t("Previous problem (Shift+N)"), () => events.problem(-1)),
      this.place,
      tool("chevron-right", t("Next problem (N)"), () => events.problem(1)),
    );
    this.overlayBox.hidden = true;
    this.walk.hidden = true;
    element.setAttribute("role", "toolbar");
    element.setAttribute("aria-label", t("Graph"));
    element.replaceChildren(
      tool("screen-full", t("Fit the graph (F)"), events.fit),
      tool("remove", t("Zoom out (−)"), () => events.zoomBy(0.8)),
      this.percent,
      tool("add", t("Zoom in (+)"), () => events.zoomBy(1.25)),
      h("span", { class: "separator" }),
      h("label", { class: "choice" }, h("span", {}, t("Backend")), this.backend),
      this.overlayBox,
      h("div", { class: "problems" }, this.counts, this.walk),
    );
  }

  showZoom(zoom: number): void {
    const percent = zoom < 0.01 ? (zoom * 100).toFixed(1) : Math.round(zoom * 100);
    this.percent.textContent = `${percent} %`;
    this.percent.setAttribute("aria-label", t("Zoom {0} percent, reset to 100", percent));
  }

  showBackend(backend: Backend): void {
    this.backend.value = backend;
  }

  showOverlay(overlay: "support" | "parity" | undefined): void {
    this.overlayBox.hidden = overlay === undefined;
    if (overlay) this.overlay.value = overlay;
  }

  /** `walked`: those `‹ ›` go through; `at`: the selected one's place among them. Undefined problems: not checked yet. */
  showProblems(problems: readonly ProblemView[] | undefined, walked: number, at: number | undefined): void {
    const { errors, warnings } = problemCounts(problems ?? []);
    const counter = (severity: "error" | "warning", value: number): HTMLElement | false =>
      value > 0 &&
      h("span", { class: "counter" }, icon(severity, severity, t(severity === "error" ? "errors:" : "warnings:")), String(value));
    const none = problems !== undefined && errors + warnings === 0;
    const counts = none
      ? [icon("pass", "pass"), h("span", { class: "quiet" }, t("No problems"))]
      : [counter("error", errors), counter("warning", warnings)].filter((part) => part !== false);
    this.counts.replaceChildren(...counts);
    // The buttons stay the same ones: a key pressed on one must not take the focus from it.
    this.walk.hidden = walked === 0;
    this.place.textContent = t("{0} of {1}", at === undefined ? "–" : at + 1, walked);
  }
}

/** `choices`: the value of each, and what is shown for it. */
function select(
  label: string,
  choices: readonly (readonly [value: string, text: string])[],
  changed: (value: string) => void,
): Select {
  const options = choices.map(([value, text]) => h("vscode-option", { attributes: { value } }, text));
  const element = h("vscode-single-select", { attributes: { label, "aria-label": label } }, ...options) as Select;
  element.addEventListener("change", () => changed(element.value));
  return element;
}
