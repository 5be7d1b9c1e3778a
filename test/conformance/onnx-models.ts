/** Real models: converted, run on TF.js and in onnxruntime with the same inputs, every output compared. */
import { existsSync } from "node:fs";
import path from "node:path";
import { MemorySink } from "../../src/base/memory.ts";
import { ModelError, problem } from "../../src/base/problem.ts";
import { openFile, sourcesBeside } from "../../src/cli/files.ts";
import { readStoredInputs } from "../../src/cli/stored.ts";
import { readOnnx } from "../../src/formats/onnx/read.ts";
import { parseSourceMap, sourceMapName } from "../../src/graph/map.ts";
import type { SourceModel } from "../../src/graph/source.ts";
import { elementCount } from "../../src/graph/tensor.ts";
import { parity } from "../../src/parity.ts";
import type { Backends, ConformanceBackend } from "./backends.ts";
import { type Case, casesBelow, differenceIn, faultRow, type Row, refusedRow, statusOf } from "./suite.ts";

export function onnxModels(zoo: string): Case[] {
  return casesBelow(zoo, "onnx-models", (name) => name.endsWith(".onnx"));
}

const timeoutMs = 120_000;

/** Problems of the reference: nothing can be said of the model here. */
const noReference = new Set([
  "reference-refused",
  "reference-failed",
  "reference-unavailable",
  "no-reference",
  "not-a-tensor",
  "input-missing",
]);

/** Random by definition: nothing to compare. */
const drawsNumbers = /(random_(normal|uniform)(_like)?|cse_random|multinomial(_float16)?)\.onnx$/;

export async function runOnnxModel(test: Case, backends: Backends, wanted: readonly ConformanceBackend[]): Promise<Row> {
  if (drawsNumbers.test(test.id)) return { test: test.id, status: "skipped", reason: "random outputs" };
  try {
    return await run(test, backends, wanted);
  } catch (error) {
    return faultRow(test, error);
  }
}

async function run(test: Case, backends: Backends, wanted: readonly ConformanceBackend[]): Promise<Row> {
  const { model, files } = await readOnnx(await openFile(test.path), sourcesBeside(test.path));
  const bytes = inputBytes(model);
  if (bytes > mostInputBytes)
    return { test: test.id, status: "skipped", reason: `its inputs take ${Math.round(bytes / 2 ** 20)} MiB` };
  const sink = new MemorySink();
  const converted = await backends.convert(model, files, sink);
  const refused = refusedRow(test, converted.problems);
  if (refused) return refused;
  const map = parseSourceMap(new TextDecoder().decode(sink.files[sourceMapName]));
  const data = storedData(test.path);
  const stored = data === undefined ? undefined : { path: data, set: await readStoredInputs(data) };
  for (const backend of wanted) {
    const worker = await backends.get(backend);
    const signal = AbortSignal.timeout(timeoutMs);
    const loaded = await worker.load(sink.files, signal);
    try {
      const target = {
        backend,
        inputs: loaded.inputs,
        outputs: loaded.outputs,
        run: (feeds: Parameters<typeof worker.run>[1], fetches: readonly string[]) => worker.run(loaded, feeds, fetches, signal),
        close: async () => {},
      };
      const report = await parity({ model, path: test.path, target, map, stored, signal });
      const absent = report.problems.find(({ code }) => noReference.has(code));
      const bad = report.outputs.find(({ verdict }) => verdict === "different");
      if (bad) return { test: test.id, status: "wrong", backend, reason: `${bad.name} ${differenceIn(bad)}` };
      if (!report.ok && absent) return { test: test.id, status: "skipped", reason: new ModelError(absent).message };
      const fault = report.problems.find(({ severity }) => severity === "error");
      if (!report.ok)
        return {
          test: test.id,
          status: statusOf(new ModelError(fault ?? problem("error", "no-reference", "nothing was compared")), worker.alive),
          backend,
          reason: fault ? new ModelError(fault).message : "nothing was compared",
        };
    } finally {
      if (worker.alive) await worker.unload(loaded);
    }
  }
  return { test: test.id, status: "passed" };
}

/** Past it neither side answers in time here. */
const mostInputBytes = 1024 * 1024 * 1024;

/** Of the inputs whose size the file tells, four bytes an element. */
function inputBytes(model: SourceModel): number {
  const main = model.graphs[0]!;
  const sizes = main.inputs.map((id) => (main.values[id]!.type.shape ?? []).map((dim) => (typeof dim === "number" ? dim : 1)));
  return sizes.reduce((bytes, shape) => bytes + 4 * elementCount(shape), 0);
}

/** Inputs and outputs beside the model, or made for it. */
function storedData(file: string): string | undefined {
  const made = file.replace(`${path.sep}onnx-models${path.sep}`, `${path.sep}ref-ort${path.sep}onnx-models${path.sep}`);
  const folders = [path.join(path.dirname(file), "test_data_set_0"), path.join(made, "test_data_set_0")];
  return folders.find((folder) => existsSync(folder));
}
