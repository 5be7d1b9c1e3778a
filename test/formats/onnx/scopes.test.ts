import { expect, test } from "vitest";
import type { SourceGraph } from "../../../src/graph/source.ts";
import { type GraphSpec, node, onnxModel, openOnnx, tensor, value } from "../../build/onnx.ts";

const byName = (graph: SourceGraph, name: string) => graph.values.find((v) => v.name === name)!;

async function open(graph: GraphSpec) {
  const { model } = await openOnnx(onnxModel({ graph }));
  return { graphs: model.graphs, problems: model.problems };
}

test("what branches read from outside is explicit, through every graph between", async () => {
  const inner: GraphSpec = { name: "inner", nodes: [node("Add", ["h", "w"], ["i"])], outputs: [value("i", "float32")] };
  const branch: GraphSpec = {
    name: "branch",
    nodes: [node("If", ["c"], ["b"], { then_branch: inner, else_branch: { ...inner, name: "other" } }, "nested")],
    outputs: [value("b", "float32")],
  };
  const { graphs, problems } = await open({
    inputs: [value("c", "bool", []), value("x", "float32", [3])],
    initializers: [tensor("w", "float32", [3], [1, 2, 4])],
    nodes: [
      // The branch is read before the node that makes h: order in the file does not matter to a name.
      node("If", ["c"], ["y"], { then_branch: branch, else_branch: branch }, "outer"),
      node("Neg", ["x"], ["h"]),
    ],
    outputs: [value("y", "float32")],
  });
  expect(problems).toEqual([]);
  const [main, first, deep] = graphs as [SourceGraph, SourceGraph, SourceGraph];
  expect([first.name, deep.name, deep.parent]).toEqual(["branch", "inner", first.id]);
  expect(byName(deep, "h").outer).toEqual({ graph: first.id, value: byName(first, "h").id });
  expect(byName(first, "h").outer).toEqual({ graph: 0, value: byName(main, "h").id });
  expect(byName(deep, "i").outer).toBeUndefined();
  const captured = first.nodes[0]!.captures.map((id) => first.values[id]!.name);
  expect(captured.sort()).toEqual(["h", "w"]);
  expect(main.nodes[0]!.captures.map((id) => main.values[id]!.name).sort()).toEqual(["c", "h", "w"]);
  expect(main.nodes[1]!.captures).toEqual([]);
  expect(byName(deep, "w").type).toEqual({ dtype: "float32", shape: [3] });
});

test("a name of its own hides the outer one", async () => {
  const body: GraphSpec = {
    name: "body",
    inputs: [value("i", "int64", []), value("c", "bool", []), value("x", "float32", [3])],
    initializers: [tensor("w", "float32", [3], [1, 2, 4])],
    nodes: [node("Mul", ["x", "w"], ["z"])],
    outputs: [value("c", "bool"), value("z", "float32")],
  };
  const { graphs } = await open({
    inputs: [value("x", "float32", [3]), value("w", "float32", [3])],
    nodes: [node("Loop", ["", "", "x"], ["y"], { body })],
    outputs: [value("y", "float32")],
  });
  expect(graphs[1]!.values.map((v) => v.outer)).toEqual(graphs[1]!.values.map(() => undefined));
  expect(graphs[0]!.nodes[0]!.captures).toEqual([]);
});

test("a branch may give back an outer value as its output", async () => {
  const { graphs, problems } = await open({
    inputs: [value("c", "bool", []), value("x", "float32", [3])],
    nodes: [node("If", ["c"], ["y"], { then_branch: { name: "t", nodes: [], outputs: [value("x", "float32")] } })],
    outputs: [value("y", "float32")],
  });
  expect(graphs[1]!.values[0]!.outer).toEqual({ graph: 0, value: byName(graphs[0]!, "x").id });
  expect(problems).toEqual([]);
});

test("a name that nobody defines dangles where it is read", async () => {
  const { graphs, problems } = await open({
    inputs: [value("c", "bool", [])],
    nodes: [node("If", ["c"], ["y"], { then_branch: { name: "t", nodes: [node("Neg", ["lost"], ["z"], {}, "neg")] } })],
  });
  expect(graphs[0]!.values.map((v) => v.name)).toEqual(["c", "y"]);
  expect(problems).toMatchObject([
    { code: "dangling-input", graph: "t", node: "neg", tensor: "lost", reason: "nothing makes input lost" },
  ]);
});

test("sub-graphs within sub-graphs stop somewhere", async () => {
  let graph: GraphSpec = { nodes: [node("Neg", ["x"], ["y"])] };
  for (let depth = 0; depth < 80; depth++) graph = { nodes: [node("If", ["c"], ["y"], { then_branch: graph })] };
  await expect(openOnnx(onnxModel({ graph }))).rejects.toMatchObject({ problem: { code: "too-deep" } });
});
