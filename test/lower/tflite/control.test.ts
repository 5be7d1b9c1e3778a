import { afterAll, beforeAll, expect, test } from "vitest";
import { type GraphSpec, operator, value } from "../../build/tflite.ts";
import { AgainstLiteRt, type Trial } from "./against-litert.ts";
import { InTfjs } from "./in-tfjs.ts";
import { bools, floats, ints, result, scalar } from "./values.ts";

let against: AgainstLiteRt;
let tfjs: InTfjs;
beforeAll(async () => {
  [against, tfjs] = await Promise.all([AgainstLiteRt.start(), InTfjs.start()]);
});
afterAll(() => Promise.all([against.close(), tfjs.close()]));

const unary = (op: string): GraphSpec => ({
  tensors: [value("a", "float32", [2, 3]), value("r", "float32", [2, 3])],
  inputs: ["a"],
  outputs: ["r"],
  operators: [operator(op, ["a"], ["r"])],
});

/** Counts up to `limit`, doubling as it goes. */
const below = (limit: number): GraphSpec => ({
  tensors: [value("i", "int32", []), value("v", "float32", [2, 3]), scalar("n", limit), value("more", "bool", [])],
  inputs: ["i", "v"],
  outputs: ["more"],
  operators: [operator("LESS", ["i", "n"], ["more"])],
});
const step: GraphSpec = {
  tensors: [
    value("i", "int32", []),
    value("v", "float32", [2, 3]),
    scalar("one", 1),
    value("next", "int32", []),
    value("twice", "float32", [2, 3]),
  ],
  inputs: ["i", "v"],
  outputs: ["next", "twice"],
  operators: [operator("ADD", ["i", "one"], ["next"], "AddOptions"), operator("ADD", ["v", "v"], ["twice"], "AddOptions")],
};
const loop = (from: number, limit: number): Trial => ({
  op: "WHILE",
  table: "WhileOptions",
  options: { cond_subgraph_index: 1, body_subgraph_index: 2 },
  fed: [ints([], from, from), floats([2, 3])],
  results: [result("int32", []), result("float32", [2, 3])],
  subgraphs: [below(limit), step],
});

test.each([0, 1])("IF: branch %s", async (condition) => {
  const trial: Trial = {
    op: "IF",
    table: "IfOptions",
    options: { then_subgraph_index: 1, else_subgraph_index: 2 },
    fed: [{ ...bools([]), data: [condition] }, floats([2, 3])],
    results: [result("float32", [2, 3])],
    subgraphs: [unary("SIN"), unary("NEG")],
  };
  expect(await against.differences(trial)).toEqual([]);
});

test("WHILE whose length only the run knows", async () => {
  expect(await against.differences(loop(2, 7))).toEqual([]);
});

test("WHILE that does not run at all", async () => {
  expect(await against.differences(loop(9, 7))).toEqual([]);
});

test("WHILE of a known length is written out", async () => {
  const trial = loop(0, 3);
  expect(await against.differences({ ...trial, fed: [trial.fed[1]!], inputs: [scalar("start", 0), 0] })).toEqual([]);
});

test("CALL and STABLEHLO_CASE take sub-graphs in their place; STABLEHLO_WHILE is WHILE", async () => {
  const x = floats([2, 3]);
  const wide = (name: string) => value(name, "float32", [2, 3]);
  const found = await tfjs.run(
    {
      tensors: [wide("x"), value("i", "int32", []), scalar("start", 0), value("n", "int32", []), ...["a", "b", "c"].map(wide)],
      inputs: ["x", "i"],
      outputs: ["a", "b", "c"],
      operators: [
        operator("CALL", ["x"], ["a"], "CallOptions", { subgraph: 1 }),
        operator("STABLEHLO_CASE", ["i", "x"], ["b"], "StablehloCaseOptions", { branch_subgraph_indices: [1, 2] }),
        operator("STABLEHLO_WHILE", ["start", "x"], ["n", "c"], "StablehloWhileOptions", {
          cond_subgraph_index: 3,
          body_subgraph_index: 4,
        }),
      ],
      subgraphs: [unary("NEG"), unary("ABS"), below(3), step],
    },
    { x, i: { dtype: "int32", shape: [], data: [7] } },
  );
  expect(found["a"]!.data).toEqual(Array.from(x.data, (v) => -v));
  expect(found["b"]!.data).toEqual(Array.from(x.data, Math.abs));
  expect(found["c"]!.data).toEqual(Array.from(x.data, (v) => Math.fround(8 * v)));
});
