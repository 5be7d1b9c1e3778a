import { describe, expect, test } from "vitest";
import { type Layout, type LayoutInput, layOut } from "../../src/layout/layout.ts";
import fc from "../build/properties.ts";

type Edge = readonly [number, number, number];

/** Boxes of 264×34 unless told; each source box gives one value. */
function input(size: number, pairs: readonly (readonly [number, number])[], roots: readonly number[] = []): LayoutInput {
  const edges = pairs.map(([a, b]): Edge => [a, b, a]);
  return { widths: new Array(size).fill(264), heights: new Array(size).fill(34), edges, roots };
}

const chain = (size: number): [number, number][] => Array.from({ length: size - 1 }, (_, i) => [i, i + 1]);
const centre = (drawn: Layout, box: number): number => drawn.x[box]! + drawn.boxWidths[box]! / 2;

function expectSound(given: LayoutInput, drawn: Layout): void {
  const numbers = [drawn.width, drawn.height, ...drawn.x, ...drawn.y, ...drawn.routes.flat()];
  expect(numbers.every(Number.isInteger)).toBe(true);
  for (let a = 0; a < given.widths.length; a++) {
    expect(drawn.x[a]!).toBeGreaterThanOrEqual(0);
    expect(drawn.x[a]! + given.widths[a]!).toBeLessThanOrEqual(drawn.width);
    expect(drawn.y[a]! + given.heights[a]!).toBeLessThanOrEqual(drawn.height);
    for (let b = 0; b < a; b++) {
      const apart =
        drawn.x[a]! + given.widths[a]! <= drawn.x[b]! ||
        drawn.x[b]! + given.widths[b]! <= drawn.x[a]! ||
        drawn.y[a]! + given.heights[a]! <= drawn.y[b]! ||
        drawn.y[b]! + given.heights[b]! <= drawn.y[a]!;
      if (!apart) throw new Error(`boxes ${b} and ${a} overlap`);
    }
  }
  given.edges.forEach(([from, to], e) => {
    const route = drawn.routes[e]!;
    const inside = (x: number, box: number): boolean => x >= drawn.x[box]! && x <= drawn.x[box]! + given.widths[box]!;
    expect(inside(route[0]!, from)).toBe(true);
    expect(route[1]!).toBe(drawn.y[from]! + given.heights[from]!);
    expect(inside(route[route.length - 2]!, to)).toBe(true);
    expect(route[route.length - 1]!).toBe(drawn.y[to]!);
    for (let i = 0; i < route.length; i += 2) {
      expect(route[i]! >= 0 && route[i]! <= drawn.width && route[i + 1]! >= 0 && route[i + 1]! <= drawn.height).toBe(true);
    }
  });
}

/** Sizes, edges in any direction, cycles, loops and repeats included. */
const anyGraph = fc.integer({ min: 1, max: 40 }).chain((size) =>
  fc.record({
    widths: fc.array(fc.integer({ min: 1, max: 300 }), { minLength: size, maxLength: size }),
    heights: fc.array(fc.integer({ min: 1, max: 90 }), { minLength: size, maxLength: size }),
    edges: fc.array(fc.tuple(fc.nat(size - 1), fc.nat(size - 1), fc.nat(3)), { maxLength: 3 * size }),
    roots: fc.uniqueArray(fc.nat(size - 1), { maxLength: 4 }),
  }),
);

describe("layOut", () => {
  test("any graph: whole pixels, no overlaps, edges from bottom to top of their boxes", () => {
    fc.assert(
      fc.property(anyGraph, (given) => {
        expectSound(given, layOut(given));
      }),
      { numRuns: 300 },
    );
  });

  test("without cycles every edge goes down", () => {
    fc.assert(
      fc.property(anyGraph, (given) => {
        const edges = given.edges.filter(([a, b]) => a !== b).map(([a, b, v]): Edge => (a < b ? [a, b, v] : [b, a, v]));
        const drawn = layOut({ ...given, edges });
        for (const [from, to] of edges) expect(drawn.y[from]! + given.heights[from]!).toBeLessThan(drawn.y[to]!);
        for (const route of drawn.routes) {
          for (let i = 3; i < route.length; i += 2) expect(route[i]!).toBeGreaterThanOrEqual(route[i - 2]!);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("the same input gives the same drawing", () => {
    fc.assert(
      fc.property(anyGraph, (given) => {
        expect(layOut(given)).toEqual(layOut(given));
      }),
    );
  });

  test("nothing, and one box", () => {
    expect(layOut(input(0, []))).toMatchObject({ width: 0, height: 0 });
    expect(layOut(input(1, []))).toMatchObject({ width: 264, height: 34, x: [0], y: [0] });
  });

  test("a chain is one straight column, also between boxes of odd widths", () => {
    const given = { ...input(5, chain(5)), widths: [56, 264, 264, 272, 60] };
    const drawn = layOut(given);
    const straight = centre(drawn, 0);
    for (let box = 1; box < 5; box++) expect(centre(drawn, box)).toBe(straight);
    for (const route of drawn.routes) expect(route.length).toBe(4);
    expect(drawn.y).toEqual([0, 70, 140, 210, 280]);
  });

  test("residual blocks: the main path stays straight, each skip has its own straight lane beside it", () => {
    const blocks = 12;
    const pairs: [number, number][] = [];
    for (let b = 0; b < blocks; b++) for (let i = 0; i < 4; i++) pairs.push([4 * b + i, 4 * b + i + 1]);
    const skips = Array.from({ length: blocks }, (_, b): [number, number] => [4 * b, 4 * b + 4]);
    const given = input(4 * blocks + 1, [...pairs, ...skips]);
    const drawn = layOut(given);
    expectSound(given, drawn);
    const column = centre(drawn, 0);
    for (let box = 1; box <= 4 * blocks; box++) expect(centre(drawn, box)).toBe(column);
    for (let e = pairs.length; e < given.edges.length; e++) {
      const route = drawn.routes[e]!;
      expect(route.length).toBe(12);
      expect(Math.abs(route[4]! - column)).toBeGreaterThan(132);
      expect(route[4]).toBe(route[6]);
    }
  });

  test("a fork stands evenly about what it comes from", () => {
    // 0 → 1, 2, 3 → 4
    const drawn = layOut(input(5, [[0, 1], [0, 2], [0, 3], [1, 4], [2, 4], [3, 4]])); // biome-ignore format: pairs
    expect(centre(drawn, 2)).toBe(centre(drawn, 0));
    expect(centre(drawn, 4)).toBe(centre(drawn, 0));
    expect(centre(drawn, 0) - centre(drawn, 1)).toBe(centre(drawn, 3) - centre(drawn, 0));
  });

  test("a join stands under the fork it closes, block after block, however lopsided the branches", () => {
    const pairs: [number, number][] = [];
    const forks = [0];
    let at = 0;
    for (let block = 0; block < 50; block++) {
      // q, k, v: the score joins q and k, the context joins score and v; the residual joins the block.
      const [q, k, v, score, soft, context, sum] = [1, 2, 3, 4, 5, 6, 7].map((i) => at + i) as [
        number,
        number,
        number,
        number,
        number,
        number,
        number,
      ];
      pairs.push(
        [at, q],
        [at, k],
        [at, v],
        [q, score],
        [k, score],
        [score, soft],
        [soft, context],
        [v, context],
        [context, sum],
        [at, sum],
      );
      at = sum;
      forks.push(at);
    }
    const drawn = layOut(input(at + 1, pairs, [0]));
    expect(new Set(forks.map((box) => centre(drawn, box))).size).toBe(1);
    expect(drawn.width).toBeLessThan(5 * 300);
  });

  test("a constant stands just above its first reader, and does not pull the chain aside", () => {
    const drawn = layOut(input(8, [...chain(7), [7, 5], [7, 6]], [0])); // biome-ignore format: pairs
    expect(drawn.y[7]).toBe(drawn.y[4]);
    for (let box = 1; box < 7; box++) expect(centre(drawn, box)).toBe(centre(drawn, 0));
  });

  test("a cycle is closed by one edge that runs up in a lane outside the boxes", () => {
    const given = input(4, [[0, 1], [1, 2], [2, 1], [2, 3]], [0]); // biome-ignore format: pairs
    const drawn = layOut(given);
    expectSound(given, drawn);
    expect([0, 1, 2, 3].map((box) => drawn.y[box]!)).toEqual([...drawn.y].sort((a, b) => a - b));
    const back = drawn.routes[2]!;
    const lane = back[4]!;
    expect(lane > drawn.x[1]! + 264 || lane < drawn.x[1]!).toBe(true);
  });

  test("components stand beside each other, the largest first", () => {
    const drawn = layOut(input(5, [[1, 2], [2, 3]])); // biome-ignore format: pairs
    expect([1, 2, 3].map((box) => drawn.x[box])).toEqual([0, 0, 0]);
    expect(drawn.x[0]).toBeGreaterThan(264);
    expect(drawn.x[4]).toBe(drawn.x[0]);
    expect(drawn.y[4]).toBeGreaterThan(drawn.y[0]!);
  });

  test("a chain of 100 000 at the default stack", { timeout: 60_000 }, () => {
    const size = 100_000;
    const drawn = layOut(input(size, chain(size)));
    expect(new Set(drawn.x).size).toBe(1);
    expect(drawn.y[size - 1]).toBe(70 * (size - 1));
  });

  test("values read from far away stay linear: a constant read by each of 20 000 links", { timeout: 60_000 }, () => {
    const size = 20_001;
    const given = input(size, [
      ...chain(size - 1),
      ...Array.from({ length: size - 1 }, (_, i): [number, number] => [size - 1, i]),
    ]);
    const drawn = layOut(given);
    expect(drawn.routes.every((route) => route.length <= 12)).toBe(true);
  });
});
