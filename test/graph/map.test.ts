import { describe, expect, test } from "vitest";
import { ModelError } from "../../src/base/problem.ts";
import type { Graph, Value } from "../../src/graph/graph.ts";
import { parseSourceMap, sourceMap } from "../../src/graph/map.ts";
import "../../src/tf/all.ts";
import { Builder } from "../../src/tf/build.ts";

const b = new Builder();
b.origin = { nodes: ["main/conv", "main/act"], how: "fused" };
const x = b.input("x", { dtype: "float32", shape: ["n", 5, 7, 3] });
const live = b.op("Relu", [x]);
const graph: Graph = { name: "main", inputs: [x], outputs: [{ name: "y", value: live }], functions: new Map() };

const nameOf = (value: Value): string => `${value.node.op.toLowerCase()}:${value.port}`;
const mapped = (value: Value) => sourceMap(new Map([["main/v", value]]), graph, nameOf).values[0];

describe("values", () => {
  test("a live one is told by name", () => {
    expect(mapped(live)).toEqual({ source: "main/v", target: "relu:0", exact: true });
  });

  test("one that a dead Transpose is over is told with the permutation", () => {
    expect(mapped(b.transpose(live, [0, 3, 1, 2]))).toEqual({
      source: "main/v",
      target: "relu:0",
      perm: [0, 3, 1, 2],
      exact: true,
    });
  });

  test("two Transposes compose in their order, Identities do not count", () => {
    const twice = b.op("Identity", [b.transpose(b.op("Identity", [b.transpose(live, [1, 2, 0, 3])]), [3, 0, 2, 1])]);
    expect(mapped(twice)?.perm).toEqual([3, 1, 0, 2]);
  });

  test("a Transpose that undoes another leaves none", () => {
    expect(mapped(b.transpose(b.transpose(live, [0, 3, 1, 2]), [0, 2, 3, 1]))).toEqual({
      source: "main/v",
      target: "relu:0",
      exact: true,
    });
  });

  test("a Reshape is told as such", () => {
    expect(mapped(b.reshape(live, [-1, 105]))).toEqual({ source: "main/v", target: "relu:0", reshaped: true, exact: true });
  });

  test("a Reshape that moves axes of size 1 is a permutation", () => {
    const pooled = b.reduce("Mean", x, [1, 2], true);
    const small: Graph = { ...graph, outputs: [{ name: "y", value: pooled }] };
    const { values } = sourceMap(new Map([["main/v", b.reshapeTo(pooled, ["n", 3, 1, 1])]]), small, nameOf);
    expect(values).toEqual([{ source: "main/v", target: "mean:0", perm: [0, 3, 1, 2], exact: true }]);
  });

  test("moved, then reshaped", () => {
    const both = b.reshape(b.transpose(live, [0, 3, 1, 2]), [-1, 105]);
    expect(mapped(both)).toEqual({ source: "main/v", target: "relu:0", perm: [0, 3, 1, 2], reshaped: true, exact: true });
  });

  test("axes of size 1 dropped, the rest moved: told as moved, then reshaped", () => {
    const wide = b.op("Relu", [b.input("w", { dtype: "float32", shape: ["n", 1, 7, 3] })]);
    const thin: Graph = { ...graph, outputs: [{ name: "y", value: wide }] };
    const { values } = sourceMap(new Map([["main/v", b.transpose(b.squeeze(wide, [1]), [0, 2, 1])]]), thin, nameOf);
    expect(values).toEqual([{ source: "main/v", target: "relu:0", perm: [0, 3, 2, 1], reshaped: true, exact: true }]);
  });

  test("reshaped, then moved, or cast: for navigation only", () => {
    const both = b.transpose(b.reshape(live, [-1, 21, 5]), [0, 2, 1]);
    expect(mapped(both)).toEqual({ source: "main/v", target: "relu:0", exact: false });
    expect(mapped(b.cast(live, "int32"))).toEqual({ source: "main/v", target: "relu:0", exact: false });
  });

  test("what was computed by nodes that are gone is not told, nor are constants", () => {
    expect(mapped(b.op("Neg", [live]))).toBeUndefined();
    expect(mapped(b.transpose(b.op("Neg", [live]), [0, 3, 1, 2]))).toBeUndefined();
    expect(mapped(b.ints([1, 2]))).toBeUndefined();
  });
});

test("nodes tell which nodes of the source they stand for", () => {
  expect(sourceMap(new Map(), graph, nameOf).nodes).toEqual([
    { target: "relu", source: ["main/conv", "main/act"], how: "fused" },
  ]);
});

test("reading gives what was written", () => {
  const map = sourceMap(new Map([["main/v", b.transpose(live, [0, 3, 1, 2])]]), graph, nameOf);
  expect(parseSourceMap(JSON.stringify(map))).toEqual(map);
});

test.each(["", "{", "[]", "null", '{"version":2,"values":[],"nodes":[]}', '{"version":1,"values":[]}'])(
  "%j is no source map",
  (text) => {
    expect(() => parseSourceMap(text)).toThrow(ModelError);
  },
);
