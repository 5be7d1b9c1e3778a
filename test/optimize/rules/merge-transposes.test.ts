import { expect, test } from "vitest";
import { mergeTransposes, transposeOfReshape, transposeToReshape } from "../../../src/optimize/rules/merge-transposes.ts";
import { counted, float, graphOf, rewritten } from "../run.ts";

test("two Transposes that undo each other vanish", async () => {
  const graph = graphOf((b) => b.op("Relu", [b.transpose(b.transpose(float(b, "x", [2, 3, 7, 5]), [0, 2, 3, 1]), [0, 3, 1, 2])]));
  const { ops, fired } = await rewritten(graph, [mergeTransposes]);
  expect(ops).toEqual({ Relu: 1 });
  expect(fired).toEqual({ "merge-transposes": 1 });
});

test("two others become one, in the right order", async () => {
  const graph = graphOf((b) => b.transpose(b.transpose(float(b, "x", [2, 3, 7, 5]), [1, 2, 0, 3]), [3, 0, 2, 1]));
  const { ops } = await rewritten(graph, [mergeTransposes]);
  expect(ops).toEqual({ Transpose: 1 });
});

test("a computed permutation is left alone", () => {
  const graph = graphOf((b) => {
    const perm = b.input("perm", { dtype: "int32", shape: [3] });
    return b.op("Transpose", [b.transpose(float(b, "x", [2, 3, 7]), [1, 2, 0]), perm]);
  });
  expect(counted(graph, [mergeTransposes]).fired).toEqual({});
});

test("a Transpose that moves only axes of size 1 becomes a Reshape", async () => {
  const graph = graphOf((b) => b.transpose(float(b, "x", ["n", 1, 1, 7]), [0, 3, 1, 2]));
  const { ops } = await rewritten(graph, [transposeToReshape]);
  expect(ops).toEqual({ Reshape: 1 });
});

test("one that moves another axis stays", () => {
  const graph = graphOf((b) => b.transpose(float(b, "x", [2, 1, 3, 7]), [0, 3, 1, 2]));
  expect(counted(graph, [transposeToReshape]).fired).toEqual({});
});

test("over a Reshape it merges before the target is known", async () => {
  const graph = graphOf((b) => b.transpose(b.reshape(float(b, "x", [2, 7]), [2, 1, 1, 7]), [0, 3, 1, 2]));
  const { fired, ops } = await rewritten(graph, [transposeOfReshape]);
  expect([fired, ops]).toEqual([{ "transpose-of-reshape": 1 }, { Reshape: 2 }]);
});
