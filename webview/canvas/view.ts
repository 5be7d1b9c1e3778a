/** Where the page looks: screen = graph × k + (x, y), in CSS pixels. */
import type { Rect, Scene } from "./scene.ts";

export interface View {
  readonly k: number;
  readonly x: number;
  readonly y: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** From where a column of a thousand rows is seen whole. */
export const zoomLimits: readonly [number, number] = [0.002, 3];
/** Kept free round a fitted graph. */
const margin = 32;
/** Smaller, a fitted graph would be coloured bars, and nothing to read. */
const legible = 0.5;
/** What is too large to be fitted is entered so near that operators and attributes are read. */
const entered = 0.72;

/** The whole graph in the middle of the screen, never enlarged. */
export function fitted(graph: Size, screen: Size): View {
  const k = clamp(
    Math.min((screen.width - 2 * margin) / Math.max(1, graph.width), (screen.height - 2 * margin) / Math.max(1, graph.height), 1),
  );
  // What cannot be made small enough begins at the top.
  const y = Math.max(margin, (screen.height - graph.height * k) / 2);
  return { k, x: (screen.width - graph.width * k) / 2, y };
}

/** The whole graph where it is legible so; else its beginning, as wide as it can be, with `entry` in the middle. */
export function firstSight(graph: Size, entry: Rect | undefined, screen: Size): View {
  const whole = fitted(graph, screen);
  if (whole.k >= legible || !entry) return whole;
  const k = clamp(Math.max(entered, Math.min(1, (screen.width - 2 * margin) / Math.max(1, graph.width))));
  return { k, x: screen.width / 2 - (entry.x + entry.width / 2) * k, y: margin - entry.y * k };
}

/** As little movement as brings the box into view with some of its surroundings; zooms in where its text could not be read. */
export function revealed(view: View, box: Rect, screen: Size, center: boolean): View {
  const k = center ? Math.max(view.k, 0.9) : view.k;
  const at = { x: box.x * k + view.x, y: box.y * k + view.y };
  const inside =
    k === view.k &&
    at.x >= margin &&
    at.y >= margin &&
    at.x + box.width * k <= screen.width - margin &&
    at.y + box.height * k <= screen.height - margin;
  if (inside) return view;
  return center || box.width * k > screen.width - 2 * margin
    ? { k, x: screen.width / 2 - (box.x + box.width / 2) * k, y: screen.height / 2 - (box.y + box.height / 2) * k }
    : {
        k,
        x: view.x + into(at.x, box.width * k, screen.width),
        y: view.y + into(at.y, box.height * k, screen.height),
      };
}

/**
 * The point of the screen to zoom about: the selected box where it is in sight, else what of the graph is nearest the middle, so that
 * one never zooms into the void.
 */
export function zoomPoint(scene: Scene, view: View, screen: Size, selected: number | undefined): Point {
  const middle = { x: screen.width / 2, y: screen.height / 2 };
  const nearest = (box: number): Point => {
    const { x, y, width, height } = scene.rect(box);
    const between = (at: number, start: number, length: number): number => Math.min(start + length, Math.max(start, at));
    return {
      x: between(middle.x, x * view.k + view.x, width * view.k),
      y: between(middle.y, y * view.k + view.y, height * view.k),
    };
  };
  const inSight = ({ x, y }: Point): boolean => x >= 0 && y >= 0 && x <= screen.width && y <= screen.height;
  const own = selected === undefined ? undefined : nearest(selected);
  if (own && inSight(own)) return own;
  let best = middle;
  let least = Number.POSITIVE_INFINITY;
  scene.boxes.within(-view.y / view.k, (screen.height - view.y) / view.k, (box) => {
    const point = nearest(box);
    const far = (point.x - middle.x) ** 2 + (point.y - middle.y) ** 2;
    if (far >= least || !inSight(point)) return;
    least = far;
    best = point;
  });
  return best;
}

/** How far to move what begins at `start` so that it lies inside. */
function into(start: number, length: number, room: number): number {
  const near = 2 * margin;
  if (start < near) return near - start;
  return start + length > room - near ? room - near - start - length : 0;
}

const clamp = (k: number): number => Math.min(zoomLimits[1], Math.max(zoomLimits[0], k));
