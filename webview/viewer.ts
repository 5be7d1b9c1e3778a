/** Holds what is known of the model and keeps canvas, panel and host in step. The one place where their events meet. */
import type { Connection } from "../src/protocol/rpc.ts";
import type {
  Backend,
  DrawnGraph,
  FailureView,
  HostApi,
  ModelView,
  OpeningView,
  ParityView,
  VerdictsView,
  WebviewApi,
} from "../src/protocol/views.ts";
import { GraphCanvas } from "./canvas/canvas.ts";
import { marksOf, walkable } from "./canvas/marks.ts";
import { titleOf } from "./canvas/nodes.ts";
import type { View } from "./canvas/view.ts";
import { buildFrame, type PageFrame } from "./frame.ts";
import { t } from "./l10n.ts";
import { drawBreadcrumb } from "./panel/breadcrumb.ts";
import { Details } from "./panel/details.ts";
import { drawLegend } from "./panel/legend.ts";
import { States } from "./panel/states.ts";
import { drawTitle } from "./panel/title.ts";
import { Toolbar } from "./panel/toolbar.ts";
import { verdictText } from "./panel/words.ts";
import type { Host } from "./vscode.ts";

/** Where the page was is kept at most so often. */
const keepEvery = 250;

export class Viewer {
  /** What the host may call. */
  readonly api: WebviewApi;
  private readonly host: HostApi;
  private readonly page: PageFrame;
  private readonly canvas: GraphCanvas;
  private readonly toolbar: Toolbar;
  private readonly states: States;
  private readonly details: Details;
  private model: ModelView | undefined;
  private drawn: DrawnGraph | undefined;
  private selected: number | undefined;
  private verdicts: VerdictsView | undefined;
  private parity: ParityView | undefined;
  private overlay: "support" | "parity" = "support";
  /** A graph that was asked for before another is dropped when it arrives. */
  private wanted = 0;
  private keeping = 0;

  constructor(
    into: HTMLElement,
    connection: Connection<HostApi>,
    private readonly kept: Pick<Host, "state" | "keep">,
  ) {
    this.host = connection.api;
    this.page = buildFrame(into);
    this.canvas = new GraphCanvas(this.page, {
      select: (box) => this.select(box, "stay"),
      enter: (box) => this.enter(box),
      leave: () => this.leave(),
      problem: (step) => this.nextProblem(step),
      moved: (view) => {
        this.toolbar?.showZoom(view.k);
        this.keep();
      },
    });
    this.toolbar = new Toolbar(this.page.toolbar, {
      fit: () => this.canvas.fit(),
      zoomBy: (factor) => this.canvas.zoomBy(factor),
      zoomTo: (zoom) => this.canvas.zoomTo(zoom),
      backend: (backend) => this.chooseBackend(backend),
      problem: (step) => this.nextProblem(step),
      overlay: (overlay) => {
        this.overlay = overlay;
        this.mark();
      },
    });
    this.details = new Details(this.page.details, this.host, {
      goTo: (node) => this.select(node, "center"),
      reveal: (graph, node) => void this.reveal(graph, node),
      openGraph: (graph) => void this.openGraph(graph),
      revealInText: (graph, node) => this.tell(this.host.revealInText(graph, node)),
    });
    this.states = new States(this.page.progress, this.page.state, {
      reload: () => this.tell(this.host.reload()),
      cancel: () => this.tell(this.host.cancel()),
      run: (action) => this.tell(this.host.run(action)),
    });
    window.addEventListener("keydown", (event) => {
      if (event.key !== "F8" || event.defaultPrevented) return;
      event.preventDefault();
      this.nextProblem(event.shiftKey ? -1 : 1);
    });
    // The keys belong to the graph as soon as the page has them.
    window.addEventListener("focus", () => this.takeKeys());
    this.api = {
      opening: async (view) => this.opening(view),
      show: async (model, main, backend) => this.show(model, main, backend),
      verdicts: async (view) => this.showVerdicts(view),
      parity: async (view) => this.showParity(view),
      reveal: (graph, node) => this.reveal(graph, node),
      nextProblem: async (step) => this.nextProblem(step),
      failed: async (view) => this.failed(view),
    };
  }

  private takeKeys(): void {
    if (document.hasFocus() && document.activeElement === document.body) this.canvas.focus();
  }

  private opening(view: OpeningView): void {
    if (!this.model) this.page.title.replaceChildren();
    this.states.opening(view);
  }

  private async show(model: ModelView, main: DrawnGraph, backend: Backend): Promise<void> {
    // Read again: the page stays where it was, as far as it still exists.
    const state = this.model?.file === model.file ? this.whereabouts() : this.kept.state();
    this.wanted++;
    const same = state?.file === model.file ? state : undefined;
    this.model = model;

    this.verdicts = undefined;
    this.parity = undefined;
    this.overlay = "support";
    this.toolbar.showBackend(backend);
    this.toolbar.showOverlay(undefined);
    this.page.root.classList.add("shown");
    this.page.root.classList.remove("failed");
    this.states.clear();
    this.states.busy(true);
    drawTitle(this.page.title, model, undefined, true);
    const known = same && model.graphs[same.graph]?.nodes === same.nodes ? same : undefined;
    this.place(main, known?.graph === 0 ? known.view : undefined);
    this.takeKeys();
    if (known && known.graph !== 0) await this.openGraph(known.graph, known.view);
    if (known || !same?.name || same.graph !== 0) {
      this.select(known?.box, "stay");
      return;
    }
    const again = main.graph.nodeViews.find(({ name }) => name === same.name);
    this.select(again?.id, "near");
  }

  private place(drawn: DrawnGraph, view?: View): void {
    this.drawn = drawn;
    this.selected = undefined;
    this.canvas.show(drawn, drawn.graph.name || this.model?.file || "", view);
    if (drawn.graph.boxes === 0) this.states.empty();
    else if (!this.page.state.hidden) this.states.clear();
    this.mark();
  }

  private showVerdicts(verdicts: VerdictsView | undefined): void {
    this.verdicts = verdicts;
    this.states.busy(false);
    if (verdicts) this.toolbar.showBackend(verdicts.backend);
    if (this.model) drawTitle(this.page.title, this.model, verdicts, false);
    this.page.verdict.textContent = verdictText(verdicts);
    this.mark();
    this.drawDetails();
  }

  private showParity(parity: ParityView | undefined): void {
    this.parity = parity;
    this.overlay = parity ? "parity" : "support";
    this.toolbar.showOverlay(parity && "parity");
    this.mark();
  }

  /** Everything on the boxes that is not structure. */
  private mark(): void {
    if (!this.drawn || !this.model) return;
    const marks = marksOf(
      this.drawn.graph,
      this.model.graphs,
      this.verdicts,
      this.overlay === "parity" ? this.parity : undefined,
    );
    this.canvas.setMarks(marks);
    drawLegend(this.page.legend, this.drawn.graph, marks);
    this.drawCounter();
  }

  private select(box: number | undefined, reveal: "stay" | "near" | "center"): void {
    const changed = box !== this.selected;
    this.selected = box;
    this.canvas.select(box, reveal);
    const { drawn } = this;
    if (!drawn) return;
    const node = box !== undefined && box < drawn.graph.nodeViews.length ? box : undefined;
    if (changed) this.tell(this.host.select(drawn.graph.id, node));
    this.drawDetails();
    this.drawCounter();
    this.keepNow();
  }

  private async reveal(graph: number, node: number): Promise<void> {
    if (this.drawn?.graph.id !== graph) await this.openGraph(graph);
    if (this.drawn?.graph.id === graph && node < this.drawn.graph.nodeViews.length) this.select(node, "center");
  }

  private async openGraph(graph: number, view?: View): Promise<void> {
    const mine = ++this.wanted;
    try {
      const drawn = await this.host.graph(graph);
      if (mine !== this.wanted) return;
      this.place(drawn, view);
      this.select(undefined, "stay");
    } catch (error) {
      this.canvas.announce(error instanceof Error ? error.message : String(error));
    }
  }

  private enter(box: number): void {
    const inner = this.drawn?.graph.nodeViews[box]?.subgraphs[0];
    if (inner) void this.openGraph(inner.graph).then(() => this.canvas.focus());
  }

  /** To the graph that holds this one, at the node that holds it. */
  private leave(): void {
    const graph = this.drawn?.graph;
    if (graph?.parent === undefined) return;
    const { parent, holder } = graph;
    if (holder === undefined) void this.openGraph(parent);
    else void this.reveal(parent, holder);
  }

  private nextProblem(step: 1 | -1): void {
    const list = walkable(this.verdicts?.problems ?? []);
    if (list.length === 0) {
      this.canvas.announce(t(this.verdicts ? "No problems" : "Not checked yet"));
      return;
    }
    const at = this.problemPlace(list);
    const next = at === undefined ? (step === 1 ? 0 : list.length - 1) : (at + step + list.length) % list.length;
    this.walkedTo = next;
    const { graph, node } = list[next]!.at;
    void this.reveal(graph, node);
  }

  /** A node with two problems stands twice in the list: the place last walked to tells them apart. */
  private walkedTo: number | undefined;

  private problemPlace(list: ReturnType<typeof walkable>): number | undefined {
    const here = (i: number): boolean => list[i]?.at.graph === this.drawn?.graph.id && list[i]?.at.node === this.selected;
    if (this.walkedTo !== undefined && here(this.walkedTo)) return this.walkedTo;
    const found = list.findIndex((_, i) => here(i));
    return found === -1 ? undefined : found;
  }

  private chooseBackend(backend: Backend): void {
    this.states.busy(true);
    this.tell(this.host.setBackend(backend));
  }

  private failed(view: FailureView): void {
    this.page.root.classList.toggle("shown", this.model !== undefined && view.kind === "crashed");
    this.page.root.classList.add("failed");
    this.states.failed(view);
  }

  private drawCounter(): void {
    const list = walkable(this.verdicts?.problems ?? []);
    this.toolbar.showProblems(this.verdicts?.problems, list.length, this.problemPlace(list));
  }

  private drawDetails(): void {
    const { model, drawn, selected, verdicts } = this;
    const scene = this.canvas.current;
    if (!model || !drawn || !scene) return;
    const node = selected === undefined ? undefined : scene.node(selected);
    const crumb = node ? `${titleOf(node)} ${node.name}`.trim() : selected === undefined ? undefined : scene.pill(selected)?.name;
    drawBreadcrumb(this.page.breadcrumb, model, drawn.graph.id, crumb, (id) => {
      if (id === drawn.graph.id) this.select(undefined, "stay");
      else void this.openGraph(id);
    });
    void this.details.show({ model, drawn, scene, selected, verdicts });
  }

  private whereabouts() {
    const { model, drawn, selected } = this;
    if (!model || !drawn) return undefined;
    const { id, nodes, nodeViews } = drawn.graph;
    const name = selected === undefined ? undefined : nodeViews[selected]?.name;
    return {
      file: model.file,
      graph: id,
      nodes,
      view: this.canvas.view,
      ...(selected === undefined ? {} : { box: selected }),
      ...(name ? { name } : {}),
    };
  }

  /** At once, since the page may be hidden the next moment; of moves that follow each other the last again. */
  private keep(): void {
    if (this.keeping) return;
    this.keepNow();
    this.keeping = window.setTimeout(() => {
      this.keeping = 0;
      this.keepNow();
    }, keepEvery);
  }

  private keepNow(): void {
    const state = this.whereabouts();
    if (state) this.kept.keep(state);
  }

  /** What the host could not do it tells itself; here only a closed line is left to say. */
  private tell(call: Promise<unknown>): void {
    call.catch((error: unknown) => this.canvas.announce(error instanceof Error ? error.message : String(error)));
  }
}
