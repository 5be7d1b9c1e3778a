/** What a model file is and holds, from its structure alone: weights are not read. */
import type { ByteSource, ByteSources } from "./base/bytes.ts";
import { ModelError, type Problem } from "./base/problem.ts";
import { exportHint, type MlnetComponent, type MlnetModel, readMlnet } from "./formats/mlnet/read.ts";
import { isZip, openModel } from "./formats/open.ts";
import { diagnose } from "./graph/diagnosis.ts";
import { findPreprocessing, type Preprocessing } from "./graph/preprocessing.ts";
import { opLabel, type SourceDim, type SourceGraph, type SourceModel, type ValueId } from "./graph/source.ts";
import { elementCount } from "./graph/tensor.ts";
import { tensorsOf } from "./graph/verify.ts";

export interface InspectedValue {
  readonly name: string;
  /** In words where it is no tensor: `sequence(tensor(float32))`; null where the file does not say. */
  readonly dtype: string | null;
  /** Null: rank unknown; a null dim: unknown. */
  readonly shape: readonly SourceDim[] | null;
}

/** What `modelwright inspect --json` prints, but for what all commands share. */
export interface Inspection {
  readonly format: string;
  readonly ok: boolean;
  readonly graphs: number;
  /** Of all graphs, dead ones included. */
  readonly nodes: number;
  readonly inputs: readonly InspectedValue[];
  readonly outputs: readonly InspectedValue[];
  /** Nodes by operator, with its domain unless that is the format's own; most frequent first. */
  readonly ops: Readonly<Record<string, number>>;
  /** Elements of stored tensors. */
  readonly parameters: number;
  /** Bytes of stored tensors, as stored. */
  readonly weightBytes: number;
  readonly metadata: Readonly<Record<string, string>>;
  /** Of image inputs: what the model does to them itself, and what its metadata say of pixels. */
  readonly preprocessing: readonly Preprocessing[];
  /** Of an ML.NET model, which holds no graph. */
  readonly pipeline?: { readonly trainers: readonly string[]; readonly components: readonly MlnetComponent[] };
  readonly diagnosis: string;
  readonly problems: readonly Problem[];
  readonly ms: { readonly read: number };
}

/** Never throws for a fault of the model: a file that cannot be read gives a report with the problem and `ok: false`. */
export async function inspect(source: ByteSource, sources: ByteSources): Promise<Inspection> {
  const started = performance.now();
  try {
    if (isZip(source)) return reportMlnet(await readMlnet(source), started);
    const { model, files } = await openModel(source, sources);
    const read = performance.now() - started;
    return { ...report(model, read), preprocessing: await findPreprocessing(model, files) };
  } catch (error) {
    return unreadable(error, performance.now() - started);
  }
}

/** The report of what could not be read or opened; throws what is no fault of the model. `read` in milliseconds. */
export function unreadable(error: unknown, read = 0): Inspection {
  if (!(error instanceof ModelError)) throw error;
  return { ...nothing, diagnosis: error.message, problems: [error.problem], ms: { read } };
}

const nothing = {
  format: "unknown",
  ok: false,
  graphs: 0,
  nodes: 0,
  inputs: [],
  outputs: [],
  ops: {},
  parameters: 0,
  weightBytes: 0,
  metadata: {},
  preprocessing: [],
} as const;

/** `read` in milliseconds. */
function report(model: SourceModel, read: number): Omit<Inspection, "preprocessing"> {
  const [main] = model.graphs;
  const { parameters, weightBytes } = weightsOf(model);
  return {
    format: model.dialect,
    ok: model.problems.every(({ severity }) => severity !== "error"),
    graphs: model.graphs.length,
    nodes: model.graphs.reduce((sum, { nodes }) => sum + nodes.length, 0),
    inputs: main ? valuesOf(main, main.inputs, main.inputNames) : [],
    outputs: main ? valuesOf(main, main.outputs, main.outputNames) : [],
    ops: countOps(model),
    parameters,
    weightBytes,
    metadata: model.metadata,
    diagnosis: diagnose(model),
    problems: model.problems,
    ms: { read },
  };
}

/** Shapes are those that ML.NET would export: rows first. */
function reportMlnet(model: MlnetModel, started: number): Inspection {
  const { version, components, trainers, columns, bytes, problems } = model;
  const inputs = columns.map((column) =>
    "type" in column
      ? { name: column.name, dtype: column.dtype ?? column.type, shape: [null, ...(column.dims.length > 0 ? column.dims : [1])] }
      : { ...column, dtype: null, shape: null },
  );
  const made = version === undefined ? "" : ` ${version}`;
  const trained = trainers.length > 0 ? ` with ${trainers.join(", ")}` : "";
  return {
    ...nothing,
    format: "mlnet",
    ok: problems.length === 0,
    nodes: components.length,
    inputs: inputs.map((input) => ({ ...input, shape: input.shape?.map((dim) => dim ?? null) ?? null })),
    ops: countNames(components.map(({ name }) => name)),
    weightBytes: bytes,
    metadata: version === undefined ? {} : { version },
    pipeline: { trainers, components },
    diagnosis: `ML.NET${made} pipeline${trained}; to convert it, ${exportHint}`,
    problems,
    ms: { read: performance.now() - started },
  };
}

function valuesOf({ values }: SourceGraph, ids: readonly ValueId[], called?: readonly string[]): InspectedValue[] {
  return ids.map((id, i) => {
    const { name, type } = values[id]!;
    return { name: called?.[i] ?? name, dtype: type.other ?? type.dtype ?? null, shape: type.shape ?? null };
  });
}

const countOps = (model: SourceModel): Record<string, number> =>
  countNames(model.graphs.flatMap(({ nodes }) => nodes.map(opLabel)));

function countNames(names: readonly string[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)));
}

function weightsOf(model: SourceModel): { parameters: number; weightBytes: number } {
  let parameters = 0;
  let weightBytes = 0;
  for (const graph of model.graphs) {
    for (const { tensor } of tensorsOf(graph)) {
      parameters += elementCount(tensor.shape);
      for (const { length } of tensor.slices) weightBytes += length;
    }
  }
  return { parameters, weightBytes };
}
