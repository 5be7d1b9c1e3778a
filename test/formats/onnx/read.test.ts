import { expect, test } from "vitest";
import { ModelError } from "../../../src/base/problem.ts";
import type { SourceGraph, SourceValue } from "../../../src/graph/source.ts";
import {
  float,
  type GraphSpec,
  joinBytes,
  type ModelSpec,
  map,
  node,
  onnxModel,
  openOnnx,
  optionalOf,
  ref,
  sequence,
  sparse,
  tensor,
  untyped,
  value,
} from "../../build/onnx.ts";
import { join, message, text } from "../../build/protobuf.ts";
import { random } from "../../build/random.ts";

async function open(graph: GraphSpec, rest: Omit<ModelSpec, "graph"> = {}) {
  const { model } = await openOnnx(onnxModel({ graph, ...rest }));
  return { model, graph: model.graphs[0]!, problems: model.problems };
}

const named = (graph: SourceGraph, name: string): SourceValue => graph.values.find((v) => v.name === name)!;
const names = (graph: SourceGraph, ids: readonly (number | undefined)[]) =>
  ids.map((id) => id !== undefined && graph.values[id]!.name);
const codes = (problems: readonly { code: string }[]) => problems.map(({ code }) => code);

test("a model, whole", async () => {
  const { model, graph } = await open(
    {
      name: "net",
      doc: "a net",
      inputs: [value("x", "float32", ["batch", 3, null], "pixels")],
      outputs: [value("y", "float32", ["batch", 5])],
      initializers: [tensor("w", "float32", [3, 5], random(15))],
      valueInfo: [value("h", "float16", [7, "n"]), value("nobody", "int8", [2])],
      nodes: [
        node("MatMul", ["x", "w"], ["h"], {}, "fc", { doc: "dense", metadata: { layer: "3" } }),
        node("Gelu", ["h"], ["y"], {}, "act", { domain: "com.microsoft" }),
      ],
    },
    {
      ir: 9,
      opsets: { "ai.onnx": 17, "com.microsoft": 1 },
      producer: ["pytorch", "2.1"],
      domain: "org.example",
      version: 3,
      doc: "a model",
      metadata: { author: "Grace", __proto__x: "y" },
    },
  );
  expect(model).toMatchObject({
    name: "model.onnx",
    dialect: "onnx",
    formatVersion: "IR 9",
    producer: "pytorch 2.1",
    opsets: { "": 17, "com.microsoft": 1 },
    files: ["model.onnx"],
    metadata: { author: "Grace", domain: "org.example", model_version: "3" },
    doc: "a model",
    problems: [],
  });
  expect(graph).toMatchObject({ id: 0, name: "net", role: "main", doc: "a net" });
  expect(names(graph, graph.inputs)).toEqual(["x"]);
  expect(names(graph, graph.outputs)).toEqual(["y"]);
  expect(named(graph, "x")).toMatchObject({ type: { dtype: "float32", shape: ["batch", 3, null] }, doc: "pixels" });
  expect(named(graph, "h")).toMatchObject({ producer: 0, type: { dtype: "float16", shape: [7, "n"] } });
  expect(named(graph, "w").tensor).toMatchObject({ dtype: "float32", shape: [3, 5], encoding: "raw" });
  expect(named(graph, "nobody")).toBeUndefined();
  expect(graph.nodes[0]).toMatchObject({ id: 0, name: "fc", op: "MatMul", domain: "", doc: "dense", metadata: { layer: "3" } });
  expect(graph.nodes[1]).toMatchObject({ id: 1, op: "Gelu", domain: "com.microsoft" });
  expect(names(graph, graph.nodes[0]!.inputs)).toEqual(["x", "w"]);
});

test("types that are not tensors, in words", async () => {
  const t = value("", "float32", [2]);
  const { graph } = await open({
    nodes: [],
    inputs: [sequence("s", t), optionalOf("o", sequence("", t)), map("m", "int64", t), untyped("u"), value("r", "int8")],
  });
  expect(graph.values.map(({ type }) => type)).toEqual([
    { dtype: undefined, shape: undefined, other: "sequence(tensor(float32))" },
    { dtype: undefined, shape: undefined, other: "optional(sequence(tensor(float32)))" },
    { dtype: undefined, shape: undefined, other: "map(int64,tensor(float32))" },
    { dtype: undefined, shape: undefined },
    { dtype: "int8", shape: undefined },
  ]);
});

test("a negative dimension is unknown, with a warning", async () => {
  const { graph, problems } = await open({ name: "g", nodes: [], inputs: [value("x", "float32", [-1, 3, ""])] });
  expect(graph.values[0]!.type.shape).toEqual([null, 3, null]);
  expect(problems).toMatchObject([
    { code: "bad-dim", severity: "warning", graph: "g", tensor: "x", reason: "a dimension of -1, read as unknown" },
  ]);
});

test.each([3, 4, 10])("IR %d: an initializer among the inputs is no input", async (ir) => {
  const { graph, problems } = await open(
    {
      nodes: [node("Add", ["x", "w"], ["y"])],
      inputs: [value("x", "float32", [3]), value("w", "float32", [3])],
      initializers: [tensor("w", "float32", [3], [1, -2, 5])],
    },
    { ir },
  );
  expect(names(graph, graph.inputs)).toEqual(["x"]);
  expect(codes(problems)).toEqual(ir < 4 ? [] : ["overridable-initializers"]);
});

test("empty optional inputs and outputs, missing node names", async () => {
  const { graph, problems } = await open({
    inputs: [value("x", "float32", [2])],
    nodes: [node("Clip", ["x", "", "x"], ["", "y"])],
    outputs: [value("y", "float32", [2])],
  });
  expect(graph.nodes[0]).toMatchObject({ name: "", inputs: [0, undefined, 0], outputs: [undefined, 1] });
  expect(problems).toEqual([]);
});

test("sparse initializers", async () => {
  const { graph } = await open({
    nodes: [node("Neg", ["s"], ["y"])],
    sparseInitializers: [sparse(tensor("s", "float32", [2], [1.5, -2]), tensor("", "int64", [2, 2], [0, 1, 2, 3]), [3, 5])],
  });
  expect(named(graph, "s")).toMatchObject({
    type: { dtype: "float32", shape: [3, 5] },
    sparse: { shape: [3, 5], indices: { shape: [2, 2] } },
  });
});

test("the output of a Constant carries its tensor", async () => {
  const { graph } = await open({ nodes: [node("Constant", [], ["c"], { value: tensor("", "int64", [3], [7, 8, 9]) })] });
  expect(named(graph, "c")).toMatchObject({ producer: 0, tensor: { dtype: "int64", shape: [3] } });
});

test("a function is a graph of its own, with its imports and attributes", async () => {
  const { model } = await open(
    { nodes: [node("Scaled", ["x"], ["y"], { alpha: float(2) }, "", { domain: "my" })], inputs: [value("x", "float32", [3])] },
    {
      opsets: { "": 18, my: 1 },
      functions: [
        {
          name: "Scaled",
          domain: "my",
          overload: "f",
          inputs: ["a"],
          outputs: ["b"],
          attributes: ["alpha"],
          defaults: { beta: float(0.5) },
          opsets: { "": 17 },
          nodes: [node("LeakyRelu", ["a"], ["b"], { alpha: ref("alpha", "FLOAT") })],
          valueInfo: [value("b", "float32", ["n"])],
          doc: "scales",
        },
      ],
    },
  );
  const [, body] = model.graphs;
  expect(body).toMatchObject({
    id: 1,
    role: "function",
    name: "Scaled:f",
    domain: "my",
    attributes: ["alpha", "beta"],
    attributeDefaults: { beta: { kind: "float", value: 0.5 } },
    opsets: { "": 17 },
    doc: "scales",
    inputs: [0],
    outputs: [1],
  });
  expect(body!.nodes[0]!.attrs.alpha).toEqual({ kind: "ref", value: "alpha" });
  expect(body!.values[1]!.type).toEqual({ dtype: "float32", shape: ["n"] });
  expect(model.problems).toEqual([]);
});

test("a model written in two parts is one model", async () => {
  const first = onnxModel({ graph: { nodes: [node("Abs", ["x"], ["a"])], inputs: [value("x", "int8", [2])] } });
  const second = join([message(7, [message(12, [text(1, "a")])])]);
  const { model } = await openOnnx(joinBytes([first, second]));
  expect(model.graphs).toHaveLength(1);
  expect(names(model.graphs[0]!, model.graphs[0]!.outputs)).toEqual(["a"]);
});

test("a name of megabytes is refused with its offset", async () => {
  const file = onnxModel({ graph: { nodes: [node("Abs", ["x".repeat(2 ** 20 + 1)], ["y"])] } });
  await expect(openOnnx(file)).rejects.toMatchObject({ problem: { code: "too-large", offset: expect.any(Number) } });
  await expect(openOnnx(file)).rejects.toBeInstanceOf(ModelError);
});

test("a chain of 100 000 nodes is read in one pass at the default stack", { timeout: 60_000 }, async () => {
  const count = 100_000;
  const nodes = Array.from({ length: count }, (_, i) => node("Neg", [`h${i}`], [`h${i + 1}`]));
  const { graph, problems } = await open({
    nodes,
    inputs: [value("h0", "float32", [3])],
    outputs: [value(`h${count}`, "float32", [3])],
  });
  expect(graph.nodes).toHaveLength(count);
  expect(graph.nodes[count - 1]).toMatchObject({ inputs: [count - 1], outputs: [count] });
  expect(problems).toEqual([]);
});
