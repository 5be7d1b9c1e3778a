import { expect, test } from "vitest";
import type { Graph, Value } from "../../src/graph/graph.ts";
import { nodesOf } from "../../src/graph/order.ts";
import { keptOnHost, webgpuReads } from "../../src/legalize/webgpu-reads.ts";
import { Builder } from "../../src/tf/build.ts";
import "../../src/tf/all.ts";

function graphOf(build: (b: Builder, x: Value, n: Value) => Value): Graph {
  const b = new Builder();
  const x = b.input("x", { dtype: "float32", shape: ["a", 3, 5] });
  const n = b.input("n", { dtype: "int32", shape: [] });
  return { name: "main", inputs: [x, n], outputs: [{ name: "y", value: build(b, x, n) }], functions: new Map() };
}

const read = (graph: Graph) => [...webgpuReads(graph)].map(([{ op }, at]) => `${op} ${at}`);
const ramp = (b: Builder, n: Value) => b.op("Range", [b.scalar("int32", 0), n, b.scalar("int32", 1)]);

test("arithmetic of shapes stays on the host", () => {
  const graph = graphOf((b, x) => {
    const rows = b.op("Mul", [b.dim(x, 0), b.ints([3])]);
    return b.op("Reshape", [x, b.concat([rows, b.ints([5])], 0)]);
  });
  expect(read(graph)).toEqual([]);
});

test("what a GPU kernel has computed cannot be read", () => {
  const graph = graphOf((b, x) => ramp(b, b.cast(b.reduce("Sum", x, [0, 1, 2], false), "int32")));
  expect(read(graph)).toEqual(["Range 1"]);
});

test("what another kernel takes to the GPU is copied for it", () => {
  const graph = graphOf((b, x, n) => {
    const wide = b.op("Mul", [x, b.cast(n, "float32")]);
    return b.op("Tile", [
      wide,
      b.concat([b.op("Reshape", [b.op("AddV2", [n, b.scalar("int32", 1)]), b.ints([1])]), b.ints([1, 1])], 0),
    ]);
  });
  expect(read(graph)).toEqual(["Tile 1"]);
  const { graph: kept } = keptOnHost(graph, []);
  expect(read(kept)).toEqual([]);
  expect(nodesOf(kept).filter(({ op }) => op === "Maximum")).toHaveLength(1);
});

test("a graph that reads nothing back is left as it is", () => {
  const graph = graphOf((b, x) => b.op("Relu", [x]));
  expect(keptOnHost(graph, []).graph.outputs[0]!.value).toBe(graph.outputs[0]!.value);
});
