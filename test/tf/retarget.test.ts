import { expect, test } from "vitest";
import { modelError } from "../../src/base/problem.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { topological } from "../../src/graph/order.ts";
import { Builder } from "../../src/tf/build.ts";
import { retarget, type Target } from "../../src/tf/retarget.ts";
import "../../src/tf/all.ts";

/** A target of doubles, that has no Exp and two negations for one. */
const target: Target = {
  input: ({ shape }) => ({ dtype: "float64", shape }),
  constant: (b, value) => b.cast(value, "float64"),
  isNode: () => false,
  node(b, { op, attrs }, inputs) {
    if (op === "Exp") throw modelError("unsupported", "no Exp here");
    return op === "Neg" ? [b.op("Neg", [b.op("Neg", [b.op("Neg", inputs)])])] : b.ops(op, inputs, attrs);
  },
};

function graphOf(op: string): Graph {
  const b = new Builder();
  const x = b.input("x", { dtype: "float32", shape: [2, 3] });
  b.origin = { ...b.origin, nodes: ["main/a/b"] };
  const y = b.op(op, [b.op("AddV2", [x, b.scalar("float32", 0.5)])]);
  b.origin = { ...b.origin, nodes: ["main/c"] };
  return { name: "main", inputs: [x], outputs: [{ name: "y", value: b.op("Neg", [y]) }], functions: new Map() };
}

const opsOf = (graph: Graph): string[] =>
  [...topological(graph.outputs.map(({ value }) => value))].map(({ op }) => op).filter((op) => op !== "Const");

test("nodes, inputs and constants become the target's, in functions too", () => {
  const { graph, problems, values } = retarget({ ...graphOf("Sqrt"), functions: new Map([["f", graphOf("Tanh")]]) }, target);
  expect(problems).toEqual([]);
  expect(opsOf(graph)).toEqual(["Placeholder", "AddV2", "Sqrt", "Neg", "Neg", "Neg"]);
  expect(opsOf(graph.functions.get("f")!)).toEqual(["Placeholder", "AddV2", "Tanh", "Neg", "Neg", "Neg"]);
  expect([...values.values()].map(({ dtype }) => dtype)).toEqual(new Array(values.size).fill("float64"));
});

test("a fault is told once, at the source's node, and what reads it is left out", () => {
  const { problems } = retarget({ ...graphOf("Exp"), functions: new Map([["f", graphOf("Exp")]]) }, target);
  const place = { graph: "main", node: "a/b", op: "Exp" };
  expect(problems).toMatchObject([
    { ...place, code: "unsupported", reason: "no Exp here" },
    { ...place, reason: "no Exp here" },
  ]);
});

test("what is tracked beside the outputs is carried where that is possible, without a word", () => {
  const graph = graphOf("Sqrt");
  const [x] = graph.inputs;
  const b = new Builder();
  const [kept, lost] = [b.op("Tanh", [x!]), b.op("Exp", [x!])];
  const { values, problems } = retarget(graph, target, { tracked: [kept, lost] });
  expect(problems).toEqual([]);
  expect(values.get(kept)!.node.op).toBe("Tanh");
  expect(values.has(lost)).toBe(false);
});
