import { describe, expect, test } from "vitest";
import { ModelError } from "../../../src/base/problem.ts";
import type { SourceGraph, SourceValue } from "../../../src/graph/source.ts";
import {
  type AttrValue,
  attr,
  emptyInts,
  float,
  floats,
  type GraphSpec,
  joinBytes,
  type ModelSpec,
  map,
  node,
  onnxModel,
  openOnnx,
  optionalOf,
  packedFloats,
  packedInts,
  ref,
  sequence,
  sparse,
  tensor,
  typeAttr,
  untyped,
  value,
} from "../../build/onnx.ts";
import { bytes, int, join, message, text } from "../../build/protobuf.ts";
import { random, randomInts } from "../../build/random.ts";

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

describe("attributes", () => {
  async function attrOf(v: Readonly<Record<string, AttrValue>>) {
    const { graph, problems } = await open({ nodes: [node("Op", [], ["y"], v)] });
    return { attrs: graph.nodes[0]!.attrs, problems };
  }

  test("of every kind", async () => {
    const { attrs, problems } = await attrOf({
      i: -7,
      big: 2n ** 63n - 1n,
      f: float(0.1),
      s: "SAME_UPPER",
      empty: "",
      ints: [3, -1, 2n ** 60n],
      packed: packedInts([5, -6]),
      none: emptyInts(),
      floats: floats([0.5, -2]),
      packedFloats: packedFloats([1.5, 3]),
      strings: ["a", ""],
      type: typeAttr(value("", "int8", [2, "k"])),
      reference: ref("alpha", "FLOAT"),
      __proto__x: 1,
    });
    expect(problems).toEqual([]);
    expect(attrs).toEqual({
      i: { kind: "int", value: -7 },
      big: { kind: "int", value: "9223372036854775807" },
      f: { kind: "float", value: Math.fround(0.1) },
      s: { kind: "string", value: "SAME_UPPER" },
      empty: { kind: "string", value: "" },
      ints: { kind: "ints", value: [3, -1, "1152921504606846976"] },
      packed: { kind: "ints", value: [5, -6] },
      none: { kind: "ints", value: [] },
      floats: { kind: "floats", value: [0.5, -2] },
      packedFloats: { kind: "floats", value: [1.5, 3] },
      strings: { kind: "strings", value: ["a", ""] },
      type: { kind: "type", value: { dtype: "int8", shape: [2, "k"] } },
      reference: { kind: "ref", value: "alpha" },
      __proto__x: { kind: "int", value: 1 },
    });
  });

  test("tensors, dense and sparse", async () => {
    const dense = tensor("", "int64", [2], [4, 5]);
    const { attrs } = await attrOf({
      t: dense,
      ts: [dense, tensor("", "float32", [3], random(3))],
      s: sparse(tensor("", "float32", [2], [1, 2]), tensor("", "int64", [2], [3, 8]), [3, 5]),
    });
    expect(attrs.t).toMatchObject({ kind: "tensor", value: { dtype: "int64", shape: [2] } });
    expect(attrs.ts).toMatchObject({ kind: "tensors", value: [{ dtype: "int64" }, { dtype: "float32", shape: [3] }] });
    expect(attrs.s).toMatchObject({ kind: "sparse", shape: [3, 5], values: { shape: [2] }, indices: { dtype: "int64" } });
  });

  test("an attribute named __proto__ is an attribute", async () => {
    const hostile = JSON.parse('{"__proto__": 5}') as Record<string, number>;
    const { attrs } = await attrOf(hostile);
    expect(Object.hasOwn(attrs, "__proto__")).toBe(true);
    expect(Object.getPrototypeOf(attrs)).toBe(Object.prototype);
  });

  test("left-out zeroes take the type's default; before IR 2 the field tells the type", async () => {
    const { attrs } = await attrOf({
      zero: attr("INT"),
      f: attr("FLOAT"),
      old: attr(0, int(3, 9)),
      olds: attr(0, int(8, 4), int(8, 5)),
    });
    expect(attrs).toEqual({
      zero: { kind: "int", value: 0 },
      f: { kind: "float", value: 0 },
      old: { kind: "int", value: 9 },
      olds: { kind: "ints", value: [4, 5] },
    });
  });

  test.each([
    ["another type than its value", attr("INT", text(4, "x")), "says INT, holds another"],
    ["no type and no value", attr(0), "without type or value"],
    ["a type of a newer ONNX", attr(99, int(3, 1)), "of type 99"],
    ["bytes that are not text", attr("STRING", bytes(4, Uint8Array.of(0xff, 0x00, 0xfe))), "3 bytes that are not text"],
    ["a tensor that cannot be read", attr("TENSOR", message(5, [int(1, -4), int(2, 1)])), "a tensor that cannot be read"],
  ])("%s is kept as unknown and told", async (_, bad, words) => {
    const { attrs, problems } = await attrOf({ bad });
    expect(attrs.bad).toEqual({ kind: "unknown", value: words });
    expect(codes(problems)).toContain("bad-attribute");
  });

  test("the first of two with one name stays", async () => {
    const twice = join([text(1, "k"), int(3, 1), int(20, 2)]);
    const again = join([text(1, "k"), int(3, 2), int(20, 2)]);
    const raw = join([message(7, [message(1, [text(4, "Op"), bytes(5, twice), bytes(5, again)])]), message(8, [int(2, 21)])]);
    const { model } = await openOnnx(raw);
    expect(model.graphs[0]!.nodes[0]!.attrs).toEqual({ k: { kind: "int", value: 1 } });
    expect(codes(model.problems)).toEqual(["duplicate-attribute"]);
  });
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

describe("tensors that cannot be", () => {
  const raw = (...fields: Parameters<typeof join>[0]) =>
    join([message(7, [message(5, [...fields, text(8, "w")])]), message(8, [int(2, 21)])]);
  test.each([
    ["a tensor without a data type", raw(int(1, 3))],
    ["unknown data type 77", raw(int(1, 3), int(2, 77))],
    ["a tensor with a dimension of -3", raw(int(1, -3), int(2, 1))],
    ["a tensor of 3 elements without data", raw(int(1, 3), int(2, 1))],
    ["float32 elements in int64_data, where float_data belongs", raw(int(1, 1), int(2, 1), int(7, 5))],
    ["strings in raw_data", raw(int(1, 1), int(2, 8), bytes(9, Uint8Array.of(1)))],
    ["a tensor in segments, which no ONNX runtime reads", raw(int(1, 1), int(2, 1), message(3, []), bytes(9, new Uint8Array(4)))],
    ["external data without a location", raw(int(1, 1), int(2, 1), int(14, 1))],
    [
      "external data outside the model's folder: ../secret",
      raw(int(1, 1), int(2, 1), int(14, 1), message(13, [text(1, "location"), text(2, "../secret")])),
    ],
    [
      "external data at offset -4, length unset",
      raw(
        int(1, 1),
        int(2, 1),
        int(14, 1),
        message(13, [text(1, "location"), text(2, "w")]),
        message(13, [text(1, "offset"), text(2, "-4")]),
      ),
    ],
  ])("%s", async (reason, file) => {
    const { model } = await openOnnx(file);
    expect(model.problems[0]).toMatchObject({ code: "bad-tensor", severity: "error", tensor: "w", reason });
    expect(model.problems[0]!.offset).toBeTypeOf("number");
    expect(model.graphs[0]!.values[0]!.tensor).toBeUndefined();
  });
});

test("no elements need no data", async () => {
  const { model } = await openOnnx(
    join([message(7, [message(5, [int(1, 0), int(2, 1), text(8, "w")])]), message(8, [int(2, 21)])]),
  );
  expect(model.graphs[0]!.values[0]!.tensor).toEqual({ dtype: "float32", shape: [0], slices: [], encoding: "raw" });
  expect(model.problems).toEqual([]);
});

describe("external data", () => {
  const external = (location: string, length?: number) =>
    onnxModel({
      graph: {
        name: "g",
        nodes: [],
        initializers: [
          tensor("w", "float32", [3, 2], randomInts(6, -9, 9), {
            location,
            offset: 8,
            ...(length === undefined ? {} : { length }),
          }),
        ],
      },
    });

  test("has its file among the model's, once", async () => {
    const { model } = await openOnnx(external("./data.bin"), { "data.bin": new Uint8Array(32) });
    expect(model.files).toEqual(["model.onnx", "data.bin"]);
    expect(model.graphs[0]!.values[0]!.tensor!.slices).toEqual([{ file: 1, offset: 8, length: 24 }]);
    expect(model.problems).toEqual([]);
  });

  test("absent: the model opens, with an error", async () => {
    const { model } = await openOnnx(external("data.bin"));
    expect(model.problems).toMatchObject([
      { code: "external-data", severity: "error", reason: "data.bin: no such file: data.bin" },
    ]);
  });

  test("too short a file, and too short a slice", async () => {
    const short = await openOnnx(external("data.bin"), { "data.bin": new Uint8Array(31) });
    expect(short.model.problems).toMatchObject([
      { code: "external-data", graph: "g", tensor: "w", reason: "bytes 8 to 32 of data.bin, which has 31" },
    ]);
    const slice = await openOnnx(external("data.bin", 20), { "data.bin": new Uint8Array(64) });
    expect(slice.model.problems).toMatchObject([
      { code: "tensor-length", graph: "g", tensor: "w", reason: "20 bytes where float32[3,2] takes 24" },
    ]);
  });
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
