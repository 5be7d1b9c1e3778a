import { describe, expect, test } from "vitest";
import type { Value } from "../../../src/graph/graph.ts";
import { sinkAxes } from "../../../src/optimize/rules/sink-axes.ts";
import { sinkElementwise } from "../../../src/optimize/rules/sink-elementwise.ts";
import type { Builder } from "../../../src/tf/build.ts";
import { cancel, island, toFirst } from "../layouts.ts";
import { counted, float, graphOf, rewritten, weights } from "../run.ts";

const rules = [...cancel, sinkElementwise, sinkAxes];

describe("through elementwise ops", () => {
  test.each<[string, (b: Builder, x: Value) => Value]>([
    ["one operand", (b, x) => b.op("Relu", [x])],
    ["a scalar", (b, x) => b.op("Mul", [b.scalar("float32", 1.7), x])],
    ["a constant a channel", (b, x) => b.op("AddV2", [x, weights(b, [3, 1, 1])])],
    ["a constant of full rank", (b, x) => b.op("Sub", [weights(b, [1, 3, 5, 1]), x])],
    ["a vector over the last axis", (b, x) => b.op("Mul", [x, weights(b, [7])])],
    ["itself", (b, x) => b.op("Mul", [x, b.op("Sigmoid", [x])])],
    ["its own mean", (b, x) => b.op("Sub", [x, b.reduce("Mean", x, [2, 3], true)])],
    ["three operands", (b, x) => b.op("SelectV2", [b.op("Greater", [x, b.scalar("float32", 0)]), x, b.op("Neg", [x])])],
  ])("%s", async (_, make) => {
    const { ops } = await rewritten(island(make), rules);
    expect(ops["Transpose"]).toBeUndefined();
  });

  test("a chain of them, in one sweep each way", async () => {
    const graph = island((b, x) => Array.from({ length: 9 }).reduce<Value>((y) => b.op("Tanh", [y]), x));
    const { ops, fired } = await rewritten(graph, rules);
    expect([ops, fired["sink-transpose-elementwise"]]).toEqual([{ Tanh: 9 }, 9]);
  });

  test("with a symbol among the dims", async () => {
    const { ops } = await rewritten(
      island((b, x) => b.op("AddV2", [x, weights(b, [3, 1, 1])]), ["n", 5, 7, 3]),
      rules,
    );
    expect(ops).toEqual({ AddV2: 1 });
  });

  test("not where an operand is in the other layout", () => {
    const graph = graphOf((b) => b.op("AddV2", [b.transpose(float(b, "x", [2, 5, 7, 3]), toFirst), float(b, "z", [2, 3, 5, 7])]));
    expect(counted(graph, [sinkElementwise]).fired).toEqual({});
  });

  test("not where the operand is widened by another", () => {
    const graph = graphOf((b) => b.op("AddV2", [b.transpose(float(b, "x", [2, 1, 1, 3]), toFirst), weights(b, [2, 3, 5, 7])]));
    expect(counted(graph, [sinkElementwise]).fired).toEqual({});
  });
});
