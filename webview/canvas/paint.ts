/** Draws a frame: edges, boxes, labels, then the selection over all. Only what the screen shows is looked at. */
import { drawEdges, drawLabels, visibleEdges } from "./edges.ts";
import { type Brush, type Frame, screenRect } from "./frame.ts";
import { drawBoxes, drawRing, visibleBoxes } from "./nodes.ts";
import { drawSign } from "./signs.ts";
import { TextMeter } from "./text.ts";
import { shownAt } from "./zoom-levels.ts";

const edgeWidth = 1.25;
const litWidth = 2;

export class Painter {
  private readonly context: CanvasRenderingContext2D;
  private readonly meter: TextMeter;

  constructor(private readonly canvas: HTMLCanvasElement) {
    const context = canvas.getContext("2d", { alpha: false });
    if (!context) throw new Error("the canvas gives no 2d context");
    this.context = context;
    this.meter = new TextMeter(context);
  }

  paint(frame: Frame): void {
    const ratio = window.devicePixelRatio || 1;
    const { width, height } = frame.size;
    const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (this.canvas.width !== w || this.canvas.height !== h) {
      this.canvas.width = w;
      this.canvas.height = h;
    }
    const { context } = this;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = frame.theme.background;
    context.fillRect(0, 0, width, height);
    const brush: Brush = { ...frame, context, meter: this.meter, shown: shownAt(frame.view.k), ratio };

    const lit = new Set(
      frame.selected === undefined ? [] : [...frame.scene.edgesFrom(frame.selected), ...frame.scene.edgesTo(frame.selected)],
    );
    const edges = brush.shown.edges > 0 ? visibleEdges(brush) : [];
    drawEdges(brush, lit.size > 0 ? edges.filter((edge) => !lit.has(edge)) : edges, frame.theme.edge, edgeWidth);
    const boxes = visibleBoxes(brush);
    drawBoxes(brush, boxes);
    drawLabels(brush, lit);
    if (lit.size > 0) {
      drawEdges(
        brush,
        edges.filter((edge) => lit.has(edge)),
        frame.theme.focus,
        litWidth,
      );
    }
    if (!brush.shown.boxes) this.farSigns(brush);
    if (frame.marks.firstDifference !== undefined) drawRing(brush, frame.marks.firstDifference, frame.theme.error);
    if (frame.selected !== undefined) drawRing(brush, frame.selected, frame.theme.focus);
  }

  /** Where boxes are bars, problems keep a sign of readable size beside them. */
  private farSigns(brush: Brush): void {
    let last = Number.NEGATIVE_INFINITY;
    const signs = [...brush.marks.signs].map(([box, sign]) => ({ sign, ...screenRect(brush, box) })).sort((a, b) => a.y - b.y);
    for (const { sign, x, y, width, height } of signs) {
      // Signs on top of each other would only be a smear; the walk reaches each.
      if (y < -16 || y > brush.size.height + 16 || y - last < 14) continue;
      drawSign(brush, sign, x + width + 12, y + height / 2, 16);
      last = y;
    }
  }
}
