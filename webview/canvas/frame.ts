/** All that one frame is drawn from. Plain data: the same frame gives the same pixels. */
import type { Marks } from "./marks.ts";
import type { Scene } from "./scene.ts";
import type { TextMeter } from "./text.ts";
import type { Theme } from "./theme.ts";
import type { Size, View } from "./view.ts";
import type { Shown } from "./zoom-levels.ts";

export interface Frame {
  readonly scene: Scene;
  readonly view: View;
  readonly size: Size;
  readonly theme: Theme;
  readonly marks: Marks;
  readonly selected: number | undefined;
  readonly hovered: number | undefined;
}

/** A frame with what every drawing function needs. */
export interface Brush extends Frame {
  readonly context: CanvasRenderingContext2D;
  readonly meter: TextMeter;
  readonly shown: Shown;
  /** Device pixels a CSS pixel. */
  readonly ratio: number;
}

export const screenX = ({ view }: Frame, x: number): number => x * view.k + view.x;
export const screenY = ({ view }: Frame, y: number): number => y * view.k + view.y;

/** On a whole device pixel. */
export const snap = ({ ratio }: Brush, at: number): number => Math.round(at * ratio) / ratio;

/** Where the middle of a line of `width` goes so that both its sides fall on device pixels. */
export function snapLine(brush: Brush, at: number, width: number): number {
  const odd = Math.round(width * brush.ratio) % 2 === 1;
  return snap(brush, at) + (odd ? 0.5 / brush.ratio : 0);
}

/** A box in CSS pixels, its sides on whole device pixels. */
export function screenRect(brush: Brush, box: number): { x: number; y: number; width: number; height: number } {
  const rect = brush.scene.rect(box);
  const x = snap(brush, screenX(brush, rect.x));
  const y = snap(brush, screenY(brush, rect.y));
  return {
    x,
    y,
    width: snap(brush, screenX(brush, rect.x + rect.width)) - x,
    height: snap(brush, screenY(brush, rect.y + rect.height)) - y,
  };
}
