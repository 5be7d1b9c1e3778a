/** Edges, their arrows and shape labels. */
import { type Brush, screenX, screenY, snap, snapLine } from "./frame.ts";
import { monoSize } from "./zoom-levels.ts";

const cornerRadius = 10;
/** Past so many on one screen, curves cost frames and cannot be told from lines. */
const manyEdges = 3000;

export function visibleEdges({ scene, view, size }: Brush): number[] {
  const found: number[] = [];
  scene.edges.within(-view.y / view.k, (size.height - view.y) / view.k, (edge) => found.push(edge));
  return found;
}

/** `edges` in one colour. */
export function drawEdges(brush: Brush, edges: readonly number[], color: string, width: number): void {
  const { context, shown, scene } = brush;
  if (shown.edges === 0 || edges.length === 0) return;
  const plain = edges.length > manyEdges;
  context.globalAlpha = shown.edges;
  context.strokeStyle = color;
  context.fillStyle = color;
  context.lineWidth = width;
  context.lineJoin = "round";
  context.beginPath();
  for (const e of edges) trace(brush, scene.layout.routes[e]!, width, plain);
  context.stroke();
  if (shown.arrows > 0) {
    context.globalAlpha = shown.arrows;
    context.beginPath();
    for (const e of edges) arrow(brush, scene.layout.routes[e]!, width);
    context.fill();
  }
  context.globalAlpha = 1;
}

const arrowScale = (brush: Brush, width: number): number => Math.min(1.4, Math.max(0.6, brush.view.k)) * (width > 1.5 ? 1.15 : 1);

function trace(brush: Brush, route: readonly number[], width: number, plain: boolean): void {
  const { context, shown, view } = brush;
  const x = (i: number): number => snapLine(brush, screenX(brush, route[2 * i]!), width);
  const y = (i: number): number => screenY(brush, route[2 * i + 1]!);
  const last = route.length / 2 - 1;
  const end = y(last) - (shown.arrows > 0 ? 5 * arrowScale(brush, width) : 0);
  const level = (i: number): boolean => i >= 0 && i < last && route[2 * i + 1] === route[2 * i + 3];
  const upright = (i: number): boolean => i >= 0 && i < last && route[2 * i] === route[2 * i + 2];
  context.moveTo(x(0), y(0));
  for (let i = 0; i < last; i++) {
    const toX = x(i + 1);
    const toY = i + 1 === last ? end : y(i + 1);
    if (plain) context.lineTo(toX, toY);
    else if (!level(i) && !upright(i)) {
      const middle = (y(i) + toY) / 2;
      context.bezierCurveTo(x(i), middle, toX, middle, toX, toY);
    } else if ((level(i) && upright(i + 1)) || (upright(i) && level(i + 1))) {
      const before = Math.abs(toX - x(i)) + Math.abs(toY - y(i));
      const after = Math.abs(x(i + 2) - toX) + Math.abs(y(i + 2) - toY);
      context.arcTo(toX, toY, x(i + 2), y(i + 2), Math.min(cornerRadius * view.k, before / 2, after / 2));
    } else context.lineTo(toX, toY);
  }
}

function arrow(brush: Brush, route: readonly number[], width: number): void {
  const scale = arrowScale(brush, width);
  const x = snapLine(brush, screenX(brush, route[route.length - 2]!), width);
  const y = snap(brush, screenY(brush, route[route.length - 1]!)) - 0.5;
  const { context } = brush;
  context.moveTo(x, y);
  context.lineTo(x - 3.5 * scale, y - 6 * scale);
  context.lineTo(x + 3.5 * scale, y - 6 * scale);
  context.closePath();
}

/** Shapes beside the verticals. `lit`: edges of the selection, in the text's colour. */
export function drawLabels(brush: Brush, lit: ReadonlySet<number>): void {
  const { context, scene, view, size, theme, marks, shown } = brush;
  if (shown.detail === 0) return;
  context.globalAlpha = shown.detail;
  context.font = `${monoSize(view.k)}px ${theme.monoFont}`;
  context.textBaseline = "middle";
  context.textAlign = "left";
  scene.labelBands.within(-view.y / view.k, (size.height - view.y) / view.k, (i) => {
    const label = scene.labels[i]!;
    const text = marks.labels.get(scene.graph.edges[label.edge]!.value);
    if (!text) return;
    const x = snap(brush, screenX(brush, label.x));
    if (x > size.width || x < -400) return;
    context.fillStyle = lit.has(label.edge) ? theme.text : theme.dim;
    context.fillText(text, x, snap(brush, screenY(brush, label.y)));
  });
  context.globalAlpha = 1;
}
