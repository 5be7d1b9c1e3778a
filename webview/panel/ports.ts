/** What enters and leaves a node, and the tensors stored with it. */
import { bytes, integer, shape } from "../../src/protocol/format.ts";
import type { PageMessage } from "../../src/protocol/page-messages.ts";
import type { PortView, TypeView, WeightView } from "../../src/protocol/views.ts";
import { counted, t } from "../l10n.ts";
import { h, link, section } from "./dom.ts";

/** A Concat may have thousands of inputs; the page lists so many of anything. */
const rowsShown = 60;

/** The first rows, and how many were left out. */
export function limited<T>(list: readonly T[], draw: (item: T) => HTMLElement[]): HTMLElement[] {
  const rows = list.slice(0, rowsShown).flatMap(draw);
  const rest = list.length - rowsShown;
  return rest > 0 ? [...rows, h("div", { class: "quiet" }, t("and {0} more", integer(rest)))] : rows;
}

interface Known {
  /** Inferred types by value id. */
  readonly types: ReadonlyMap<number, TypeView>;
  readonly nameOf: (node: number) => string;
}

/** `told`: the value's name and the node at its other end, and how they stand to each other. */
export function portSection(
  title: string,
  told: PageMessage,
  list: readonly PortView[],
  known: Known,
  goTo: (node: number) => void,
): HTMLElement {
  return section(
    title,
    undefined,
    ...limited(list, (port) => [portRow(port, told, known, goTo)]),
    list.length === 0 && h("div", { class: "quiet" }, t("none")),
  );
}

function portRow(port: PortView, told: PageMessage, { types, nameOf }: Known, goTo: (node: number) => void): HTMLElement {
  const type = (port.value === undefined ? undefined : types.get(port.value)) ?? port;
  const text = type.shape ? shape(type.shape) : (type.other ?? "");
  const whole = [type.dtype, text, port.quantization].filter((part) => part).join(" ");
  const label = h("span", { class: "name mono", title: port.label }, port.label);
  if (port.name === "") return h("div", { class: "row port-row" }, label, h("span", { class: "quiet" }, t("left out")));
  const [first] = port.nodes;
  const rest = port.nodes.length > 1 ? ` +${port.nodes.length - 1}` : "";
  return h(
    "div",
    { class: "row port-row" },
    label,
    first === undefined
      ? h("span", { class: "mono cut", title: port.name }, port.name)
      : link(port.name + rest, () => goTo(first), t(told, port.name, nameOf(first))),
    h("span", { class: "note mono", title: whole }, port.dangling ? t("nothing makes it") : text),
  );
}

export function weightSection(list: readonly WeightView[]): HTMLElement {
  const parameters = list.reduce((sum, weight) => sum + weight.parameters, 0);
  const size = list.reduce((sum, weight) => sum + weight.bytes, 0);
  return section(
    t("Weights"),
    `${counted(parameters, "{0} parameter", "{0} parameters")} · ${bytes(size)}`,
    ...limited(list, weightRows),
  );
}

function weightRows(weight: WeightView): HTMLElement[] {
  const name = h(
    "div",
    { class: "row port-row" },
    h("span", { class: "name mono" }, weight.label),
    h("span", { class: "mono cut", title: weight.name }, weight.name),
    h("span", { class: "note mono" }, weight.shape ? shape(weight.shape) : ""),
  );
  const byte = weight.offset === undefined ? "" : t("at byte {0}", integer(weight.offset));
  const place = byte && weight.file ? `${weight.file} ${byte}` : byte;
  const about = [weight.dtype, weight.quantization, bytes(weight.bytes), place].filter((part) => part).join(" · ");
  const where = h("div", { class: "row where" }, h("span", { class: "quiet", title: about }, about));
  return weight.values === undefined
    ? [name, where]
    : [name, where, h("div", { class: "values mono" }, weight.values.join(", "))];
}
