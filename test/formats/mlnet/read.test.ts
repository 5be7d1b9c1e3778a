import { zipSync } from "fflate";
import { expect, test } from "vitest";
import { memorySource, memorySources } from "../../../src/base/memory.ts";
import { ModelError } from "../../../src/base/problem.ts";
import { openFile } from "../../../src/cli/files.ts";
import { readMlnet } from "../../../src/formats/mlnet/read.ts";
import { openModel } from "../../../src/formats/open.ts";
import { inspect } from "../../../src/inspect.ts";
import { key, mlnetZip, modelKey, schema, single, vector } from "../../build/mlnet.ts";
import { zooFiles } from "../../build/zoo.ts";

const chain = "TransformerChain";
const pipeline = {
  "TrainingInfo/Version.txt": "3.0.1 @BuiltBy: someone\r\n",
  [`${chain}/Model.key`]: modelKey("TransformerChain"),
  [`${chain}/Transform_001/Model/Predictor/Model.key`]: modelKey("FastTreeBinaryExec", ["ps=13"]),
  [`${chain}/Transform_001/Model/Calibrator/Model.key`]: modelKey("PlattCaliExec"),
  [`${chain}/Transform_001/Model/Model.key`]: modelKey("CaliPredExec"),
  [`${chain}/Transform_001/Model.key`]: modelKey("BinaryPredXfer", ["Features"]),
  [`${chain}/Transform_000/Model.key`]: modelKey("ConcatTransform", ["Features", "größe", "age"]),
  Schema: schema({
    Label: single("Boolean"),
    age: single("Single"),
    pixels: vector("Single", 5, 3),
    word: single("TextSpan"),
    kind: key("UInt32", 7),
  }),
};

const read = (bytes: Uint8Array) => readMlnet(memorySource("model.zip", bytes));

test("steps in order, columns with their types, what was trained", async () => {
  const { bytes: _, ...model } = await read(mlnetZip(pipeline));
  expect(model).toEqual({
    version: "3.0.1",
    components: [
      { path: chain, name: "TransformerChain", columns: [] },
      { path: `${chain}/Transform_000`, name: "ConcatTransform", columns: ["Features", "größe", "age"] },
      { path: `${chain}/Transform_001`, name: "BinaryPredXfer", columns: ["Features"] },
      { path: `${chain}/Transform_001/Model`, name: "CaliPredExec", columns: [] },
      { path: `${chain}/Transform_001/Model/Calibrator`, name: "PlattCaliExec", columns: [] },
      { path: `${chain}/Transform_001/Model/Predictor`, name: "FastTreeBinaryExec", columns: [] },
    ],
    trainers: ["FastTreeBinary"],
    columns: [
      { name: "Label", type: "Boolean", dtype: "bool", dims: [] },
      { name: "age", type: "Single", dtype: "float32", dims: [] },
      { name: "pixels", type: "VBuffer<Single>", dtype: "float32", dims: [5, 3] },
      { name: "word", type: "TextSpan", dtype: "string", dims: [] },
      { name: "kind", type: "Key<UInt32>", dtype: "uint32", dims: [] },
    ],
    problems: [],
  });
});

test("columns of models before 1.0 come from their loader", async () => {
  const { columns, trainers } = await read(
    mlnetZip({
      "DataLoaderModel/Loader/Model.key": modelKey("TextLoader", ["Label", "Features"]),
      "Predictor/Model.key": modelKey("FastTreeRankerExec"),
    }),
  );
  expect(columns).toEqual([{ name: "Label" }, { name: "Features" }]);
  expect(trainers).toEqual(["FastTreeRanker"]);
});

test("inspect reports the pipeline and the way to ONNX; opening says the same", async () => {
  const source = memorySource("model.zip", mlnetZip(pipeline));
  const report = await inspect(source, memorySources({}));
  expect(report).toMatchObject({
    format: "mlnet",
    ok: true,
    graphs: 0,
    nodes: 6,
    metadata: { version: "3.0.1" },
    pipeline: { trainers: ["FastTreeBinary"] },
  });
  expect(report.inputs.map(({ name, dtype, shape }) => [name, dtype, shape])).toEqual([
    ["Label", "bool", [null, 1]],
    ["age", "float32", [null, 1]],
    ["pixels", "float32", [null, 5, 3]],
    ["word", "string", [null, 1]],
    ["kind", "uint32", [null, 1]],
  ]);
  expect(report.diagnosis).toContain("mlContext.Model.ConvertToOnnx");
  await expect(openModel(source, memorySources({}))).rejects.toThrow(/holds no graph: model.zip.*ConvertToOnnx/);
});

async function problemsOf(change: Readonly<Record<string, Uint8Array>>): Promise<string[]> {
  const { problems } = await read(mlnetZip({ ...pipeline, ...change }));
  return problems.map(({ reason }) => reason);
}

test("damage in a component is told with its entry, and the rest is read", async () => {
  const cut = modelKey("ConcatTransform", ["Features", "age"]).subarray(0, 270);
  expect(await problemsOf({ [`${chain}/Transform_000/Model.key`]: cut })).toEqual([
    `${chain}/Transform_000/Model.key: an offset beyond its 270 bytes: 272`,
  ]);
  const lying = modelKey("ConcatTransform", ["Features"]);
  new DataView(lying.buffer).setUint32(256, 4000, true);
  expect(await problemsOf({ [`${chain}/Transform_000/Model.key`]: lying })).toEqual([
    `${chain}/Transform_000/Model.key: string 0 ends at 4000 of 16`,
  ]);
  expect(await problemsOf({ [`${chain}/Transform_000/Model.key`]: new Uint8Array(300) })).toEqual([
    `${chain}/Transform_000/Model.key: no header of an ML.NET model`,
  ]);
  expect(await problemsOf({ Schema: schema({ a: single("Single") }, 2 ** 31) })).toEqual(["Schema: 2147483648 columns"]);
  expect(await problemsOf({ Schema: schema({ a: single("Single") }, 2) })).toEqual([
    expect.stringMatching(/^Schema: 1 bytes past its end/),
  ]);
});

test("other archives, and no archives", async () => {
  await expect(read(zipSync({ "readme.txt": new Uint8Array(3) }))).rejects.toThrow(
    "a zip archive without a model of ML.NET: model.zip",
  );
  await expect(read(new Uint8Array(100))).rejects.toThrow(ModelError);
});

test.each(zooFiles("mlnet", ".zip"))("%s", async (file) => {
  const { components, columns, problems, version } = await readMlnet(await openFile(file));
  expect(problems).toEqual([]);
  expect(version).toMatch(/^\d/);
  expect(components.length).toBeGreaterThan(0);
  expect(components.every(({ name }) => /^\w+$/.test(name))).toBe(true);
  for (const { name } of columns) expect(name).toMatch(/^[\w ()]+$/);
});
