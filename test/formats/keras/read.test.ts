import { zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { memorySource, memorySources } from "../../../src/base/memory.ts";
import { ModelError } from "../../../src/base/problem.ts";
import { readKeras } from "../../../src/formats/keras/read.ts";
import { openModel } from "../../../src/formats/open.ts";
import { loadTensor } from "../../../src/graph/decode.ts";
import type { SourceModel } from "../../../src/graph/source.ts";
import { hdf5 } from "../../build/hdf5.ts";
import { kerasFile, numbers, sequential } from "../../build/keras.ts";

const read = (bytes: Uint8Array, name = "m.h5") => readKeras(memorySource(name, bytes), memorySources());

/** `layer(inputs…)` of each node, weights apart. */
const calls = ({ graphs }: SourceModel) =>
  graphs.map(({ nodes, values, outputs }) => [
    ...nodes.map((node) => {
      const [data, weights] = [false, true].map((stored) =>
        node.inputs.filter((id) => Boolean(values[id!]!.tensor) === stored).map((id) => values[id!]!.name),
      );
      return `${node.name} ${node.op}(${data!.join(", ")})${weights!.length > 0 ? ` ${weights!.join(" ")}` : ""}`;
    }),
    `→ ${outputs.map((id) => values[id]!.name).join(", ")}`,
  ]);

const dense = (name: string, units = 3) => ({
  class_name: "Dense",
  name,
  config: { name, units, activation: "relu", use_bias: true },
});
const input = (name: string, size: number) => ({
  class_name: "InputLayer",
  name,
  config: { name, batch_input_shape: [null, size], dtype: "float32" },
  inbound_nodes: [],
});

describe("readKeras", () => {
  it("reads a Sequential: the input's shape, a node a layer, weights as places", async () => {
    const layers = [
      { op: "Dense", config: { units: 5 }, weights: { kernel: [3, 5], bias: [5] } },
      { op: "Dropout", config: { rate: 0.5 } },
    ];
    const { model, files } = await read(sequential([3], layers));
    expect(model.problems).toEqual([]);
    expect([model.dialect, model.producer, model.opsets]).toEqual(["keras", "Keras 2.15.0", { "": 2 }]);
    expect(calls(model)).toEqual([
      ["dense_1 Dense(dense_1_input) dense_1/kernel dense_1/bias", "dropout_2 Dropout(dense_1)", "→ dropout_2"],
    ]);
    const [main] = model.graphs;
    expect(main!.values[main!.inputs[0]!]!.type).toEqual({ dtype: "float32", shape: [null, 3] });
    const stored = main!.values.find(({ name }) => name === "dense_1/kernel")!.tensor!;
    expect((await loadTensor({ dtype: stored.dtype, shape: stored.shape, stored, files })).data).toEqual(numbers([3, 5], 1).data);
  });

  it("reads weights in packed chunks, as h5repack leaves them", async () => {
    const kernel = { ...numbers([7, 5], 1), chunks: { dims: [3, 2], filters: ["shuffle", "deflate"] as const } };
    const group = {
      attributes: { weight_names: ["dense_1/kernel:0", "dense_1/bias:0"] },
      members: { dense_1: { members: { "kernel:0": kernel, "bias:0": numbers([5], 2) } } },
    };
    const layer = { ...dense("dense_1", 5), config: { ...dense("dense_1", 5).config, batch_input_shape: [null, 7] } };
    const { model, files } = await read(
      hdf5({
        attributes: {
          model_config: JSON.stringify({ class_name: "Sequential", config: { layers: [layer] } }),
          keras_version: "2.15.0",
        },
        members: { model_weights: { attributes: { layer_names: ["dense_1"] }, members: { dense_1: group } } },
      }),
    );
    expect(model.problems).toEqual([]);
    expect(model.files).toEqual(["m.h5", "dense_1/dense_1/kernel:0"]);
    const stored = model.graphs[0]!.values.find(({ name }) => name === "dense_1/kernel")!.tensor!;
    expect((await loadTensor({ dtype: stored.dtype, shape: stored.shape, stored, files })).data).toEqual(kernel.data);
  });

  it("reads a graph of layers: shared ones, several inputs, a model within", async () => {
    const inner = {
      name: "inner",
      layers: [input("x", 3), { ...dense("dense_1"), inbound_nodes: [[["x", 0, 0, {}]]] }],
      input_layers: [["x", 0, 0]],
      output_layers: [["dense_1", 0, 0]],
    };
    const config = {
      name: "whole",
      layers: [
        input("left", 3),
        input("right", 3),
        { class_name: "Functional", name: "inner", config: inner, inbound_nodes: [[["left", 0, 0, {}]], [["right", 0, 0, {}]]] },
        {
          class_name: "Add",
          name: "sum",
          config: { name: "sum" },
          inbound_nodes: [
            [
              ["inner", 0, 0, {}],
              ["inner", 1, 0, {}],
            ],
          ],
        },
      ],
      input_layers: [
        ["left", 0, 0],
        ["right", 0, 0],
      ],
      output_layers: [
        ["sum", 0, 0],
        ["inner", 1, 0],
      ],
    };
    const weights = { members: { dense_1: { members: { "kernel:0": numbers([3, 3], 1), "bias:0": numbers([3], 2) } } } };
    const bytes = hdf5({
      attributes: { model_config: JSON.stringify({ class_name: "Functional", config }), keras_version: "2.15.0" },
      members: {
        model_weights: {
          attributes: { layer_names: ["inner"] },
          members: { inner: { ...weights, attributes: { weight_names: ["dense_1/kernel:0", "dense_1/bias:0"] } } },
        },
      },
    });
    const { model } = await read(bytes);
    expect(model.problems).toEqual([]);
    expect(calls(model)).toEqual([
      ["inner inner(left)", "inner#1 inner(right)", "sum Add(inner, inner#1)", "→ sum, inner#1"],
      ["dense_1 Dense(x) dense_1/kernel dense_1/bias", "→ dense_1"],
    ]);
    expect(model.graphs[1]).toMatchObject({ role: "function", domain: "model", name: "inner" });
  });

  it("reads the archive of Keras 3: tensors anywhere among the arguments, weights by place, also with Windows' separators", async () => {
    const tensor = (layer: string) => ({
      class_name: "__keras_tensor__",
      config: { shape: [null, 3], dtype: "float32", keras_history: [layer, 0, 0] },
    });
    const call = (...layers: string[]) => [{ args: layers.length > 1 ? [layers.map(tensor)] : layers.map(tensor), kwargs: {} }];
    const config = {
      name: "functional",
      layers: [
        {
          ...input("x", 3),
          config: { name: "x", batch_shape: [null, 3], dtype: { class_name: "DTypePolicy", config: { name: "float32" } } },
        },
        { ...dense("first"), inbound_nodes: call("x") },
        { ...dense("second"), inbound_nodes: call("first") },
        { class_name: "Concatenate", name: "both", config: { name: "both", axis: -1 }, inbound_nodes: call("first", "second") },
      ],
      input_layers: [["x", 0, 0]],
      output_layers: ["both", 0, 0],
    };
    const vars = (seed: number) => ({
      members: { vars: { members: { "0": numbers([3, 3], seed), "1": numbers([3], seed + 1) } } },
    });
    const weights = hdf5({ members: { layers: { members: { dense: vars(1) } }, "layers\\dense_1": vars(3) } });
    const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
    for (const level of [0, 9] as const) {
      const bytes = zipSync({
        "metadata.json": json({ keras_version: "3.4.1" }),
        "config.json": json({ class_name: "Functional", config }),
        "model.weights.h5": [weights, { level }],
      });
      const { model, files } = await read(bytes, "m.keras");
      expect(model.problems).toEqual([]);
      expect(calls(model)).toEqual([
        ["first Dense(x) first/0 first/1", "second Dense(first) second/0 second/1", "both Concatenate(first, second)", "→ both"],
      ]);
      const stored = model.graphs[0]!.values.find(({ name }) => name === "second/0")!.tensor!;
      expect((await loadTensor({ dtype: stored.dtype, shape: stored.shape, stored, files })).data).toEqual(
        numbers([3, 3], 3).data,
      );
    }
  });

  it("reads TF.js's layers models by the same architecture", async () => {
    const json = {
      format: "layers-model",
      modelTopology: {
        class_name: "Sequential",
        config: { name: "s", layers: [{ ...dense("d"), config: { ...dense("d").config, batch_input_shape: [null, 3] } }] },
      },
      weightsManifest: [
        {
          paths: ["w.bin"],
          weights: [
            { name: "d/kernel", shape: [3, 3], dtype: "float32" },
            { name: "d/bias", shape: [3], dtype: "float32" },
          ],
        },
      ],
    };
    const source = memorySource("model.json", new TextEncoder().encode(JSON.stringify(json)));
    const { model } = await openModel(source, memorySources({ "w.bin": new Uint8Array(48) }));
    expect(model.problems).toEqual([]);
    expect(calls(model)).toEqual([["d Dense(d_input) d/kernel d/bias", "→ d"]]);
  });

  it("reads inputs and outputs in a dict, as Keras 3 may have them", async () => {
    const layers = [input("left", 3), input("right", 3), { ...dense("d"), inbound_nodes: [[["right", 0, 0, {}]]] }];
    const config = { name: "m", layers, input_layers: { b: ["left", 0, 0], a: ["right", 0, 0] }, output_layers: { y: ["d", 0, 0], z: [["left", 0, 0]] } }; // biome-ignore format: a row
    const { model } = await read(kerasFile({ class_name: "Functional", config }, []));
    const [main] = model.graphs;
    const names = (ids: readonly number[]) => ids.map((id) => main!.values[id]!.name);
    expect([names(main!.inputs), names(main!.outputs)]).toEqual([["left", "right"], ["d", "left"]]); // biome-ignore format: a row
  });

  it("tells what is not there", async () => {
    const reason = (bytes: Uint8Array, name?: string) =>
      read(bytes, name).then(
        ({ model }) => model.problems[0]?.reason,
        (error: unknown) => (error instanceof ModelError ? error.problem.reason : error),
      );
    expect(await reason(hdf5({ members: { dense: {} } }))).toMatch(/without the architecture/);
    expect(await reason(hdf5({ members: { layers: {} } }))).toMatch(/weights of a Keras model without/);
    expect(await reason(kerasFile({ class_name: "MyModel", config: {} }, []))).toMatch(/no graph of layers: MyModel/);
    expect(await reason(zipSync({ "Version.txt": new Uint8Array(3) }), "m.keras")).toMatch(/zip archive/);
    expect(await reason(new TextEncoder().encode("version https://git-lfs.github.com/spec/v1\n"))).toMatch(/Git LFS/);
    const gone = {
      class_name: "Functional",
      config: { layers: [input("x", 3)], input_layers: [["x", 0, 0]], output_layers: [["y", 0, 0]] },
    };
    expect(await reason(kerasFile(gone, []))).toMatch(/no such call of a layer: y/);
  });
});
