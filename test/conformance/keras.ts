/** Keras models: converted, run in stock TF.js on each backend, compared with what Keras (or the TFLite twin's runtime) gave. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { MemorySink, memorySource, memorySources } from "../../src/base/memory.ts";
import { ModelError } from "../../src/base/problem.ts";
import { openFile, sourcesBeside } from "../../src/cli/files.ts";
import { convertToKeras, kerasName } from "../../src/convert-keras.ts";
import { convertToLayers } from "../../src/convert-layers.ts";
import { find, openHdf5 } from "../../src/formats/hdf5/read.ts";
import { architectureNames } from "../../src/formats/keras/beside.ts";
import { layersFormat } from "../../src/formats/keras/read.ts";
import { openModel } from "../../src/formats/open.ts";
import { fromRaw } from "../../src/graph/elements.ts";
import type { SourceModel } from "../../src/graph/source.ts";
import { elementCount, type ModelFiles, type Tensor } from "../../src/graph/tensor.ts";
import { gatherBounds } from "../../src/parity/bounds.ts";
import { compare } from "../../src/parity/compare.ts";
import { inputSpecs } from "../../src/parity/feeds.ts";
import { chooseShapes, seededTensor } from "../../src/parity/inputs.ts";
import { toleranceFor } from "../../src/parity/tolerance.ts";
import type { Backends, ConformanceBackend } from "./backends.ts";
import { runLayers } from "./layers.ts";
import { type Case, casesBelow, differenceIn, faultRow, type Row, refusedRow } from "./suite.ts";

/** Data and weights without an architecture lie beside the models. */
const noModel = /(_inputs_and_outputs|[._]weights)\.h5$/;

/** Weights whose architecture lies beside are a model in two files. */
const hasArchitecture = (file: string): boolean =>
  /[._]weights\.h5$/.test(file) && architectureNames(file).some((name) => existsSync(name));

export function kerasCases(zoo: string): Case[] {
  const isModel = (name: string) => !noModel.test(name) || hasArchitecture(path.join(zoo, "tensorflow", name));
  return casesBelow(zoo, "tensorflow", (name) => /\.(h5|hdf5|keras)$/.test(name) && isModel(name));
}

const timeoutMs = 120_000;

export async function runKerasCase(test: Case, backends: Backends, wanted: readonly ConformanceBackend[]): Promise<Row> {
  try {
    return await run(test, backends, wanted);
  } catch (error) {
    return faultRow(test, error);
  }
}

interface Data {
  readonly inputs: ReadonlyMap<string, Tensor>;
  /** In the order of the model's outputs. */
  readonly outputs: readonly Tensor[];
  readonly atol?: number;
}

async function run(test: Case, backends: Backends, wanted: readonly ConformanceBackend[]): Promise<Row> {
  const { model, files } = await openModel(await openFile(test.path), sourcesBeside(test.path));
  const sink = new MemorySink();
  const converted = await backends.convert(model, files, sink);
  const refused = refusedRow(test, [...model.problems, ...converted.problems]);
  if (refused) return refused;
  const layers = new MemorySink();
  const translated = await convertToLayers(model, files, layers);
  const stored = (await kerasData(test, model)) ?? twinData(test, model) ?? (await originalData(test, model));
  const inputs = stored?.inputs ?? seededInputs(model);
  const byLayers = translated.ok ? await runLayers(layers.files, [...inputs.values()]) : undefined;
  if (typeof byLayers === "string") return { test: test.id, status: "wrong", reason: `layers model: ${byLayers}` };
  if (stored && byLayers) {
    const wrong = difference(stored, byLayers, translated.outputs);
    if (wrong) return { test: test.id, status: "wrong", reason: `layers model: ${wrong}` };
  }
  const unlike = translated.ok && (await writtenBack(model, files, layers.files));
  if (unlike) return { test: test.id, status: "wrong", reason: unlike };
  const data = stored ?? (byLayers && { inputs, outputs: byLayers });
  if (!data) {
    const reason = translated.problems.map((each) => new ModelError(each).message)[0];
    return { test: test.id, status: "skipped", reason: `converts; no reference: ${reason}` };
  }
  const names = converted.outputs.map(({ name }) => name);
  for (const backend of wanted) {
    const worker = await backends.get(backend);
    const signal = AbortSignal.timeout(timeoutMs);
    const loaded = await worker.load(sink.files, signal);
    const actual = await worker.run(loaded, data.inputs, names, signal);
    await worker.unload(loaded);
    const wrong = difference(
      data,
      names.map((name) => actual.get(name)!),
      converted.outputs,
    );
    if (wrong) return { test: test.id, status: "wrong", backend, reason: wrong };
  }
  return {
    test: test.id,
    status: "passed",
    reason: `${stored ? "stored" : "layers"} reference${byLayers ? ", both targets" : ""}`,
  };
}

/** Where outputs differ, in words. */
function difference(data: Data, actual: readonly Tensor[], outputs: readonly { readonly name: string }[]): string | undefined {
  const tolerance = toleranceFor("float32", { atol: data.atol });
  for (const [i, { name }] of outputs.entries()) {
    const found = compare(data.outputs[i]!, actual[i]!, { tolerance });
    if (found.verdict !== "different") continue;
    return `${name} ${differenceIn(found)}`;
  }
  return undefined;
}

/** The model as .h5 of Keras makes the same layers model again; in words what does not. */
async function writtenBack(
  model: SourceModel,
  files: ModelFiles,
  layers: Readonly<Record<string, Uint8Array>>,
): Promise<string | undefined> {
  const [keras, again] = [new MemorySink(), new MemorySink()];
  const written = await convertToKeras(model, files, keras);
  if (!written.ok) return "the layers model is none of Keras";
  const back = await openModel(memorySource(kerasName, keras.files[kerasName]!), memorySources());
  await convertToLayers(back.model, back.files, again);
  const unlike = Object.keys(layers).find((name) => !again.files[name] || Buffer.compare(layers[name]!, again.files[name]) !== 0);
  return unlike === undefined ? undefined : `through an .h5 of Keras: another ${unlike}`;
}

/** What layers look up is within their tables. */
function seededInputs(model: SourceModel): ReadonlyMap<string, Tensor> {
  const main = model.graphs[0]!;
  const specs = inputSpecs(main);
  const { shapes } = chooseShapes(specs, [], "varied");
  const bounds = gatherBounds(main);
  return new Map(specs.map((spec) => [spec.name, seededTensor(spec, shapes.get(spec.name)!, 1, bounds.get(spec.name))]));
}

/** `X_inputs_and_outputs.h5` beside `X_model.h5`: inputs, and predictions of the output layers. */
async function kerasData(test: Case, model: SourceModel): Promise<Data | undefined> {
  const file = test.path.replace(/_model\.h5$/, "_inputs_and_outputs.h5");
  if (file === test.path || !existsSync(file)) return undefined;
  const source = await openFile(file);
  const root = await openHdf5(source);
  const main = model.graphs[0]!;
  if (!(await find(root, "predictions"))) return undefined;
  const tensors = async (group: string) => {
    const found: Tensor[] = [];
    for (const { dataset } of (await (await find(root, group))!.members()).values()) {
      const { type, shape, layout } = dataset!;
      if (layout.kind !== "contiguous" || !type.dtype) throw new Error(`${file}: ${group} is not stored in one piece`);
      const bytes = await source.read(layout.offset, layout.length);
      found.push({ dtype: type.dtype, shape, data: fromRaw(type.dtype, elementCount(shape), bytes) });
    }
    return found;
  };
  const [inputs, outputs] = [await tensors("inputs"), await tensors("predictions")];
  if (inputs.length !== main.inputs.length || outputs.length !== main.outputs.length)
    throw new Error(`${file}: ${inputs.length} inputs and ${outputs.length} outputs`);
  return { inputs: new Map(main.inputs.map((id, i) => [main.values[id]!.name, inputs[i]!])), outputs };
}

/** What a layers model itself gives in TF.js. */
async function originalData(test: Case, model: SourceModel): Promise<Data | undefined> {
  if (!test.path.endsWith(".json") || model.formatVersion !== layersFormat) return undefined;
  const inputs = seededInputs(model);
  const bytes = (name: string) => Uint8Array.from(readFileSync(path.join(path.dirname(test.path), name)));
  const [json, ...shards] = model.files;
  const files = { ...Object.fromEntries(shards.map((name) => [name, bytes(name)])), "model.json": bytes(json!) };
  const outputs = await runLayers(files, [...inputs.values()]);
  if (typeof outputs === "string") throw new Error(`the original does not run: ${outputs}`);
  return { inputs, outputs };
}

/** The same model as .tflite, with what its runtimes gave; one of 8 bits is near and no more. */
function twinData(test: Case, model: SourceModel): Data | undefined {
  if (!test.path.endsWith(".keras")) return undefined;
  const twin = test.path
    .replace(/\.[^.]+$/, ".tflite")
    .replace(`${path.sep}tensorflow${path.sep}`, `${path.sep}ref-tflite${path.sep}tensorflow${path.sep}`);
  if (!existsSync(`${twin}.json`)) return undefined;
  interface Stored {
    readonly type: string;
    readonly shape: readonly number[];
    readonly at: number;
    readonly bytes: number;
  }
  const spec = JSON.parse(readFileSync(`${twin}.json`, "utf8")) as {
    readonly inputs: readonly Stored[];
    readonly outputs: readonly Stored[];
  };
  const all = Uint8Array.from(gunzipSync(readFileSync(`${twin}.bin.gz`)));
  const tensors = (list: readonly Stored[]) =>
    list.map(({ shape, at, bytes }): Tensor => {
      return { dtype: "float32", shape, data: fromRaw("float32", elementCount(shape), all.slice(at, at + bytes)) };
    });
  const main = model.graphs[0]!;
  const inputs = tensors(spec.inputs);
  return {
    inputs: new Map(main.inputs.map((id, i) => [main.values[id]!.name, inputs[i]!])),
    outputs: tensors(spec.outputs),
    atol: 1e-2,
  };
}
