import { describe, expect, test } from "vitest";
import { Cancelled } from "../../src/base/cancel.ts";
import type { Graph, Value } from "../../src/graph/graph.ts";
import { print } from "../../src/graph/print.ts";
import { legalize } from "../../src/legalize/legalize.ts";
import { optimize } from "../../src/optimize/optimize.ts";
import { any, op } from "../../src/optimize/pattern.ts";
import { hubPipeline, tfjsPipeline } from "../../src/optimize/pipeline.ts";
import { rewrite } from "../../src/optimize/rewrite.ts";
import { Builder } from "../../src/tf/build.ts";
import { toFirst, toLast } from "./layouts.ts";
import { float, graphOf, opsOf, weights } from "./run.ts";

const window = { strides: [1, 1, 1, 1], padding: "VALID" };

/** A convolution between Transposes, as ONNX's is lowered. */
function conv(b: Builder, x: Value, channels: number): Value {
  const last = b.transpose(x, toLast);
  const y = b.op("Conv2D", [last, weights(b, [1, 1, last.shape[3] as number, channels])], window);
  return b.transpose(b.op("BiasAdd", [y, weights(b, [channels])]), toFirst);
}

describe("tracked values", () => {
  const b = new Builder();
  const x = float(b, "x", ["n", 3, 5, 7]);
  const first = conv(b, x, 4);
  const relu = b.op("Relu", [first]);
  const second = conv(b, relu, 2);
  const dead = b.op("Neg", [relu]);
  const graph: Graph = { name: "main", inputs: [x], outputs: [{ name: "y", value: second }], functions: new Map() };
  const sources = new Map([
    ["main/x", x],
    ["main/first", first],
    ["main/relu", relu],
    ["main/second", second],
    ["main/dead", dead],
  ]);
  const hub = optimize(graph, sources, hubPipeline);

  test("are what they were, seen from what is left", () => {
    expect([...hub.tracked.keys()]).toEqual(["main/x", "main/first", "main/relu", "main/second"]);
    const seen = hub.tracked.get("main/relu")!;
    expect([seen.node.op, seen.node.inputs[0]!.node.op, seen.shape]).toEqual(["Transpose", "Relu", ["n", 4, 5, 7]]);
  });

  test("keep nothing in the graph", () => {
    expect(opsOf(hub.graph)).toEqual({ Transpose: 2, Conv2D: 2, BiasAdd: 2, Relu: 1 });
  });

  test("are dropped once they are computed inside a kernel", () => {
    const done = optimize(hub.graph, hub.tracked, tfjsPipeline);
    expect(opsOf(done.graph)).toEqual({ Transpose: 2, _FusedConv2D: 2 });
    expect([...done.tracked.keys()]).toEqual(["main/x", "main/relu", "main/second"]);
    expect(done.tracked.get("main/relu")!.node.inputs[0]!.node.op).toBe("_FusedConv2D");
  });

  test("what one node is made of tells where it comes from", () => {
    const named = new Builder();
    named.origin = { nodes: ["main/conv"], how: "lowered" };
    const y = conv(named, float(named, "x", [2, 3, 5, 7]), 4);
    named.origin = { nodes: ["main/act"], how: "lowered" };
    const made = graphOf(() => named.op("Relu", [y]));
    const fused = optimize(made, new Map(), [...hubPipeline, ...tfjsPipeline.slice(0, -1)]).graph.outputs[0]!.value.node
      .inputs[0]!.node;
    expect(fused.origin).toEqual({ nodes: ["main/conv", "main/act"], how: "fused" });
  });
});

test("steps tell what fired, in the order of the pipeline", () => {
  const graph = graphOf((b) => b.op("Identity", [conv(b, b.op("Relu", [conv(b, float(b, "x", [2, 3, 5, 7]), 4)]), 2)]));
  expect(optimize(graph, new Map(), hubPipeline).steps).toEqual([
    { rule: "identity", fired: 1 },
    { rule: "merge-transposes", fired: 1 },
    { rule: "sink-transpose-elementwise", fired: 1 },
    { rule: "common-subexpression", fired: 1 },
  ]);
});

test("inputs stay, also those that nothing reads", () => {
  const b = new Builder();
  const [x, unused] = [float(b, "x", [2]), float(b, "unused", [3])];
  const graph: Graph = {
    name: "main",
    inputs: [unused, x],
    outputs: [{ name: "y", value: b.op("Neg", [x]) }],
    functions: new Map(),
  };
  expect(optimize(graph, new Map(), hubPipeline).graph.inputs).toEqual([unused, x]);
});

test("functions are optimised each on its own", () => {
  const body = graphOf((b) => b.op("Relu", [b.op("Identity", [float(b, "x", [2])])]));
  const graph: Graph = { ...graphOf((b) => float(b, "x", [2])), functions: new Map([["body", body]]) };
  const done = optimize(graph, new Map(), hubPipeline);
  expect(opsOf(done.graph.functions.get("body")!)).toEqual({ Relu: 1 });
});

test("rules that never come to rest end in an error", () => {
  const graph = graphOf((b) => b.op("Relu", [float(b, "x", [2])]));
  let left = 0;
  const again = rewrite("again", op("Relu", [any("x")]), ({ x }, b) => (left++ % 2 === 0 ? b.op("Relu", [x]) : undefined));
  expect(() => optimize(graph, new Map(), [again])).toThrow("rewrites still fire after 16 sweeps over main");
});

test("a signal ends it", () => {
  expect(() =>
    optimize(
      graphOf((b) => b.op("Neg", [float(b, "x", [2])])),
      new Map(),
      hubPipeline,
      AbortSignal.abort(),
    ),
  ).toThrow(Cancelled);
});

test("a chain of 100 000 nodes, in under 10 seconds with legalize", () => {
  const graph = graphOf((b) => {
    let x = b.transpose(float(b, "x", [2, 5, 7, 3]), toFirst);
    for (let i = 0; i < 50_000; i++) x = b.op("AddV2", [b.op("Relu", [x]), b.scalar("float32", (i % 7) + 0.5)]);
    return b.transpose(x, toLast);
  });
  const before = process.cpuUsage();
  const hub = optimize(graph, new Map(), hubPipeline);
  const target = optimize(legalize(hub.graph).graph, new Map(), tfjsPipeline);
  // Processor time, so that a busy machine does not fail it.
  expect(process.cpuUsage(before).user / 1e6).toBeLessThan(10);
  expect(opsOf(target.graph)).toEqual({ Relu: 50_000, AddV2: 50_000 });
  expect(print(target.graph).split("\n").length).toBe(100_004);
}, 120_000);
