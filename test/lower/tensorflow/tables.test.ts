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

  it("filled from elsewhere are refused", async () => {
    const { refused } = await converted({ nodes: [table, ...constants, ...look], feeds: { words }, expected });
    expect(refused).toEqual(["a hash table that is not filled with constants"]);
  });
});
