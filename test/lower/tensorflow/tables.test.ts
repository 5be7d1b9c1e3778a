import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Tensor, tensorOf } from "../../../src/graph/tensor.ts";
import { constant, type FunctionSpec, type NodeSpec, resource } from "../../build/tensorflow.ts";
import { converted, Runner } from "./run.ts";

let runner: Runner;
beforeAll(async () => {
  runner = await Runner.start();
});
afterAll(() => runner.close());

const op = (name: string, kind: string, inputs: readonly string[], attrs: NodeSpec["attrs"] = {}): NodeSpec => ({
  name,
  op: kind,
  inputs,
  attrs,
});
const text = (...data: string[]): Tensor => ({ dtype: "string", shape: [data.length], data });
const floats = (...values: number[]): Tensor => tensorOf("float32", [values.length], values);
const ids = (...values: number[]): Tensor => tensorOf("int64", [values.length], values);

const words = text("red", "green", "Blau", "red wine");
const table = op("table", "HashTableV2", [], {
  key_dtype: { type: "string" },
  value_dtype: { type: "int64" },
  shared_name: { s: "colours" },
});
const constants = [
  constant("keys", text("green", "red", "Blau")),
  constant("values", ids(11, 7, 13)),
  constant("unknown", tensorOf("int64", [], [-1])),
];
const look = [op("found", "LookupTableFindV2", ["table", "words", "unknown"]), op("size", "LookupTableSizeV2", ["table"])];
const expected = { found: ids(7, 11, 13, -1), size: tensorOf("int64", [], [3]) };

describe("hash tables", () => {
  it("filled with constants are looked up", async () => {
    const fill = op("fill", "LookupTableImportV2", ["table", "keys", "values"]);
    await runner.check({ nodes: [table, ...constants, fill, ...look], feeds: { words }, expected });
  });

  it("filled by a function of their own", async () => {
    const filler: FunctionSpec = {
      name: "filler",
      inputs: [
        ["handle", resource],
        ["k", "string"],
        ["v", "int64"],
      ],
      outputs: [],
      nodes: [op("import", "LookupTableImportV2", ["handle", "k", "v"])],
    };
    const call = op("call", "StatefulPartitionedCall", ["table", "keys", "values"], {
      f: { func: "filler" },
      Tout: { types: [] },
    });
    await runner.check({ nodes: [table, ...constants, call, ...look], functions: [filler], feeds: { words }, expected });
  });

  it.each<[string, Tensor, Tensor, Tensor, Tensor, Tensor]>([
    [
      "texts to whole numbers",
      text("p", "é", "r"),
      ids(5, -7, 11),
      tensorOf("int64", [], [-1]),
      text("é", "x", "r", "", "p", "R"),
      ids(-7, -1, 11, -1, 5, -1),
    ],
    [
      "texts to texts",
      text("p", "é", "r"),
      text("one", "", "drei"),
      { dtype: "string", shape: [], data: ["none"] },
      text("é", "x", "r", "", "p", "R"),
      text("", "none", "drei", "none", "one", "none"),
    ],
    [
      "texts to floats",
      text("p", "é", "r"),
      floats(0.5, 0, -2.25),
      tensorOf("float32", [], [9]),
      text("é", "x", "r", "", "p", "R"),
      floats(0, 9, -2.25, 9, 0.5, 9),
    ],
    [
      "whole numbers to texts",
      ids(0, -7, 11),
      text("zero", "minus", "elf"),
      { dtype: "string", shape: [], data: ["none"] },
      ids(11, 1, 0, 7, -7, 2),
      text("elf", "none", "zero", "none", "minus", "none"),
    ],
    [
      "whole numbers to floats",
      ids(0, -7, 11),
      floats(0.5, 0, -2.25),
      tensorOf("float32", [], [9]),
      ids(11, 1, 0, 7, -7, 2),
      floats(-2.25, 9, 0.5, 9, 0, 9),
    ],
  ])("%s, in the shape of what is looked up", async (_, keys, values, unknown, given, found) => {
    const kinds = { key_dtype: { type: keys.dtype }, value_dtype: { type: values.dtype } };
    const nodes = [
      op("table", "HashTableV2", [], { ...kinds, shared_name: { s: "t" } }),
      ...[constant("keys", keys), constant("values", values), constant("unknown", unknown)],
      op("fill", "LookupTableImportV2", ["table", "keys", "values"]),
      op("found", "LookupTableFindV2", ["table", "words", "unknown"]),
    ];
    const shaped = (tensor: Tensor, ...shape: number[]): Tensor => ({ ...tensor, shape });
    const first = (tensor: Tensor, count: number): Tensor => ({ ...tensor, data: tensor.data.slice(0, count) }) as Tensor;
    for (const shape of [
      [2, 3],
      [3, 1, 2],
    ])
      await runner.check({ nodes, feeds: { words: shaped(given, ...shape) }, expected: { found: shaped(found, ...shape) } });
    const alone = { feeds: { words: shaped(first(given, 1)) }, expected: { found: shaped(first(found, 1)) } };
    await runner.check({ nodes, ...alone });
    const none = { feeds: { words: shaped(first(given, 0), 0, 3) }, expected: { found: shaped(first(found, 0), 0, 3) } };
    await runner.check({ nodes, shapes: { words: [-1, 3] }, ...none });
  });

  it("looked up in a branch", async () => {
    const branch = (name: string, fallback: string): FunctionSpec => ({
      name,
      inputs: [
        ["handle", resource],
        ["given", "string"],
        ["one", "int64"],
        ["other", "int64"],
      ],
      outputs: [["out", "int64", "found:values:0"]],
      nodes: [op("found", "LookupTableFindV2", ["handle", "given", fallback])],
    });
    const fill = op("fill", "LookupTableImportV2", ["table", "keys", "values"]);
    const other = constant("other", tensorOf("int64", [], [-2]));
    const choose = op("found", "StatelessIf", ["which", "table", "words", "unknown", "other"], {
      Tcond: { type: "bool" },
      Tin: { types: [resource, "string", "int64", "int64"] },
      Tout: { types: ["int64"] },
      then_branch: { func: "first" },
      else_branch: { func: "second" },
    } as never);
    for (const [which, missing] of [
      [1, -1],
      [0, -2],
    ] as const)
      await runner.check({
        nodes: [table, ...constants, other, fill, choose],
        functions: [branch("first", "one"), branch("second", "other")],
        feeds: { words, which: tensorOf("bool", [], [which]) },
        expected: { found: ids(7, 11, 13, missing) },
      });
  });

  it("filled from elsewhere are refused", async () => {
    const { refused } = await converted({ nodes: [table, ...constants, ...look], feeds: { words }, expected });
    expect(refused).toEqual(["a hash table that is not filled with constants"]);
  });
});
