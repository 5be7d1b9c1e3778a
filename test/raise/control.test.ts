import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Graph, Type, Value } from "../../src/graph/graph.ts";
import { type Tensor, tensorOf } from "../../src/graph/tensor.ts";
import { Builder } from "../../src/tf/build.ts";
import { random } from "../build/random.ts";
import { AgainstOnnxruntime, opsOf, raised } from "./against-onnxruntime.ts";

let ort: AgainstOnnxruntime;
beforeAll(async () => {
  ort = await AgainstOnnxruntime.start();
});
afterAll(() => ort.close());

const vector: Type = { dtype: "float32", shape: [5] };
const scalar: Type = { dtype: "int32", shape: [] };
const x: Tensor = tensorOf("float32", [5], random(5));
const times = (factor: number): Tensor =>
  tensorOf(
    "float32",
    [5],
    (x.data as Float32Array).map((value) => value * factor),
  );

/** A function over placeholders of these types. */
function body(name: string, types: readonly Type[], make: (b: Builder, inputs: readonly Value[]) => readonly Value[]): Graph {
  const b = new Builder();
  const inputs = types.map((type, i) => b.input(`${name}_${i}`, type));
  const outputs = make(b, inputs).map((value, i) => ({ name: `${name}_out_${i}`, value }));
  return { name, inputs, outputs, functions: new Map() };
}

function graphWith(
  functions: readonly Graph[],
  types: Readonly<Record<string, Type>>,
  make: (b: Builder, inputs: readonly Value[]) => readonly Value[],
): Graph {
  const b = new Builder();
  const inputs = Object.entries(types).map(([name, type]) => b.input(name, type));
  const outputs = make(b, inputs).map((value, i) => ({ name: `y${i}`, value }));
  return { name: "main", inputs, outputs, functions: new Map(functions.map((each) => [each.name, each])) };
}

describe("If", () => {
  const yes = body("yes", [vector, vector], (b, [p]) => [b.op("Mul", [p!, b.scalar("float32", 2)]), p!]);
  const no = body("no", [vector, vector], (b, [, q]) => [b.op("Neg", [q!]), q!]);
  const graph = graphWith([yes, no], { test: { dtype: "bool", shape: [] }, x: vector }, (b, [test, value]) => {
    const other = b.op("AddV2", [value!, value!]);
    const attrs = { then_branch: "yes", else_branch: "no", output_types: [vector, vector] };
    return b.ops("StatelessIf", [test!, value!, other], attrs);
  });

  it.each([
    [1, [times(2), x]],
    [0, [times(-2), times(2)]],
  ] as const)("where the condition is %i", async (test, expected) => {
    expect(await ort.differences(graph, { test: tensorOf("bool", [], [test]), x }, { expected })).toEqual([]);
  });
});

describe("While", () => {
  const types = [scalar, vector, vector];
  const fewer = body("fewer", types, (b, [i]) => [b.op("Less", [i!, b.scalar("int32", 4)])]);
  const step = body("step", types, (b, [i, total, each]) => [
    b.op("AddV2", [i!, b.scalar("int32", 1)]),
    b.op("AddV2", [total!, each!]),
    each!,
  ]);
  const graph = graphWith([fewer, step], { start: scalar, x: vector }, (b, [start, value]) =>
    b.ops("StatelessWhile", [start!, b.op("ZerosLike", [value!]), value!], { cond: "fewer", body: "step", output_types: types }),
  );

  it.each([
    [0, 4],
    [3, 1],
    [4, 0],
  ])("from %i it turns %i times", async (start, turns) => {
    const expected = [tensorOf("int32", [], [4]), times(turns), x];
    expect(await ort.differences(graph, { start: tensorOf("int32", [], [start]), x }, { expected })).toEqual([]);
  });

  it("what a turn only hands on is no state of the loop", () => {
    const { model } = raised(graph);
    const loop = model.graph.nodes.find(({ op }) => op === "Loop")!;
    expect(loop.outputs).toHaveLength(2);
    const attr = loop.attrs["body"]!;
    expect(attr.kind === "graph" && attr.value.inputs.map(({ shape }) => shape)).toEqual([[], [], [], [5]]);
  });

  it("within a branch of an If", async () => {
    const looped = body("looped", [vector], (b, [p]) => {
      const state = [b.scalar("int32", 1), b.op("ZerosLike", [p!]), p!];
      return [b.ops("StatelessWhile", state, { cond: "fewer", body: "step", output_types: types })[1]!];
    });
    const plain = body("plain", [vector], (_, [p]) => [p!]);
    const nested = graphWith(
      [fewer, step, looped, plain],
      { test: { dtype: "bool", shape: [] }, x: vector },
      (b, [test, value]) =>
        b.ops("StatelessIf", [test!, value!], { then_branch: "looped", else_branch: "plain", output_types: [vector] }),
    );
    expect(await ort.differences(nested, { test: tensorOf("bool", [], [1]), x }, { expected: [times(3)] })).toEqual([]);
    expect(await ort.differences(nested, { test: tensorOf("bool", [], [0]), x }, { expected: [x] })).toEqual([]);
  });

  it("a list grows from turn to turn, and is stacked", async () => {
    const list: Type = { dtype: "int32", shape: [] };
    const state = [scalar, list, vector];
    const cond = body("cond", state, (b, [i]) => [b.op("Less", [i!, b.scalar("int32", 3)])]);
    const push = body("push", state, (b, [i, rows, value]) => [
      b.op("AddV2", [i!, b.scalar("int32", 1)]),
      b.op("TensorListPushBack", [rows!, b.op("Mul", [value!, b.cast(i!, "float32")])], { element_dtype: "float32" }),
      value!,
    ]);
    const stacked: Type = { dtype: "float32", shape: [undefined, 5] };
    const graphOfLists = graphWith([cond, push], { x: vector }, (b, [value]) => {
      const empty = b.op("EmptyTensorList", [b.ints([5]), b.scalar("int32", -1)], { element_dtype: "float32" });
      const done = b.ops("StatelessWhile", [b.scalar("int32", 0), empty, value!], {
        cond: "cond",
        body: "push",
        output_types: state,
      });
      return [b.op("TensorListStack", [done[1]!, b.ints([5])], { element_dtype: "float32", output_types: [stacked] })];
    });
    const rows = [0, 1, 2].flatMap((i) => Array.from(times(i).data as Float32Array));
    expect(await ort.differences(graphOfLists, { x }, { expected: [tensorOf("float32", [3, 5], rows)] })).toEqual([]);
  });
});

it("a fault in a body is told once, at its node", () => {
  const broken = body("broken", [vector], (b, [p]) => [b.op("Cholesky", [b.reshape(p!, [5, 1])])]);
  const plain = body("plain", [vector], (b, [p]) => [b.reshape(p!, [5, 1])]);
  const graph = graphWith([broken, plain], { test: { dtype: "bool", shape: [] }, x: vector }, (b, [test, value]) =>
    b.ops("StatelessIf", [test!, value!], {
      then_branch: "broken",
      else_branch: "plain",
      output_types: [{ dtype: "float32", shape: [5, 1] }],
    }),
  );
  expect(raised(graph).problems.map(({ op }) => op)).toEqual(["Cholesky"]);
});

it("what goes in and comes out under one name keeps it; what is another value does not", async () => {
  const b = new Builder();
  const state = b.input("state", vector);
  const same = b.input("same", vector);
  const graph: Graph = {
    name: "main",
    inputs: [state, same],
    outputs: [
      { name: "state", value: b.op("Neg", [state]) },
      { name: "same", value: same },
      { name: "constant", value: b.constant(times(3)) },
    ],
    functions: new Map(),
  };
  const { model } = raised(graph);
  expect(model.graph.outputs.map(({ name }) => name)).toEqual(["state_next", "same", "constant"]);
  expect(opsOf(model)).toEqual({ Neg: 1, Identity: 1 });
  expect(await ort.differences(graph, { state: x, same: times(2) }, { expected: [times(-1), times(2), times(3)] })).toEqual([]);
});
