import { expect, test } from "vitest";
import { flattenBatch, flattenIntoWeights, plainMatMul, transposeWeights } from "../../../src/optimize/rules/matmul.ts";
import { toFirst } from "../layouts.ts";
import { counted, float, graphOf, rewritten, weights } from "../run.ts";

test("constant weights are transposed once and for all", async () => {
  const graph = graphOf((b) => b.op("MatMul", [float(b, "x", ["n", 7]), weights(b, [5, 7])], { transpose_b: true }));
  const { graph: after, fired } = await rewritten(graph, [transposeWeights]);
  expect(fired).toEqual({ "transpose-weights": 1 });
  expect(after.outputs[0]!.value.node.attrs["transpose_b"]).toBe(false);
});

test("weights that others read in their own layout are not", () => {
  const graph = graphOf((b) => {
    const w = weights(b, [5, 7]);
    const tied = b.gather(w, b.input("ids", { dtype: "int32", shape: [3] }), 0);
    return b.op("MatMul", [tied, w], { transpose_b: true });
  });
  expect(counted(graph, [transposeWeights]).fired).toEqual({});
});

test("a batched product of two matrices is a plain one", async () => {
  const graph = graphOf((b) =>
    b.op("BatchMatMulV2", [float(b, "x", [7, 3]), float(b, "z", [5, 7])], { adj_x: true, adj_y: true }),
  );
  expect(await rewritten(graph, [plainMatMul])).toMatchObject({ ops: { MatMul: 1 } });
});

test("a batch of rows against one matrix is flattened", async () => {
  const graph = graphOf((b) => b.op("BatchMatMulV2", [float(b, "x", ["n", 3, 7]), weights(b, [7, 5])]));
  const { ops } = await rewritten(graph, [flattenBatch]);
  expect(ops).toEqual({ Reshape: 2, MatMul: 1 });
});

test("two open dims come back from the input's own", async () => {
  const graph = graphOf((b) => b.op("BatchMatMulV2", [float(b, "x", ["n", "m", 7]), weights(b, [7, 5])]));
  const { ops } = await rewritten(graph, [flattenBatch]);
  expect(ops["MatMul"]).toBe(1);
});

test("a batch of matrices is not", () => {
  const graph = graphOf((b) => b.op("BatchMatMulV2", [float(b, "x", [2, 3, 7]), weights(b, [2, 7, 5])]));
  expect(counted(graph, [flattenBatch]).fired).toEqual({});
});

test("a layout that is flattened is undone in the rows of the weights", async () => {
  const graph = graphOf((b) => {
    const x = b.transpose(float(b, "x", ["n", 5, 7, 3]), toFirst);
    return b.op("MatMul", [b.reshape(x, [-1, 105]), weights(b, [105, 4])]);
  });
  expect(await rewritten(graph, [flattenIntoWeights])).toMatchObject({
    ops: { Reshape: 1, MatMul: 1 },
    fired: { "transpose-into-weights": 1 },
  });
});

test("not where the Transpose moves the batch, nor where a part is flattened", () => {
  const batch = graphOf((b) =>
    b.op("MatMul", [b.reshape(b.transpose(float(b, "x", [5, 2, 3]), [1, 0, 2]), [2, 15]), weights(b, [15, 4])]),
  );
  const part = graphOf((b) =>
    b.op("MatMul", [b.reshape(b.transpose(float(b, "x", [2, 5, 3]), [0, 2, 1]), [6, 5]), weights(b, [5, 4])]),
  );
  expect([counted(batch, [flattenIntoWeights]).fired, counted(part, [flattenIntoWeights]).fired]).toEqual([{}, {}]);
});
