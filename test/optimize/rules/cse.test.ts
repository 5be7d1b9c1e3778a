import { expect, test } from "vitest";
import { tensorOf } from "../../../src/graph/tensor.ts";
import { cse } from "../../../src/optimize/rules/cse.ts";
import { counted, float, graphOf, rewritten } from "../run.ts";

test("equal nodes over equal constants are computed once", async () => {
  const graph = graphOf((b) => {
    const x = float(b, "x", [2, 3, 5]);
    const branch = () => b.op("Mul", [b.transpose(x, [0, 2, 1]), b.constant(tensorOf("float32", [3], [1, -2, 0.5]))]);
    return b.op("AddV2", [branch(), b.op("Neg", [branch()])]);
  });
  expect(await rewritten(graph, [cse])).toMatchObject({ ops: { Transpose: 1, Mul: 1, Neg: 1, AddV2: 1 } });
});

test("constants that differ in a sign of zero, a type or a shape stay apart", () => {
  const graph = graphOf((b) => {
    const constants = [
      b.constant(tensorOf("float32", [1], [0])),
      b.constant(tensorOf("float32", [1], [-0])),
      b.cast(b.constant(tensorOf("float64", [1], [0])), "float32"),
      b.constant(tensorOf("float32", [1, 1], [0])),
    ];
    const x = float(b, "x", [2]);
    return constants.map((constant) => b.op("RealDiv", [x, constant]));
  });
  const { ops } = counted(graph, [cse]);
  // The cast one folds to the first.
  expect(ops).toEqual({ RealDiv: 3 });
});

test("attributes and the order of inputs count", () => {
  const graph = graphOf((b) => {
    const [x, z] = [float(b, "x", [3, 3]), float(b, "z", [3, 3])];
    return [b.op("MatMul", [x, z]), b.op("MatMul", [z, x]), b.op("MatMul", [x, z], { transpose_b: true })];
  });
  expect(counted(graph, [cse]).fired).toEqual({});
});

test("every output of a Split is merged with its own", async () => {
  const graph = graphOf((b) => {
    const x = float(b, "x", [2, 6]);
    const split = () => b.ops("Split", [b.scalar("int32", 1), x], { num_split: 3 });
    return b.op("Sub", [split()[0]!, split()[2]!]);
  });
  expect((await rewritten(graph, [cse])).ops).toEqual({ Split: 1, Sub: 1 });
});
