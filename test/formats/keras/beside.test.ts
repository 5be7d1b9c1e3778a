import { describe, expect, it } from "vitest";
import { memorySource, memorySources } from "../../../src/base/memory.ts";
import { architectureNames, weightNames } from "../../../src/formats/keras/beside.ts";
import { openModel } from "../../../src/formats/open.ts";
import { loadTensor } from "../../../src/graph/decode.ts";
import type { SourceModel } from "../../../src/graph/source.ts";
import { hdf5 } from "../../build/hdf5.ts";
import { kerasWeights, numbers, sequentialConfig } from "../../build/keras.ts";

const layers = [{ op: "Dense", config: { units: 5 }, weights: { kernel: [3, 5], bias: [5] } }];
const config = sequentialConfig([3], layers);
const text = (value: object) => new TextEncoder().encode(JSON.stringify(value));

async function kernelOf({ model, files }: Awaited<ReturnType<typeof openModel>>): Promise<unknown> {
  const value = (model as SourceModel).graphs[0]!.values.find(({ name }) => name.endsWith("kernel") || name.endsWith("/0"))!;
  const stored = value.tensor!;
  return (await loadTensor({ dtype: stored.dtype, shape: stored.shape, stored, files })).data;
}

describe("weights and architecture in two files", () => {
  it("finds the architecture beside the weights", async () => {
    const beside = memorySources({ "net_config.json": text({ ...config, keras_version: "2.15.0" }) });
    const opened = await openModel(memorySource("net_weights.h5", kerasWeights(layers)), beside);
    expect(opened.model.problems).toEqual([]);
    expect(opened.model.metadata["architecture"]).toBe("net_config.json");
    expect(opened.model.graphs[0]!.nodes.map(({ op }) => op)).toEqual(["Dense"]);
    expect(await kernelOf(opened)).toEqual(numbers([3, 5], 1).data);
  });

  it("finds weights of Keras 3 by their place", async () => {
    const members = {
      layers: { members: { dense: { members: { vars: { members: { 0: numbers([3, 5], 1), 1: numbers([5], 2) } } } } } },
    };
    const beside = memorySources({ "net.json": text({ module: "keras", registered_name: "Sequential", ...config }) });
    const opened = await openModel(memorySource("net.weights.h5", hdf5({ members })), beside);
    expect(opened.model.problems).toEqual([]);
    expect(opened.model.opsets).toEqual({ "": 3 });
    expect(await kernelOf(opened)).toEqual(numbers([3, 5], 1).data);
  });

  it("finds the weights beside the architecture, and tells where they are missing", async () => {
    const json = memorySource("net.json", text({ ...config, keras_version: "2.15.0" }));
    const opened = await openModel(json, memorySources({ "net.h5": kerasWeights(layers) }));
    expect(opened.model.problems).toEqual([]);
    expect(await kernelOf(opened)).toEqual(numbers([3, 5], 1).data);
    const alone = await openModel(json, memorySources());
    expect(alone.model.problems[0]).toMatchObject({ code: "file-missing", hint: "put net.weights.h5 beside it" });
  });

  it("passes by a JSON file that is something else, and says where an architecture is looked for", async () => {
    const beside = memorySources({ "net.json": text({ labels: ["a"] }) });
    await expect(openModel(memorySource("net_weights.h5", kerasWeights(layers)), beside)).rejects.toThrow(
      /without its architecture.*net\.json/s,
    );
  });

  it("by these names", () => {
    expect(architectureNames("a/net.weights.h5")).toEqual([
      "a/net.json",
      "a/net_config.json",
      "a/net_architecture.json",
      "a/net_model.json",
    ]);
    expect(architectureNames("model.weights.h5")).toContain("config.json");
    expect(weightNames("net_config.json")).toEqual(["net.weights.h5", "net_weights.h5", "net.h5", "net.hdf5"]);
    expect(weightNames("config.json")).toEqual(["model.weights.h5"]);
  });
});
