/** The canvas and what a person does to it. Knows one graph at a time; what it means is the viewer's matter. */
import type { DrawnGraph } from "../../src/protocol/views.ts";
import { keyCommand } from "./keys.ts";
import type { Marks } from "./marks.ts";
import { Minimap, mapRoom } from "./minimap.ts";
import { Mirror } from "./mirror.ts";
import { Navigation } from "./navigation.ts";
import { Painter } from "./paint.ts";
import { Scene } from "./scene.ts";
import { readTheme, type Theme, watchTheme } from "./theme.ts";
import { firstSight, fitted, revealed, type Size, type View, zoomPoint } from "./view.ts";
import { walk } from "./walk.ts";

export interface CanvasElements {
  readonly stage: HTMLElement;
  readonly canvas: HTMLCanvasElement;
  readonly minimap: HTMLCanvasElement;
  readonly live: HTMLElement;
}

export interface CanvasEvents {
  readonly select: (box: number | undefined) => void;
  /** Opens what the box holds. */
  readonly enter: (box: number) => void;
  /** Back to the graph that holds this one. */
  readonly leave: () => void;
  readonly problem: (step: 1 | -1) => void;
  readonly moved: (view: View) => void;
}

const noMarks: Marks = {
  signs: new Map(),
  changed: new Set(),
  labels: new Map(),
  parity: new Map(),
  firstDifference: undefined,
};

export class GraphCanvas {
  private readonly painter: Painter;
  private readonly navigation: Navigation;
  private readonly minimap: Minimap;
  private readonly mirror: Mirror;
  private theme: Theme;
  private scene: Scene | undefined;
  private title = "";
  private marks = noMarks;
  private selected: number | undefined;
  private hovered: number | undefined;
  private size: Size = { width: 0, height: 0 };
  private pending = 0;
  /** Until the person moves the view, a new size fits the graph anew. */
  private untouched = true;

  constructor(
    private readonly elements: CanvasElements,
    private readonly events: CanvasEvents,
  ) {
    const { stage, canvas } = elements;
    this.painter = new Painter(canvas);
    this.theme = readTheme(stage);
    this.mirror = new Mirror(canvas, elements.live);
    this.navigation = new Navigation(
      canvas,
      (byUser) => {
        if (byUser) this.untouched = false;
        this.draw();
        events.moved(this.navigation.view);
      },
      () => this.theme.reducedMotion,
    );
    this.minimap = new Minimap(elements.minimap, (x, y) => {
      const { k } = this.navigation.view;
      this.untouched = false;
      this.navigation.go({ k, x: this.size.width / 2 - x * k, y: this.size.height / 2 - y * k }, false);
    });
    new ResizeObserver(() => this.resize()).observe(stage);
    watchTheme(() => {
      this.theme = readTheme(stage);
      this.redrawMap();
      this.draw();
    });
    void document.fonts.load("16px codicon").then(() => this.draw());
    this.listen(canvas);
  }

  get view(): View {
    return this.navigation.view;
  }

  get current(): Scene | undefined {
    return this.scene;
  }

  /** Shows a graph: at `view` where given, else as a first sight of it. */
  show(drawn: DrawnGraph, title: string, view?: View): void {
    this.scene = new Scene(drawn);
    this.title = title;
    this.selected = undefined;
    this.hovered = undefined;
    this.marks = noMarks;
    this.untouched = view === undefined;
    this.measure();
    if (view) this.navigation.go(view, false);
    else this.look();
    this.mirror.show(this.scene, this.marks, undefined, title);
    this.draw();
  }

  setMarks(marks: Marks): void {
    this.marks = marks;
    this.redrawMap();
    this.draw();
  }

  /** `reveal`: bring it into view; `center`: in its middle, large enough to read. */
  select(box: number | undefined, reveal: "stay" | "near" | "center"): void {
    if (!this.scene) return;
    this.selected = box;
    if (box !== undefined && reveal !== "stay") {
      const view = revealed(this.navigation.view, this.scene.rect(box), this.size, reveal === "center");
      if (view !== this.navigation.view) {
        this.untouched = false;
        this.navigation.go(view, true);
      }
    }
    this.mirror.show(this.scene, this.marks, box, this.title);
    this.draw();
  }

  announce(text: string): void {
    this.mirror.announce(text);
  }

  /** Gives the canvas the keys; its outline shows once they are used. */
  focus(): void {
    const { canvas } = this.elements;
    canvas.classList.add("unused");
    canvas.focus();
  }

  fit(): void {
    if (!this.scene) return;
    this.untouched = true;
    this.navigation.go(fitted(this.scene.layout, this.size), true);
  }

  zoomBy(factor: number): void {
    this.zoomTo(this.view.k * factor);
  }

  zoomTo(k: number): void {
    if (!this.scene) return;
    this.untouched = false;
    this.navigation.zoomTo(k, zoomPoint(this.scene, this.view, this.size, this.selected));
  }

  private look(): void {
    const { scene, size } = this;
    if (!scene || size.width === 0) return;
    const entry = scene.entry();
    // In a narrow editor the graph makes room for the map rather than lie under it.
    const beside = scene.layout.width + 2 * mapRoom > size.width && size.width > 4 * mapRoom ? mapRoom : 0;
    const room = { width: size.width - beside, height: size.height };
    this.navigation.go(firstSight(scene.layout, entry === undefined ? undefined : scene.rect(entry), room), false);
  }

  private listen(canvas: HTMLCanvasElement): void {
    canvas.addEventListener("click", (event) => {
      const box = this.boxAt(event);
      this.events.select(box);
    });
    canvas.addEventListener("dblclick", (event) => {
      const box = this.boxAt(event);
      if (box !== undefined) this.events.enter(box);
    });
    canvas.addEventListener("pointermove", (event) => {
      const box = event.buttons === 0 ? this.boxAt(event) : undefined;
      if (box === this.hovered) return;
      this.hovered = box;
      canvas.style.cursor = box === undefined ? "" : "pointer";
      this.draw();
    });
    canvas.addEventListener("blur", () => canvas.classList.remove("unused"));
    canvas.addEventListener("keydown", (event) => {
      canvas.classList.remove("unused");
      const command = keyCommand(event);
      if (!command || !this.scene) return;
      event.preventDefault();
      event.stopPropagation();
      switch (command.kind) {
        case "walk":
          this.events.select(walk(this.scene, this.selected, command.step));
          if (this.selected !== undefined) this.select(this.selected, "near");
          break;
        case "fit":
          this.fit();
          break;
        case "in":
          this.zoomBy(1.25);
          break;
        case "out":
          this.zoomBy(0.8);
          break;
        case "whole":
          this.zoomTo(1);
          break;
        case "enter":
          if (this.selected !== undefined) this.events.enter(this.selected);
          break;
        case "leave":
          this.events.leave();
          break;
        case "clear":
          this.events.select(undefined);
          break;
        case "problem":
          this.events.problem(command.step);
          break;
        case "pan":
          this.untouched = false;
          this.navigation.moveBy(command.x, command.y);
          break;
      }
    });
  }

  private boxAt(event: MouseEvent): number | undefined {
    const { k, x, y } = this.navigation.view;
    return this.scene?.hit((event.offsetX - x) / k, (event.offsetY - y) / k);
  }

  private measure(): void {
    const { clientWidth, clientHeight } = this.elements.stage;
    this.size = { width: clientWidth, height: clientHeight };
  }

  private resize(): void {
    this.measure();
    if (this.untouched) this.look();
    this.draw();
  }

  private redrawMap(): void {
    if (this.scene) this.minimap.draw(this.scene, this.theme, this.marks);
  }

  /** At most once a frame. */
  private draw(): void {
    if (this.pending) return;
    this.pending = requestAnimationFrame(() => {
      this.pending = 0;
      const { scene, size, theme, marks, selected, hovered } = this;
      if (!scene || size.width === 0 || size.height === 0) return;
      const view = this.navigation.view;
      this.painter.paint({ scene, view, size, theme, marks, selected, hovered });
      this.minimap.show(scene, view, size, theme);
      // The end-to-end tests' sign that the graph is on the screen.
      this.elements.canvas.dataset.drawn = String(scene.graph.boxes);
    });
  }
}
