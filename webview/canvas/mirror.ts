/**
 * What the canvas shows, for those who do not see it: its fallback content holds the selected box and its neighbours as options of a list,
 * the selected one being the active descendant; moves are announced.
 */
import type { PageMessage } from "../../src/protocol/page-messages.ts";
import type { PillView } from "../../src/protocol/views.ts";
import { counted, t } from "../l10n.ts";
import type { Marks } from "./marks.ts";
import { titleOf } from "./nodes.ts";
import type { Scene } from "./scene.ts";

const pillMessages: Readonly<Record<PillView["kind"], PageMessage>> = {
  input: "Graph input {0}",
  output: "Graph output {0}",
  capture: "Graph capture {0}",
};

/** Neighbours listed; a hub may have thousands. */
const mirrored = 8;

export class Mirror {
  /** `live`: an element of role status. */
  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly live: HTMLElement,
  ) {
    canvas.setAttribute("role", "listbox");
    canvas.tabIndex = 0;
  }

  show(scene: Scene, marks: Marks, selected: number | undefined, title: string): void {
    const { canvas } = this;
    canvas.setAttribute("aria-label", counted(scene.graph.nodes, "Graph of {1}, {0} node", "Graph of {1}, {0} nodes", title));
    if (selected === undefined) {
      canvas.replaceChildren();
      canvas.removeAttribute("aria-activedescendant");
      this.live.textContent = "";
      return;
    }
    const neighbours = [
      ...scene.edgesTo(selected).map((edge) => scene.graph.edges[edge]!.from),
      ...scene.edgesFrom(selected).map((edge) => scene.graph.edges[edge]!.to),
    ].slice(0, mirrored);
    const options = [selected, ...new Set(neighbours.filter((box) => box !== selected))].map((box) => {
      const option = document.createElement("div");
      option.id = `box-${box}`;
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", String(box === selected));
      option.textContent = describeBox(scene, marks, box);
      return option;
    });
    canvas.replaceChildren(...options);
    canvas.setAttribute("aria-activedescendant", `box-${selected}`);
    this.live.textContent = describeBox(scene, marks, selected);
  }

  announce(text: string): void {
    this.live.textContent = text;
  }
}

/** `Conv, squeezenet0_conv1, 3×3 s2 · 64, output 1×64×55×55, error, 1 input, 2 readers` */
export function describeBox(scene: Scene, marks: Marks, box: number): string {
  const pill = scene.pill(box);
  const outputs = scene.edgesFrom(box);
  const label = outputs.length > 0 ? marks.labels.get(scene.graph.edges[outputs[0]!]!.value) : undefined;
  if (pill) return [t(pillMessages[pill.kind], pill.name), label].filter((part) => part).join(", ");
  const node = scene.node(box)!;
  const sign = marks.signs.get(box);
  return [
    titleOf(node),
    node.name,
    node.summary,
    label && t("output {0}", label),
    sign && t(sign),
    counted(scene.edgesTo(box).length, "{0} input", "{0} inputs"),
    counted(outputs.length, "{0} reader", "{0} readers"),
    node.subgraphs.length > 0 && t("Enter opens its graph"),
  ]
    .filter((part) => part)
    .join(", ");
}
