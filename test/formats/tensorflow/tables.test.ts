/** Hash tables of SavedModels: filled from vocabularies and from checkpoints, looked up in stock TF.js. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MemorySink, memorySource, memorySources } from "../../../src/base/memory.ts";
import { convert } from "../../../src/convert.ts";
import { readTensorflow } from "../../../src/formats/tensorflow/read.ts";
import { type Tensor, tensorOf } from "../../../src/graph/tensor.ts";
import { TfjsWorker } from "../../../src/runtime/tfjs.ts";
import {
  bundle,
  constant,
  type FunctionSpec,
  type MetaSpec,
  type NodeSpec,
  placeholder,
  resource,
  savedModel,
} from "../../build/tensorflow.ts";

let worker: TfjsWorker;
beforeAll(async () => {
  worker = await TfjsWorker.start("cpu");
});
afterAll(() => worker.close());

const text = (...data: string[]): Tensor => ({ dtype: "string", shape: [data.length], data });
const utf8 = new TextEncoder();

const node = (name: string, op: string, inputs: readonly string[], attrs: NodeSpec["attrs"] = {}): NodeSpec => ({
  name,
  op,
  inputs,
  attrs,
});

const table = (op: string): NodeSpec => node("table", op, [], { key_dtype: { type: "string" }, value_dtype: { type: "int64" } });

const meta = (nodes: readonly NodeSpec[], functions: readonly FunctionSpec[], assets: Record<string, string> = {}): MetaSpec => ({
  tags: ["serve"],
  graph: {
    nodes: [
      placeholder("words", "string", [-1]),
      constant("unknown", tensorOf("int64", [], [-1])),
      node("found", "LookupTableFindV2", ["table", "words", "unknown"]),
      ...nodes,
    ],
    functions,
  },
  assets,
  signatures: {
    serving_default: {
      inputs: { words: { value: "words:0", dtype: "string", shape: [-1] } },
      outputs: { ids: { value: "found:0", dtype: "int64", shape: [-1] } },
    },
  },
});

async function lookedUp(spec: MetaSpec, files: Record<string, Uint8Array>, words: Tensor) {
  const bytes = savedModel(spec);
  const read = await readTensorflow(memorySource("saved_model.pb", bytes), memorySources({ "saved_model.pb": bytes, ...files }));
  const sink = new MemorySink();
  const { problems } = await convert(read.model, read.files, sink);
  const errors = problems.filter(({ severity }) => severity === "error").map(({ reason }) => reason);
  if (errors.length > 0) return errors;
  const loaded = await worker.load(sink.files);
  const found = await worker.run(loaded, new Map([["words", words]]), ["ids"]);
  return Array.from(found.get("ids")!.data as Int32Array);
}

/** An initialiser within another function, as TensorFlow 2 nests them. */
const initialiser = (attrs: NodeSpec["attrs"]): readonly FunctionSpec[] => {
  const inputs = [
    ["file", "string"],
    ["handle", resource],
  ] as const;
  const call = (name: string) =>
    node("call", "StatefulPartitionedCall", ["file", "handle"], { f: { func: name }, Tout: { types: [] } });
  return [
    { name: "outer", inputs, outputs: [], nodes: [call("inner")] },
    { name: "inner", inputs, outputs: [], nodes: [node("init", "InitializeTableFromTextFileV2", ["handle", "file"], attrs)] },
  ];
};

const outer = node("init_all", "StatefulPartitionedCall", ["path", "table"], { f: { func: "outer" }, Tout: { types: [] } });
const path = constant("path", { dtype: "string", shape: [], data: ["/somewhere/else/vocab.txt"] });

describe("a table of a vocabulary", () => {
  const words = text("blue", "red", "grün", "pink");

  it("has a word a line", async () => {
    const spec = meta([table("HashTableV2"), path, outer], initialiser({ key_index: { i: -2 }, value_index: { i: -1 } }), {
      "path:0": "colours.txt",
    });
    const files = { "assets/colours.txt": utf8.encode("red\r\ngrün\nblue\n") };
    expect(await lookedUp(spec, files, words)).toEqual([2, 0, 1, -1]);
  });

  it("has columns, a head and a length, in the file that the constant names", async () => {
    const attrs = { key_index: { i: 1 }, value_index: { i: 0 }, delimiter: { s: ";" }, offset: { i: 1 }, vocab_size: { i: 2 } };
    const spec = meta([table("HashTableV2"), path, outer], initialiser(attrs));
    const files = { "assets/vocab.txt": utf8.encode("id;name\n40;red\n17;blue\n5;pink") };
    expect(await lookedUp(spec, files, words)).toEqual([17, 40, -1, -1]);
  });

  it("whose file is absent or too short says so", async () => {
    const spec = meta([table("HashTableV2"), path, outer], initialiser({ vocab_size: { i: 9 } }));
    expect(await lookedUp(spec, {}, words)).toContain("no such file: assets/vocab.txt");
    const files = { "assets/vocab.txt": utf8.encode("red") };
    expect(await lookedUp(spec, files, words)).toContain("1 lines in assets/vocab.txt where the table takes 9");
  });
});

describe("a table of a checkpoint", () => {
  const restore: FunctionSpec = {
    name: "restore",
    inputs: [
      ["file", "string"],
      ["handle", resource],
    ],
    outputs: [],
    nodes: [
      constant("names", text("t/.ATTRIBUTES/table-keys", "t/.ATTRIBUTES/table-values")),
      constant("slices", text("", "")),
      node("all", "RestoreV2", ["file", "names:output:0", "slices:output:0"], { dtypes: { types: ["string", "int64"] } }),
      node("values", "Identity", ["all:tensors:1"]),
      node("fill", "LookupTableImportV2", ["handle", "all:tensors:0", "values:output:0"]),
    ],
  };
  const call = node("call", "StatefulPartitionedCall", ["path", "table"], { f: { func: "restore" }, Tout: { types: [] } });
  const spec = meta([table("MutableHashTableV2"), path, call], [restore]);
  const prefix = "variables/variables";
  const files = bundle(prefix, {
    "t/.ATTRIBUTES/table-keys": text("tiny", "häßlich", ""),
    "t/.ATTRIBUTES/table-values": tensorOf("int64", [3], [31, 7, 2]),
  });

  it("has the keys and values saved", async () => {
    expect(await lookedUp(spec, files, text("", "häßlich", "huge", "tiny"))).toEqual([2, 7, -1, 31]);
  });

  it("never has wrong ones: any flipped byte of the data is found", async () => {
    const data = `${prefix}.data-00000-of-00001`;
    for (let at = 0; at < files[data]!.length; at += 3) {
      const damaged = files[data]!.slice();
      damaged[at]! ^= 0x04;
      const told = await lookedUp(spec, { ...files, [data]: damaged }, text("tiny")).catch((error: Error) => [error.message]);
      expect(String(told)).toMatch(/checksum|wanted|malformed/);
    }
  });
});
