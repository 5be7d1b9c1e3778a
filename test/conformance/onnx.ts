/** ONNX's own backend tests: every model converted, run in stock TF.js on each backend, compared with the stored outputs. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { decodeBfloat16 } from "../../src/base/half.ts";
import { MemorySink } from "../../src/base/memory.ts";
import { check } from "../../src/check.ts";
import { openFile, sourcesBeside } from "../../src/cli/files.ts";
import type { Converted } from "../../src/convert.ts";
import { readOnnx } from "../../src/formats/onnx/read.ts";
import { type ProtoKind, type ProtoValue, readValueProto } from "../../src/formats/onnx/tensor.ts";
import type { SourceType } from "../../src/graph/source.ts";
import type { Tensor } from "../../src/graph/tensor.ts";
import { compare } from "../../src/parity/compare.ts";
import { precisionOf, toleranceFor } from "../../src/parity/tolerance.ts";
import type { Backends, ConformanceBackend } from "./backends.ts";
import { exceptionFor, isDisputed } from "./exceptions.ts";
import { type Case, differenceIn, faultRow, type Row, refusedRow } from "./suite.ts";

/** Folders that hold a model.onnx, of the newest tests and of the older releases. */
export function onnxCases(zoo: string): Case[] {
  const cases: Case[] = [];
  const groups = ["node", "simple", "pytorch-converted", "pytorch-operator"].map((group) => `onnx-node-tests/${group}`);
  const old = readdirSync(path.join(zoo, "onnx-node-tests-old")).flatMap((tag) =>
    readdirSync(path.join(zoo, "onnx-node-tests-old", tag)).map((group) => `onnx-node-tests-old/${tag}/${group}`),
  );
  for (const group of [...groups, ...old])
    for (const test of readdirSync(path.join(zoo, group)))
      cases.push({ id: `${group}/${test}`, path: path.join(zoo, group, test) });
  return cases;
}

/** Random by definition: shape and type are all that could be compared. */
const random = /test_(bernoulli|random|multinomial|training_dropout(?!.*zero_ratio))/;

const timeoutMs = 30_000;

export async function runOnnxCase(test: Case, backends: Backends, wanted: readonly ConformanceBackend[]): Promise<Row> {
  if (random.test(test.id)) return { test: test.id, status: "skipped", reason: "random outputs" };
  try {
    return await run(test, backends, wanted);
  } catch (error) {
    return faultRow(test, error);
  }
}

async function run(test: Case, backends: Backends, wanted: readonly ConformanceBackend[]): Promise<Row> {
  const file = path.join(test.path, "model.onnx");
  const { model, files } = await readOnnx(await openFile(file), sourcesBeside(file));
  const sink = new MemorySink();
  const converted = await backends.convert(model, files, sink);
  const refused = refusedRow(test, converted.problems);
  if (refused) return refused;
  const sets = readdirSync(test.path).filter((name) => name.startsWith("test_data_set_"));
  if (sets.length === 0) return { test: test.id, status: "skipped", reason: "no stored data" };
  const { ready } = await check(model, files);
  for (const backend of wanted) {
    for (const set of sets) {
      const row = await runSet(test, path.join(test.path, set), sink, backend, backends, { model, converted });
      // The check is of TF.js.
      const disputed = backend === "onnxruntime" ? undefined : disagreement(ready.includes(backend), row);
      if (disputed && !isDisputed(test.id, backend)) return { test: test.id, status: "wrong", backend, reason: disputed };
      if (row) {
        const { ofData: _, ...told } = row;
        return told;
      }
    }
  }
  return { test: test.id, status: "passed" };
}

/** Refusals of what was fed. */
const ofData = /a value does not fit|provided in model\.execute\(dict\) must be/;

/** What `check` says of a backend is what happens there; a value of the data that its types do not hold is another matter. */
function disagreement(ready: boolean, row: SetRow | undefined): string | undefined {
  if (ready && row?.status === "refused" && !row.ofData) return `the check says that it runs: ${row.reason}`;
  return !ready && !row ? "the check says that it does not run, and it does" : undefined;
}

interface SetRow extends Row {
  /** Refused for a value that was fed. */
  readonly ofData?: boolean;
}

type Context = {
  readonly model: Awaited<ReturnType<typeof readOnnx>>["model"];
  readonly converted: Converted;
};

/** A row where the set does not pass. */
async function runSet(
  test: Case,
  folder: string,
  sink: MemorySink,
  backend: ConformanceBackend,
  backends: Backends,
  { model, converted }: Context,
): Promise<SetRow | undefined> {
  const main = model.graphs[0]!;
  const kinds = (ids: readonly number[]) => ids.map((id) => kindOf(main.values[id]!.type));
  const inputs = readNumbered(folder, "input", kinds(main.inputs));
  // An output for each element of a sequence.
  const expected = readNumbered(folder, "output", kinds(main.outputs)).flatMap(tensorsIn);
  const feeds = new Map<string, Tensor>();
  main.inputs.forEach((id, i) => {
    const [tensor] = tensorsIn(inputs[i]);
    const { name, type } = main.values[id]!;
    if (tensor) feeds.set(name, asDeclared(tensor, type));
  });
  const names = converted.outputs.map((output) => output.name);
  const worker = await backends.get(backend);
  const signal = AbortSignal.timeout(timeoutMs);
  let actual: Map<string, Tensor>;
  try {
    const loaded = await worker.load(sink.files, signal);
    actual = await worker.run(loaded, feeds, names, signal);
    await worker.unload(loaded);
  } catch (error) {
    const row = faultRow(test, error, worker.alive);
    return { ...row, backend, ofData: ofData.test(row.reason ?? "") };
  }
  for (const [i, name] of names.entries()) {
    const reference = expected[i];
    if (!reference) continue;
    const found = compare(reference, actual.get(name)!, {
      tolerance: toleranceFor(precisionOf(model), { rtol: exceptionFor(test.id, backend)?.rtol }),
    });
    if (found.verdict === "different")
      return { test: test.id, status: "wrong", backend, reason: `${name} ${differenceIn(found)}` };
  }
  return expected.some((each) => each) ? undefined : { test: test.id, status: "skipped", reason: "no stored outputs" };
}

/** Releases up to 1.17 stored bfloat16 as the integers of its bits. */
const asDeclared = (tensor: Tensor, { dtype }: SourceType): Tensor =>
  dtype === "bfloat16" && tensor.dtype === "uint16"
    ? { dtype, shape: tensor.shape, data: decodeBfloat16(tensor.data as Uint16Array) }
    : tensor;

const kindOf = ({ other }: SourceType): ProtoKind =>
  other?.startsWith("sequence") ? "sequence" : other?.startsWith("optional") ? "optional" : "tensor";

const isList = (value: ProtoValue): value is readonly ProtoValue[] => Array.isArray(value);

/** Tensors of a sequence in order; undefined for an optional that is empty. */
function tensorsIn(value: ProtoValue): (Tensor | undefined)[] {
  return isList(value) ? value.flatMap(tensorsIn) : [value];
}

function readNumbered(folder: string, kind: "input" | "output", kinds: readonly ProtoKind[]): ProtoValue[] {
  const values: ProtoValue[] = [];
  for (const name of readdirSync(folder)) {
    const index = new RegExp(`^${kind}_(\\d+)\\.pb$`).exec(name)?.[1];
    if (index === undefined) continue;
    const bytes = Uint8Array.from(readFileSync(path.join(folder, name)));
    values[Number(index)] = readValueProto(bytes, kinds[Number(index)] ?? "tensor").value;
  }
  return values;
}
