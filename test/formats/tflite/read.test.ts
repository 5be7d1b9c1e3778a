import { describe, expect, test } from "vitest";
import { memorySource, memorySources } from "../../../src/base/memory.ts";
import { readTflite } from "../../../src/formats/tflite/read.ts";
import { loadTensor } from "../../../src/graph/decode.ts";
import type { SourceModel } from "../../../src/graph/source.ts";
import type { ModelFiles, Tensor } from "../../../src/graph/tensor.ts";
import { randomInts } from "../../build/random.ts";
import { constant, custom, openTflite, operator, tfliteModel, value } from "../../build/tflite.ts";
import { specimen } from "./specimen.ts";

const named = (model: SourceModel, name: string) => model.graphs[0]!.values.find((each) => each.name === name)!;

async function load({ model, files }: { model: SourceModel; files: ModelFiles }, name: string): Promise<Tensor> {
  const { tensor } = named(model, name);
  return loadTensor({ dtype: tensor!.dtype, shape: tensor!.shape, stored: tensor!, files });
}

describe("the specimen", () => {
  test("is sound, and its graph is what it was made of", async () => {
    const { model } = await openTflite(specimen());
    expect(model.problems).toEqual([]);
    expect(model).toMatchObject({
      dialect: "tflite",
      formatVersion: "schema v3",
      metadata: { note: "plain text" },
      doc: "made in code",
    });
    const [main, yes, no] = model.graphs;
    expect(model.graphs.map(({ name, role }) => [name, role])).toEqual([
      ["main", "main"],
      ["subgraph_1", "subgraph"],
      ["subgraph_2", "subgraph"],
    ]);
    expect(main!.nodes.map(({ op, domain }) => [op, domain])).toEqual([
      ["CONV_2D", ""],
      ["Mine", "custom"],
      ["IF", ""],
    ]);
    expect(yes!.nodes[0]!.op).toBe("ABS");
    expect(no!.nodes[0]!.op).toBe("NEG");
  });

  test("options are attributes: builtin ones with their defaults, custom ones from their flexbuffer", async () => {
    const { model } = await openTflite(specimen());
    const [conv, mine, choice] = model.graphs[0]!.nodes;
    expect(conv!.attrs).toMatchObject({
      padding: { kind: "string", value: "SAME" },
      stride_w: { kind: "int", value: 1 },
      fused_activation_function: { kind: "string", value: "RELU6" },
      dilation_h_factor: { kind: "int", value: 1 },
      quantized_bias_type: { kind: "dtype", value: "float32" },
    });
    expect(mine!.attrs).toEqual({
      alpha: { kind: "float", value: 0.5 },
      mode: { kind: "string", value: "fast" },
      on: { kind: "bool", value: true },
    });
    expect(choice!.attrs).toEqual({
      then_subgraph_index: { kind: "graph", value: 1 },
      else_subgraph_index: { kind: "graph", value: 2 },
    });
  });

  test("an input that is left out, dims that may change, variables, signatures", async () => {
    const { model } = await openTflite(specimen());
    const main = model.graphs[0]!;
    expect(main.nodes[1]!.inputs[1]).toBeUndefined();
    expect(named(model, "batch").type.shape).toEqual([null, 2]);
    expect(named(model, "state")).toMatchObject({ variable: true });
    expect(named(model, "x").type.quantization).toEqual({ scale: [Math.fround(0.05)], zeroPoint: [-3], axis: 0 });
    expect(named(model, "w").type.quantization).toMatchObject({ scale: [Math.fround(0.1), Math.fround(0.2)], zeroPoint: [0, 0] });
    expect(model.signatures).toEqual([
      {
        key: "serving_default",
        graph: 0,
        inputs: [{ name: "image", value: 0 }],
        outputs: [{ name: "scores", value: 3 }],
      },
    ]);
  });

  test("constants of every storage", async () => {
    const opened = await openTflite(specimen());
    expect(Array.from((await load(opened, "w")).data as Int8Array)).toEqual(randomInts(54, -127, 127));
    expect(Array.from((await load(opened, "nibbles")).data as Int8Array)).toEqual(randomInts(9, -8, 7));
    expect((await load(opened, "words")).data).toEqual(["alpha", "", "säge", "δ"]);
    expect(Array.from((await load(opened, "sparse")).data as Float32Array)).toEqual([0, 0, 5, -6, 7, 0]);
  });
});

test("sparse blocks: the inner axes of a block are cut from those of the tensor", async () => {
  // 4×4 in blocks of 2×2, of which those at (0, 1) and (1, 0) are stored.
  const bytes = new Uint8Array(Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8).buffer);
  const sparsity = {
    traversal_order: [0, 1, 2, 3],
    block_map: [0, 1],
    dim_metadata: [
      { format: "DENSE", dense_size: 2 },
      {
        format: "SPARSE_CSR",
        array_segments: ["Int32Vector", { values: [0, 1, 2] }],
        array_indices: ["Uint16Vector", { values: [1, 0] }],
      },
      { format: "DENSE", dense_size: 2 },
      { format: "DENSE", dense_size: 2 },
    ],
  } as const;
  const opened = await openTflite(
    tfliteModel({
      tensors: [
        { ...constant("w", "float32", [4, 4], new Float32Array(16)), bytes, more: { sparsity } },
        value("y", "float32", [4, 4]),
      ],
      inputs: [],
      outputs: ["y"],
      operators: [operator("DENSIFY", ["w"], ["y"])],
    }),
  );
  expect(Array.from((await load(opened, "w")).data as Float32Array)).toEqual([0, 0, 1, 2, 0, 0, 3, 4, 5, 6, 0, 0, 7, 8, 0, 0]);
});

test("buffers behind the flatbuffer, as files beyond 2 GB have them", async () => {
  const spec = {
    tensors: [constant("w", "int16", [3], [1, 2, 3]), value("y", "int16", [3])],
    inputs: [],
    outputs: ["y"],
    operators: [operator("ABS", ["w"], ["y"])],
  };
  const inner = tfliteModel({ ...spec, more: { buffers: [{}, { offset: 5000, size: 6 }] } });
  const whole = new Uint8Array(5006);
  whole.set(inner);
  whole.set(new Uint8Array(Int16Array.of(-7, 300, 9).buffer), 5000);
  const opened = await openTflite(whole);
  expect(opened.model.problems).toEqual([]);
  expect(Array.from((await load(opened, "w")).data as Int16Array)).toEqual([-7, 300, 9]);
});

test("tensors in files beside the model", async () => {
  const spec = {
    tensors: [{ ...value("w", "uint8", [4]), more: { external_buffer: 5 } }, value("y", "uint8", [4])],
    inputs: [],
    outputs: ["y"],
    operators: [operator("ABS", ["w"], ["y"])],
    more: {
      external_buffer_groups: [{ name: "weights.bin" }],
      external_buffers: [{ id: 5, group: 0, offset: 2, length: 4 }],
    },
  };
  const opened = await openTflite(tfliteModel(spec), { "weights.bin": Uint8Array.of(0, 0, 9, 8, 7, 6) });
  expect(opened.model.files).toEqual(["model.tflite", "weights.bin"]);
  expect(Array.from((await load(opened, "w")).data as Uint8Array)).toEqual([9, 8, 7, 6]);
  const absent = await openTflite(tfliteModel(spec));
  expect(absent.model.problems).toMatchObject([{ code: "external-data", severity: "error" }]);
  const outside = { ...spec, more: { ...spec.more, external_buffer_groups: [{ name: "../weights.bin" }] } };
  expect((await openTflite(tfliteModel(outside))).model.problems[0]!.reason).toContain("outside the model's folder");
});

test("names are made unique, empty ones filled", async () => {
  const { model } = await openTflite(
    tfliteModel({
      tensors: [value("x", "float32", [2]), value("", "float32", [2])],
      inputs: ["x"],
      outputs: ["x"],
      operators: [],
    }),
  );
  expect(model.graphs[0]!.values.map(({ name }) => name)).toEqual(["x", "#1"]);
});

test("only the structure is read", async () => {
  const bytes = tfliteModel({
    tensors: [
      value("x", "float32", [1, 500_000]),
      constant("w", "float32", [500_000], new Float32Array(500_000)),
      value("y", "float32", [1, 500_000]),
    ],
    inputs: ["x"],
    outputs: ["y"],
    operators: [operator("ADD", ["x", "w"], ["y"], "AddOptions", {})],
  });
  let read = 0;
  const plain = memorySource("model.tflite", bytes);
  const source = {
    ...plain,
    read: (offset: number, length: number) => {
      read += length;
      return plain.read(offset, length);
    },
  };
  const { model } = await readTflite(source, memorySources());
  expect(model.problems).toEqual([]);
  expect(bytes.length).toBeGreaterThan(2_000_000);
  expect(read).toBeLessThan(300_000);
});

test("a tensor of no elements that nothing makes is a constant", async () => {
  const { model } = await openTflite(
    tfliteModel({
      tensors: [value("x", "float32", [3]), value("axes", "int32", [0]), value("y", "float32", [3])],
      inputs: ["x"],
      outputs: ["y"],
      operators: [operator("SUM", ["x", "axes"], ["y"], "ReducerOptions", {})],
    }),
  );
  expect(model.problems).toEqual([]);
  expect(named(model, "axes").tensor).toEqual({ dtype: "int32", shape: [0], slices: [], encoding: "raw" });
});

describe("files that are not as they should be", () => {
  test.each([
    ["no model", new TextEncoder().encode("something else entirely, not a model"), "not-this-format"],
    ["an empty file", new Uint8Array(0), "empty-file"],
    ["a web page", new TextEncoder().encode("<!DOCTYPE html><html></html>"), "not-this-format"],
  ])("%s", async (_, bytes, code) => {
    await expect(openTflite(bytes)).rejects.toMatchObject({ problem: { code } });
  });

  test("tensors, operators and sub-graphs that are not there", async () => {
    const spec = { tensors: [value("x", "float32", [2])], inputs: ["x"], outputs: ["x"] };
    const problems = async (operators: Parameters<typeof tfliteModel>[0]["operators"]) =>
      (await openTflite(tfliteModel({ ...spec, operators }))).model.problems.map(({ code, reason }) => `${code}: ${reason}`);
    expect(
      await problems([operator("IF", ["x"], ["x"], "IfOptions", { then_subgraph_index: 4, else_subgraph_index: 0 })]),
    ).toContain("bad-attribute: then_subgraph_index is 4, of 1 sub-graphs");
    expect(await problems([custom("Mine", ["x"], ["x"], Uint8Array.of(1, 2, 3, 4, 200))])).not.toContain("bad-attribute");
  });
});
