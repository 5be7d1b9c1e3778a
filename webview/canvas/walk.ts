/** Moving the selection by key: along edges, across the row, through the file. Pure, so that it is tested without a page. */
import type { Scene } from "./scene.ts";

export type Step = "down" | "up" | "left" | "right" | "next" | "previous" | "first" | "last";

/** The box to go to, or the same one where there is none. */
export function walk(scene: Scene, from: number | undefined, step: Step): number | undefined {
  const boxes = scene.graph.boxes;
  if (boxes === 0) return undefined;
  if (step === "first")
    return extreme(scene, (a, b) => scene.layout.y[a]! - scene.layout.y[b]! || scene.layout.x[a]! - scene.layout.x[b]!);
  if (step === "last")
    return extreme(scene, (a, b) => scene.layout.y[b]! - scene.layout.y[a]! || scene.layout.x[b]! - scene.layout.x[a]!);
  if (from === undefined) return walk(scene, undefined, "first");
  if (step === "next") return Math.min(from + 1, boxes - 1);
  if (step === "previous") return Math.max(from - 1, 0);
  const found = step === "down" || step === "up" ? along(scene, from, step) : across(scene, from, step);
  return found ?? from;
}

const middle = (scene: Scene, box: number): number => scene.layout.x[box]! + scene.layout.boxWidths[box]! / 2;

function extreme(scene: Scene, order: (a: number, b: number) => number): number {
  let best = 0;
  for (let box = 1; box < scene.graph.boxes; box++) if (order(box, best) < 0) best = box;
  return best;
}

/** The neighbour straightest below or above; the nearer row where two are as straight. */
function along(scene: Scene, from: number, step: "down" | "up"): number | undefined {
  const edges = step === "down" ? scene.edgesFrom(from) : scene.edgesTo(from);
  let best: number | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const e of edges) {
    const edge = scene.graph.edges[e]!;
    const box = step === "down" ? edge.to : edge.from;
    if (box === from) continue;
    const aside = Math.abs(middle(scene, box) - middle(scene, from));
    const far = Math.abs(scene.layout.y[box]! - scene.layout.y[from]!);
    const cost = 4 * aside + far;
    if (cost < least) {
      least = cost;
      best = box;
    }
  }
  return best;
}

/** The next box to the side whose heights overlap. */
function across(scene: Scene, from: number, step: "left" | "right"): number | undefined {
  const { y, boxHeights } = scene.layout;
  const sign = step === "right" ? 1 : -1;
  let best: number | undefined;
  let least = Number.POSITIVE_INFINITY;
  scene.boxes.within(y[from]!, y[from]! + boxHeights[from]!, (box) => {
    const aside = sign * (middle(scene, box) - middle(scene, from));
    if (box !== from && aside > 0 && aside < least) {
      least = aside;
      best = box;
    }
  });
  return best;
}
