/** TFLite Metadata: how inputs are made and outputs are read, in words for people and as data for the load snippet. */
import { expect, test } from "vitest";
import { memorySource, memorySources } from "../../../src/base/memory.ts";
import { flatbuffer, type TableValue } from "../../../src/formats/flatbuffers/write.ts";
import { schema } from "../../../src/formats/tflite/metadata-schema.ts";
import { findPreprocessing, labelsOf } from "../../../src/graph/preprocessing.ts";
import { inspect } from "../../../src/inspect.ts";
import { openTflite, operator, tfliteModel, value } from "../../build/tflite.ts";

const normalized = (mean: number[], std: number[]): TableValue => ({
  content: { content_properties: ["ImageProperties", { color_space: "RGB" }] },
  process_units: [{ options: ["NormalizationOptions", { mean, std }] }],
});

const described = (input: TableValue, dtype: "float32" | "uint8" = "float32"): Uint8Array => {
  const metadata = flatbuffer(schema, "ModelMetadata", {
    name: "shapes",
    subgraph_metadata: [
      {
        input_tensor_metadata: [input],
        output_tensor_metadata: [{ associated_files: [{ name: "labels.txt", type: "TENSOR_AXIS_LABELS" }] }],
      },
    ],
  });
  const codes = dtype === "uint8" ? { scale: [0.5], zero: [3] } : undefined;
  return tfliteModel({
    tensors: [value("image", dtype, [1, 4, 5, 3], codes), value("scores", dtype, [1, 4, 5, 3], codes)],
    inputs: ["image"],
    outputs: ["scores"],
    operators: [operator("RELU", ["image"], ["scores"])],
    buffers: [{ data: metadata }],
    more: { metadata: [{ name: "TFLITE_METADATA", buffer: 1 }] },
  });
};

test("normalisation, colours and labels", async () => {
  const { model, files } = await openTflite(described(normalized([127.5], [128])));
  expect(model.problems).toEqual([]);
  expect(model.metadata).toMatchObject({ "input 0 normalization": "(x − 127.5) / 128", "input 0 colours": "rgb" });
  expect(await findPreprocessing(model, files)).toEqual([
    { input: "image", toFeed: { mean: [127.5], std: [128] }, pixels: { format: "rgb" } },
  ]);
  expect(labelsOf(model)).toEqual([{ output: "scores", file: "labels.txt" }]);
});

test("inspect reports them", async () => {
  const report = await inspect(memorySource("m.tflite", described(normalized([1, 2, 3], [4, 5, 6]))), memorySources({}));
  expect(report.preprocessing).toEqual([
    { input: "image", toFeed: { mean: [1, 2, 3], std: [4, 5, 6] }, pixels: { format: "rgb" } },
  ]);
});

test("codes of 8 bits are fed as they are", async () => {
  const { model, files } = await openTflite(described(normalized([127.5], [128]), "uint8"));
  expect(await findPreprocessing(model, files)).toEqual([{ input: "image", pixels: { format: "rgb" } }]);
});

test("a normalisation that cannot be meant is left out", async () => {
  for (const [mean, std] of [
    [[1, 2], [3]],
    [[1], [0]],
  ] as [number[], number[]][]) {
    const { model, files } = await openTflite(described(normalized(mean, std)));
    expect(await findPreprocessing(model, files)).toEqual([{ input: "image", pixels: { format: "rgb" } }]);
  }
});

test("metadata that are no flatbuffer are a warning", async () => {
  const file = described(normalized([1], [2]));
  const { model } = await openTflite(file);
  const at = Buffer.from(file).indexOf("labels.txt");
  new DataView(file.buffer, file.byteOffset).setUint32(at - 4, 2 ** 30, true);
  const { model: spoilt } = await openTflite(file);
  expect(model.notes?.length).toBe(2);
  expect(spoilt.problems.map(({ severity, code }) => [severity, code])).toEqual([["warning", "bad-metadata"]]);
});
