import { expect, test } from "vitest";
import type { Value } from "../../../src/graph/graph.ts";
import { padToConv, padToPool } from "../../../src/optimize/rules/pads.ts";
import type { Builder } from "../../../src/tf/build.ts";
import { counted, float, graphOf, rewritten, weights } from "../run.ts";

const pad = (b: Builder, x: Value, rows: readonly number[], value: number): Value =>
  b.op("PadV2", [x, b.reshape(b.ints(rows), [4, 2]), b.scalar("float32", value)]);
const conv = (b: Builder, x: Value, padding = {}): Value =>
  b.op("Conv2D", [x, weights(b, [3, 2, 3, 4])], { strides: [1, 2, 1, 1], padding: "VALID", ...padding });
const pool = (b: Builder, x: Value, size: number, stride: number): Value =>
  b.op("MaxPool", [x], { ksize: [1, size, size, 1], strides: [1, stride, stride, 1], padding: "VALID" });

test("zeroes before a convolution become its padding", async () => {
  const graph = graphOf((b) => conv(b, pad(b, float(b, "x", [2, 7, 5, 3]), [0, 0, 1, 2, 0, 1, 0, 0], 0)));
  expect(await rewritten(graph, [padToConv])).toMatchObject({ ops: { Conv2D: 1 }, fired: { "pad-to-conv": 1 } });
});

test("and are added to what it has", async () => {
  const own = { padding: "EXPLICIT", explicit_paddings: [0, 0, 1, 0, 2, 1, 0, 0] };
  const graph = graphOf((b) => conv(b, pad(b, float(b, "x", [2, 7, 5, 3]), [0, 0, 1, 2, 0, 1, 0, 0], 0), own));
  const { graph: after } = await rewritten(graph, [padToConv]);
  expect(after.outputs[0]!.value.node.attrs["explicit_paddings"]).toEqual([0, 0, 2, 2, 2, 2, 0, 0]);
});

test("not other numbers, other axes, or negative pads", () => {
  const fired = (rows: readonly number[], value: number) =>
    counted(
      graphOf((b) => conv(b, pad(b, float(b, "x", [2, 7, 5, rows[6] ? 2 : 3]), rows, value))),
      [padToConv],
    ).fired;
  expect(fired([0, 0, 1, 2, 0, 1, 0, 0], 1)).toEqual({});
  expect(fired([0, 0, 1, 2, 0, 1, 1, 0], 0)).toEqual({});
  expect(fired([0, 0, -1, 2, 0, 1, 0, 0], 0)).toEqual({});
});

test("−∞ before a MaxPool becomes SAME where that pads alike", async () => {
  const graph = graphOf((b) =>
    pool(b, pad(b, float(b, "x", [2, 7, 5, 3]), [0, 0, 1, 1, 1, 1, 0, 0], Number.NEGATIVE_INFINITY), 3, 1),
  );
  expect(await rewritten(graph, [padToPool])).toMatchObject({ ops: { MaxPool: 1 }, fired: { "pad-to-pool": 1 } });
});

test("not where SAME would begin elsewhere, nor with zeroes", () => {
  const fired = (size: number, value: number) =>
    counted(
      graphOf((b) => pool(b, pad(b, float(b, "x", [2, size, size, 3]), [0, 0, 1, 1, 1, 1, 0, 0], value), 3, 2)),
      [padToPool],
    ).fired;
  expect(fired(6, Number.NEGATIVE_INFINITY)).toEqual({});
  expect(fired(7, 0)).toEqual({});
  expect(fired(7, Number.NEGATIVE_INFINITY)).toEqual({ "pad-to-pool": 1 });
});
