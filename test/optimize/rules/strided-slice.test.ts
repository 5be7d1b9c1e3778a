import { expect, test } from "vitest";
import { cse } from "../../../src/optimize/rules/cse.ts";
import { sliceStrides } from "../../../src/optimize/rules/strided-slice.ts";
import type { Builder } from "../../../src/tf/build.ts";
import { counted, float, graphOf, rewritten } from "../run.ts";

const every = (b: Builder, begin: readonly number[], step: readonly number[], height = 6) =>
  b.op("StridedSlice", [float(b, "x", ["n", height, 8, 3]), b.ints(begin), b.ints([99, 99, 99, 99]), b.ints(step)], {
    begin_mask: 1,
    end_mask: 1,
  });

test("every s-th row and t-th column is a slice", async () => {
  for (const [begin, step] of [
    [
      [0, 1, 0, 0],
      [1, 2, 4, 1],
    ],
    [
      [0, 2, 1, 0],
      [1, 3, 1, 1],
    ],
    [
      [0, 0, 3, 0],
      [1, 1, 4, 1],
    ],
  ] as const) {
    const taken = step[2] === 1 ? 0 : begin[2];
    const { ops } = await rewritten(
      graphOf((b) => every(b, [0, begin[1], taken, 0], step)),
      [sliceStrides],
    );
    expect(ops).toEqual({ Reshape: 2, Slice: 1 });
  }
});

test("slices of one tensor share its reshaped form", async () => {
  const graph = graphOf((b) => {
    const x = float(b, "x", [2, 6, 8, 3]);
    const part = (row: number, column: number) =>
      b.op("StridedSlice", [x, b.ints([0, row, column, 0]), b.ints([2, 6, 8, 3]), b.ints([1, 2, 2, 1])]);
    return b.concat([part(0, 0), part(1, 0), part(0, 1), part(1, 1)], 3);
  });
  expect((await rewritten(graph, [sliceStrides, cse])).ops).toEqual({ Reshape: 5, Slice: 4, ConcatV2: 1 });
});

test("steps that do not divide, go back, or skip channels stay", () => {
  expect(
    counted(
      graphOf((b) => every(b, [0, 0, 0, 0], [1, 2, 2, 1], 7)),
      [sliceStrides],
    ).fired,
  ).toEqual({});
  expect(
    counted(
      graphOf((b) => every(b, [0, 0, 0, 0], [1, 1, 1, 2])),
      [sliceStrides],
    ).fired,
  ).toEqual({});
  expect(
    counted(
      graphOf((b) => every(b, [0, -2, 0, 0], [1, 2, 2, 1])),
      [sliceStrides],
    ).fired,
  ).toEqual({});
});
