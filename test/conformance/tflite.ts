/** TFLite models: converted, run in stock TF.js on each backend, compared with what TFLite's own runtimes gave for the same inputs. */
import { closeSync, openSync, readSync } from "node:fs";
import path from "node:path";
import { type DType, isFloat } from "../../src/base/dtype.ts";
import { MemorySink } from "../../src/base/memory.ts";
import { ModelError } from "../../src/base/problem.ts";
import { openFile, sourcesBeside } from "../../src/cli/files.ts";
import type { Converted } from "../../src/convert.ts";
import { readTflite } from "../../src/formats/tflite/read.ts";
import type { SourceGraph, SourceModel, SourceValue } from "../../src/graph/source.ts";
import { elementCount, type ModelFiles, type Tensor, tensorOf } from "../../src/graph/tensor.ts";
import { gatherBounds } from "../../src/parity/bounds.ts";
import { type Comparison, compare } from "../../src/parity/compare.ts";
import { inputSpecs } from "../../src/parity/feeds.ts";
import { chooseShapes, seededTensor } from "../../src/parity/inputs.ts";
import { precisionOf, toleranceFor } from "../../src/parity/tolerance.ts";
import { parity } from "../../src/parity.ts";
import type { Run } from "../../src/runtime/run.ts";
import type { Backends, ConformanceBackend } from "./backends.ts";
import { type Case, casesBelow, differenceIn, faultRow, type Row, refusedRow } from "./suite.ts";
import { type Isolated, isolated } from "./tflite-isolated.ts";
import { referenceOf, type StoredReference } from "./tflite-references.ts";

export function tfliteCases(zoo: string): Case[] {
  return ["tflite", "tensorflow"].flatMap((group) =>
    casesBelow(zoo, group, (name) => name.endsWith(".tflite") || isRenamed(path.join(zoo, group, name))),
  );
}

/** LiteRT calls its tests' models .bin. */
function isRenamed(file: string): boolean {
  if (!file.endsWith(".bin")) return false;
  const head = Buffer.alloc(8);
  const descriptor = openSync(file, "r");
  readSync(descriptor, head, 0, head.length, 0);
  closeSync(descriptor);
  return head.toString("latin1", 4) === "TFL3";
}

const timeoutMs = 180_000;

export async function runTfliteCase(test: Case, backends: Backends, wanted: readonly ConformanceBackend[]): Promise<Row> {
  try {
    return await run(test, backends, wanted);
  } catch (error) {
    return faultRow(test, error);
  }
}

async function run(test: Case, backends: Backends, wanted: readonly ConformanceBackend[]): Promise<Row> {
  const { model, files } = await readTflite(await openFile(test.path), sourcesBeside(test.path));
  const sink = new MemorySink();
  const converted = await backends.convert(model, files, sink);
  const refused = refusedRow(test, converted.problems);
  if (refused) return refused;
  const data = referenceOf(test, model);
  const whole = data
    ? await againstStored(test, model, data, converted, sink, backends, wanted)
    : await againstLiteRt(test, model, files, sink, backends, wanted);
  if (whole.status === "refused" || whole.status === "crashed") return whole;
  const each = await isolated(model, files, data?.inputs ?? seededInputs(model), backends, wanted);
  return each ? judged(whole, each) : whole;
}

/**
 * A quantised model is right where each of its operators is: how far off it is end to end is told. A step in front of a choice between
 * elements is any difference behind it.
 */
function judged(whole: Row, { compared, steps, bad, left }: Isolated): Row {
  const { backend: _, ...row } = whole;
  if (bad.length > 0) return { ...row, status: "wrong", reason: `${bad[0]}${bad.length > 1 ? `; ${bad.length - 1} more` : ""}` };
  const alone = `${compared} operators alone within ${steps} steps${left > 0 ? `, ${left} not compared` : ""}`;
  if (whole.status === "wrong" && left > 0) return whole;
  const status = whole.status === "wrong" ? "passed" : whole.status;
  return { ...row, status, reason: `${alone}; end to end ${whole.reason ?? "equal"}` };
}

/** Of the sizes that the copy which LiteRT runs has. */
function seededInputs({ graphs }: SourceModel): Map<string, Tensor> {
  const main = graphs[0]!;
  const needed = inputSpecs(main);
  const { shapes } = chooseShapes(needed, [], "ones");
  const bounds = gatherBounds(main);
  return new Map(needed.map((spec) => [spec.name, seededTensor(spec, shapes.get(spec.name)!, 0, bounds.get(spec.name))]));
}

async function againstStored(
  test: Case,
  model: SourceModel,
  data: StoredReference,
  converted: Converted,
  sink: MemorySink,
  backends: Backends,
  wanted: readonly ConformanceBackend[],
): Promise<Row> {
  if ([...data.outputs.values()].every(({ data: elements }) => elements.length === 0))
    return { test: test.id, status: "skipped", reason: "the reference was given sizes that leave nothing to compare" };
  let worst = 0;
  for (const backend of wanted) {
    const worker = await backends.get(backend);
    const signal = AbortSignal.timeout(timeoutMs);
    let actual: Map<string, Tensor>;
    try {
      const loaded = await worker.load(sink.files, signal);
      const feeds = new Map([...data.inputs, ...initialStates(converted)]);
      actual = await worker.run(loaded, feeds, [...data.outputs.keys()], signal);
      await worker.unload(loaded);
    } catch (error) {
      return { ...faultRow(test, error, worker.alive), backend };
    }
    for (const [name, reference] of data.outputs) {
      const found = compareOutput(model, name, reference, actual.get(name)!, data.apart);
      if (found.verdict === "different")
        return { test: test.id, status: "wrong", backend, reason: `${name} ${differenceIn(found)}` };
      if (!isFloat(reference.dtype)) worst = Math.max(worst, found.maxAbs ?? 0);
    }
  }
  return { test: test.id, status: "passed", ...(worst > 0 ? { reason: `within ${worst} steps` } : {}) };
}

/** States before the first run, which are zero. */
function initialStates({ inputs, state }: Converted): Map<string, Tensor> {
  return new Map(
    state.map((name) => {
      const { dtype, shape } = inputs.find((input) => input.name === name)!;
      const dims = shape as readonly number[];
      return [name, tensorOf(dtype as DType, dims, new Array<number>(elementCount(dims)).fill(0))] as const;
    }),
  );
}

/** Of models whose data nobody stored: LiteRT now, on seeded inputs. */
async function againstLiteRt(
  test: Case,
  model: SourceModel,
  files: ModelFiles,
  sink: MemorySink,
  backends: Backends,
  wanted: readonly ConformanceBackend[],
): Promise<Row> {
  for (const backend of wanted) {
    const worker = await backends.get(backend);
    const signal = AbortSignal.timeout(timeoutMs);
    const loaded = await worker.load(sink.files, signal);
    const target: Run & { readonly backend: string } = {
      backend,
      inputs: loaded.inputs,
      outputs: loaded.outputs,
      run: (feeds, fetches) => worker.run(loaded, feeds, fetches, signal),
      close: async () => {},
    };
    const report = await parity({ model, files, path: test.path, target, signal });
    if (worker.alive) await worker.unload(loaded);
    const absent = report.problems.find(({ code }) => /^(reference-|no-reference|not-a-tensor|input-missing)/.test(code));
    const bad = report.outputs.find(({ verdict }) => verdict === "different");
    if (bad) return { test: test.id, status: "wrong", backend, reason: `${bad.name} ${differenceIn(bad)}` };
    if (absent) return { test: test.id, status: "skipped", reason: `no runtime here gives a reference: ${absent.reason}` };
    if (!report.ok) return { ...faultRow(test, new ModelError(report.problems[0]!), worker.alive), backend };
  }
  return { test: test.id, status: "passed", reason: "against LiteRT, seeded" };
}

/** Two genuine builds of TFLite differ by as much in the middle of a quantised network; a single operator is held to one step. */
const networkSteps = 4;
const singleSteps = 1;

function compareOutput(model: SourceModel, name: string, reference: Tensor, actual: Tensor, apart: number): Comparison {
  const main = model.graphs[0]!;
  const value = valueNamed(main, name);
  const usual = toleranceFor(precisionOf(model));
  const tolerance = { ...usual, atol: Math.max(usual.atol, apart) };
  const steps = main.nodes.length > 2 ? networkSteps : singleSteps;
  return compare(reference, actual, { tolerance: { ...tolerance, steps: value.type.quantization ? steps : 0 } });
}

const valueNamed = (graph: SourceGraph, name: string): SourceValue => graph.values.find((value) => value.name === name)!;
