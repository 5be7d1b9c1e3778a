/** Boxes: fills and borders in a few large paths, then what is written on them. */
import { decimal, shape } from "../../src/protocol/format.ts";
import type { Category, NodeView } from "../../src/protocol/views.ts";
import { type Brush, screenRect } from "./frame.ts";
import { drawSign, signSize } from "./signs.ts";
import { monoSize, opSize } from "./zoom-levels.ts";

const radius = 4;
const accentWidth = 3;
const insetLeft = 14;
const insetRight = 12;
/** Far away, the accent and the text still stand apart. */
const leastInset = 9;
/** From the top of the box. */
const opLine = 17;
const nameLine = 35;
const chipTop = 48;
/** In the name's place. */
const namelessChipTop = 28;
const chipHeight = 18;
/** Bars are calmer than the accents of boxes, so that problems stand out. */
const blockAlpha = 0.7;

type Placed = ReturnType<typeof screenRect> & { readonly box: number };

export function visibleBoxes(brush: Brush): Placed[] {
  const { scene, view, size } = brush;
  const found: Placed[] = [];
  scene.boxes.within(-view.y / view.k, (size.height - view.y) / view.k, (box) => {
    const rect = screenRect(brush, box);
    if (rect.x <= size.width && rect.x + rect.width >= 0) found.push({ ...rect, box });
  });
  return found;
}

export function drawBoxes(brush: Brush, boxes: readonly Placed[]): void {
  const { scene } = brush;
  const nodes = boxes.filter(({ box }) => scene.node(box));
  const pills = boxes.filter(({ box }) => !scene.node(box));
  if (!brush.shown.boxes) {
    drawBlocks(brush, nodes, pills);
    return;
  }
  drawPills(brush, pills);
  for (const node of nodes) if (scene.node(node.box)!.subgraphs.length > 0) drawSheets(brush, node);
  drawFills(brush, nodes);
  drawAccents(brush, nodes);
  for (const node of nodes) drawText(brush, node, scene.node(node.box)!);
}

/** Far away: bars in the colour of the category, problems in theirs. */
function drawBlocks(brush: Brush, nodes: readonly Placed[], pills: readonly Placed[]): void {
  const { context, theme, marks, scene } = brush;
  const colors = new Map<string, Placed[]>([[theme.dim, [...pills]]]);
  for (const node of nodes) {
    const sign = marks.signs.get(node.box);
    const color =
      sign === "error" ? theme.error : sign === "warning" ? theme.warning : theme.accents[scene.node(node.box)!.category];
    const held = colors.get(color);
    if (held) held.push(node);
    else colors.set(color, [node]);
  }
  for (const [color, held] of colors) {
    context.globalAlpha = color === theme.error || color === theme.warning ? 1 : blockAlpha;
    context.fillStyle = color;
    context.beginPath();
    for (const { x, y, width, height } of held) context.rect(x, y, Math.max(1, width), Math.max(1, height));
    context.fill();
  }
  context.globalAlpha = 1;
}

function drawFills(brush: Brush, nodes: readonly Placed[]): void {
  const { context, theme, marks, hovered, view } = brush;
  const groups = new Map<string, Placed[]>();
  for (const node of nodes) {
    const sign = marks.signs.get(node.box);
    const share = marks.parity.get(node.box)?.share;
    const tint = share === undefined ? undefined : theme.tint(share);
    const fill = tint?.fill ?? (sign === "error" ? theme.errorFill : sign === "warning" ? theme.warningFill : theme.nodeFill);
    const border =
      sign === "error"
        ? theme.error
        : sign === "warning"
          ? theme.warning
          : node.box === hovered
            ? theme.hoverBorder
            : (tint?.border ?? theme.nodeBorder);
    const key = `${fill}|${border}|${sign || tint?.border ? 1.5 : 1}`;
    const held = groups.get(key);
    if (held) held.push(node);
    else groups.set(key, [node]);
  }
  for (const [key, held] of groups) {
    const [fill, border, width] = key.split("|") as [string, string, string];
    context.beginPath();
    for (const { x, y, width: w, height: h } of held)
      context.roundRect(x + 0.5, y + 0.5, w - 1, h - 1, radius * Math.min(1, view.k));
    context.fillStyle = fill;
    context.fill();
    context.strokeStyle = border;
    context.lineWidth = Number(width);
    context.stroke();
  }
}

function drawAccents(brush: Brush, nodes: readonly Placed[]): void {
  const { context, theme, scene, view } = brush;
  const groups = new Map<Category, Placed[]>();
  for (const node of nodes) {
    const { category } = scene.node(node.box)!;
    const held = groups.get(category);
    if (held) held.push(node);
    else groups.set(category, [node]);
  }
  const r = radius * Math.min(1, view.k);
  for (const [category, held] of groups) {
    context.fillStyle = theme.accents[category];
    context.beginPath();
    for (const { x, y, height } of held) context.roundRect(x, y, accentWidth, height, [r, 0, 0, r]);
    context.fill();
  }
}

/** Two sheets under a node that holds graphs: there is more to enter. */
function drawSheets(brush: Brush, { x, y, width, height }: Placed): void {
  const { context, theme, view } = brush;
  context.strokeStyle = theme.nodeBorder;
  context.fillStyle = theme.nodeFill;
  context.lineWidth = 1;
  for (const step of [2, 1]) {
    const inset = 4 * step * view.k;
    context.beginPath();
    context.roundRect(x + inset + 0.5, y + 3 * step * view.k + 0.5, width - 2 * inset - 1, height - 1, radius * view.k);
    context.fill();
    context.stroke();
  }
}

function drawPills(brush: Brush, pills: readonly Placed[]): void {
  const { context, theme, view, scene, meter, shown } = brush;
  if (pills.length === 0) return;
  context.beginPath();
  for (const { x, y, width, height } of pills) context.roundRect(x + 0.5, y + 0.5, width - 1, height - 1, height / 2);
  context.fillStyle = theme.nodeFill;
  context.fill();
  context.strokeStyle = theme.highContrast ? theme.nodeBorder : theme.edge;
  context.lineWidth = 1;
  context.stroke();
  if (shown.op === 0) return;
  context.globalAlpha = shown.op;
  context.font = `600 ${opSize(view.k)}px ${theme.uiFont}`;
  context.fillStyle = theme.text;
  context.textBaseline = "middle";
  context.textAlign = "center";
  for (const { x, y, width, height, box } of pills) {
    const text = meter.cut(scene.pill(box)?.name ?? "", width - 16 * Math.min(1, view.k));
    context.fillText(text, x + width / 2, y + height / 2 + 0.5);
  }
  context.globalAlpha = 1;
}

export const titleOf = (node: NodeView): string => (node.domain ? `${node.domain}.${node.op}` : node.op);

/** Op, name, summary and chips. Near: on lines of their own; farther: the op and its summary in the middle of the box. */
function drawText(brush: Brush, { x, y, width, height, box }: Placed, node: NodeView): void {
  const { context, theme, marks, shown, view, meter } = brush;
  const { k } = view;
  const sign = marks.signs.get(box);
  const painted = marks.parity.get(box);
  const left = x + Math.max(leastInset, insetLeft * k);
  let right = x + width - Math.max(leastInset, insetRight * k);
  const single = height <= 40 * k;
  const near = single ? 0 : shown.detail;
  const line = y + height / 2 + (opLine * k - height / 2) * near;

  if (sign) {
    const size = signSize(height);
    drawSign(brush, sign, right - size / 2, line, size);
    right -= size + 8;
  }
  if (shown.op === 0) return;
  context.textBaseline = "middle";
  context.textAlign = "left";
  context.globalAlpha = shown.op;
  context.fillStyle = theme.text;
  context.font = `600 ${opSize(k)}px ${theme.uiFont}`;
  const op = meter.cut(titleOf(node), right - left);
  context.fillText(op, left, line + 0.5);
  const opWidth = meter.width(op);
  if (marks.changed.has(box)) dots(brush, left, line + opSize(k) * 0.72, opWidth);

  context.font = `${monoSize(k)}px ${theme.monoFont}`;
  const room = right - left - opWidth - 12;
  const mono = (
    text: string,
    at: number,
    align: "left" | "right",
    baseline: number,
    alpha: number,
    keepEnd: boolean,
    space: number,
  ): void => {
    const cut = alpha > 0 ? meter.cut(text, space, keepEnd) : "";
    if (!cut) return;
    context.globalAlpha = alpha;
    context.textAlign = align;
    context.fillText(cut, at, baseline + 0.5);
  };
  const isParity = painted?.maxAbs !== undefined;
  context.fillStyle = isParity ? theme.text : theme.dim;
  const summary = isParity ? decimal(painted.maxAbs!) : node.summary;
  if (summary) mono(summary, right, "right", line, shown.summary, false, room);
  else if (single) mono(node.name, right, "right", line, shown.detail, true, room);
  context.fillStyle = theme.dim;
  if (!single) mono(node.name, left, "left", y + nameLine * k, shown.detail, true, x + width - insetRight * k - left);
  if (shown.detail > 0 && (node.chips.length > 0 || node.subgraphs.length > 0))
    drawChips(brush, node, left, y + (node.name ? chipTop : namelessChipTop) * k, x + width - insetRight * k);
  context.globalAlpha = 1;
}

/** A row of stored tensors and sub-graphs; what has no room is counted. */
function drawChips(brush: Brush, node: NodeView, left: number, top: number, right: number): void {
  const { context, theme, view, meter, shown } = brush;
  const { k } = view;
  const chips = [
    ...node.chips.map((chip) => ({ label: chip.label, text: shape(chip.shape) })),
    ...node.subgraphs.map(({ label }) => ({ label, text: "›" })),
  ];
  context.globalAlpha = shown.detail;
  context.textAlign = "left";
  const padding = 6 * k;
  let x = left;
  for (const [i, { label, text }] of chips.entries()) {
    const labelWidth = meter.width(label) + 5 * k;
    const width = labelWidth + meter.width(text) + 2 * padding;
    const more = `+${chips.length - i}`;
    const reserved = i < chips.length - 1 ? meter.width("+00") + 6 * k : 0;
    if (x + width + reserved > right) {
      context.fillStyle = theme.dim;
      context.fillText(more, x, top + (chipHeight * k) / 2 + 0.5);
      return;
    }
    context.beginPath();
    context.roundRect(x + 0.5, top + 0.5, width - 1, chipHeight * k - 1, 3 * k);
    context.fillStyle = theme.chip;
    context.fill();
    if (theme.highContrast) {
      context.strokeStyle = theme.nodeBorder;
      context.lineWidth = 1;
      context.stroke();
    }
    context.fillStyle = theme.dim;
    context.fillText(label, x + padding, top + (chipHeight * k) / 2 + 0.5);
    context.fillStyle = theme.text;
    context.fillText(text, x + padding + labelWidth, top + (chipHeight * k) / 2 + 0.5);
    x += width + 6 * k;
  }
}

/** It runs, but as something else. */
function dots({ context, theme }: Brush, x: number, y: number, width: number): void {
  context.fillStyle = theme.dim;
  for (let at = 0; at + 1.5 <= width; at += 4) context.fillRect(x + at, Math.round(y), 1.5, 1.5);
}

/** Round the selected box, outside by 1, by 3 where a problem's border must stay to be seen. */
export function drawRing(brush: Brush, box: number, color: string): void {
  const { context, marks, view } = brush;
  const { x, y, width, height } = screenRect(brush, box);
  const out = marks.signs.has(box) ? 3 : 1;
  const pill = !brush.scene.node(box);
  context.strokeStyle = color;
  context.lineWidth = 2;
  context.beginPath();
  const r = pill ? height / 2 + out : radius * Math.min(1, view.k) + out;
  context.roundRect(x - out + 0.5, y - out + 0.5, width + 2 * out - 1, height + 2 * out - 1, r);
  context.stroke();
}
