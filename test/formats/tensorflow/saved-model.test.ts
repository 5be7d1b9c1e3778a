import { describe, expect, it } from "vitest";
import { memorySource, memorySources } from "../../../src/base/memory.ts";
import { readTensorflow } from "../../../src/formats/tensorflow/read.ts";
import type { SavedModelOptions } from "../../../src/formats/tensorflow/saved-model.ts";
import { loadTensor } from "../../../src/graph/decode.ts";
import { type Tensor, tensorOf } from "../../../src/graph/tensor.ts";
import { random } from "../../build/random.ts";
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

const weight = tensorOf("float32", [3, 5], random(15));
const bias = tensorOf("float32", [5], random(5, 2));

const variable = (name: string, tensor: Tensor, sharedName = name): NodeSpec => ({
  name,
  op: "VarHandleOp",
  attrs: { dtype: { type: tensor.dtype }, shape: { shape: tensor.shape }, shared_name: { s: sharedName } },
});

const read = (name: string): NodeSpec => ({
  name: `${name}/read`,
  op: "ReadVariableOp",
  inputs: [name],
  attrs: { dtype: { type: "float32" } },
});

const dense: MetaSpec = {
  tags: ["serve"],
  graph: {
    nodes: [
      placeholder("serving_x", "float32", [-1, 3]),
      variable("w", weight),
      variable("b", bias),
      read("w"),
      read("b"),
      { name: "product", op: "MatMul", inputs: ["serving_x", "w/read"] },
      { name: "out", op: "BiasAdd", inputs: ["product", "b/read"] },
    ],
  },
  signatures: {
    serving_default: {
      inputs: { x: { value: "serving_x:0", dtype: "float32", shape: [-1, 3] } },
      outputs: { y: { value: "out:0", dtype: "float32", shape: [-1, 5] } },
    },
    inner: {
      inputs: { x: { value: "serving_x:0", dtype: "float32", shape: [-1, 3] } },
      outputs: { p: { value: "product:0", dtype: "float32", shape: [-1, 5] } },
    },
    __saved_model_init_op: { inputs: {}, outputs: {} },
  },
};

const open = (bytes: Uint8Array, files: Record<string, Uint8Array>, options?: SavedModelOptions) => {
  const all = { "saved_model.pb": bytes, ...files };
  return readTensorflow(memorySource("saved_model.pb", bytes), memorySources(all), options);
};

async function storedIn(read: Awaited<ReturnType<typeof open>>, name: string) {
  const attr = read.model.graphs[0]!.nodes.find((node) => node.name === name)!.attrs["value"];
  if (attr?.kind !== "tensor") return undefined;
  const { value: stored } = attr;
  return (await loadTensor({ dtype: stored.dtype, shape: stored.shape, stored, files: read.files })).data;
}

describe("a SavedModel", () => {
  for (const snappy of [false, true])
    it(`binds its variables to the checkpoint, ${snappy ? "with snappy" : "plain"}`, async () => {
      const found = await open(savedModel(dense), bundle("variables/variables", { w: weight, b: bias }, snappy));
      expect(found.model.problems).toEqual([]);
      expect(found.model.files).toEqual(["saved_model.pb", "variables/variables.data-00000-of-00001"]);
      expect(await storedIn(found, "w")).toEqual(weight.data);
      expect(await storedIn(found, "b")).toEqual(bias.data);
    });

  it("goes by the names of its signature", async () => {
    const { model } = await open(savedModel(dense), bundle("variables/variables", { w: weight, b: bias }));
    expect(model.graphs[0]).toMatchObject({ inputNames: ["x"], outputNames: ["y"] });
    expect(model.metadata).toEqual({
      tags: "serve",
      signature: "serving_default",
      signatures: "serving_default,inner,__saved_model_init_op",
    });
    expect(model.producer).toBe("TensorFlow 2.15.0");
  });

  it("is seen through the signature and the tags asked for", async () => {
    const training: MetaSpec = { ...dense, tags: ["serve", "train"], signatures: {} };
    const files = bundle("variables/variables", { w: weight, b: bias });
    const inner = await open(savedModel(training, dense), files, { tags: ["serve"], signature: "inner" });
    expect(inner.model.graphs[0]).toMatchObject({ outputNames: ["p"] });
    const other = await open(savedModel(training, dense), files, { tags: ["train", "serve"] });
    expect(other.model.metadata["tags"]).toBe("serve,train");
    await expect(open(savedModel(dense), files, { signature: "none" })).rejects.toThrow(
      "no signature none; there are: serving_default, inner",
    );
    await expect(open(savedModel(dense), files, { tags: ["gpu"] })).rejects.toThrow(
      "no graph with the tags gpu; there are: serve",
    );
  });

  it("binds as its restoring function says, whatever the variables are called", async () => {
    const restore: FunctionSpec = {
      name: "restore",
      inputs: [
        ["prefix", "string"],
        ["first", resource],
        ["second", resource],
      ],
      outputs: [],
      nodes: [
        constant("names", { dtype: "string", shape: [2], data: ["layer/kernel", "layer/bias"] }),
        constant("slices", { dtype: "string", shape: [2], data: ["", ""] }),
        {
          name: "restored",
          op: "RestoreV2",
          inputs: ["prefix", "names:output:0", "slices:output:0"],
          attrs: { dtypes: { types: ["float32", "float32"] } },
        },
        { name: "kernel", op: "Identity", inputs: ["restored:tensors:0"] },
        { name: "to_first", op: "AssignVariableOp", inputs: ["first", "restored:tensors:1"] },
        { name: "to_second", op: "AssignVariableOp", inputs: ["second", "kernel:output:0"] },
      ],
    };
    const { graph, ...rest } = dense;
    const call: NodeSpec = {
      name: "call",
      op: "StatefulPartitionedCall",
      inputs: ["file", "b", "w"],
      attrs: { f: { func: "restore" }, Tout: { types: [] } },
    };
    const file = constant("file", { dtype: "string", shape: [], data: [""] });
    const bytes = savedModel({ ...rest, graph: { nodes: [...graph.nodes, file, call], functions: [restore] } });
    const found = await open(bytes, bundle("variables/variables", { "layer/kernel": weight, "layer/bias": bias }));
    expect(await storedIn(found, "w")).toEqual(weight.data);
    expect(await storedIn(found, "b")).toEqual(bias.data);
  });

  it("without its variables opens and says what is missing", async () => {
    const { model } = await open(savedModel(dense), {});
    expect(model.problems).toMatchObject([
      { code: "file-missing", severity: "error", hint: "put variables/variables.index and its data beside the graph" },
    ]);
  });
});

describe("a damaged checkpoint", () => {
  const files = bundle("variables/variables", { w: weight, b: bias });
  const [index, data] = ["variables/variables.index", "variables/variables.data-00000-of-00001"] as const;

  it("never gives a wrong weight", async () => {
    const bytes = files[data]!;
    for (let at = 0; at < bytes.length; at += 7) {
      const damaged = bytes.slice();
      damaged[at]! ^= 0x10;
      const found = await open(savedModel(dense), { ...files, [data]: damaged });
      const [broken, sound] = at < 60 ? ["w", "b"] : ["b", "w"];
      await expect(storedIn(found, broken!)).rejects.toMatchObject({ problem: { code: "checksum", tensor: broken } });
      expect(await storedIn(found, sound!)).toBeDefined();
    }
  });

  it("that is cut or flipped in its index opens with a problem", async () => {
    const bytes = files[index]!;
    const codes = new Set<string>();
    for (let at = 0; at < bytes.length; at++) {
      const cut = await open(savedModel(dense), { ...files, [index]: bytes.slice(0, at) });
      const flipped = bytes.slice();
      flipped[at]! ^= 0x21;
      const other = await open(savedModel(dense), { ...files, [index]: flipped });
      for (const { model } of [cut, other]) {
        const error = model.problems.find(({ severity }) => severity === "error");
        if (error) codes.add(error.code);
        else expect(await storedIn(other, "w")).toEqual(weight.data);
      }
    }
    expect([...codes].sort()).toEqual(["checksum", "malformed", "truncated"]);
  });

  it("whose data is cut at any 64th byte opens with a problem, and gives no weight", async () => {
    const bytes = files[data]!;
    for (let at = 0; at < bytes.length; at += 64) {
      const found = await open(savedModel(dense), { ...files, [data]: bytes.slice(0, at) });
      expect(found.model.problems.filter(({ severity }) => severity === "error").map(({ code }) => code)).toContain(
        "external-data",
      );
      const told = await storedIn(found, "b").then(
        () => "a weight",
        (error: { problem?: { code: string } }) => error.problem?.code,
      );
      expect(["truncated", "checksum", "external-data"]).toContain(told);
    }
  });

  it("and a model cut or flipped at any 64th byte is a located problem, or opens", async () => {
    const bytes = savedModel(dense);
    for (let at = 0; at < bytes.length; at += 64) {
      const flipped = bytes.slice();
      flipped[at]! ^= 0x11;
      for (const spoilt of [bytes.slice(0, at), flipped]) {
        const error = await open(spoilt, files).then(
          () => undefined,
          (thrown: unknown) => thrown,
        );
        if (error !== undefined)
          expect(error).toMatchObject({ problem: { code: expect.any(String), reason: expect.any(String) } });
      }
    }
  });
});
