import { expect, test } from "vitest";
import { mergeTransposes } from "../../../src/optimize/rules/merge-transposes.ts";
import { mergeReshapes } from "../../../src/optimize/rules/reshapes.ts";
import { shapeOfTranspose, sinkThroughReshape } from "../../../src/optimize/rules/sink-reshape.ts";
import { counted, float, graphOf, rewritten } from "../run.ts";

const rules = [sinkThroughReshape, mergeTransposes, mergeReshapes];

test("pixels of an image to tokens: the way to N C H W and back falls away", async () => {
  const graph = graphOf((b) =>
    b.transpose(b.reshape(b.transpose(float(b, "x", [2, 3, 5, 7]), [0, 3, 1, 2]), [2, 7, 15]), [0, 2, 1]),
  );
  const { ops, fired } = await rewritten(graph, rules);
  expect([ops, fired]).toEqual([{ Reshape: 1 }, { "sink-transpose-reshape": 1, "merge-transposes": 1 }]);
});

test("tokens to an image, with symbols", () => {
  const graph = graphOf((b) => b.reshapeTo(b.transpose(float(b, "x", ["n", 15, 7]), [0, 2, 1]), ["n", 7, 3, 5]));
  expect(counted(graph, rules).ops).toEqual({ Reshape: 1, Transpose: 1 });
});

test("channels split before the next Transpose", async () => {
  const graph = graphOf((b) => {
    const first = b.transpose(float(b, "x", [2, 3, 5, 6]), [0, 3, 1, 2]);
    return b.transpose(b.reshape(first, [2, 2, 3, 3, 5]), [0, 1, 3, 4, 2]);
  });
  const { ops } = await rewritten(graph, rules);
  expect(ops).toEqual({ Reshape: 1, Transpose: 1 });
});

test.each([
  ["axes that were apart are joined", [2, 3, 5, 7], [0, 3, 1, 2], [2, 105]],
  ["heads are joined", [2, 3, 5, 7], [0, 2, 1, 3], [2, 5, 21]],
  ["blocks do not fit", [2, 3, 4, 7], [0, 3, 1, 2], [2, 14, 6]],
])("stays where %s", (_, shape, perm, to) => {
  const graph = graphOf((b) => b.reshape(b.transpose(float(b, "x", shape), perm), to));
  expect(counted(graph, [sinkThroughReshape]).fired).toEqual({});
});

test("Shape does not keep a Transpose alive", async () => {
  const graph = graphOf((b) => b.op("Shape", [b.transpose(float(b, "x", ["n", "h", "w", 7]), [0, 3, 1, 2])]));
  const { ops } = counted(graph, [shapeOfTranspose]);
  expect(ops).toEqual({ Shape: 1, GatherV2: 1 });
});
