import { describe, expect, it } from "vitest";
import { memorySource, memorySources } from "../../../src/base/memory.ts";
import { readTensorflow } from "../../../src/formats/tensorflow/read.ts";
import { loadTensor } from "../../../src/graph/decode.ts";
import { tensorOf } from "../../../src/graph/tensor.ts";
import { varint } from "../../build/protobuf.ts";
import {
  constant,
  type FunctionSpec,
  type GraphSpec,
  graphDef,
  type NodeSpec,
  placeholder,
  typedProto,
} from "../../build/tensorflow.ts";

const read = (spec: GraphSpec) => readTensorflow(memorySource("graph.pb", graphDef(spec)), memorySources());

const relu = (name: string, input: string): NodeSpec => ({
  name,
  op: "Relu",
  inputs: [input],
  attrs: { T: { type: "float32" } },
});

describe("a frozen graph", () => {
  it("has placeholders for inputs and what nothing reads for outputs", async () => {
    const { model } = await read({
      nodes: [
        placeholder("x", "float32", [-1, 3]),
        constant("w", tensorOf("float32", [3], [1, -2, 3])),
        { name: "y", op: "Mul", inputs: ["x", "w"] },
        relu("z", "y"),
      ],
    });
    const [main] = model.graphs;
    expect(model).toMatchObject({ dialect: "tensorflow", formatVersion: "frozen GraphDef 1395", problems: [] });
    expect(main!.nodes.map(({ op }) => op)).toEqual(["Placeholder", "Const", "Mul", "Relu"]);
    expect(main!.inputs.map((id) => main!.values[id])).toMatchObject([
      { name: "x", type: { dtype: "float32", shape: [null, 3] }, producer: 0 },
    ]);
    expect(main!.outputs.map((id) => main!.values[id]!.name)).toEqual(["z"]);
  });

  it("that was trained does not end in gradients, optimisers and savers", async () => {
    const nodes = [
      placeholder("x", "float32", [3]),
      { name: "loss", op: "Neg", inputs: ["x"] },
      { name: "gradients/loss_grad/Neg", op: "Neg", inputs: ["x"] },
      { name: "train/ApplyAdam", op: "ResourceApplyAdam", inputs: ["x"] },
      { name: "save_1/control_dependency", op: "Identity", inputs: ["x"] },
    ];
    const { model } = await readTensorflow(memorySource("g.pb", graphDef({ nodes })), memorySources());
    const [main] = model.graphs;
    expect(main!.outputs.map((id) => main!.values[id]!.name)).toEqual(["loss"]);
  });

  it("has a value for every port that the op has or that something reads", async () => {
    const { model } = await read({
      nodes: [
        placeholder("x", "float32", [6]),
        { name: "best", op: "TopKV2", inputs: ["x", "k"], attrs: { sorted: { b: true } } },
        { name: "parts", op: "Split", inputs: ["axis", "x"], attrs: { num_split: { i: 3 } } },
        { name: "odd", op: "NoSuchOp", inputs: ["x"] },
        relu("y", "odd:2"),
        constant("k", tensorOf("int32", [], [2])),
        constant("axis", tensorOf("int32", [], [0])),
      ],
    });
    const [main] = model.graphs;
    const names = (op: string) => main!.nodes.find((node) => node.op === op)!.outputs.map((id) => main!.values[id!]!.name);
    expect(names("TopKV2")).toEqual(["best", "best:1"]);
    expect(names("Split")).toEqual(["parts", "parts:1", "parts:2"]);
    expect(names("NoSuchOp")).toEqual(["odd", "odd:1", "odd:2"]);
    expect(model.problems).toEqual([]);
  });

  it("keeps control inputs apart and lets loops go round", async () => {
    const { model } = await read({
      nodes: [
        placeholder("x", "float32", []),
        { name: "enter", op: "Enter", inputs: ["x"], attrs: { frame_name: { s: "loop" } } },
        { name: "merge", op: "Merge", inputs: ["enter", "next"] },
        { name: "next", op: "NextIteration", inputs: ["merge", "^x"] },
      ],
    });
    expect(model.problems).toEqual([]);
    expect(model.graphs[0]!.nodes[3]).toMatchObject({ inputs: [2], attrs: { "^control": { kind: "strings", value: ["x"] } } });
  });

  it("tells of dangling inputs, missing and duplicate names and cycles", async () => {
    const { model } = await read({
      nodes: [relu("a", "nowhere"), relu("b", "c"), relu("c", "b"), relu("a", "b"), relu("", "b")],
    });
    expect(model.problems.map(({ code, node }) => [code, node])).toEqual([
      ["duplicate-name", "a"],
      ["no-name", undefined],
      ["dangling-input", "a"],
      ["cycle", "b"],
    ]);
  });

  it("takes a scalar placeholder of an old graph for one of unknown rank", async () => {
    const shapeIn = async (producer: number) => {
      const { model } = await read({ nodes: [placeholder("x", "float32", []), relu("y", "x")], producer });
      return model.graphs[0]!.values[0]!.type.shape;
    };
    expect(await shapeIn(23)).toBeUndefined();
    expect(await shapeIn(24)).toEqual([]);
  });
});

describe("functions", () => {
  const twice: FunctionSpec = {
    name: "best",
    inputs: [["v", "float32"]],
    outputs: [["place", "int32", "top:indices:0"]],
    nodes: [
      constant("k", tensorOf("int32", [], [1])),
      { name: "top", op: "TopKV2", inputs: ["v", "k:output:0"], attrs: { sorted: { b: true } } },
    ],
  };

  it("are graphs that calls name by id, their results found by the name of an output", async () => {
    const { model } = await read({
      nodes: [
        placeholder("x", "float32", [5]),
        { name: "call", op: "PartitionedCall", inputs: ["x"], attrs: { f: { func: "best" }, Tout: { types: ["int32"] } } },
      ],
      functions: [twice],
    });
    const [main, body] = model.graphs;
    expect(main!.nodes[1]!.attrs["f"]).toEqual({ kind: "graph", value: 1 });
    expect(body).toMatchObject({ name: "best", role: "function", inputs: [0] });
    expect(body!.outputs.map((id) => body!.values[id]!.name)).toEqual(["top:1"]);
  });

  it("that are not there are told where they are called", async () => {
    const { model } = await read({ nodes: [{ name: "call", op: "PartitionedCall", attrs: { f: { func: "gone" } } }] });
    expect(model.graphs[0]!.nodes[0]!.attrs["f"]).toEqual({ kind: "unknown", value: "the function gone, which is not there" });
  });
});

describe("tensors", () => {
  const load = async (tensor: NodeSpec["attrs"]) => {
    const { model, files } = await read({ nodes: [{ name: "c", op: "Const", attrs: tensor ?? {} }] });
    const { tensor: stored } = model.graphs[0]!.values[0]!;
    return (await loadTensor({ dtype: stored!.dtype, shape: stored!.shape, stored: stored!, files })).data;
  };
  const float32 = (value: number) => new Uint8Array(Float32Array.of(value).buffer);

  it("of fewer elements than their shape takes repeat the last", async () => {
    expect(await load({ value: { tensor: typedProto("float32", [2, 3], 5, [7, -2].map(float32)) } })).toEqual(
      Float32Array.of(7, -2, -2, -2, -2, -2),
    );
    expect(await load({ value: { tensor: typedProto("int64", [3], 10, [varint(-5n)]) } })).toEqual(
      BigInt64Array.of(-5n, -5n, -5n),
    );
    expect(await load({ value: { tensor: typedProto("bool", [2], 11, []) } })).toEqual(Uint8Array.of(0, 0));
  });

  it("of halves are bits in varints", async () => {
    expect(await load({ value: { tensor: typedProto("float16", [2], 13, [varint(0x3c00), varint(0xc500)]) } })).toEqual(
      Float32Array.of(1, -5),
    );
  });

  it("of strings", async () => {
    expect(await load(constant("c", { dtype: "string", shape: [2], data: ["a", "ü"] }).attrs)).toEqual(["a", "ü"]);
  });

  it("with more elements than their shape takes are refused when they are read", async () => {
    const many = typedProto("int32", [2], 7, [1, 2, 3].map(varint));
    await expect(load({ value: { tensor: many } })).rejects.toMatchObject({ problem: { code: "tensor-length" } });
  });
});
