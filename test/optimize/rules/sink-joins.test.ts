import { describe, expect, test } from "vitest";
import { sinkElementwise } from "../../../src/optimize/rules/sink-elementwise.ts";
import { sinkConcat, sinkExpandDims, sinkSqueeze } from "../../../src/optimize/rules/sink-joins.ts";
import { cancel, island, toFirst } from "../layouts.ts";
import { counted, float, graphOf, rewritten, weights } from "../run.ts";

const rules = [...cancel, sinkElementwise, sinkConcat, sinkSqueeze, sinkExpandDims];

describe("through joins and unit axes", () => {
  test("Concat, constants among its parts", async () => {
    const graph = island((b, x) => b.concat([x, weights(b, [2, 2, 5, 7]), b.op("Neg", [x])], 1));
    expect((await rewritten(graph, rules)).ops).toEqual({ Neg: 1, ConcatV2: 1 });
  });

  test("Concat not with a part in the other layout", () => {
    const graph = graphOf((b) => b.concat([b.transpose(float(b, "x", [2, 5, 7, 3]), toFirst), float(b, "z", [2, 4, 5, 7])], 1));
    expect(counted(graph, rules).fired).toEqual({});
  });

  test("Squeeze and ExpandDims, as round a convolution over one axis", async () => {
    const graph = graphOf((b) => {
      const first = b.transpose(b.squeeze(float(b, "x", ["n", 1, 7, 3]), [1]), [0, 2, 1]);
      const last = b.transpose(b.op("Relu", [first]), [0, 2, 1]);
      return b.op("ExpandDims", [last, b.scalar("int32", 1)]);
    });
    expect((await rewritten(graph, rules)).ops["Transpose"]).toBeUndefined();
  });

  test("ExpandDims below a Transpose, first and last", async () => {
    for (const axis of [0, 1, 3]) {
      const graph = graphOf((b) =>
        b.op("ExpandDims", [b.transpose(float(b, "x", [2, 7, 3]), [0, 2, 1]), b.scalar("int32", axis)]),
      );
      expect((await rewritten(graph, rules)).fired).toEqual({ "sink-transpose-expand": 1 });
    }
  });
});

test("a Concat whose Transpose moves only axes of size 1 is left alone, or two would chase each other", () => {
  const graph = graphOf((b) =>
    b.concat([b.transpose(float(b, "x", [1, 1, 1, 1]), [0, 3, 1, 2]), float(b, "y", [2, 1, 1, 1])], 0),
  );
  expect(counted(graph, [sinkConcat]).fired).toEqual({});
});
