import { expect, test } from "vitest";
import type { Value } from "../../../src/graph/graph.ts";
import { meanToPool } from "../../../src/optimize/rules/pooled-means.ts";
import type { Builder } from "../../../src/tf/build.ts";
import { type Backend, counted, float, graphOf, rewritten } from "../run.ts";

const both: readonly Backend[] = ["cpu", "wasm"];
const relu6 = (b: Builder, shape: readonly (number | string)[] = ["n", 5, 7, 3]): Value => b.op("Relu6", [float(b, "x", shape)]);

test.each<[string, readonly number[], boolean, number]>([
  ["rows and columns", [1, 2], true, 1],
  ["rows and columns, dropped", [1, -2], false, 1],
  ["columns", [2], true, 1],
])("a mean over %s is a pool", async (_, axes, keep, pools) => {
  const { ops } = await rewritten(
    graphOf((b) => b.reduce("Mean", relu6(b), axes, keep)),
    [meanToPool],
    both,
  );
  expect([ops["AvgPool"], ops["Mean"]]).toEqual([pools, undefined]);
});

test("a long one is two", async () => {
  const { ops } = await rewritten(
    graphOf((b) => b.reduce("Mean", relu6(b, [1, 17, 19, 3]), [1, 2], true)),
    [meanToPool],
    both,
  );
  expect(ops).toEqual({ Relu6: 1, AvgPool: 2 });
});

test("through what keeps the bounds", async () => {
  const graph = graphOf((b) => {
    const x = relu6(b);
    return b.reduce("Mean", b.concat([x, b.op("AddV2", [x, x])], 3), [1, 2], true);
  });
  expect((await rewritten(graph, [meanToPool])).fired).toEqual({ "mean-to-pool": 1 });
});

test("not of values that may be NaN, over channels, or of unknown size", () => {
  const fired = (make: (b: Builder) => Value) => counted(graphOf(make), [meanToPool]).fired;
  expect(fired((b) => b.reduce("Mean", b.op("Relu", [float(b, "x", [2, 5, 7, 3])]), [1, 2], true))).toEqual({});
  expect(fired((b) => b.reduce("Mean", relu6(b), [1, 2, 3], true))).toEqual({});
  expect(fired((b) => b.reduce("Mean", relu6(b, ["n", "h", 7, 3]), [1, 2], true))).toEqual({});
});
