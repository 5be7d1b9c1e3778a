import { expect, it } from "vitest";
import { elementCount } from "../../src/graph/tensor.ts";
import { stridesOf } from "../../src/tf/strided.ts";
import { broadcastStrides, walk, walkRows } from "../../src/tf/walk.ts";
import fc from "../build/properties.ts";

/** Offset of an element, by its index on each axis. */
const offsetOf = (index: readonly number[], strides: readonly number[]) =>
  index.reduce((sum, i, axis) => sum + i * strides[axis]!, 0);

function indices(shape: readonly number[]): number[][] {
  return Array.from({ length: elementCount(shape) }, (_, at) => {
    const strides = stridesOf(shape);
    return shape.map((size, axis) => Math.floor(at / strides[axis]!) % size);
  });
}

const shapes = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 5 });

it("every element is visited once, in order, at the offsets that its index has", () => {
  fc.assert(
    fc.property(
      shapes,
      fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
      fc.integer({ min: 0, max: 5 }),
      (out, kept, turn) => {
        const repeated = out.map((size, axis) => (kept[axis] ? size : 1));
        const turned = stridesOf(out).map((_, axis, all) => all[(axis + turn) % all.length]!);
        const strides = [broadcastStrides(repeated, out), turned, stridesOf(out)];
        const wanted = indices(out).map((index, at) => [at, ...strides.map((each) => offsetOf(index, each))]);
        const visited: number[][] = [];
        walk(out, strides, (at, offsets) => visited.push([at, ...offsets]));
        expect(visited).toEqual(wanted);
      },
    ),
  );
});

it("axes that all operands step through as one are one row", () => {
  const rows: unknown[] = [];
  const [shape, scale] = [
    [3, 5, 7, 1],
    [7, 1],
  ];
  walkRows(shape, [stridesOf(shape), broadcastStrides(scale, shape)], (at, offsets, count, steps) =>
    rows.push([at, [...offsets], count, steps]),
  );
  expect(rows).toEqual(Array.from({ length: 15 }, (_, i) => [7 * i, [7 * i, 0], 7, [1, 1]]));
  const whole: unknown[] = [];
  walkRows(shape, [stridesOf(shape), broadcastStrides([], shape)], (...row) => whole.push(row.slice(0, 3)));
  expect(whole).toEqual([[0, [0, 0], 105]]);
});
