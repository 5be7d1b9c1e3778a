import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MemorySink } from "../../../src/base/memory.ts";
import { convert } from "../../../src/convert.ts";
import {
  constant,
  type GraphSpec,
  type OperatorSpec,
  openTflite,
  operator,
  strings,
  type TensorSpec,
  tfliteModel,
  value,
} from "../../build/tflite.ts";
import { InTfjs } from "./in-tfjs.ts";
import { floats, ints } from "./values.ts";

let tfjs: InTfjs;
beforeAll(async () => {
  tfjs = await InTfjs.start();
});
afterAll(() => tfjs.close());

const handle = (name: string): TensorSpec => ({ ...value(name, "int32", []), more: { type: "RESOURCE" } });
const variable = (output: string): OperatorSpec =>
  operator("VAR_HANDLE", [], [output], "VarHandleOptions", { container: "", shared_name: "kept" });
const once = operator("CALL_ONCE", [], [], "CallOnceOptions", { init_subgraph_index: 1 });
const shape = [2, 3];
const initial = [0.5, -1.25, 3, 0.125, 7, -0.75];

/** Leaves `more` in the variable. */
const init = (more: TensorSpec = constant("first", "float32", shape, initial)): GraphSpec => ({
  tensors: [handle("h"), more],
  inputs: [],
  outputs: [],
  operators: [variable("h"), operator("ASSIGN_VARIABLE", ["h", more.name], [])],
});

describe("variables", () => {
  /** y = before · x; the variable becomes before + x; z is what it is then. */
  const model = (subgraphs: readonly GraphSpec[]): Parameters<InTfjs["runs"]>[0] => ({
    tensors: [
      value("x", "float32", shape),
      handle("h"),
      ...["before", "y", "sum", "z"].map((name) => value(name, "float32", shape)),
    ],
    inputs: ["x"],
    outputs: ["y", "z"],
    operators: [
      ...(subgraphs.length > 0 ? [once] : []),
      variable("h"),
      operator("READ_VARIABLE", ["h"], ["before"]),
      operator("MUL", ["before", "x"], ["y"], "MulOptions"),
      operator("ADD", ["before", "x"], ["sum"], "AddOptions"),
      operator("ASSIGN_VARIABLE", ["h", "sum"], []),
      operator("READ_VARIABLE", ["h"], ["z"]),
    ],
    subgraphs,
  });
  const [first, second] = [floats(shape, 3), floats(shape, 4)];

  test.each<[string, readonly GraphSpec[], readonly number[]]>([
    ["that begin at zero", [init(constant("first", "float32", shape, [0, 0, 0, 0, 0, 0]))], [0, 0, 0, 0, 0, 0]],
    ["that nothing initialises", [], [0, 0, 0, 0, 0, 0]],
    ["that begin with other values", [init()], initial],
    [
      "whose first value is computed",
      [
        {
          ...init(value("first", "float32", shape)),
          tensors: [
            handle("h"),
            value("first", "float32", shape),
            constant(
              "half",
              "float32",
              shape,
              initial.map((x) => x / 2),
            ),
          ],
          operators: [
            variable("h"),
            operator("ADD", ["half", "half"], ["first"], "AddOptions"),
            operator("ASSIGN_VARIABLE", ["h", "first"], []),
          ],
        },
      ],
      initial,
    ],
  ])("%s are states", async (_, subgraphs, start) => {
    const found = await tfjs.runs(model(subgraphs), [{ x: first }, { x: second }]);
    let before = start.map(Math.fround);
    for (const [run, x] of [first, second].entries()) {
      const after = before.map((each, i) => Math.fround(each + x.data[i]!));
      expect(found[run]!["y"]!.data).toEqual(before.map((each, i) => Math.fround(each * x.data[i]!)));
      expect(found[run]!["z"]!.data).toEqual(after);
      before = after;
    }
  });

  const reading: GraphSpec = {
    tensors: [value("in", "float32", shape), handle("g"), value("w", "float32", shape), value("out", "float32", shape)],
    inputs: ["in"],
    outputs: ["out"],
    operators: [variable("g"), operator("READ_VARIABLE", ["g"], ["w"]), operator("MUL", ["in", "w"], ["out"], "MulOptions")],
  };
  const calling = (called: GraphSpec): Parameters<InTfjs["runs"]>[0] => ({
    tensors: [value("x", "float32", shape), value("y", "float32", shape)],
    inputs: ["x"],
    outputs: ["y"],
    operators: [once, operator("CALL", ["x"], ["y"], "CallOptions", { subgraph: 2 })],
    subgraphs: [init(), called],
  });

  test("that nothing assigns are constants, in sub-graphs too", async () => {
    const found = await tfjs.run(calling(reading), { x: first });
    expect(Object.keys(found)).toEqual(["y"]);
    expect(found["y"]!.data).toEqual(initial.map((each, i) => Math.fround(each * first.data[i]!)));
  });

  test("that a sub-graph assigns are refused, whoever reads them", async () => {
    const assigning: GraphSpec = {
      ...reading,
      operators: [...reading.operators, operator("ASSIGN_VARIABLE", ["g", "out"], [])],
    };
    await refused(calling(assigning));
    const { operators, tensors, ...rest } = model([]);
    await refused({
      ...rest,
      tensors: [...tensors, value("called", "float32", shape)],
      operators: [
        ...operators.filter(({ op }) => op !== "ASSIGN_VARIABLE"),
        operator("CALL", ["x"], ["called"], "CallOptions", { subgraph: 1 }),
      ],
      subgraphs: [{ ...assigning, tensors: reading.tensors }],
    });
  });

  async function refused(spec: Parameters<InTfjs["runs"]>[0]): Promise<void> {
    const { model: read, files } = await openTflite(tfliteModel(spec));
    const { problems } = await convert(read, files, new MemorySink());
    expect(problems.map(({ reason }) => reason)).toEqual(["a variable that changes and that a sub-graph reads or assigns"]);
  }
});

describe("hash tables", () => {
  const table = operator("HASHTABLE", [], ["t"], "HashtableOptions", { table_id: 4, key_dtype: "INT64", value_dtype: "STRING" });
  const keys = constant("k", "int64", [4], [12, -3, 700, 5]);
  const model = (values: TensorSpec, fallback: TensorSpec): Parameters<InTfjs["runs"]>[0] => ({
    tensors: [value("x", "int64", [2, 3]), handle("t"), fallback, value("y", values.dtype, [2, 3]), value("n", "int64", [1])],
    inputs: ["x"],
    outputs: ["y", "n"],
    operators: [
      once,
      table,
      operator("HASHTABLE_FIND", ["t", "x", fallback.name], ["y"]),
      operator("HASHTABLE_SIZE", ["t"], ["n"]),
    ],
    subgraphs: [
      {
        tensors: [handle("t"), keys, values],
        inputs: [],
        outputs: [],
        operators: [table, operator("HASHTABLE_IMPORT", ["t", "k", values.name], [])],
      },
    ],
  });
  const x = { ...ints([2, 3], 0, 0), data: [5, 12, 99, -3, 700, 6] };

  test("from numbers to words", async () => {
    const words = strings("v", [4], ["zwölf", "minus", "many", "five"]);
    const found = await tfjs.run(model(words, strings("none", [], ["?"])), { x });
    expect(found["y"]).toEqual({ shape: [2, 3], data: ["five", "zwölf", "?", "minus", "many", "?"] });
    expect(found["n"]).toEqual({ shape: [1], data: [4] });
  });

  test("from numbers to numbers", async () => {
    const found = await tfjs.run(model(constant("v", "int64", [4], [7, 8, 9, 10]), constant("none", "int64", [], [-1])), { x });
    expect(found["y"]).toEqual({ shape: [2, 3], data: [10, 7, -1, 8, 9, -1] });
  });

  test("that nothing fills are refused", async () => {
    const {
      operators,
      subgraphs: _,
      ...rest
    } = model(constant("v", "int64", [4], [7, 8, 9, 10]), constant("none", "int64", [], [-1]));
    await expect(tfjs.run({ ...rest, operators: operators.slice(1) }, { x })).rejects.toThrow(
      "a table that CALL_ONCE does not fill",
    );
  });
});
