import { describe, expect, test } from "vitest";
import type { Value } from "../../../src/graph/graph.ts";
import { sinkAxes } from "../../../src/optimize/rules/sink-axes.ts";
import { sinkElementwise } from "../../../src/optimize/rules/sink-elementwise.ts";
import { sinkConcat } from "../../../src/optimize/rules/sink-joins.ts";
import type { Builder } from "../../../src/tf/build.ts";
import { cancel, island, toFirst, toLast } from "../layouts.ts";
import { counted, float, graphOf, rewritten } from "../run.ts";

const rules = [...cancel, sinkElementwise, sinkAxes, sinkConcat];

describe("through ops that name axes", () => {
  const strided = { begin_mask: 0b0100, end_mask: 0b1000, new_axis_mask: 0, shrink_axis_mask: 0, ellipsis_mask: 0 };
  test.each<[string, (b: Builder, x: Value) => Value]>([
    ["PadV2", (b, x) => b.op("PadV2", [x, b.reshape(b.ints([0, 0, 1, 2, 0, 3, 4, 0]), [4, 2]), b.scalar("float32", -1)])],
    ["MirrorPad", (b, x) => b.op("MirrorPad", [x, b.reshape(b.ints([0, 0, 0, 0, 1, 2, 3, 0]), [4, 2])], { mode: "REFLECT" })],
    ["Slice", (b, x) => b.slice(x, [1, 0, 2, 3], [1, 2, 3, -1])],
    ["Tile", (b, x) => b.op("Tile", [x, b.ints([1, 2, 1, 3])])],
    ["ReverseV2", (b, x) => b.op("ReverseV2", [x, b.ints([1, 3])])],
    ["Cumsum", (b, x) => b.op("Cumsum", [x, b.scalar("int32", 2)])],
    ["GatherV2", (b, x) => b.gather(x, b.ints([2, 0]), 1)],
    ["Max", (b, x) => b.reduce("Max", x, [-1], true)],
    [
      "StridedSlice",
      (b, x) => b.op("StridedSlice", [x, b.ints([0, 0, 1, 1]), b.ints([2, 2, 4, 7]), b.ints([1, 1, 2, 3])], strided),
    ],
    [
      "StridedSlice by computed bounds",
      (b, x) => b.op("StridedSlice", [x, b.ints([0, 0, 1, 1]), b.op("Shape", [x]), b.ints([1, 1, 1, 1])]),
    ],
    ["Sum", (b, x) => b.op("AddV2", [x, b.reduce("Sum", x, [1, 2], true)])],
  ])("%s", async (_, make) => {
    const { ops } = await rewritten(island(make), rules);
    expect(ops["Transpose"]).toBeUndefined();
  });

  test("a reduction that drops its axes", async () => {
    const graph = graphOf((b) => b.reduce("Mean", b.transpose(float(b, "x", [2, 5, 7, 3]), toFirst), [2, 3], false));
    const { ops } = await rewritten(graph, rules);
    expect(ops).toEqual({ Mean: 1 });
  });

  test("ArgMax over the channels", async () => {
    const graph = graphOf((b) =>
      b.op("ArgMax", [b.transpose(float(b, "x", [2, 5, 7, 3]), toFirst), b.scalar("int32", 1)], { output_type: "int32" }),
    );
    const { ops } = await rewritten(graph, rules);
    expect(ops).toEqual({ ArgMax: 1 });
  });

  test("every part of a Split", async () => {
    const graph = graphOf((b) => {
      const x = b.transpose(float(b, "x", [2, 5, 7, 6]), toFirst);
      const parts = b.ops("SplitV", [x, b.ints([1, 3, 2]), b.scalar("int32", 1)], { num_split: 3 });
      return b.transpose(b.concat([parts[2]!, parts[0]!, parts[1]!], 1), toLast);
    });
    const { ops } = await rewritten(graph, rules);
    expect(ops).toEqual({ SplitV: 1, ConcatV2: 1 });
  });

  test("Softmax only where the last axis stays", async () => {
    const last = graphOf((b) => b.op("Softmax", [b.transpose(float(b, "x", [2, 5, 7, 3]), [2, 0, 1, 3])]));
    expect((await rewritten(last, rules)).fired).toEqual({ "sink-transpose-axes": 1 });
    expect(
      counted(
        island((b, x) => b.op("Softmax", [x])),
        rules,
      ).fired,
    ).toEqual({});
  });
});
