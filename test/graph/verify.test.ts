import { expect, test } from "vitest";
import { type GraphSpec, node, onnxModel, openOnnx, tensor, value } from "../build/onnx.ts";

async function problemsOf(graph: GraphSpec) {
  const { model } = await openOnnx(onnxModel({ graph: { name: "g", ...graph } }));
  expect(model.graphs[0]!.nodes).toHaveLength(graph.nodes.length);
  return model.problems;
}

test("a sound graph has none", async () => {
  expect(
    await problemsOf({
      inputs: [value("x", "float32", [3])],
      initializers: [tensor("w", "float32", [3], [1, 2, 4])],
      nodes: [node("Add", ["x", "w"], ["y"]), node("Constant", [], ["dead"], { value: tensor("", "int8", [1], [3]) })],
      outputs: [value("y", "float32", [3])],
    }),
  ).toEqual([]);
});

test("inputs and outputs that nothing makes", async () => {
  expect(
    await problemsOf({
      nodes: [node("Add", ["x", "w"], ["y"], {}, "add")],
      inputs: [value("x", "float32")],
      outputs: [value("z", "float32")],
    }),
  ).toMatchObject([
    { code: "dangling-input", severity: "error", graph: "g", node: "add", op: "Add", tensor: "w" },
    { code: "dangling-output", severity: "error", graph: "g", tensor: "z" },
  ]);
});

test.each([
  ["two nodes", { nodes: [node("Abs", ["x"], ["y"], {}, "a"), node("Neg", ["x"], ["y"], {}, "b")] }],
  ["an input and a node", { nodes: [node("Abs", ["x"], ["x"], {}, "b")] }],
  ["one node twice", { nodes: [node("Split", ["x"], ["p", "p"], {}, "b")] }],
])("one name made by %s", async (_, graph) => {
  const problems = await problemsOf({ inputs: [value("x", "float32", [3])], ...graph });
  expect(problems.filter(({ code }) => code === "duplicate-name")).toMatchObject([{ severity: "error", graph: "g", node: "b" }]);
});

test("one name made by an initializer and a node", async () => {
  const w = tensor("w", "int8", [1], [1]);
  const problems = await problemsOf({
    inputs: [value("x", "int8", [1])],
    nodes: [node("Abs", ["x"], ["w"], {}, "b")],
    initializers: [w],
  });
  expect(problems).toMatchObject([{ code: "duplicate-name", severity: "error", graph: "g", tensor: "w" }]);
});

test("two initializers, two inputs of one name", async () => {
  const twice = tensor("w", "int8", [1], [1]);
  const problems = await problemsOf({
    nodes: [],
    initializers: [twice, twice],
    inputs: [value("x", "int8"), value("x", "int8")],
  });
  expect(problems).toMatchObject([
    { code: "duplicate-name", tensor: "w" },
    { code: "duplicate-name", tensor: "x" },
  ]);
});

test("a cycle names one of its nodes, not one behind it", async () => {
  const problems = await problemsOf({
    inputs: [value("x", "float32")],
    nodes: [
      node("Neg", ["c"], ["behind"], {}, "behind"),
      node("Abs", ["x"], ["before"], {}, "before"),
      node("Add", ["before", "c"], ["a"], {}, "one"),
      node("Neg", ["a"], ["b"], {}, "two"),
      node("Exp", ["b"], ["c"], {}, "three"),
    ],
  });
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatchObject({ code: "cycle", severity: "error", graph: "g" });
  expect(["one", "two", "three"]).toContain(problems[0]!.node);
});

test("a node that reads its own output, through its branch", async () => {
  const branch: GraphSpec = { name: "t", nodes: [node("Neg", ["y"], ["n"])], outputs: [value("n", "float32")] };
  const problems = await problemsOf({
    inputs: [value("c", "bool")],
    nodes: [node("If", ["c"], ["y"], { then_branch: branch }, "if")],
  });
  expect(problems).toMatchObject([{ code: "cycle", node: "if" }]);
});

test("of one kind a hundred are listed, and the rest counted", async () => {
  const nodes = Array.from({ length: 250 }, (_, i) => node("Neg", [`lost${i}`], [`y${i}`]));
  const problems = await problemsOf({ nodes });
  expect(problems).toHaveLength(101);
  expect(problems.at(-1)).toMatchObject({ code: "dangling-input", reason: "more of the same: 150" });
});

test("raw data of another length than the shape takes", async () => {
  const t = tensor("w", "float32", [3, 5], new Array(15).fill(0.25));
  const problems = await problemsOf({ nodes: [], initializers: [{ ...t, shape: [3, 7] }] });
  expect(problems).toMatchObject([{ code: "tensor-length", tensor: "w", reason: "60 bytes where float32[3,7] takes 84" }]);
  expect(problems[0]!.offset).toBeTypeOf("number");
});
