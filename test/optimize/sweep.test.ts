import { expect, test } from "vitest";
import type { Graph } from "../../src/graph/graph.ts";
import { countUses, nodesOf } from "../../src/graph/order.ts";
import { any, op } from "../../src/optimize/pattern.ts";
import { hubPipeline, tfjsPipeline } from "../../src/optimize/pipeline.ts";
import { type Rewrite, rewrite } from "../../src/optimize/rewrite.ts";
import { Sweep } from "../../src/optimize/sweep.ts";
import { Builder } from "../../src/tf/build.ts";
import { randomGraph } from "./random-graph.ts";
import { float, graphOf, rewritten } from "./run.ts";

function sweepOver(graph: Graph, rules: readonly Rewrite[]): { sweep: Sweep; after: Graph } {
  const roots = [...graph.outputs.map((output) => output.value), ...graph.inputs];
  const sweep = new Sweep(new Builder(), rules, roots, nodesOf(graph).length, undefined);
  const outputs = graph.outputs.map(({ name, value }) => ({ name, value: sweep.resolve(value) }));
  return { sweep, after: { ...graph, inputs: graph.inputs.map((input) => sweep.resolve(input)), outputs } };
}

test("use counts are exact after any number of rewrites", () => {
  for (let seed = 1; seed <= 40; seed++) {
    const graph = randomGraph(seed, 24);
    const { sweep, after } = sweepOver(graph, hubPipeline);
    const nodes = nodesOf(after);
    const uses = countUses(nodes, after);
    for (const { outputs, op } of nodes)
      for (const value of outputs) {
        const held = after.inputs.includes(value) ? 1 : 0;
        expect(sweep.uses(value), `seed ${seed}: ${op}`).toBe((uses.get(value) ?? 0) + held);
      }
  }
});

test("random graphs compute what they did", async () => {
  for (let seed = 1; seed <= 15; seed++) {
    const hub = await rewritten(randomGraph(seed, 20), hubPipeline);
    await rewritten(hub.graph, tfjsPipeline);
  }
}, 30_000);

test("what no rule touches is the same node", () => {
  const graph = graphOf((b) => [b.op("Relu", [b.op("Neg", [float(b, "x", [2, 3])])]), b.op("Identity", [float(b, "z", [3])])]);
  const drop = rewrite("drop", op("Identity", [any("x")]), ({ x }) => x);
  const { after } = sweepOver(graph, [drop]);
  expect(after.outputs[0]!.value).toBe(graph.outputs[0]!.value);
  expect(after.outputs[1]!.value).toBe(graph.inputs[1]);
});

test("what a rule makes is visited within the sweep", () => {
  const graph = graphOf((b) =>
    Array.from({ length: 1000 }).reduce<ReturnType<typeof float>>((x) => b.op("Neg", [x]), b.op("Abs", [float(b, "x", [2])])),
  );
  const up = rewrite("abs-goes-up", op("Neg", [op("Abs", [any("x")])]), ({ x }, b) => b.op("Abs", [b.op("Neg", [x])]));
  const { sweep } = sweepOver(graph, [up]);
  expect(sweep.fired.get("abs-goes-up")).toBe(1000);
});

test("rules that chase each other are told by name", () => {
  const graph = graphOf((b) => b.op("Relu", [float(b, "x", [2])]));
  const there = rewrite("there", op("Relu", [any("x")]), ({ x }, b) => b.op("Relu6", [x]));
  const back = rewrite("back", op("Relu6", [any("x")]), ({ x }, b) => b.op("Relu", [x]));
  expect(() => sweepOver(graph, [there, back])).toThrow(/^rewrites chase each other: (there|back) at Relu6?$/);
});

test("a rule may not change a type, and one that forgets a dim is not taken", () => {
  const graph = graphOf((b) => b.op("Relu", [float(b, "x", ["n", 3])]));
  const dtype = rewrite("cast", op("Relu", [any("x")]), ({ x }, b) => b.cast(x, "int32"));
  expect(() => sweepOver(graph, [dtype])).toThrow("cast changed the type of Relu");
  const shape = rewrite("wider", op("Relu", [any("x")]), ({ x }, b) => b.concat([x, x], 1));
  expect(() => sweepOver(graph, [shape])).toThrow("wider changed the type of Relu");
  const vague = rewrite("vague", op("Relu", [any("x")]), ({ x }, b) =>
    b.op("Reshape", [x, b.op("Shape", [b.op("Reshape", [x, b.input("s", { dtype: "int32", shape: [2] })])])]),
  );
  expect(sweepOver(graph, [vague]).sweep.fired.size).toBe(0);
});
