/** A parity check for the editor: converts where nothing has been converted, runs both sides, and finds the nodes of the rows. */
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { DType } from "../base/dtype.ts";
import { ModelError } from "../base/problem.ts";
import { openTwin } from "../cli/twin.ts";
import { onnxName } from "../formats/onnx/write.ts";
import { parseSourceMap, sourceMapName } from "../graph/map.ts";
import { opLabel, type SourceModel } from "../graph/source.ts";
import { openOnnxTarget } from "../parity/onnx-target.ts";
import type { ComparedLayer, ComparedOutput, ComparedValue, JsonNumber, ParityReport } from "../parity/report.ts";
import { parity } from "../parity.ts";
import {
  type GpuApi,
  type GpuBackend,
  isGpu,
  type NodeAt,
  type ParityRequest,
  type ParityResult,
  type ParityRow,
  type Progress,
} from "../protocol/engine.ts";
import type { NamedType, ParityBackend, ParityVerdict, ParityView } from "../protocol/views.ts";
import { carry } from "../runtime/carry.ts";
import type { Run, ValueSpec } from "../runtime/run.ts";
import { openTfjs } from "../runtime/tfjs.ts";
import { convertModel } from "./convert-job.ts";
import { readModel } from "./models.ts";
import { ownOpsFrom } from "./own-ops.ts";

/** Converting and starting the runtimes are this part of the bar; the comparison is the rest. */
const startShare = 0.3;

/** `scratch` is a folder for a conversion, where the request names none. */
export async function runParity(
  request: ParityRequest,
  scratch: string,
  gpu: GpuApi,
  progress: Progress,
  signal: AbortSignal,
): Promise<ParityResult> {
  const folder = request.converted ?? (await convertInto(scratch, request, progress, signal));
  progress("starting", startShare / 2);
  const { model, files } = await readModel(request.path, request);
  // A conversion made by another tool has no map: its outputs alone are compared.
  const mapText = await readFile(join(folder, sourceMapName), "utf8").catch(() => undefined);
  const map = mapText === undefined ? undefined : parseSourceMap(mapText);
  const isOnnx = await isFile(join(folder, onnxName));
  const backend = isOnnx ? "onnxruntime" : request.backend;
  const target = await openTarget(folder, backend, gpu, signal);
  try {
    const { path, seed, atol, rtol } = request;
    const userOps = await ownOpsFrom(request.ownOps);
    const twin = () => openTwin(model, files, isOnnx ? "tfjs" : "onnx", join(scratch, "twin"), { userOps, signal });
    const layers = request.layers && map !== undefined;
    const report = await parity({
      ...{ model, files, path, map, twin, seed, layers, atol, rtol, signal },
      target: { ...target, backend },
      progress: (done, all) => progress("comparing", startShare + ((1 - startShare) * done) / Math.max(1, all)),
    });
    return resultOf(model, backend, report);
  } finally {
    await target.close();
  }
}

const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    (info) => info.isFile(),
    () => false,
  );

async function openTarget(folder: string, backend: ParityBackend, gpu: GpuApi, signal: AbortSignal): Promise<Run> {
  if (backend === "onnxruntime") return openOnnxTarget(join(folder, onnxName), signal);
  return isGpu(backend) ? openGpu(gpu, folder, backend, signal) : openTfjs(folder, { backend, signal });
}

async function convertInto(
  scratch: string,
  { path, ownOps, signature }: ParityRequest,
  progress: Progress,
  signal: AbortSignal,
): Promise<string> {
  const out = join(scratch, "tfjs");
  const part: Progress = (stage, share) => progress(stage, share === undefined ? undefined : (share * startShare) / 2);
  const chosen = { ...(ownOps && { ownOps }), ...(signature === undefined ? {} : { signature }) };
  await convertModel({ path, out, force: false, optimize: true, inputs: [], outputs: [], ...chosen }, part, signal);
  return out;
}

/** The page on the GPU, as a runtime like the others. */
async function openGpu(gpu: GpuApi, folder: string, backend: GpuBackend, signal: AbortSignal): Promise<Run> {
  const model = await gpu.load(folder, backend, signal);
  const spec = ({ name, dtype, shape }: NamedType): ValueSpec => ({ name, dtype: dtype as DType | undefined, shape });
  return {
    inputs: model.inputs.map(spec),
    outputs: model.outputs.map(spec),
    async run(feeds, fetches) {
      const carried = [...feeds].map(([name, tensor]) => [name, carry(tensor, name)] as const);
      const tensors = await gpu.run(carried, fetches, signal);
      return new Map(fetches.map((name, i) => [name, tensors[i]!]));
    },
    close: () => gpu.close(),
  };
}

const number = (value: JsonNumber | undefined): number | undefined => (value === undefined ? undefined : Number(value));

function resultOf(model: SourceModel, backend: ParityBackend, report: ParityReport): ParityResult {
  const makers = producers(model);
  const outputs = report.outputs.map((output) => rowOf(output, output.name, makers(`${model.graphs[0]!.name}/${output.name}`)));
  const layers = (report.layers ?? []).map((layer) =>
    rowOf(layer, layer.source.slice(layer.source.indexOf("/") + 1), makers(layer.source)),
  );
  // Why nothing was compared says more than that nothing was.
  const [problem] = report.problems;
  if (problem && [...outputs, ...layers].every(({ verdict }) => verdict === "not-compared")) throw new ModelError(problem);
  const { kind, version } = report.reference;
  return {
    backend,
    reference: version === undefined ? kind : `${kind} ${version}`,
    verdict: overall([...outputs, ...layers], report.ok),
    outputs,
    layers,
    paint: paintOf(backend, report.tolerance.atol, [...layers, ...outputs]),
    problems: report.problems,
  };
}

function rowOf(value: ComparedOutput | ComparedLayer | ComparedValue, name: string, maker: Maker | undefined): ParityRow {
  const { dtype, shape, verdict, note, firstBad } = value;
  const [maxAbs, maxRel] = [number(value.maxAbs), number(value.maxRel)];
  const bad = firstBad && `first at [${firstBad.index.join(", ")}]: ${firstBad.actual} instead of ${firstBad.reference}`;
  const words = [note, bad].filter((part) => part !== undefined).join("; ");
  return {
    name,
    verdict,
    ...(dtype === undefined ? {} : { dtype }),
    ...(shape === undefined ? {} : { shape }),
    ...(maxAbs === undefined ? {} : { maxAbs }),
    ...(maxRel === undefined ? {} : { maxRel }),
    ...(words ? { note: words } : {}),
    ...maker,
  };
}

interface Maker {
  readonly at: NodeAt;
  readonly op: string;
}

/** By `<graph>/<value>`. */
function producers(model: SourceModel): (source: string) => Maker | undefined {
  const makers = new Map<string, Maker>();
  for (const graph of model.graphs) {
    for (const { name, producer } of graph.values) {
      const node = producer === undefined ? undefined : graph.nodes[producer];
      if (node) makers.set(`${graph.name}/${name}`, { at: { graph: graph.id, node: node.id }, op: opLabel(node) });
    }
  }
  return (source) => makers.get(source);
}

/** The worst of the rows; nothing compared is no success. */
function overall(rows: readonly ParityRow[], ok: boolean): ParityVerdict {
  const has = (verdict: ParityVerdict) => rows.some((row) => row.verdict === verdict);
  if (has("different")) return "different";
  if (!ok) return "not-compared";
  return has("within") ? "within" : has("consistent") ? "consistent" : "equal";
}

function paintOf(backend: ParityView["backend"], atol: number, rows: readonly ParityRow[]): ParityView {
  const nodes = new Map<string, ParityView["nodes"][number]>();
  for (const { at, verdict, maxAbs } of rows) {
    if (!at) continue;
    const key = `${at.graph} ${at.node}`;
    // A node with several outputs wears the worst of them.
    const known = nodes.get(key);
    if (known?.verdict === "different" || (known && verdict !== "different")) continue;
    nodes.set(key, { ...at, verdict, ...(maxAbs === undefined ? {} : { maxAbs }) });
  }
  const first = rows.find(({ verdict, at }) => verdict === "different" && at)?.at;
  // Relative to each tensor's largest value; the largest difference found within is the one number that stands for all.
  const within = rows.map(({ verdict: found, maxAbs }) => (found === "within" ? (maxAbs ?? 0) : 0));
  const tolerance = within.reduce((largest, value) => Math.max(largest, value), atol);
  return { backend, tolerance, nodes: [...nodes.values()], ...(first ? { first } : {}) };
}
