/** The canvas' pure parts; what is drawn is seen by the end-to-end pictures. */

import { describe, expect, test } from "vitest";
import { layOut } from "../../../src/layout/layout.ts";
import { layoutInput } from "../../../src/protocol/boxes.ts";
import { graphLinks, graphView } from "../../../src/protocol/graph-view.ts";
import type { ParityView, ProblemView, VerdictsView } from "../../../src/protocol/views.ts";
import { Bands } from "../../../webview/canvas/bands.ts";
import { css, over, parseColor } from "../../../webview/canvas/color.ts";
import { keyCommand } from "../../../webview/canvas/keys.ts";
import { marksOf, walkable } from "../../../webview/canvas/marks.ts";
import { Scene } from "../../../webview/canvas/scene.ts";
import { firstSight, fitted, revealed, zoomPoint } from "../../../webview/canvas/view.ts";
import { walk } from "../../../webview/canvas/walk.ts";
import { monoSize, opSize, shownAt } from "../../../webview/canvas/zoom-levels.ts";
import fc from "../../build/properties.ts";
import { encoder, squeezenet } from "../harness/models.ts";

const sceneOf = (model = squeezenet()): Scene => {
  const graph = graphView(model, 0);
  return new Scene({ graph, layout: layOut(layoutInput(graph)) });
};

describe("Bands", () => {
  test("finds once each what a plain search finds", () => {
    const spans = fc.array(fc.tuple(fc.integer({ min: -5000, max: 50_000 }), fc.nat(60_000)), { maxLength: 60 });
    fc.assert(
      fc.property(spans, fc.integer({ min: -9000, max: 60_000 }), fc.nat(9000), (things, top, height) => {
        const bands = new Bands(
          things.map(([at]) => at),
          things.map(([at, length]) => at + length),
        );
        const found: number[] = [];
        bands.within(top, top + height, (thing) => found.push(thing));
        const plain = things.flatMap(([at, length], i) => (at <= top + height && at + length >= top ? [i] : []));
        expect(found.sort((a, b) => a - b)).toEqual(plain);
      }),
      { numRuns: 300 },
    );
  });
});

describe("colours", () => {
  test("all spellings of VS Code's variables", () => {
    expect(parseColor(" #1f1f1f ")).toEqual({ r: 31, g: 31, b: 31, a: 1 });
    expect(parseColor("#fff")).toEqual({ r: 255, g: 255, b: 255, a: 1 });
    expect(parseColor("#ffffff80")?.a).toBeCloseTo(0.502, 3);
    expect(parseColor("rgba(234, 92, 0, 0.33)")).toEqual({ r: 234, g: 92, b: 0, a: 0.33 });
    expect(parseColor("rgb(10 20 30 / 50%)")).toEqual({ r: 10, g: 20, b: 30, a: 0.5 });
    expect(parseColor("inherit")).toBeUndefined();
    expect(parseColor("")).toBeUndefined();
  });

  test("a share of one over another", () => {
    const black = { r: 0, g: 0, b: 0, a: 1 };
    expect(css(over({ r: 200, g: 100, b: 50, a: 1 }, 0.5, black))).toBe("rgb(100, 50, 25)");
    expect(css(over({ r: 200, g: 100, b: 50, a: 0.5 }, 0.5, black))).toBe("rgb(50, 25, 13)");
  });
});

describe("Scene", () => {
  const scene = sceneOf();

  test("a point hits the box that it lies in", () => {
    for (let box = 0; box < scene.graph.boxes; box++) {
      const { x, y, width, height } = scene.rect(box);
      expect(scene.hit(x + width / 2, y + height / 2)).toBe(box);
      expect(scene.hit(x - 5, y + height / 2)).not.toBe(box);
    }
  });

  test("one label a value, beside a line and clear of all boxes", () => {
    const values = scene.labels.map(({ edge }) => scene.graph.edges[edge]!.value);
    expect(new Set(values).size).toBe(values.length);
    expect(values.length).toBeGreaterThan(40);
    for (const { x, y } of scene.labels) expect(scene.hit(x, y)).toBeUndefined();
  });

  test("begins at the topmost input", () => {
    expect(scene.pill(scene.entry()!)?.name).toBe("data");
  });
});

describe("walk", () => {
  const scene = sceneOf();
  const named = (name: string) => scene.graph.nodeViews.findIndex((node) => node.name === name);

  test("down and up follow edges, sideways the row", () => {
    const relu = named("squeezenet0_relu1_fwd");
    const below = walk(scene, relu, "down")!;
    expect(["squeezenet0_conv2_fwd", "squeezenet0_conv3_fwd"]).toContain(scene.graph.nodeViews[below]!.name);
    expect(walk(scene, below, "up")).toBe(relu);
    const [left, right] = [named("squeezenet0_conv2_fwd"), named("squeezenet0_conv3_fwd")].sort(
      (a, b) => scene.layout.x[a]! - scene.layout.x[b]!,
    );
    expect(walk(scene, left, "right")).toBe(right);
    expect(walk(scene, right, "left")).toBe(left);
    expect(walk(scene, left, "left")).toBe(left);
  });

  test("walking down from the first box ends at the last", () => {
    let box = walk(scene, undefined, "first")!;
    expect(scene.pill(box)?.kind).toBe("input");
    for (let i = 0; i < 100; i++) box = walk(scene, box, "down")!;
    expect(scene.pill(box)?.kind).toBe("output");
    expect(walk(scene, undefined, "last")).toBe(box);
  });

  test("nothing selected begins at the top; file order stops at its ends", () => {
    expect(walk(scene, undefined, "down")).toBe(walk(scene, undefined, "first"));
    expect(walk(scene, 0, "previous")).toBe(0);
    expect(walk(scene, 4, "next")).toBe(5);
    expect(walk(scene, scene.graph.boxes - 1, "next")).toBe(scene.graph.boxes - 1);
  });
});

describe("views", () => {
  const screen = { width: 1000, height: 800 };

  test("fitted: the whole graph inside, never enlarged", () => {
    const view = fitted({ width: 264, height: 7000 }, screen);
    expect(view.y).toBeGreaterThanOrEqual(0);
    expect(view.y + 7000 * view.k).toBeLessThanOrEqual(800);
    expect(fitted({ width: 100, height: 50 }, screen).k).toBe(1);
  });

  test("first sight: whole where legible, else its entry at the top, near enough to read", () => {
    const entry = { x: 100, y: 0, width: 264, height: 34 };
    expect(firstSight({ width: 500, height: 900 }, entry, screen)).toEqual(fitted({ width: 500, height: 900 }, screen));
    const near = firstSight({ width: 5000, height: 90_000 }, entry, screen);
    expect(near.k).toBeCloseTo(0.72);
    expect((entry.x + 132) * near.k + near.x).toBeCloseTo(500);
  });

  test("revealed: as little as needed, and then inside", () => {
    const box = { x: 0, y: 5000, width: 264, height: 76 };
    const at = { k: 1, x: 100, y: 0 };
    const moved = revealed(at, box, screen, false);
    expect(moved.x).toBe(100);
    expect(box.y + moved.y).toBeLessThan(800 - 76);
    expect(revealed(moved, box, screen, false)).toBe(moved);
    expect(revealed({ k: 0.1, x: 0, y: 0 }, box, screen, true).k).toBe(0.9);
  });

  test("zooms about the selected box in sight, else about the nearest one", () => {
    const scene = sceneOf();
    const last = scene.graph.boxes - 1;
    const rect = scene.rect(0);
    // The first box lies left of and above the middle, nearer to it than any other in sight.
    const view = { k: 1, x: 100 - rect.x, y: 100 - rect.y };
    const corner = { x: 100 + rect.width, y: 100 + rect.height };
    const small = { width: 1000, height: 2 * corner.y + 10 };
    expect(zoomPoint(scene, view, small, 0)).toEqual(corner);
    const point = zoomPoint(scene, view, small, last);
    const inside = ({ x, y }: { x: number; y: number }): boolean => scene.hit(x - view.x, y - view.y) !== undefined;
    expect(inside({ x: point.x - 1, y: point.y }) || inside(point)).toBe(true);
    const away = { k: 1, x: 50_000, y: 50_000 };
    expect(zoomPoint(scene, away, screen, undefined)).toEqual({ x: 500, y: 400 });
  });

  test("text never falls below 10.5 px and what fades is gone at the next level", () => {
    for (let zoom = 0.02; zoom < 3; zoom += 0.01) expect(Math.min(opSize(zoom), monoSize(zoom))).toBeGreaterThanOrEqual(10.5);
    expect(shownAt(1)).toMatchObject({ detail: 1, summary: 1, op: 1, boxes: true });
    expect(shownAt(0.75).detail).toBe(0);
    expect(shownAt(0.5)).toMatchObject({ summary: 0, op: 1 });
    expect(shownAt(0.3)).toMatchObject({ op: 0, arrows: 0, boxes: true });
    expect(shownAt(0.05)).toMatchObject({ edges: 0, boxes: false });
  });
});

describe("keys", () => {
  const key = (name: string, more: Partial<KeyboardEvent> = {}) =>
    keyCommand({ key: name, shiftKey: false, ctrlKey: false, metaKey: false, altKey: false, ...more });

  test("each key does one thing; VS Code keeps its own", () => {
    expect(key("ArrowDown")).toEqual({ kind: "walk", step: "down" });
    expect(key("ArrowDown", { shiftKey: true })).toEqual({ kind: "pan", x: 0, y: -80 });
    expect(key("n")).toEqual({ kind: "problem", step: 1 });
    expect(key("N", { shiftKey: true })).toEqual({ kind: "problem", step: -1 });
    expect(key("F8", { shiftKey: true })).toEqual({ kind: "problem", step: -1 });
    expect(key("f")).toEqual({ kind: "fit" });
    expect(key("Tab")).toBeUndefined();
    expect(key("f", { ctrlKey: true })).toBeUndefined();
    expect(key("p", { metaKey: true })).toBeUndefined();
  });
});

describe("marks", () => {
  const graph = graphView(encoder(2), 0);
  const links = graphLinks(encoder(2));
  const holder = graph.nodeViews.findIndex((node) => node.op === "If");
  const problem = (node: number, severity: ProblemView["severity"], id = 0): ProblemView => ({
    at: { graph: id, node },
    severity,
    code: "x",
    reason: "y",
  });
  const verdicts: VerdictsView = {
    backend: "wasm",
    problems: [
      problem(3, "warning"),
      problem(3, "error"),
      problem(4, "warning"),
      problem(5, "info"),
      problem(6, "error", 1),
      { severity: "error", code: "m", reason: "of the model" },
    ],
    backends: [],
    types: [{ graph: 0, value: graph.values[0]!.id, dtype: "float32", shape: [2, 3, "h"] }],
    support: [{ graph: 0, node: 7, backends: { cpu: "runs", wasm: "changed", webgl: "runs", webgpu: "runs" } }],
  };

  test("the worst sign of each node, of its sub-graphs too; infos draw nothing", () => {
    const marks = marksOf(graph, links, verdicts, undefined);
    expect(Object.fromEntries(marks.signs)).toEqual({ 3: "error", 4: "warning", [holder]: "error" }); // biome-ignore format: pairs
    expect([...marks.changed]).toEqual([7]);
    expect(marks.labels.get(graph.values[0]!.id)).toBe("2×3×h");
    expect(walkable(verdicts.problems).map(({ at }) => at.node)).toEqual([3, 3, 4, 6]);
  });

  test("the tint is centred on the tolerance, and the verdict decides the side", () => {
    const parity: ParityView = {
      backend: "wasm",
      tolerance: 1e-3,
      nodes: [
        { graph: 0, node: 0, verdict: "equal", maxAbs: 0 },
        { graph: 0, node: 1, verdict: "within", maxAbs: 9e-4 },
        { graph: 0, node: 2, verdict: "different", maxAbs: 1.1e-3 },
        { graph: 0, node: 3, verdict: "different", maxAbs: 1 },
        { graph: 0, node: 4, verdict: "different" },
        { graph: 0, node: 5, verdict: "not-compared" },
        { graph: 1, node: 6, verdict: "different", maxAbs: 1 },
      ],
      first: { graph: 0, node: 2 },
    };
    const marks = marksOf(graph, links, undefined, parity);
    const shares = [0, 1, 2, 3, 4].map((node) => marks.parity.get(node)!.share!);
    expect(shares[0]).toBe(-1);
    expect(shares[1]).toBeLessThan(0);
    expect(shares[2]).toBeGreaterThan(0);
    expect(shares.slice(3)).toEqual([1, 1]);
    expect(marks.parity.size).toBe(5);
    expect(marks.firstDifference).toBe(2);
  });
});
