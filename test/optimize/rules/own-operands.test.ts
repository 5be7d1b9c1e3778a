import { expect, test } from "vitest";
import { cse } from "../../../src/optimize/rules/cse.ts";
import { hasReshapedOperands, ownOperands } from "../../../src/optimize/rules/own-operands.ts";
import { counted, float, graphOf } from "../run.ts";

test("the same elements under two shapes: the second product gets its own", () => {
  const graph = graphOf((b) => {
    const [x, y] = [float(b, "x", [3, 5]), float(b, "y", [5, 3])];
    return [b.op("MatMul", [y, x]), b.op("MatMul", [x, b.reshape(x, [5, 3])])];
  });
  expect(hasReshapedOperands(graph)).toBe(true);
  expect(counted(graph, [ownOperands])).toMatchObject({
    ops: { MatMul: 2, Reshape: 1, Maximum: 1 },
    fired: { "own-operands": 1 },
  });
});

test("one shape, or other elements: nothing to do", () => {
  const graph = graphOf((b) => {
    const x = float(b, "x", [3, 5]);
    const turned = b.reshape(x, [5, 3]);
    return [b.op("MatMul", [x, turned]), b.op("MatMul", [b.op("Neg", [x]), turned]), b.op("MatMul", [turned, b.op("Abs", [x])])];
  });
  expect(counted(graph, [ownOperands]).fired).toEqual({});
});

test("a graph without reshaped operands is not walked", () => {
  expect(hasReshapedOperands(graphOf((b) => b.op("MatMul", [float(b, "x", [3, 5]), float(b, "y", [5, 3])])))).toBe(false);
});

test("two copies of one value stay two", () => {
  const graph = graphOf((b) => {
    const x = float(b, "x", [3, 5]);
    return [b.op("Neg", [b.op("Maximum", [x, x])]), b.op("Abs", [b.op("Maximum", [x, x])])];
  });
  expect(counted(graph, [cse]).fired).toEqual({});
});
