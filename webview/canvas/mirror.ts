/**
 * What the canvas shows, for those who do not see it: its fallback content holds the selected box and its neighbours as options of a list,
 * the selected one being the active descendant; moves are announced.
 */
import { plural } from "../../src/protocol/format.ts";
import type { Marks } from "./marks.ts";
import { titleOf } from "./nodes.ts";
import type { Scene } from "./scene.ts";

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
    canvas.setAttribute("aria-label", `Graph of ${title}, ${plural(scene.graph.nodes, "node")}`);
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
  if (pill) return [`Graph ${pill.kind} ${pill.name}`, label].filter((part) => part).join(", ");
  const node = scene.node(box)!;
  return [
    titleOf(node),
    node.name,
    node.summary,
    label && `output ${label}`,
    marks.signs.get(box),
    plural(scene.edgesTo(box).length, "input"),
    plural(outputs.length, "reader"),
    node.subgraphs.length > 0 && "Enter opens its graph",
  ]
    .filter((part) => part)
    .join(", ");
}
