import { expect, test } from "vitest";
import { dropKeptAxes } from "../../../src/optimize/rules/reductions.ts";
import { counted, float, graphOf, rewritten } from "../run.ts";

test("axes that are kept only to be dropped are not kept", async () => {
  const graph = graphOf((b) => b.reshape(b.reduce("Mean", float(b, "x", ["n", 5, 7, 3]), [1, 2], true), [-1, 3]));
  expect(await rewritten(graph, [dropKeptAxes])).toMatchObject({ ops: { Mean: 1 }, fired: { "drop-kept-axes": 1 } });
});

test("not where another axis goes, nor where the kept ones are read too", () => {
  const other = graphOf((b) => b.reshape(b.reduce("Max", float(b, "x", [1, 5, 7, 3]), [2], true), [5, 3]));
  const shared = graphOf((b) => {
    const mean = b.reduce("Mean", float(b, "x", [2, 5, 7, 3]), [1, 2], true);
    return [b.reshape(mean, [2, 3]), b.op("Neg", [mean])];
  });
  expect([counted(other, [dropKeptAxes]).fired, counted(shared, [dropKeptAxes]).fired]).toEqual([{}, {}]);
});
