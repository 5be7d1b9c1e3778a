import { describe, expect, test } from "vitest";
import type { Value } from "../../../src/graph/graph.ts";
import { tensorOf } from "../../../src/graph/tensor.ts";
import { castBack, identities, square } from "../../../src/optimize/rules/identities.ts";
import type { Builder } from "../../../src/tf/build.ts";
import { counted, float, graphOf, rewritten, weights } from "../run.ts";

const filled = (b: Builder, shape: readonly number[], value: number): Value =>
  b.constant(tensorOf("float32", shape, new Array(shape.reduce((a, c) => a * c, 1)).fill(value)));
const x = (b: Builder): Value => float(b, "x", ["n", 3, 5]);
const pads = (b: Builder): Value => b.reshape(b.ints([0, 0, 0, 0, 0, 0]), [3, 2]);

describe("gives back what it gets", () => {
  test.each<[string, (b: Builder) => Value]>([
    ["Identity", (b) => b.op("Identity", [x(b)])],
    ["x + 0", (b) => b.op("AddV2", [b.scalar("float32", 0), x(b)])],
    ["x + zeroes of its size", (b) => b.op("AddV2", [float(b, "x", [2, 3, 5]), filled(b, [3, 5], 0)])],
    ["x − 0", (b) => b.op("Sub", [x(b), b.scalar("float32", 0)])],
    ["x · 1", (b) => b.op("Mul", [x(b), b.scalar("float32", 1)])],
    ["x / 1", (b) => b.op("RealDiv", [x(b), filled(b, [1, 1], 1)])],
    ["a Concat of one", (b) => b.op("ConcatV2", [x(b), b.scalar("int32", 1)])],
    ["a Pad of nothing", (b) => b.op("PadV2", [x(b), pads(b), b.scalar("float32", 3)])],
    ["a Tile of one", (b) => b.op("Tile", [x(b), b.ints([1, 1, 1])])],
    ["a Slice of everything", (b) => b.slice(float(b, "x", [2, 3, 5]), [0, 0, 0], [-1, 3, 5])],
    [
      "a StridedSlice of everything",
      (b) => b.op("StridedSlice", [float(b, "x", [2, 3]), b.ints([0, 0]), b.ints([9, 9]), b.ints([1, 1])]),
    ],
    ["a BroadcastTo its own shape", (b) => b.op("BroadcastTo", [float(b, "x", [2, 3]), b.ints([2, 3])])],
    ["a condition that always holds", (b) => b.op("SelectV2", [b.constant(tensorOf("bool", [1], [1])), x(b), weights(b, [5])])],
  ])("%s", async (_, make) => {
    const graph = graphOf((b) => b.op("Neg", [make(b)]));
    expect(await rewritten(graph, [identities])).toMatchObject({ ops: { Neg: 1 }, fired: { identity: 1 } });
  });
});

describe("and these do not", () => {
  test.each<[string, (b: Builder) => Value]>([
    ["0 − x", (b) => b.op("Sub", [b.scalar("float32", 0), x(b)])],
    ["1 / x", (b) => b.op("RealDiv", [b.scalar("float32", 1), x(b)])],
    ["a sum that widens", (b) => b.op("AddV2", [float(b, "x", [1, 5]), filled(b, [3, 5], 0)])],
    ["a sum that may widen", (b) => b.op("AddV2", [float(b, "x", [undefined, 5]), filled(b, [3, 5], 0)])],
    ["a sum of another rank", (b) => b.op("AddV2", [float(b, "x", [5]), filled(b, [1, 1], 0)])],
    ["a StridedSlice backwards", (b) => b.op("StridedSlice", [float(b, "x", [3]), b.ints([-1]), b.ints([-9]), b.ints([-1])])],
    ["a Slice at the end", (b) => b.slice(float(b, "x", [3]), [1], [2])],
    ["a Tile of two", (b) => b.op("Tile", [float(b, "x", [3]), b.ints([2])])],
  ])("%s", (_, make) => {
    expect(counted(graphOf(make), [identities]).fired).toEqual({});
  });
});

test("a cast there and back is dropped where it loses nothing", () => {
  const back = (way: "float32" | "int64" | "int32") =>
    counted(
      graphOf((b) => b.cast(b.cast(b.input("x", { dtype: "int16", shape: [3] }), way === "int64" ? "float32" : way), "int16")),
      [castBack],
    ).fired;
  expect(back("float32")).toEqual({ "cast-back": 1 });
  const lossy = graphOf((b) => b.cast(b.cast(float(b, "x", [3]), "int32"), "float32"));
  expect(counted(lossy, [castBack]).fired).toEqual({});
});

test("a power of two is a square, of three is not", async () => {
  const power = (exponent: number) => graphOf((b) => b.op("Pow", [x(b), b.scalar("float32", exponent)]));
  expect(await rewritten(power(2), [square])).toMatchObject({ ops: { Square: 1 }, fired: { "pow-to-square": 1 } });
  expect(counted(power(3), [square]).fired).toEqual({});
});
