/** The parity pipeline: the same inputs through the source's own runtime and through TF.js, every value compared. */
import { modelError } from "./base/problem.ts";
import { layersInMemory } from "./convert-layers.ts";
import { layersFormat } from "./formats/keras/read.ts";
import { carriedCopy } from "./formats/tflite/carried.ts";
import { type SourceMap, sourceMapName } from "./graph/map.ts";
import type { SourceDim, SourceGraph, SourceModel, ValueId } from "./graph/source.ts";
import { elementCount, type ModelFiles, type Tensor, tensorOf } from "./graph/tensor.ts";
import { feedRaw } from "./parity/baked.ts";
import { type Feeds, inputSpecs, outputSpecs, seededFeeds, specs, storedFeeds } from "./parity/feeds.ts";
import type { Dims } from "./parity/inputs.ts";
import { compareLayers, type LayerOptions, layerPairs } from "./parity/layers.ts";
import { Outcome } from "./parity/outcome.ts";
import { compareOutputs, feedsFor, type ReferenceRun, referenceRun, type Wanted, wantedValues } from "./parity/outputs.ts";
import {
  type LayersSource,
  layersReference,
  liteRtReference,
  onnxReference,
  type Reference,
  storedReference,
  tfjsReference,
} from "./parity/reference.ts";
import type { ParityReport } from "./parity/report.ts";
import { roomOf } from "./parity/steps.ts";
import { assign, type StoredSet } from "./parity/stored.ts";
import { isTensorflowReady, tensorflowReference } from "./parity/tensorflow-reference.ts";
import { precisionOf, type Tolerance, toleranceFor } from "./parity/tolerance.ts";
import type { Run } from "./runtime/run.ts";

export interface ParityRequest {
  readonly model: SourceModel;
  /** The source file, for the reference runtime. */
  readonly path: string;
  /** The same, open; needed where taps are edits of the file. */
  readonly files?: ModelFiles | undefined;
  /** The converted model, open on the backend to be checked. */
  readonly target: Run & { readonly backend: string };
  /** model.map.json, needed for layers and for values that are no outputs of the converted model. */
  readonly map?: SourceMap | undefined;
  /** Our own conversion for another runtime, for a source that no runtime here runs: the verdict is `consistent` at best. */
  readonly twin?: (() => Promise<Reference>) | undefined;
  /** Default 0; not used where inputs are stored. */
  readonly seed?: number | undefined;
  readonly stored?: { readonly path: string; readonly set: StoredSet } | undefined;
  /** `files`: the stored outputs and nothing else; `runtime`: never those. Default: those where there are any. */
  readonly reference?: "files" | "runtime" | undefined;
  /** Values of the source to compare; default the converted model's outputs. */
  readonly outputs?: readonly string[] | undefined;
  readonly layers?: boolean | undefined;
  readonly atol?: number | undefined;
  readonly rtol?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: ((done: number, all: number) => void) | undefined;
}

/** Faults of the model are in `problems`, not thrown; a parity that compared nothing is not `ok`. */
export async function parity(given: ParityRequest): Promise<ParityReport> {
  const baked = given.map?.baked;
  const request = baked ? { ...given, target: feedRaw(given.target, baked) } : given;
  const { model, target, stored, atol, rtol } = request;
  const tolerance = toleranceFor(precisionOf(model), { atol, rtol });
  const inputs = stored ? { path: stored.path } : { seed: request.seed ?? 0 };
  const outcome = new Outcome();
  let reference: Reference | undefined;
  let dims: Dims = {};
  try {
    reference = await referenceOf(request);
    const rooms = await roomOf(model, request.files);
    const wanted = wantedValues(model.graphs[0]!.name, target, request.map, request.outputs);
    const run = await tryInputs(request, reference, wanted);
    dims = run.feeds.dims;
    await compareOutputs(target, wanted, run, (name) => withSteps(tolerance, model, name), rooms, outcome);
    if (!request.outputs) missOutputs(model, target, outcome);
    if (request.layers) await compareMapped(request, reference, run.feeds, { tolerance, rooms }, outcome);
  } catch (error) {
    outcome.caught(error);
  } finally {
    await reference?.close();
  }
  const { kind, version } = reference ?? { kind: "none" as const };
  return outcome.report({
    backend: target.backend,
    reference: { kind, ...(version === undefined ? {} : { version }) },
    inputs: { ...inputs, dims },
    tolerance,
  });
}

/** What the source gives and the converted model does not: sequences and maps are there under other names. */
function missOutputs(model: SourceModel, target: Run, outcome: Outcome): void {
  const own = new Set(target.outputs.map(({ name }) => name));
  for (const { name, dtype } of outputSpecs(model.graphs[0]!))
    if (dtype !== undefined && !own.has(name)) outcome.skipped(name, "the converted model has no such output");
}

/** A quantised value may be off by one step: builds of the source's own runtime are. */
function withSteps(tolerance: Tolerance, model: SourceModel, name: string): Tolerance {
  const value = model.graphs[0]!.values.find((each) => each.name === name);
  return value?.type.quantization ? { ...tolerance, steps: 1 } : tolerance;
}

async function referenceOf({ model, path, files, stored, reference, twin, signal }: ParityRequest): Promise<Reference> {
  const main = model.graphs[0]!;
  if (reference === "files" || (reference === undefined && stored && stored.set.outputs.length > 0)) {
    return storedReference(stored ? assign(stored.set.outputs, outputSpecs(main)) : new Map());
  }
  if (model.dialect === "onnx") return onnxReference(path, outputSpecs(main), signal);
  if (model.dialect === "tflite" && files) {
    const source = await files.open(0);
    const copy = (names: readonly string[] | undefined) => carriedCopy(source, names && idsOf(main, names));
    const specOf = (name: string) => specs(main, idsOf(main, [name]))[0]!;
    return liteRtReference({ inputs: inputSpecs(main), outputs: outputSpecs(main), specOf, copy }, signal);
  }
  // The loader takes no other name.
  const folder = /^(.*)[/\\]model\.json$/.exec(path)?.[1];
  if (model.dialect === "tfjs" && folder !== undefined) return tfjsReference(folder, signal);
  if (model.dialect === "keras" && files) {
    const layers = await layersOf(model, files, signal);
    if (layers) return layersReference(layers, signal);
  }
  // A second look of our own is worth less, and all there is without TensorFlow.
  const isLast = !twin || reference !== undefined;
  if (model.dialect === "tensorflow" && (isLast || isTensorflowReady(path))) return tensorflowReference(path, model, signal);
  if (twin && reference === undefined) return twin();
  throw modelError("no-reference", `no runtime here computes what the source says, format: ${model.dialect}`);
}

/** As stock TF.js runs it: a layers model as it is, what Keras saved in a translation of its layers; undefined where TF.js lacks one. */
async function layersOf(
  model: SourceModel,
  files: ModelFiles,
  signal: AbortSignal | undefined,
): Promise<LayersSource | undefined> {
  const main = model.graphs[0]!;
  const translated = await layersInMemory(model, files, signal);
  if (!translated) return undefined;
  const inputs = main.inputs.map((id) => main.values[id]!.name);
  if (model.formatVersion !== layersFormat) return { ...translated, inputs };
  const own: Record<string, Uint8Array> = {};
  for (const [i, name] of model.files.entries()) {
    const source = await files.open(i);
    own[i === 0 ? "model.json" : name] = await source.read(0, source.size);
  }
  return { ...translated, inputs, files: own };
}

function idsOf(graph: SourceGraph, names: readonly string[]): ValueId[] {
  return names.map((name) => {
    const id = graph.values.findIndex((value) => value.name === name);
    if (id < 0) throw modelError("unknown-value", "the source has no value of this name", { tensor: name });
    return id;
  });
}

/** States before the first run, which are zero. */
function initialStates({ inputs }: Run): Map<string, Tensor> {
  const found = new Map<string, Tensor>();
  for (const { name, dtype, shape } of inputs)
    if (name.startsWith("state/") && dtype && shape && isStatic(shape))
      found.set(name, tensorOf(dtype, shape, new Array<number>(elementCount(shape)).fill(0)));
  return found;
}

const isStatic = (shape: readonly SourceDim[]): shape is readonly number[] => shape.every((dim) => typeof dim === "number");

async function tryInputs(request: ParityRequest, reference: Reference, wanted: readonly Wanted[]): Promise<ReferenceRun> {
  const { model, target, stored, seed } = request;
  const names = wanted.filter(({ fetch }) => fetch !== undefined).map(({ name }) => name);
  const states = initialStates(target);
  const run = ({ feeds, dims }: Feeds) => referenceRun(reference, { feeds: new Map([...feeds, ...states]), dims }, names);
  return stored ? run(storedFeeds(model, stored.set)) : seededFeeds(model, target.inputs, seed ?? 0, run);
}

async function compareMapped(
  request: ParityRequest,
  reference: Reference,
  feeds: Feeds,
  allowed: Pick<LayerOptions, "tolerance" | "rooms">,
  outcome: Outcome,
): Promise<void> {
  const { model, target, map, signal, progress } = request;
  if (!map) throw modelError("no-source-map", `the converted model has no ${sourceMapName}, so its layers have no counterpart`);
  const pairs = layerPairs(map, model);
  const fed = feedsFor(target, feeds);
  // Stored outputs say nothing of what lies before them.
  const runtime = reference.kind === "files" ? await referenceOf({ ...request, reference: "runtime" }) : reference;
  try {
    outcome.layers = await compareLayers(
      pairs,
      (names) => runtime.values(feeds.feeds, names),
      (names) => target.run(fed, names),
      { ...allowed, signal, progress },
    );
  } finally {
    if (runtime !== reference) await runtime.close();
  }
}
