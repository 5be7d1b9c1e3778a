import { describe, expect, test } from "vitest";
import { hoistTranspose } from "../../../src/optimize/rules/hoist-transpose.ts";
import { sinkElementwise } from "../../../src/optimize/rules/sink-elementwise.ts";
import { cancel, toFirst, toLast } from "../layouts.ts";
import { counted, float, graphOf, rewritten } from "../run.ts";

const rules = [...cancel, sinkElementwise, hoistTranspose];

describe("hoisting", () => {
  test("a Transpose goes up to where its inverse is, and the other operand takes it over", async () => {
    const graph = graphOf((b) => {
      const [x, z] = [float(b, "x", [2, 5, 7, 3]), float(b, "z", [2, 3, 5, 7])];
      return b.transpose(b.op("Relu", [b.op("AddV2", [b.transpose(x, toFirst), z])]), toLast);
    });
    const { ops, fired } = await rewritten(graph, rules);
    expect([ops, fired]).toEqual([{ Transpose: 1, AddV2: 1, Relu: 1 }, { "hoist-transpose": 1 }]);
  });

  test("not where that takes as many Transposes", () => {
    const graph = graphOf((b) => b.transpose(b.op("AddV2", [float(b, "x", [2, 3, 5, 7]), float(b, "z", [2, 3, 5, 7])]), toLast));
    expect(counted(graph, rules).fired).toEqual({});
  });

  test("not for a Transpose that only moves axes of size 1: sinking would bring it back for ever", () => {
    const graph = graphOf((b) => {
      const scale = b.op("Sigmoid", [b.transpose(float(b, "z", [2, 3, 1, 1]), toLast)]);
      const y = b.op("Mul", [b.op("Relu", [b.transpose(float(b, "x", [2, 3, 5, 7]), toLast)]), scale]);
      return b.op("Sigmoid", [y]);
    });
    expect(counted(graph, rules).fired["hoist-transpose"]).toBeUndefined();
  });

  test("not where the sum is read by others too", () => {
    const graph = graphOf((b) => {
      const sum = b.op("AddV2", [b.transpose(float(b, "x", [2, 5, 7, 3]), toFirst), float(b, "z", [2, 3, 5, 7])]);
      return [sum, b.transpose(sum, toLast)];
    });
    expect(counted(graph, rules).fired).toEqual({});
  });
});
