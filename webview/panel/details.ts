/** The details panel: the model, a node, or an input or output of the graph, whichever is selected. */
import type { DrawnGraph, HostApi, ModelView, NodeDetails, TypeView, VerdictsView } from "../../src/protocol/views.ts";
import { typesOf } from "../canvas/marks.ts";
import { titleOf } from "../canvas/nodes.ts";
import type { Scene } from "../canvas/scene.ts";
import { modelPage } from "./model-page.ts";
import { nodePage } from "./node-page.ts";
import { pillPage } from "./pill-page.ts";

export interface DetailsEvents {
  /** Selects a node of the graph that is shown. */
  readonly goTo: (node: number) => void;
  readonly reveal: (graph: number, node: number) => void;
  readonly openGraph: (graph: number) => void;
  readonly revealInText: (graph: number, node: number) => void;
}

export interface Shown {
  readonly model: ModelView;
  readonly drawn: DrawnGraph;
  readonly scene: Scene;
  readonly selected: number | undefined;
  readonly verdicts: VerdictsView | undefined;
}

export class Details {
  /** An answer for an earlier selection is dropped. */
  private asked = 0;
  private page = "";

  constructor(
    private readonly element: HTMLElement,
    private readonly host: Pick<HostApi, "details">,
    private readonly events: DetailsEvents,
  ) {}

  async show(shown: Shown): Promise<void> {
    const mine = ++this.asked;
    const { drawn, scene, selected } = shown;
    const node = selected === undefined ? undefined : scene.node(selected);
    if (!node) {
      this.put(
        `${drawn.graph.id} ${selected ?? "model"}`,
        selected === undefined ? this.model(shown) : this.pill(shown, selected),
      );
      return;
    }
    let parts: readonly (HTMLElement | string)[];
    try {
      parts = this.node(shown, await this.host.details(drawn.graph.id, node.id));
    } catch (error) {
      parts = [error instanceof Error ? error.message : String(error)];
    }
    if (mine === this.asked) this.put(`${drawn.graph.id} ${node.id}`, parts);
  }

  /** Where the same page is drawn again, with verdicts, it stays where it was scrolled to. */
  private put(page: string, parts: readonly (HTMLElement | string)[]): void {
    const top = page === this.page ? this.element.scrollTop : 0;
    this.page = page;
    this.element.replaceChildren(...parts);
    this.element.scrollTop = top;
  }

  private model({ model, verdicts }: Shown): HTMLElement[] {
    const { reveal, openGraph } = this.events;
    return modelPage(model, verdicts?.problems ?? [], typesOf(0, verdicts), { goTo: reveal, openGraph });
  }

  private pill({ drawn: { graph }, scene, verdicts }: Shown, box: number): HTMLElement[] {
    const pill = scene.pill(box);
    if (!pill) return [];
    const value = graph.values.find(({ id }) => id === pill.value);
    const type: TypeView = typesOf(graph.id, verdicts).get(pill.value) ?? value ?? {};
    const ends = [...scene.edgesTo(box).map((e) => graph.edges[e]!.from), ...scene.edgesFrom(box).map((e) => graph.edges[e]!.to)];
    const named = ends.flatMap((end) => {
      const node = scene.node(end);
      return node ? [{ node: end, name: node.name || titleOf(node) }] : [];
    });
    return pillPage(pill, type, named, this.events.goTo);
  }

  private node({ drawn: { graph }, scene, verdicts }: Shown, details: NodeDetails): HTMLElement[] {
    const { goTo, openGraph, revealInText } = this.events;
    const { graph: id, node } = details;
    const data = {
      details,
      of: graph.nodes,
      problems: (verdicts?.problems ?? []).filter(({ at }) => at?.graph === id && at.node === node),
      verdicts,
      types: typesOf(id, verdicts),
      nameOf: (other: number) => scene.node(other)?.name || scene.node(other)?.op || "",
    };
    return nodePage(data, { goTo, openGraph, revealInText: () => revealInText(id, node) });
  }
}
