/** What stands in the graph's place while there is none: opening, empty, broken, crashed. Never a blank canvas. */
import type { Action, FailureView, OpeningView } from "../../src/protocol/views.ts";
import { wantsLessMotion } from "../canvas/theme.ts";
import { t } from "../l10n.ts";
import { button, h, icon } from "./dom.ts";
import { placeOf, sentence } from "./words.ts";

/** Opening is told in words only when it takes longer. */
const patience = 2000;

export interface StateEvents {
  readonly reload: () => void;
  readonly cancel: () => void;
  readonly run: (action: Action) => void;
}

interface Progress extends HTMLElement {
  value: number | undefined;
  indeterminate: boolean;
}

export class States {
  private readonly progress: Progress;
  private timer = 0;

  /** `bar`: where the thin progress goes; `box`: over the stage. */
  constructor(
    bar: HTMLElement,
    private readonly box: HTMLElement,
    private readonly events: StateEvents,
  ) {
    this.progress = h("vscode-progress-bar", { attributes: { "aria-label": t("Opening") } }) as Progress;
    this.progress.hidden = true;
    bar.append(this.progress);
  }

  opening({ what, fraction }: OpeningView): void {
    this.progress.hidden = false;
    this.advance(fraction);
    const words = this.box.querySelector(".opening span");
    if (words) words.textContent = what;
    else if (!this.timer) this.timer = window.setTimeout(() => this.tell(what), patience);
  }

  /** A thin progress alone, for what runs behind a graph that is shown already. */
  busy(isBusy: boolean): void {
    this.progress.hidden = !isBusy;
    this.advance(undefined);
  }

  clear(): void {
    window.clearTimeout(this.timer);
    this.timer = 0;
    this.progress.hidden = true;
    this.box.hidden = true;
    this.box.replaceChildren();
  }

  empty(): void {
    this.clear();
    this.put(h("p", { class: "quiet" }, t("This graph has no nodes.")));
  }

  failed(view: FailureView): void {
    this.clear();
    if (view.kind === "crashed") {
      this.put(
        h(
          "p",
          { attributes: { role: "alert" } },
          icon("error", "error"),
          h("span", {}, sentence(view.reason)),
          button(t("Reload"), this.events.reload, "primary"),
        ),
      );
      return;
    }
    const { problem } = view;
    const place = placeOf(problem);
    this.put(
      h("h2", { attributes: { role: "alert" } }, icon("error", "error"), h("span", {}, t("{0} cannot be read", view.file))),
      h("p", {}, sentence(problem.reason), place ? ` ${sentence(place)}` : ""),
      problem.hint !== undefined && h("p", { class: "quiet" }, sentence(problem.hint)),
      view.read !== undefined && h("p", { class: "quiet" }, t("Read before it: {0}", view.read)),
      h(
        "div",
        { class: "actions" },
        ...(problem.code === "file-missing"
          ? []
          : [button(t("Open as bytes"), () => this.events.run("open-as-bytes"), "primary")]),
        button(t("Reload"), this.events.reload),
      ),
    );
  }

  /** Where the end is not known something moves, or a whole line stands still for those who wish less motion. */
  private advance(fraction: number | undefined): void {
    const still = wantsLessMotion();
    this.progress.indeterminate = fraction === undefined && !still;
    if (fraction !== undefined || still) this.progress.value = 100 * (fraction ?? 1);
  }

  private tell(what: string): void {
    this.put(h("p", { class: "opening" }, h("span", {}, what), button(t("Cancel"), this.events.cancel)));
  }

  private put(...children: (HTMLElement | false)[]): void {
    this.box.hidden = false;
    this.box.replaceChildren(...children.filter((child) => child !== false));
  }
}
