import { expect, test } from "vitest";
import type { Graph } from "../../src/graph/graph.ts";
import { print } from "../../src/graph/print.ts";
import { tensorOf } from "../../src/graph/tensor.ts";
import "../../src/tf/all.ts";
import { Builder } from "../../src/tf/build.ts";

test("a graph is printed a line a node, small constants where they are read", () => {
  const b = new Builder();
  const x = b.input("x", { dtype: "float32", shape: ["n", 5, 6] });
  const parts = b.ops("Split", [b.scalar("int32", 2), b.transpose(x, [0, 2, 1])], { num_split: 5 });
  const large = b.constant(tensorOf("float32", [3, 3], new Float32Array(9)));
  const y = b.op("AddV2", [
    b.op("MatMul", [b.squeeze(parts[4]!, [2]), b.input("w", { dtype: "float32", shape: [6, 3] })], { transpose_a: false }),
    b.scalar("float32", 0.5),
  ]);
  const body: Graph = { name: "body", inputs: [], outputs: [{ name: "c", value: large }], functions: new Map() };
  const graph: Graph = { name: "main", inputs: [x], outputs: [{ name: "y", value: y }], functions: new Map([["body", body]]) };
  expect(print(graph)).toBe(`graph main
  %0 = Placeholder() {name="x"} : float32 n×5×6
  %1 = Transpose(%0, [0,2,1]) : float32 n×6×5
  %2 = Split(2, %1) {num_split=5} : float32 n×6×1, float32 n×6×1, float32 n×6×1, float32 n×6×1, float32 n×6×1
  %3 = Squeeze(%2:4) {squeeze_dims=[2]} : float32 n×6
  %4 = Placeholder() {name="w"} : float32 6×3
  %5 = MatMul(%3, %4) {transpose_a=false} : float32 n×3
  %6 = AddV2(%5, 0.5) : float32 n×3
outputs
  y = %6
graph body
  %0 = Const() : float32 3×3
outputs
  c = %0`);
});
