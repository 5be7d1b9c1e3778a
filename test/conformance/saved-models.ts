/** SavedModels of others, each signature a case: converted, run in stock TF.js on each backend; known arithmetic and twins compared. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { MemorySink } from "../../src/base/memory.ts";
import { ModelError } from "../../src/base/problem.ts";
import { openFile, sourcesBeside } from "../../src/cli/files.ts";
import { convert } from "../../src/convert.ts";
import { convertToLayers } from "../../src/convert-layers.ts";
import { readKeras } from "../../src/formats/keras/read.ts";
import { readTensorflow } from "../../src/formats/tensorflow/read.ts";
import { fromRaw } from "../../src/graph/elements.ts";
import { elementCount, type Tensor, tensorOf } from "../../src/graph/tensor.ts";
import { compare } from "../../src/parity/compare.ts";
import { chooseShapes, seededTensor } from "../../src/parity/inputs.ts";
import { toleranceFor } from "../../src/parity/tolerance.ts";
import type { ValueSpec } from "../../src/runtime/run.ts";
import type { Backends, ConformanceBackend } from "./backends.ts";
import { runLayers } from "./layers.ts";
import type { Case, Row } from "./suite.ts";

export function savedModels(zoo: string): Case[] {
  const top = path.join(zoo, "tensorflow");
  return readdirSync(top, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.name === "saved_model.pb")
    .map((entry) => ({ id: path.relative(top, entry.parentPath), path: entry.parentPath }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** What a model of one input is known to compute, by a word of its path and signature. */
const arithmetic: readonly (readonly [word: RegExp, of: (x: number) => number])[] = [
  [/half_plus_two.*x2_to_y3/, (x) => x / 2 + 3],
  [/half_plus_two/, (x) => x / 2 + 2],
  [/times_three/, (x) => 3 * x],
  [/(int64|uint8)_multiply/, (x) => 6 * x],
];

const timeoutMs = 60_000;

export async function runSavedModel(test: Case, backends: Backends, wanted: readonly ConformanceBackend[]): Promise<Row> {
  try {
    const file = path.join(test.path, "saved_model.pb");
    const { model } = await readTensorflow(await openFile(file), sourcesBeside(file));
    const keys = (model.metadata["signatures"] ?? "").split(",").filter((key) => key !== "" && !key.startsWith("__"));
    const told: string[] = [];
    for (const key of keys.length > 0 ? keys : [undefined]) {
      const row = await runSignature(test, file, key, backends, wanted, told);
      if (row) return row;
    }
    return { test: test.id, status: "passed", reason: told.join("; ") };
  } catch (error) {
    if (error instanceof ModelError) return { test: test.id, status: "refused", reason: error.message };
    return { test: test.id, status: "crashed", reason: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

/** A row where it does not pass; what was compared goes to `told`. */
async function runSignature(
  test: Case,
  file: string,
  signature: string | undefined,
  backends: Backends,
  wanted: readonly ConformanceBackend[],
  told: string[],
): Promise<Row | undefined> {
  const options = signature === undefined ? {} : { signature };
  const { model, files } = await readTensorflow(await openFile(file), sourcesBeside(file), options);
  const sink = new MemorySink();
  const converted = await convert(model, files, sink);
  const failed = [...model.problems, ...converted.problems].find(({ severity }) => severity === "error");
  const name = signature ?? "the graph";
  if (failed) {
    // Files of records are taken apart by TensorFlow's own readers; the tensors have signatures of their own.
    if (failed.op !== undefined && /^(ParseExample|Decode)/.test(failed.op)) {
      told.push(`${name} takes serialised records`);
      return undefined;
    }
    return { test: test.id, status: "refused", reason: `${name}: ${new ModelError(failed).message}` };
  }
  const reference = await referenceOf(test, model.graphs[0]!.inputs.length === 1 ? converted.inputs : [], converted.outputs);
  const specs: ValueSpec[] = converted.inputs.map((input) => ({
    name: input.name,
    dtype: input.dtype as ValueSpec["dtype"],
    shape: input.shape ?? undefined,
  }));
  const { shapes } = chooseShapes(specs, [], "varied");
  const inputs = reference?.inputs ?? new Map(specs.map((spec) => [spec.name, seededTensor(spec, shapes.get(spec.name)!, 1, 2)]));
  for (const backend of wanted) {
    const worker = await backends.get(backend);
    const signal = AbortSignal.timeout(timeoutMs);
    const loaded = await worker.load(sink.files, signal);
    const found = await worker.run(loaded, inputs, converted.outputs.map((output) => output.name), signal); // biome-ignore format: one line
    await worker.unload(loaded);
    const expected = reference?.outputs ?? known(`${test.id} ${name}`, inputs, converted.outputs);
    for (const [i, output] of converted.outputs.entries()) {
      const one = expected?.[i];
      if (!one) continue;
      const actual = found.get(output.name)!;
      const verdict = compare({ ...one, dtype: actual.dtype }, actual, {
        tolerance: toleranceFor("float32", { atol: reference?.atol }),
      });
      if (verdict.verdict === "different")
        return {
          test: test.id,
          status: "wrong",
          backend,
          reason: `${name}: ${output.name} differs by ${verdict.maxAbs} ${verdict.note ?? ""}`,
        };
    }
    if (backend === wanted[0])
      told.push(`${name} ${reference ? reference.what : expected ? "computes what is known of it" : "runs"}`);
  }
  return undefined;
}

/** Outputs where the arithmetic is known and applies: one input, one output. */
function known(id: string, inputs: ReadonlyMap<string, Tensor>, outputs: readonly unknown[]): readonly Tensor[] | undefined {
  const rule = arithmetic.find(([word]) => word.test(id));
  const [x] = [...inputs.values()];
  if (!rule || !x || inputs.size !== 1 || outputs.length !== 1 || Array.isArray(x.data)) return undefined;
  return [
    tensorOf(
      x.dtype,
      x.shape,
      Array.from(x.data as Float32Array, (value) => rule[1](Number(value))),
    ),
  ];
}

interface Twin {
  readonly what: string;
  readonly inputs: ReadonlyMap<string, Tensor>;
  readonly outputs: readonly Tensor[];
  readonly atol?: number;
}

type Named = readonly { readonly name: string; readonly shape: readonly (number | string | null)[] | null }[];

/** The same model as Keras file, run by tf.layers; else as .tflite with stored outputs, which is near: its weights have 8 bits. */
async function referenceOf(test: Case, inputs: Named, outputs: Named): Promise<Twin | undefined> {
  if (inputs.length !== 1 || outputs.length !== 1) return undefined;
  const keras = [`${test.path}.h5`, `${test.path}.keras`].find((file) => existsSync(file));
  if (keras) {
    const { model, files } = await readKeras(await openFile(keras), sourcesBeside(keras));
    const sink = new MemorySink();
    await convertToLayers(model, files, sink);
    const shape = inputs[0]!.shape!.map((dim) => (typeof dim === "number" ? dim : 3));
    const x = seededTensor({ name: inputs[0]!.name, dtype: "float32", shape: undefined }, shape, 1, 2);
    const found = await runLayers(sink.files, [x]);
    if (typeof found === "string") throw new Error(`${keras}: ${found}`);
    return { what: "agrees with its .h5 twin", inputs: new Map([[inputs[0]!.name, x]]), outputs: found };
  }
  const [base, file] = [path.join(path.sep, "tensorflow", path.sep), path.join(path.sep, "ref-tflite", "tflite", path.sep)];
  const twin = `${test.path.replace(base, file)}_float32.tflite`;
  if (twin.startsWith(test.path) || !existsSync(`${twin}.json`)) return undefined;
  interface Stored {
    readonly shape: readonly number[];
    readonly at: number;
    readonly bytes: number;
  }
  const spec = JSON.parse(readFileSync(`${twin}.json`, "utf8")) as { inputs: Stored[]; outputs: Stored[] };
  const all = Uint8Array.from(gunzipSync(readFileSync(`${twin}.bin.gz`)));
  const tensor = ({ shape, at, bytes }: Stored): Tensor => ({
    dtype: "float32",
    shape,
    data: fromRaw("float32", elementCount(shape), all.slice(at, at + bytes)),
  });
  return {
    what: "is near its .tflite twin of 8-bit weights",
    inputs: new Map([[inputs[0]!.name, tensor(spec.inputs[0]!)]]),
    outputs: [tensor(spec.outputs[0]!)],
    atol: 0.1,
  };
}
