/** TF.js models read and written again: the same numbers, no more nodes, weights as small as they were. */
import "@tensorflow/tfjs-backend-cpu";
import * as core from "@tensorflow/tfjs-core";
import { beforeAll, expect, it } from "vitest";
import { MemorySink, memorySource, memorySources } from "../../../src/base/memory.ts";
import { convert } from "../../../src/convert.ts";
import { readTfjs } from "../../../src/formats/tfjs/read.ts";
import type { Tensor } from "../../../src/graph/tensor.ts";
import { readTfjsFiles } from "../../../src/runtime/tfjs-files.ts";
import { TfjsModels } from "../../../src/runtime/tfjs-models.ts";
import { random, randomInts } from "../../build/random.ts";
import { ints, op, spec, text, tfjsModel, type } from "../../build/tfjs.ts";

type Files = Readonly<Record<string, Uint8Array>>;

beforeAll(async () => {
  core.enableProdMode();
  await core.setBackend("cpu");
});

const models = new TfjsModels();

async function run(
  files: Files,
  feeds: readonly (readonly [string, Tensor])[],
  fetches: readonly string[],
): Promise<readonly Tensor[]> {
  const { customOps, ...artifacts } = await readTfjsFiles(files);
  const loaded = await models.load(artifacts, customOps);
  const results = await models.run(loaded.id, feeds, fetches);
  models.unload(loaded.id);
  return results;
}

async function rewritten(files: Files) {
  const { "model.json": json, ...shards } = files;
  const { model, files: sources } = await readTfjs(memorySource("model.json", json!), memorySources(shards));
  const sink = new MemorySink();
  const converted = await convert(model, sources, sink);
  expect([model.problems, converted.problems]).toEqual([[], []]);
  return { files: sink.files, converted, json: JSON.parse(new TextDecoder().decode(sink.files["model.json"])) };
}

const edited = (files: Files, edit: (json: Record<string, unknown>) => void): Files => {
  const json = JSON.parse(new TextDecoder().decode(files["model.json"]));
  edit(json);
  return { ...files, "model.json": new TextEncoder().encode(JSON.stringify(json)) };
};

it.each(["uint8", "uint16"] as const)(
  "keeps %s codes, of large weights and of small ones, also before a batch norm",
  async (kind) => {
    const [channels, filters, out] = [7, 96, 11];
    const norm = Object.fromEntries(["scale", "shift", "mean", "variance"].map((name, i) => [name, random(filters, i + 20).map((v) => Math.abs(v) + 0.5)])); // biome-ignore format: a row
    const files = tfjsModel({
      inputs: { x: spec("x", "float32", [-1, 5, 6, channels]) },
      outputs: { y: spec("y:0", "float32", [-1, 5, 6, out]) },
      nodes: [
        op("Conv2D", "conv", ["x", "w"], { T: type("float32"), strides: ints(1, 1, 1, 1), padding: text("SAME"), data_format: text("NHWC"), dilations: ints(1, 1, 1, 1) }), // biome-ignore format: a row
        op("FusedBatchNormV3", "norm", ["conv", "scale", "shift", "mean", "variance"], { T: type("float32"), epsilon: { f: 0.001 }, is_training: { b: false }, data_format: text("NHWC") }), // biome-ignore format: a row
        op("Conv2D", "y", ["norm", "v"], { T: type("float32"), strides: ints(1, 1, 1, 1), padding: text("VALID"), data_format: text("NHWC"), dilations: ints(1, 1, 1, 1) }), // biome-ignore format: a row
      ],
      weights: [
        { name: "w", shape: [3, 3, channels, filters], dtype: "float32", data: random(9 * channels * filters, 1) },
        { name: "v", shape: [1, 1, filters, out], dtype: "float32", data: random(filters * out, 2) },
        ...Object.entries(norm).map(([name, data]) => ({ name, shape: [filters], dtype: "float32" as const, data })),
      ],
    });
    const codes = new (kind === "uint8" ? Uint8Array : Uint16Array)(randomInts(filters * (9 * channels + out), 0, kind === "uint8" ? 255 : 65535, 3)); // biome-ignore format: a row
    const codings = [{ dtype: kind, scale: 0.0071, min: -0.83 }, { dtype: kind, scale: 3e-5, min: -0.4 }]; // biome-ignore format: a row
    const plain = files["group1-shard1of1.bin"]!;
    const rest = plain.slice(4 * codes.length);
    const coded = edited(
      { ...files, "group1-shard1of1.bin": Uint8Array.of(...new Uint8Array(codes.buffer), ...rest) },
      ({ weightsManifest }) => {
        const [{ weights }] = weightsManifest as [{ weights: object[] }];
        for (const i of [0, 1]) weights[i] = { ...weights[i], quantization: codings[i] };
      },
    );
    const { files: written, json, converted } = await rewritten(coded);
    const [{ weights }] = json.weightsManifest;
    const found = codings.map(({ scale }) =>
      weights.find(({ quantization }: { quantization?: { scale: number } }) => quantization?.scale === scale),
    );
    expect(found.map(({ quantization }) => quantization)).toMatchObject(codings);
    expect(converted.weightBytes).toBeLessThanOrEqual(codes.byteLength + rest.length);
    const x = { dtype: "float32", shape: [2, 5, 6, channels], data: random(60 * channels, 4) } as const;
    const [expected] = await run(coded, [["x", x]], ["y"]);
    const [actual] = await run(written, [["x", x]], ["y"]);
    expect(actual!.shape).toEqual(expected!.shape);
    const largest = Math.max(...(expected!.data as Float32Array).map(Math.abs));
    for (let i = 0; i < expected!.data.length; i++)
      expect(Math.abs((actual!.data[i] as number) - (expected!.data[i] as number))).toBeLessThan(1e-5 * largest);
  },
);

it("reads the tables that are filled when the model is loaded", async () => {
  const keys = Int32Array.of(7, 3, 11, 20);
  const values = Float32Array.of(1.5, -2, 0.25, 8);
  const files = tfjsModel({
    inputs: { x: spec("x", "int32", [-1, 3]), table: { ...spec("captured:0", "float32", []), resourceId: 5 } as never },
    outputs: { y: spec("y:0", "float32", [-1, 3]) },
    nodes: [
      op("LookupTableFindV2", "found", ["captured", "x", "missing"], { Tin: type("int32"), Tout: type("float32") }),
      op("Neg", "y", ["found"]),
    ],
    weights: [
      { name: "missing", shape: [], dtype: "float32", data: Float32Array.of(-9) },
      { name: "keys", shape: [4], dtype: "int32", data: keys },
      { name: "values", shape: [4], dtype: "float32", data: values },
    ],
  });
  const withTable = edited(files, (json) => {
    const given = json as unknown as { modelTopology: { node: { name: string; op: string }[] } };
    const isOwn = ({ name }: { name: string }) => name !== "keys" && name !== "values";
    const consts = given.modelTopology.node.filter((node) => !isOwn(node));
    given.modelTopology.node = given.modelTopology.node.filter(isOwn);
    const table = op("HashTableV2", "table", [], { key_dtype: type("int32"), value_dtype: type("float32"), container: text(""), shared_name: text("t"), use_node_name_sharing: { b: true } }); // biome-ignore format: a row
    const fill = op("LookupTableImportV2", "fill", ["table", "keys", "values"], { Tin: type("int32"), Tout: type("float32") });
    Object.assign(json, {
      modelInitializer: { node: [...consts, table, fill], versions: { producer: 1 } },
      initializerSignature: { outputs: { table: { name: "table:0", dtype: "DT_RESOURCE", resourceId: 5 } } },
    });
  });
  const { files: written } = await rewritten(withTable);
  const x = { dtype: "int32", shape: [2, 3], data: Int32Array.of(3, 20, 4, 7, 7, 11) } as const;
  const expected = Float32Array.of(2, -8, 9, -1.5, -1.5, -0.25);
  const [actual] = await run(written, [["x", x]], ["y"]);
  expect(Array.from(actual!.data as Float32Array)).toEqual(Array.from(expected));
});
