/** The title line: what the model is, and whether TF.js can run it. */
import type { ModelView, VerdictsView } from "../../src/protocol/views.ts";
import { t } from "../l10n.ts";
import { h, icon } from "./dom.ts";
import { titleParts, verdictWords } from "./words.ts";

export function drawTitle(element: HTMLElement, model: ModelView, verdicts: VerdictsView | undefined, checking: boolean): void {
  const words = verdictWords(verdicts, checking);
  const about = titleParts(model).flatMap((part) => [
    h("span", { class: "dot", attributes: { "aria-hidden": "true" } }, " · "),
    h("span", {}, part),
  ]);
  element.replaceChildren(
    h("span", { class: "file", title: model.file }, model.file),
    h("span", { class: "about" }, ...about),
    h(
      "span",
      { class: `verdict ${words.kind}`, attributes: { "data-testid": "verdict" } },
      words.kind === "stuck" && icon("error", "error"),
      h("span", {}, words.text),
      ...words.backends.map(({ name, ready }) =>
        h(
          "span",
          { class: "backend" },
          icon(ready ? "pass" : "error", ready ? "pass" : "error", ready ? "" : t("not ready on")),
          name,
        ),
      ),
    ),
  );
}
