/** Details of a selected input or output of the graph. */
import { shape } from "../../src/protocol/format.ts";
import type { PageMessage } from "../../src/protocol/page-messages.ts";
import type { PillView, TypeView } from "../../src/protocol/views.ts";
import { t } from "../l10n.ts";
import { h, link, row, section } from "./dom.ts";

const kinds: Readonly<Record<PillView["kind"], PageMessage>> = {
  input: "graph input",
  output: "graph output",
  capture: "captured value",
};

/** `neighbours`: nodes at the other ends of its edges. */
export function pillPage(
  pill: PillView,
  type: TypeView,
  neighbours: readonly { node: number; name: string }[],
  goTo: (node: number) => void,
): HTMLElement[] {
  return [
    h(
      "header",
      { class: "head" },
      h("h2", { title: pill.name }, pill.name),
      h("span", { class: "badge" }, t(kinds[pill.kind])),
      row(t("Type"), type.dtype ?? type.other ?? t("unknown")),
      row(t("Shape"), type.shape ? shape(type.shape) : t("unknown")),
    ),
    section(
      t(pill.kind === "output" ? "Made by" : "Read by"),
      undefined,
      ...neighbours.map(({ node, name }) =>
        h(
          "div",
          { class: "row" },
          link(name, () => goTo(node)),
        ),
      ),
      neighbours.length === 0 && h("div", { class: "quiet" }, t("nothing")),
    ),
  ];
}
