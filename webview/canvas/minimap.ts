/** The whole graph in a corner, drawn once; a frame shows what the screen sees, and moves it when dragged. */
import type { Marks } from "./marks.ts";
import type { Scene } from "./scene.ts";
import type { Theme } from "./theme.ts";
import type { Size, View } from "./view.ts";

const width = 136;
const height = 168;
const padding = 6;
/** Width of the corner that the map covers, its margin included. */
export const mapRoom = width + 16;
/** A graph that has less outside the screen needs no map. */
const worthIt = 1.15;

export class Minimap {
  private readonly picture = document.createElement("canvas");
  private scale = 1;
  private left = 0;
  private top = 0;

  /** `moveTo`: a point of the graph is wanted in the middle of the screen. */
  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly moveTo: (x: number, y: number) => void,
  ) {
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    const move = (event: PointerEvent): void => {
      const box = canvas.getBoundingClientRect();
      this.moveTo((event.clientX - box.left - this.left) / this.scale, (event.clientY - box.top - this.top) / this.scale);
    };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      move(event);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (canvas.hasPointerCapture(event.pointerId)) move(event);
    });
  }

  /** Once a graph, theme or set of marks. */
  draw(scene: Scene, theme: Theme, marks: Marks): void {
    const ratio = window.devicePixelRatio || 1;
    this.picture.width = Math.round(width * ratio);
    this.picture.height = Math.round(height * ratio);
    const context = this.picture.getContext("2d");
    if (!context) return;
    const { layout, graph } = scene;
    this.scale = Math.min(
      (width - 2 * padding) / Math.max(1, layout.width),
      (height - 2 * padding) / Math.max(1, layout.height),
      0.25,
    );
    // A thousand rows would make a column thinner than a pixel.
    const wide = Math.max(1, Math.min(24, 36 / Math.max(1, layout.width * this.scale)));
    this.left = (width - layout.width * this.scale) / 2;
    this.top = (height - layout.height * this.scale) / 2;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const bar = (box: number, color: string, alpha: number): void => {
      const rect = scene.rect(box);
      context.globalAlpha = alpha;
      context.fillStyle = color;
      const middle = this.left + (rect.x + rect.width / 2) * this.scale;
      const half = Math.min(width / 2 - padding, Math.max(0.5, (rect.width * this.scale * wide) / 2));
      context.fillRect(
        middle - half,
        this.top + rect.y * this.scale,
        2 * half,
        Math.max(1, Math.min(6, rect.height * this.scale)),
      );
    };
    for (let box = 0; box < graph.boxes; box++) {
      const node = scene.node(box);
      bar(box, node ? theme.accents[node.category] : theme.dim, 0.65);
    }
    for (const [box, sign] of marks.signs) bar(box, sign === "error" ? theme.error : theme.warning, 1);
  }

  /** Every frame. Hidden while the screen shows the whole graph. */
  show(scene: Scene, view: View, screen: Size, theme: Theme): void {
    const { layout } = scene;
    const needed = layout.width * view.k > screen.width * worthIt || layout.height * view.k > screen.height * worthIt;
    this.canvas.hidden = !needed || screen.height < 2 * height || screen.width < 3 * width;
    if (this.canvas.hidden) return;
    const ratio = window.devicePixelRatio || 1;
    if (this.canvas.width !== this.picture.width) this.canvas.width = this.picture.width;
    if (this.canvas.height !== this.picture.height) this.canvas.height = this.picture.height;
    const context = this.canvas.getContext("2d");
    if (!context) return;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    context.drawImage(this.picture, 0, 0);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const clampX = (x: number): number => Math.min(width - 1, Math.max(1, x));
    const clampY = (y: number): number => Math.min(height - 1, Math.max(1, y));
    const x = clampX(this.left + (-view.x / view.k) * this.scale);
    const y = clampY(this.top + (-view.y / view.k) * this.scale);
    const right = clampX(this.left + ((screen.width - view.x) / view.k) * this.scale);
    const bottom = clampY(this.top + ((screen.height - view.y) / view.k) * this.scale);
    context.strokeStyle = theme.focus;
    context.lineWidth = 1;
    context.strokeRect(
      Math.round(x) + 0.5,
      Math.round(y) + 0.5,
      Math.max(4, Math.round(right - x) - 1),
      Math.max(4, Math.round(bottom - y) - 1),
    );
  }
}
