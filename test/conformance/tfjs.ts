/** TF.js models: read, optimised, written again; both files run in stock TF.js on the same inputs, every output compared. Weights alone are read. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { MemorySink } from "../../src/base/memory.ts";
import { ModelError } from "../../src/base/problem.ts";
import { openFile, sourcesBeside } from "../../src/cli/files.ts";
import { readTfjs } from "../../src/formats/tfjs/read.ts";
import { loadTensor } from "../../src/graph/decode.ts";
import type { SourceGraph, SourceModel, ValueId } from "../../src/graph/source.ts";
import type { Tensor } from "../../src/graph/tensor.ts";
import { compare } from "../../src/parity/compare.ts";
import { chooseShapes, seededTensor } from "../../src/parity/inputs.ts";
import type { Backends, ConformanceBackend } from "./backends.ts";
import { runKerasCase } from "./keras.ts";
import { type Case, casesBelow, differenceIn, faultRow, type Row, refusedRow } from "./suite.ts";

type Kind = "graph" | "layers" | "manifest";

export function tfjsModels(zoo: string): Case[] {
  return casesBelow(zoo, "tfjs", (name) => name.endsWith(".json") && kindOf(path.join(zoo, "tfjs", name)) !== undefined);
}

/** Undefined: JSON of another kind. */
function kindOf(file: string): Kind | undefined {
  const json = JSON.parse(readFileSync(file, "utf8")) as { readonly modelTopology?: { readonly node?: unknown } };
  if (Array.isArray(json)) return json.some((group) => group?.paths && group.weights) ? "manifest" : undefined;
  if (!json.modelTopology) return undefined;
  return json.modelTopology.node === undefined ? "layers" : "graph";
}

const timeoutMs = 120_000;
/** Optimising changes the order of sums, no more. */
const tolerance = { rtol: 1e-5, atol: 1e-5, steps: 0 };

export async function runTfjsModel(test: Case, backends: Backends, wanted: readonly ConformanceBackend[]): Promise<Row> {
  try {
    const kind = kindOf(test.path);
    if (kind === "layers") return await runKerasCase(test, backends, wanted);
    return await (kind === "manifest" ? readManifestAlone(test) : run(test, backends, wanted));
  } catch (error) {
    return faultRow(test, error);
  }
}

/** Weights without a graph can be looked at, all of them. */
async function readManifestAlone(test: Case): Promise<Row> {
  const { model, files } = await readTfjs(await openFile(test.path), sourcesBeside(test.path));
  const failed = model.problems.find((each) => each.severity === "error");
  if (failed) return { test: test.id, status: "wrong", reason: new ModelError(failed).message };
  const values = model.graphs[0]!.values;
  for (const { tensor } of values)
    if (tensor) await loadTensor({ dtype: tensor.dtype, shape: tensor.shape, stored: tensor, files });
  return { test: test.id, status: "passed", reason: `${values.length} weights` };
}

async function run(test: Case, backends: Backends, wanted: readonly ConformanceBackend[]): Promise<Row> {
  const { model, files } = await readTfjs(await openFile(test.path), sourcesBeside(test.path));
  const sink = new MemorySink();
  const converted = await backends.convert(model, files, sink);
  const refused = refusedRow(test, [...model.problems, ...converted.problems]);
  if (refused) return refused;
  const original = originalFiles(test.path, model);
  const before = computing(original["model.json"]!);
  const after = backends.to === "onnx" ? converted.nodes.final : computing(sink.files["model.json"]!);
  if (backends.to === "tfjs" && after > before)
    return { test: test.id, status: "wrong", reason: `${after} computing nodes where there were ${before}` };
  const plain = await outputsOf(original, undefined, "cpu", backends);
  for (const backend of wanted) {
    const again = await outputsOf(original, plain.feeds, backend === "onnxruntime" ? "wasm" : backend, backends);
    const expected = backend === "onnxruntime" ? plain : again;
    const actual = await outputsOf(sink.files, expected.feeds, backend, backends);
    if (expected.outputs.size === 0) return { test: test.id, status: "wrong", backend, reason: "no outputs" };
    for (const [name, tensor] of expected.outputs) {
      // Where backends differ by more on the model as it was, no backend says more of the two models.
      const own = compare(plain.outputs.get(name)!, again.outputs.get(name)!, { tolerance }).maxAbs ?? 0;
      const found = compare(tensor, actual.outputs.get(name)!, {
        tolerance: { ...tolerance, atol: Math.max(tolerance.atol, own) },
      });
      if (found.verdict !== "different") continue;
      return { test: test.id, status: "wrong", backend, reason: `${name} ${differenceIn(found)}` };
    }
  }
  return { test: test.id, status: "passed", reason: `${before} → ${after} nodes` };
}

async function outputsOf(
  model: Readonly<Record<string, Uint8Array>>,
  given: ReadonlyMap<string, Tensor> | undefined,
  backend: ConformanceBackend,
  backends: Backends,
) {
  const worker = await backends.get(backend);
  const signal = AbortSignal.timeout(timeoutMs);
  const loaded = await worker.load(model, signal);
  const { shapes } = chooseShapes(loaded.inputs, [], "varied");
  const feeds = given ?? new Map(loaded.inputs.map((spec) => [spec.name, seededTensor(spec, shapes.get(spec.name)!, 1)]));
  const names = loaded.outputs.map(({ name }) => name);
  const outputs = await worker.run(loaded, feeds, names, signal);
  await worker.unload(loaded);
  return { feeds, outputs };
}

/** Nodes that run. */
function computing(json: Uint8Array): number {
  const { modelTopology } = JSON.parse(new TextDecoder().decode(json)) as { modelTopology: { node: { op: string }[] } };
  return modelTopology.node.filter(({ op }) => op !== "Const" && op !== "Placeholder").length;
}

/** The files as a loader wants them: model.json by that name. */
function originalFiles(file: string, model: SourceModel): Record<string, Uint8Array> {
  const bytes = (name: string) => Uint8Array.from(readFileSync(path.join(path.dirname(file), name)));
  const json = JSON.parse(new TextDecoder().decode(bytes(model.files[0]!)));
  // Old models have none, and then there are no names to feed and fetch by.
  json.signature ??= signatureOf(model.graphs[0]!);
  const shards = model.files.slice(1).map((name) => [name, bytes(name)] as const);
  return { ...Object.fromEntries(shards), "model.json": new TextEncoder().encode(JSON.stringify(json)) };
}

const dataTypes: Readonly<Record<string, string>> = { float32: "DT_FLOAT", int32: "DT_INT32", bool: "DT_BOOL" };

function signatureOf({ values, inputs, outputs }: SourceGraph) {
  const infos = (ids: readonly ValueId[]) =>
    Object.fromEntries(
      ids.map((id) => {
        const { name, type } = values[id]!;
        const dim = (type.shape ?? []).map((size) => ({ size: String(size ?? -1) }));
        return [name, { name: `${name}:0`, dtype: dataTypes[type.dtype ?? "float32"], tensorShape: { dim } }];
      }),
    );
  return { inputs: infos(inputs), outputs: infos(outputs) };
}
