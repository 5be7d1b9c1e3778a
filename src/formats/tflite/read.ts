/** A .tflite file → SourceModel: structure only, weights as places in the file. */
import type { ByteSource, ByteSources } from "../../base/bytes.ts";
import { confinedPath } from "../../base/path.ts";
import { ModelError, modelError } from "../../base/problem.ts";
import type { Signature, Slice, SourceGraph, SourceModel } from "../../graph/source.ts";
import { ModelFiles } from "../../graph/tensor.ts";
import { verify, verifyFiles } from "../../graph/verify.ts";
import { Pages } from "../flatbuffers/pages.ts";
import { foreignFile } from "../foreign.ts";
import { Context, customDomain, type Operator, type TfliteTable } from "./context.ts";
import { readSubgraph } from "./graph.ts";
import { readMetadata } from "./metadata.ts";
import { builtinOperators } from "./schema.ts";

const IDENTIFIER = "TFL3";
/** Root offset and identifier. */
const HEADER = 8;

/**
 * Reads a model of schema version 3. What is odd about it is in `model.problems`; a `ModelError`, with the byte offset, where the file is no
 * flatbuffer of the kind, or an offset in it leads nowhere.
 */
export async function readTflite(source: ByteSource, sources: ByteSources): Promise<{ model: SourceModel; files: ModelFiles }> {
  let read: SourceModel;
  try {
    read = await decode(source);
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    const { problem } = error;
    const hint = problem.code === "malformed" ? { hint: "the file is damaged" } : {};
    throw (problem.code === "not-this-format" && (await foreignFile(source))) || new ModelError({ ...problem, ...hint });
  }
  const files = new ModelFiles(read.files, source, sources);
  const problems = [...read.problems, ...verify(read), ...(await verifyFiles(read, files))];
  return { model: { ...read, problems }, files };
}

async function decode(source: ByteSource): Promise<SourceModel> {
  const pages = new Pages(source);
  const context = new Context(source.name, pages);
  const model = await context.one(() => rootOf(context));
  const version = await context.one(() => model.get("version"));
  if (version !== 3) throw modelError("unsupported-version", `schema version ${version}, where 3 is known`, { offset: model.at });
  await readOperatorCodes(model, context);
  await readBuffers(model, context);
  const graphs = await readSubgraphs(model, context);
  const signatures = await readSignatures(model, graphs, context);
  const doc = await context.one(() => model.get("description"));
  const { entries, notes } = await readMetadata(model, context, graphs[0]!, source);
  return {
    name: source.name,
    dialect: "tflite",
    formatVersion: `schema v${version}`,
    opsets: {},
    graphs,
    files: context.files,
    metadata: entries,
    ...(notes.length > 0 ? { notes } : {}),
    ...(signatures.length > 0 ? { signatures } : {}),
    ...(doc ? { doc } : {}),
    problems: context.problems,
  };
}

function rootOf(context: Context): TfliteTable<"Model"> {
  const { pages, reader } = context;
  if (pages.size < HEADER) throw modelError("not-this-format", `a file of ${pages.size} bytes`, { offset: pages.size });
  const mark = String.fromCharCode(...pages.bytes(4, 4));
  if (mark !== IDENTIFIER) throw modelError("not-this-format", "no TensorFlow Lite model: TFL3 is not at byte 4", { offset: 4 });
  return reader.root("Model");
}

/** Where builtin codes past the old field's reach begin. */
const PLACEHOLDER = 127;

async function readOperatorCodes(model: TfliteTable<"Model">, context: Context): Promise<void> {
  const codes = await context.one(() => model.get("operator_codes"));
  await context.each(codes?.length ?? 0, (i) => {
    context.operators[i] = operatorOf(codes!.at(i), context);
  });
}

function operatorOf(table: TfliteTable<"OperatorCode">, context: Context): Operator {
  const [old, full] = [table.get("deprecated_builtin_code"), table.get("builtin_code")];
  const code = old < PLACEHOLDER ? Math.max(old, full) : full;
  const version = table.get("version");
  const op = builtinOperators[code];
  if (op === "CUSTOM") return { op: table.get("custom_code") || "(unnamed)", domain: customDomain, version };
  if (op) return { op, domain: "", version };
  context.report("error", "unknown-op", `an operator of code ${code}, newer than this program or none at all`, {
    offset: table.at,
  });
  return { op: `#${code}`, domain: "", version };
}

async function readBuffers(model: TfliteTable<"Model">, context: Context): Promise<void> {
  const buffers = await context.one(() => model.get("buffers"));
  await context.each(buffers?.length ?? 0, (i) => {
    context.buffers[i] = bufferSlice(buffers!.at(i), context);
  });
  const groups = await context.one(() => model.get("external_buffer_groups"));
  const names: string[] = [];
  await context.each(groups?.length ?? 0, (i) => {
    names[i] = groups!.at(i).get("name") ?? "";
  });
  const external = await context.one(() => model.get("external_buffers"));
  await context.each(external?.length ?? 0, (i) => {
    const table = external!.at(i);
    context.external.set(table.get("id"), externalSlice(table, names, context));
  });
}

/** Data is within the flatbuffer, or, in a file beyond 2 GB, behind it. */
function bufferSlice(table: TfliteTable<"Buffer">, context: Context): Slice | undefined {
  const [offset, size] = [table.get("offset"), table.get("size")];
  if (offset > 1) {
    context.pages.check(offset, size);
    return { file: 0, offset, length: size };
  }
  const run = table.get("data");
  return run && run.length > 0 ? { file: 0, ...run } : undefined;
}

function externalSlice(table: TfliteTable<"ExternalBuffer">, names: readonly string[], context: Context): Slice | string {
  const name = names[table.get("group")];
  const path = name === undefined ? undefined : confinedPath(name);
  if (path === undefined) return `external data outside the model's folder: ${name ?? `group ${table.get("group")}`}`;
  const packing = table.get("packing");
  if (packing && packing !== "none") return `external data packed as ${packing}`;
  if (!context.files.includes(path)) context.files.push(path);
  return { file: context.files.indexOf(path), offset: table.get("offset"), length: table.get("length") };
}

async function readSubgraphs(model: TfliteTable<"Model">, context: Context): Promise<SourceGraph[]> {
  const list = await context.one(() => model.get("subgraphs"));
  const count = list?.length ?? 0;
  if (count === 0) throw modelError("no-graph", "the file holds no sub-graph", { offset: model.at });
  context.graphs = count;
  const graphs: SourceGraph[] = [];
  const taken = new Set<string>();
  for (let i = 0; i < count; i++) {
    const { table, written } = await context.one(() => {
      const found = list!.at(i);
      return { table: found, written: found.get("name") };
    });
    // Places, maps and messages name a graph; the file need not.
    let name = written || (i === 0 ? "main" : `subgraph_${i}`);
    while (taken.has(name)) name += `#${i}`;
    taken.add(name);
    graphs.push(await readSubgraph(table, i, name, context));
  }
  return graphs;
}

async function readSignatures(
  model: TfliteTable<"Model">,
  graphs: readonly SourceGraph[],
  context: Context,
): Promise<Signature[]> {
  const list = await context.one(() => model.get("signature_defs"));
  const found: Signature[] = [];
  await context.each(list?.length ?? 0, (i) => {
    const table = list!.at(i);
    const [key, graph] = [table.get("signature_key") ?? "", table.get("subgraph_index")];
    const named = (maps: ReturnType<typeof table.get<"inputs">>) =>
      Array.from({ length: maps?.length ?? 0 }, (_, at) => {
        const map = maps!.at(at);
        return { name: map.get("name") ?? "", value: map.get("tensor_index") };
      });
    const signature = { key, graph, inputs: named(table.get("inputs")), outputs: named(table.get("outputs")) };
    const values = graphs[graph]?.values.length ?? 0;
    if ([...signature.inputs, ...signature.outputs].every(({ value }) => value < values)) found.push(signature);
    else context.report("warning", "bad-signature", `a signature that names what is not there: ${key}`, { offset: table.at });
  });
  return found;
}
