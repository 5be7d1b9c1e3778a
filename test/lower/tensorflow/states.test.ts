/** Variables that a run assigns: run again and again in stock TF.js, each time with what the run before left. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MemorySink, memorySource, memorySources } from "../../../src/base/memory.ts";
import { convert } from "../../../src/convert.ts";
import { readTensorflow } from "../../../src/formats/tensorflow/read.ts";
import { type Tensor, tensorOf } from "../../../src/graph/tensor.ts";
import { TfjsWorker } from "../../../src/runtime/tfjs.ts";
import { bundle, constant, type FunctionSpec, type NodeSpec, placeholder, resource, savedModel } from "../../build/tensorflow.ts";

let worker: TfjsWorker;
beforeAll(async () => {
  worker = await TfjsWorker.start("cpu");
});
afterAll(() => worker.close());

const float = (...values: number[]): Tensor => tensorOf("float32", [values.length], values);
const node = (name: string, op: string, inputs: readonly string[], attrs: NodeSpec["attrs"] = {}): NodeSpec => ({
  name,
  op,
  inputs,
  attrs,
});
const handle = (name: string): NodeSpec =>
  node(name, "VarHandleOp", [], { dtype: { type: "float32" }, shape: { shape: [2] }, shared_name: { s: name } });
const f32 = { type: "float32" } as const;

interface Model {
  readonly nodes: readonly NodeSpec[];
  readonly functions?: readonly FunctionSpec[];
  /** What the checkpoint has. */
  readonly held: Readonly<Record<string, Tensor>>;
  /** Output names by value. */
  readonly outputs: Readonly<Record<string, string>>;
}

async function converted({ nodes, functions = [], held, outputs }: Model) {
  const side = (names: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(names).map(([key, value]) => [key, { value, dtype: "float32" as const, shape: [2] }]));
  const bytes = savedModel({
    tags: ["serve"],
    graph: { nodes: [placeholder("x", "float32", [2]), ...nodes], functions },
    signatures: { serving_default: { inputs: side({ x: "x" }), outputs: side(outputs) } },
  });
  const files = { "saved_model.pb": bytes, ...bundle("variables/variables", held) };
  const { model, files: sources } = await readTensorflow(memorySource("saved_model.pb", bytes), memorySources(files));
  const sink = new MemorySink();
  return { sink, ...(await convert(model, sources, sink)) };
}

/** Runs with these inputs one after the other, states zero at first; the outputs of each, without the states. */
async function runs(model: Model, inputs: readonly Tensor[]) {
  const { sink, state, problems } = await converted(model);
  expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
  const json = JSON.parse(new TextDecoder().decode(sink.files["model.json"]));
  expect(json.userDefinedMetadata.state).toEqual(state);
  const loaded = await worker.load(sink.files);
  const flag = (name: string): Tensor =>
    name === "state/started" ? { dtype: "bool", shape: [], data: Uint8Array.of(0) } : float(0, 0);
  let states = new Map(state.map((name) => [name, flag(name)]));
  const found: Record<string, number[]>[] = [];
  for (const x of inputs) {
    const out = await worker.run(loaded, new Map([["x", x], ...states]), [...Object.keys(model.outputs), ...state]);
    states = new Map(state.map((name) => [name, out.get(name)!]));
    found.push(
      Object.fromEntries(Object.keys(model.outputs).map((name) => [name, Array.from(out.get(name)!.data as Float32Array)])),
    );
  }
  return { state, found };
}

describe("variables of the main graph", () => {
  it("are read before and after they are assigned, as control edges say", async () => {
    const nodes = [
      handle("total"),
      node("before", "ReadVariableOp", ["total"], { dtype: f32 }),
      node("add", "AssignAddVariableOp", ["total", "x", "^before"]),
      node("after", "ReadVariableOp", ["total", "^add"], { dtype: f32 }),
    ];
    const outputs = { before: "before:0", after: "after:0" };
    const zero = await runs({ nodes, held: { total: float(0, 0) }, outputs }, [float(1, 2), float(10, -5)]);
    expect(zero.state).toEqual(["state/total"]);
    expect(zero.found).toEqual([
      { before: [0, 0], after: [1, 2] },
      { before: [1, 2], after: [11, -3] },
    ]);
    const some = await runs({ nodes, held: { total: float(100, -7) }, outputs }, [float(1, 2), float(10, -5)]);
    expect([...some.state].sort()).toEqual(["state/started", "state/total"]);
    expect(some.found).toEqual([
      { before: [100, -7], after: [101, -5] },
      { before: [101, -5], after: [111, -10] },
    ]);
  });

  it("of the first version are handed on by what assigns them", async () => {
    const nodes = [
      node("v", "VariableV2", [], { dtype: f32, shape: { shape: [2] } }),
      node("old", "Identity", ["v"]),
      node("sub", "AssignSub", ["v", "x", "^old"]),
      node("set", "ScatterAdd", ["sub", "place", "one"]),
      constant("place", tensorOf("int32", [1], [1])),
      constant("one", float(1000)),
    ];
    const { found, state } = await runs({ nodes, held: { v: float(5, 6) }, outputs: { old: "old:0", now: "set:0" } }, [
      float(1, 2),
      float(3, 4),
    ]);
    expect(found).toEqual([
      { old: [5, 6], now: [4, 1004] },
      { old: [4, 1004], now: [1, 2000] },
    ]);
    expect(state).toContain("state/v");
  });

  const ways: Readonly<Record<string, (a: number, b: number) => number>> = {
    ResourceScatterAdd: (p, q) => p + q,
    ResourceScatterSub: (p, q) => p - q,
    ResourceScatterMul: (p, q) => p * q,
    ResourceScatterDiv: (p, q) => p / q,
    ResourceScatterMin: Math.min,
    ResourceScatterMax: Math.max,
    ResourceScatterUpdate: (_, q) => q,
    ResourceScatterNdAdd: (p, q) => p + q,
    ResourceScatterNdSub: (p, q) => p - q,
    ResourceScatterNdMin: Math.min,
    ResourceScatterNdMax: Math.max,
    ResourceScatterNdUpdate: (_, q) => q,
  };
  for (const [op, f] of Object.entries(ways))
    it(`are changed by ${op} at some places`, async () => {
      const places = op.includes("Nd") ? tensorOf("int32", [1, 1], [1]) : tensorOf("int32", [1], [1]);
      const nodes = [
        handle("v"),
        constant("place", places),
        constant("from", tensorOf("int32", [1], [1])),
        constant("one", tensorOf("int32", [1], [1])),
        node("second", "Slice", ["x", "from", "one"]),
        node("set", op, ["v", "place", "second"]),
        node("y", "ReadVariableOp", ["v", "^set"], { dtype: f32 }),
      ];
      const { found } = await runs({ nodes, held: { v: float(8, 3) }, outputs: { y: "y:0" } }, [float(9, 2), float(9, -4)]);
      const [first, second] = [f(3, 2), f(Math.fround(f(3, 2)), -4)].map(Math.fround);
      expect(found).toEqual([{ y: [8, first] }, { y: [8, second] }]);
    });

  it("that are asked whether they hold something do; an assignment sets them", async () => {
    const nodes = [
      handle("v"),
      node("old", "Variable", [], { dtype: f32, shape: { shape: [2] } }),
      node("is", "VarIsInitializedOp", ["v"]),
      node("was", "IsVariableInitialized", ["old"]),
      node("both", "LogicalAnd", ["is", "was"]),
      node("set", "AssignVariableOp", ["v", "x"]),
      node("read", "ReadVariableOp", ["v", "^set"], { dtype: f32 }),
      node("more", "AssignAdd", ["old", "x"]),
      node("y", "SelectV2", ["both", "read", "more"]),
    ];
    const model = { nodes, held: { v: float(1, 1), old: float(0, 0) }, outputs: { y: "y:0", z: "more:0" } };
    const { found } = await runs(model, [float(9, 2), float(-1, 4)]);
    expect(found).toEqual([
      { y: [9, 2], z: [9, 2] },
      { y: [-1, 4], z: [8, 6] },
    ]);
  });

  it("that nothing assigns on the way to the outputs are constants", async () => {
    const nodes = [
      handle("total"),
      node("y", "ReadVariableOp", ["total"], { dtype: f32 }),
      node("add", "AssignAddVariableOp", ["total", "x"]),
    ];
    const { ok, state, inputs } = await converted({ nodes, held: { total: float(3, 4) }, outputs: { y: "y:0" } });
    expect({ ok, state, inputs: inputs.map(({ name }) => name) }).toEqual({ ok: true, state: [], inputs: ["x"] });
  });
});

describe("variables assigned in functions", () => {
  const inner: FunctionSpec = {
    name: "inner",
    inputs: [
      ["value", "float32"],
      ["cell", resource],
    ],
    outputs: [["sum", "float32", "after:value:0"]],
    nodes: [
      node("add", "AssignAddVariableOp", ["cell", "value"]),
      node("after", "ReadVariableOp", ["cell", "^add"], { dtype: f32 }),
    ],
  };
  const outer: FunctionSpec = {
    name: "outer",
    inputs: inner.inputs,
    outputs: [["twice", "float32", "second:output:0"]],
    nodes: [
      node("first", "StatefulPartitionedCall", ["value", "cell"], { f: { func: "inner" }, Tout: { types: ["float32"] } }),
      node("second", "StatefulPartitionedCall", ["first:output:0", "cell", "^first"], {
        f: { func: "inner" },
        Tout: { types: ["float32"] },
      }),
    ],
  };

  it("come back through calls of any depth", async () => {
    const nodes = [
      handle("cell"),
      node("y", "StatefulPartitionedCall", ["x", "cell"], { f: { func: "outer" }, Tout: { types: ["float32"] } }),
    ];
    // first = c + x, second = first + c + x
    const { found } = await runs({ nodes, functions: [outer, inner], held: { cell: float(0, 0) }, outputs: { y: "y:0" } }, [
      float(1, 2),
      float(1, 2),
    ]);
    expect(found).toEqual([{ y: [2, 4] }, { y: [6, 12] }]);
  });

  it("come out of branches, of which one leaves them alone", async () => {
    const same: FunctionSpec = { ...inner, name: "same", outputs: [["sum", "float32", "value"]], nodes: [] };
    const nodes = [
      handle("cell"),
      constant("limit", tensorOf("float32", [], [4])),
      constant("axes", tensorOf("int32", [1], [0])),
      node("size", "Sum", ["x", "axes"]),
      node("large", "Greater", ["size", "limit"]),
      node("y", "If", ["large", "x", "cell"], {
        then_branch: { func: "inner" },
        else_branch: { func: "same" },
        Tout: { types: ["float32"] },
      }),
      node("left", "ReadVariableOp", ["cell", "^y"], { dtype: f32 }),
    ];
    const model = { nodes, functions: [inner, same], held: { cell: float(0, 0) }, outputs: { y: "y:0", left: "left:0" } };
    expect((await runs(model, [float(1, 2), float(5, 3), float(0, 1), float(2, 3)])).found).toEqual([
      { y: [1, 2], left: [0, 0] },
      { y: [5, 3], left: [5, 3] },
      { y: [0, 1], left: [5, 3] },
      { y: [7, 6], left: [7, 6] },
    ]);
  });

  it("come out of loops", async () => {
    const args = [
      ["i", "int32"],
      ["value", "float32"],
      ["cell", resource],
    ] as const;
    const cond: FunctionSpec = {
      name: "cond",
      inputs: args,
      outputs: [["go", "bool", "less:z:0"]],
      nodes: [constant("n", tensorOf("int32", [], [40])), node("less", "Less", ["i", "n:output:0"])],
    };
    const body: FunctionSpec = {
      name: "body",
      inputs: args,
      outputs: [
        ["next", "int32", "more:z:0"],
        ["same", "float32", "value"],
        ["out", resource, "cell"],
      ],
      nodes: [
        constant("one", tensorOf("int32", [], [1])),
        node("more", "AddV2", ["i", "one:output:0"]),
        node("add", "AssignAddVariableOp", ["cell", "value"]),
      ],
    };
    const nodes = [
      handle("cell"),
      constant("zero", tensorOf("int32", [], [0])),
      node("loop", "While", ["zero", "x", "cell"], {
        cond: { func: "cond" },
        body: { func: "body" },
        T: { types: ["int32", "float32", resource] },
      }),
      node("y", "ReadVariableOp", ["cell", "^loop"], { dtype: f32 }),
    ];
    const model = { nodes, functions: [cond, body], held: { cell: float(0, 0) }, outputs: { y: "y:0" } };
    expect((await runs(model, [float(1, -0.5), float(0.25, 2)])).found).toEqual([{ y: [40, -20] }, { y: [50, 60] }]);
  });

  it("under two names at once are refused", async () => {
    const both: FunctionSpec = {
      name: "both",
      inputs: [
        ["p", resource],
        ["q", resource],
        ["value", "float32"],
      ],
      outputs: [["y", "float32", "value"]],
      nodes: [node("a", "AssignAddVariableOp", ["p", "value"]), node("b", "AssignSubVariableOp", ["q", "value"])],
    };
    const nodes = [
      handle("cell"),
      node("y", "StatefulPartitionedCall", ["cell", "cell", "x"], { f: { func: "both" }, Tout: { types: ["float32"] } }),
    ];
    const { problems } = await converted({ nodes, functions: [both], held: { cell: float(0, 0) }, outputs: { y: "y:0" } });
    expect(problems.map(({ severity, node: name }) => [severity, name])).toEqual([["error", "y"]]);
  });
});
