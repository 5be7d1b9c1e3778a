/** Frozen TensorFlow graphs with outputs by TensorFlow itself: converted with their data constants fed, run in stock TF.js, compared. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import type { DType } from "../../src/base/dtype.ts";
import { isInteger } from "../../src/base/dtype.ts";
import { MemorySink } from "../../src/base/memory.ts";
import { openFile, sourcesBeside } from "../../src/cli/files.ts";
import type { Converted } from "../../src/convert.ts";
import { readTensorflow } from "../../src/formats/tensorflow/read.ts";
import type { SourceGraph, SourceModel, SourceNode, ValueId } from "../../src/graph/source.ts";
import { allocate, elementCount, type ModelFiles, type Tensor } from "../../src/graph/tensor.ts";
import { tensorflowRules } from "../../src/lower/tensorflow/rules.ts";
import { compare } from "../../src/parity/compare.ts";
import { precisionOf, toleranceFor } from "../../src/parity/tolerance.ts";
import { carriedAs } from "../../src/runtime/carry.ts";
import type { Backends, ConformanceBackend } from "./backends.ts";
import { feedConstants, reached } from "./fed.ts";
import { type Case, differenceIn, faultRow, type Row, refusedRow } from "./suite.ts";

export function tensorflowCases(zoo: string): Case[] {
  const folder = path.join(zoo, "tensorflow/dl4j-tf-graphs");
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.name === "frozen_model.pb")
    .map((entry) => ({ id: path.relative(folder, entry.parentPath), path: entry.parentPath }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** Empty has whatever was in memory. */
const random = /^((Stateless)?(Random|TruncatedNormal|Multinomial|ParameterizedTruncated)|Empty$)/;
/** Nothing is computed by these. */
const idle = new Set(
  "Const Placeholder PlaceholderWithDefault Identity IdentityN NoOp StopGradient Assert CheckNumerics Switch Merge Enter Exit".split(
    " ",
  ),
);
const timeoutMs = 30_000;

/** What TF.js has bits of. */
const bitTypes = new Set<DType | undefined>(["float32", "int32"]);

/** Not part of the criterion: strings, bits that TF.js has none of, and assignments to what is no variable any more. */
function isExempt(node: SourceNode, { nodes, values }: SourceGraph): boolean {
  const typeOf = (id: ValueId | undefined) => (id === undefined ? undefined : values[id]!.type.dtype);
  const attr = (name: string) => (node.attrs[name]?.kind === "dtype" ? (node.attrs[name].value as DType) : undefined);
  const target = node.inputs[0] === undefined ? undefined : nodes[values[node.inputs[0]]!.producer ?? -1];
  if (node.op === "Bitcast") return !bitTypes.has(attr("T")) || !bitTypes.has(attr("type"));
  if (/^Assign/.test(node.op)) return target?.op === "Const";
  return [...node.inputs, ...node.outputs].some((id) => typeOf(id) === "string");
}

export async function runTensorflowCase(test: Case, backends: Backends, wanted: readonly ConformanceBackend[]): Promise<Row> {
  try {
    return await run(test, backends, wanted);
  } catch (error) {
    return faultRow(test, error);
  }
}

async function run(test: Case, backends: Backends, wanted: readonly ConformanceBackend[]): Promise<Row> {
  const file = path.join(test.path, "frozen_model.pb");
  const { model, files } = await readTensorflow(await openFile(file), sourcesBeside(file));
  const stored = storedTensors(test.path, "prediction", model);
  const main = model.graphs[0]!;
  const outputs = stored.size > 0 ? [...stored.keys()] : main.outputs.map((id) => main.values[id]!.name);
  const needed = reached(main, outputs);
  const isRandom = [...needed].some(({ op }) => random.test(op));
  const judged = stored.size > 0 && !isRandom && ![...needed].some((node) => isExempt(node, main));
  return { ...(await compareStored(test, backends, wanted, { model, files, outputs, stored, needed, isRandom })), judged };
}

interface Subject {
  readonly model: SourceModel;
  readonly files: ModelFiles;
  readonly outputs: readonly string[];
  readonly stored: ReadonlyMap<string, Stored>;
  readonly needed: ReadonlySet<SourceNode>;
  readonly isRandom: boolean;
}

async function compareStored(
  test: Case,
  backends: Backends,
  wanted: readonly ConformanceBackend[],
  { model, files, outputs, stored, needed, isRandom }: Subject,
): Promise<Row> {
  const fed = await feedConstants(model, files, tensorflowRules, outputs);
  const sink = new MemorySink();
  const placeholders = storedTensors(test.path, "placeholder", model);
  const converted = await backends.convert(fed.model, files, sink, {
    outputs,
    inputShapes: unknownShapes(fed.model, placeholders),
  });
  const refused = refusedRow(test, converted.problems);
  if (refused) return refused;
  // Where something is fed, what folds does not hang on it: an identity, a shape, a reduction of nothing.
  if (converted.nodes.final === 0 && converted.inputs.length === 0 && [...needed].some(({ op }) => !idle.has(op)))
    return { test: test.id, status: "skipped", reason: "nothing to feed: its constants all say how, and it folds" };
  const feeds = new Map([...fed.feeds, ...placeholders]);
  for (const backend of wanted) {
    const row = await runOn(test, backend, backends, sink, feeds, stored, converted, { model, isRandom });
    if (row) return row;
  }
  if (isRandom) return { test: test.id, status: "skipped", reason: "random outputs: runs, and shapes and types agree" };
  if (stored.size === 0) return { test: test.id, status: "skipped", reason: "runs; no stored outputs" };
  return { test: test.id, status: "passed" };
}

/** Old graphs do not tell a scalar from an unknown rank: what `--input` is for. */
function unknownShapes(model: SourceModel, given: ReadonlyMap<string, Tensor>): Map<string, readonly number[]> {
  const main = model.graphs[0]!;
  const unknown = main.inputs.map((id) => main.values[id]!).filter(({ type }) => !type.shape);
  return new Map(unknown.flatMap(({ name }) => (given.has(name) ? [[name, given.get(name)!.shape] as const] : [])));
}

/** A row where the case does not pass. */
async function runOn(
  test: Case,
  backend: ConformanceBackend,
  backends: Backends,
  sink: MemorySink,
  feeds: ReadonlyMap<string, Tensor>,
  stored: ReadonlyMap<string, Stored>,
  converted: Converted,
  { model, isRandom }: { readonly model: SourceModel; readonly isRandom: boolean },
): Promise<Row | undefined> {
  const worker = await backends.get(backend);
  const signal = AbortSignal.timeout(timeoutMs);
  let actual: Map<string, Tensor>;
  try {
    const loaded = await worker.load(sink.files, signal);
    const names = new Set(converted.inputs.map((input) => input.name));
    actual = await worker.run(
      loaded,
      new Map([...feeds].filter(([name]) => names.has(name))),
      converted.outputs.map((output) => output.name),
      signal,
    );
    await worker.unload(loaded);
  } catch (error) {
    return { ...faultRow(test, error, worker.alive), backend };
  }
  for (const [name, expected] of stored) {
    const found = actual.get(name)!;
    const isOwn = backends.to === "onnx" || (expected.told && carriedAs(expected.told) === found.dtype);
    const dtype = isOwn && expected.told ? expected.told : found.dtype;
    const reference = tensorOf(expected, dtype);
    if (found.dtype === "int32" && isInteger(dtype) && expected.values.some((value) => Math.abs(value) > 2 ** 31))
      return { test: test.id, status: "skipped", reason: "expects integers beyond int32" };
    const verdict = compare(asStored(reference), asStored(found), { tolerance: toleranceFor(precisionOf(model)) });
    if (verdict.verdict !== "different" || (isRandom && verdict.firstBad)) continue;
    return { test: test.id, status: "wrong", backend, reason: `${name} ${differenceIn(verdict)}` };
  }
  return undefined;
}

/** What is stored went through doubles, which do not hold every integer of 64 bits. */
function asStored(tensor: Tensor): Tensor {
  const { dtype, shape, data } = tensor;
  if (dtype !== "int64" && dtype !== "uint64") return tensor;
  const isWide = (data as BigInt64Array).some((value) => !Number.isSafeInteger(Number(value)));
  return isWide ? { dtype: "float64", shape, data: Float64Array.from(data as BigInt64Array, Number) } : tensor;
}

interface Stored extends Tensor {
  readonly values: readonly number[];
  /** What the folder's `dtypes` says. */
  readonly told: DType | undefined;
}

/** `NAME.KIND.csv` and `.shape`, by value name; four underscores stand for a slash. */
function storedTensors(folder: string, kind: "prediction" | "placeholder", model: SourceModel): Map<string, Stored> {
  const main = model.graphs[0]!;
  const known = new Map(main.values.map((value) => [value.name, value]));
  const told = dtypesOf(folder, main);
  const found = new Map<string, Stored>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.name.endsWith(`.${kind}.csv`)) continue;
    const file = path.join(entry.parentPath, entry.name);
    const plain = path.relative(folder, file).slice(0, -`.${kind}.csv`.length).replaceAll("____", "/");
    const [, node, port] = /^(.*?)(?:\.(\d+))?$/.exec(plain) ?? [];
    const name = known.has(plain) ? plain : port && port !== "0" ? `${node}:${port}` : node!;
    const values = numbersIn(file);
    const shape = shapeIn(file.replace(/csv$/, "shape"), values.length);
    const dtype = known.get(name)?.type.dtype ?? "float32";
    found.set(name, { ...tensorOf({ values, shape }, dtype), values, told: told.get(`${node}.${port ?? 0}`) });
  }
  return found;
}

const words: Readonly<Record<string, number>> = {
  True: 1,
  False: 0,
  nan: Number.NaN,
  inf: Number.POSITIVE_INFINITY,
  "-inf": Number.NEGATIVE_INFINITY,
};

function numbersIn(file: string): number[] {
  return readFileSync(file, "utf8")
    .split(/[\s,]+/)
    .filter((word) => word !== "")
    .map((word) => words[word] ?? Number(word));
}

/** A scalar is written as 0 with one value, an empty vector as 0 with none. */
function shapeIn(file: string, count: number): number[] {
  const dims = existsSync(file) ? numbersIn(file) : [];
  return dims.length === 1 && dims[0] === 0 && count === 1 ? [] : dims;
}

/** None where the list contradicts the graph's own inputs: it was made of another version of it. */
function dtypesOf(folder: string, { inputs, values }: SourceGraph): Map<string, DType> {
  const told = listedDtypes(folder);
  const isOther = inputs.some((id) => {
    const { name, type } = values[id]!;
    const listed = told.get(`${name}.0`) ?? told.get(name);
    return listed !== undefined && type.dtype !== undefined && listed !== type.dtype;
  });
  return isOther ? new Map() : told;
}

function listedDtypes(folder: string): Map<string, DType> {
  const file = path.join(folder, "dtypes");
  if (!existsSync(file)) return new Map();
  const lines = readFileSync(file, "utf8")
    .split("\n")
    .map((line) => line.trim().split(/\s+/));
  return new Map(
    lines.filter((parts) => parts.length === 2).map(([name, dtype]) => [name!.replaceAll("____", "/"), dtype as DType]),
  );
}

function tensorOf({ values, shape }: { values: readonly number[]; shape: readonly number[] }, dtype: DType): Tensor {
  const data = allocate(dtype, elementCount(shape));
  for (let i = 0; i < data.length; i++) {
    const value = values[i] ?? Number.NaN;
    (data as unknown as (number | bigint)[])[i] = typeof data[0] === "bigint" ? BigInt(Math.trunc(value)) : value;
  }
  return { dtype, shape, data };
}
