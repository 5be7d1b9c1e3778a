/** From a read model to a written ONNX model. */
import type { ByteSink } from "./base/bytes.ts";
import { type Converted, type ConvertOptions, plan, writeText } from "./convert.ts";
import { type CsharpImage, csharpName, csharpSnippet } from "./csharp.ts";
import { writeOnnx } from "./formats/onnx/write.ts";
import { type Baked, sourceMapName } from "./graph/map.ts";
import type { OnnxGraph } from "./graph/onnx-graph.ts";
import { findPreprocessing, labelsOf, type Preprocessing } from "./graph/preprocessing.ts";
import { preprocessingNotes } from "./graph/preprocessing-notes.ts";
import type { SourceModel } from "./graph/source.ts";
import type { ModelFiles } from "./graph/tensor.ts";
import { forMlnet } from "./raise/mlnet.ts";
import { type OnnxOptions, opsetRange, translateToOnnx } from "./translate-onnx.ts";
import { version } from "./version.ts";
import { evaluateNamed, weightNames } from "./weights.ts";

export interface ConvertOnnxOptions extends OnnxOptions, Pick<ConvertOptions, "onProgress"> {
  /** A model of more bytes keeps its weights in `model.onnx.data`; default what an ONNX file can hold. */
  readonly externalAbove?: number;
  /** What is to load it: `mlnet` has columns of few types and sizes. */
  readonly for?: "mlnet" | undefined;
}

/** As `convert`: fills the sink and commits it; where a problem is an error, nothing is written and `ok` is false. */
export async function convertToOnnx(
  model: SourceModel,
  files: ModelFiles,
  sink: ByteSink,
  options: ConvertOnnxOptions = {},
): Promise<Converted> {
  // ML.NET takes no newer one.
  const opset = options.opset ?? (options.for === "mlnet" ? opsetRange.usual : undefined);
  const translated = await translateToOnnx(model, files, { ...options, ...(opset !== undefined && { opset }) });
  const { lowered, map, nodes, ms } = translated;
  const suited = options.for === "mlnet" ? forMlnet(translated.model) : { model: translated.model, problems: [] };
  const onnx = suited.model;
  const problems = [...translated.problems, ...suited.problems];
  const base = {
    problems,
    nodes,
    customOps: [],
    state: lowered.states,
    inputs: onnx.graph.inputs.map((each) => plan(each.name, each)),
    outputs: onnx.graph.outputs.map((each) => plan(each.name, each)),
  };
  if (problems.some(({ severity }) => severity === "error"))
    return { ...base, ok: false, files: [], weightBytes: 0, ms: { ...ms, write: 0 } };
  const started = performance.now();
  const { onProgress, externalAbove, signal } = options;
  const { baked, states } = lowered;
  const preprocessing = await findPreprocessing(model, files);
  const labels = labelsOf(model);
  const told = {
    ...(states.length > 0 && { state: states }),
    ...(preprocessing.length > 0 && { preprocessing }),
    ...(baked && { baked }),
    ...(labels.length > 0 && { labels }),
  };
  const sources = weightNames(lowered);
  try {
    const written = await writeOnnx(onnx, sink, {
      producer: { name: "modelwright", version },
      metadata: Object.fromEntries(Object.entries(told).map(([key, value]) => [`modelwright.${key}`, JSON.stringify(value)])),
      evaluate: (value) => evaluateNamed(value, sources),
      ...(externalAbove === undefined ? {} : { externalAbove }),
      ...(onProgress && { onWeight: (done: number, total: number) => onProgress(total === 0 ? 1 : done / total) }),
      signal,
    });
    await writeText(sink, sourceMapName, JSON.stringify({ ...map, ...(baked && { baked }) }));
    const isForMlnet = options.for === "mlnet";
    if (isForMlnet) {
      const image = imageOf(onnx.graph.inputs, preprocessing, baked);
      await writeText(
        sink,
        csharpName,
        csharpSnippet({ ...columnsOf(onnx.graph, labels), notes: preprocessingNotes(told), image }),
      );
    }
    await sink.commit();
    return {
      ...base,
      ok: true,
      files: [...written.files, sourceMapName, ...(isForMlnet ? [csharpName] : [])],
      weightBytes: written.weightBytes,
      ms: { ...ms, write: performance.now() - started },
    };
  } catch (error) {
    await sink.abort();
    throw error;
  }
}

function columnsOf({ inputs, outputs, nodes }: OnnxGraph, labels: ReturnType<typeof labelsOf>) {
  const makers = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node.op] as const)));
  const column = ({ name, dtype, shape }: OnnxGraph["inputs"][number]) => ({
    name,
    dtype,
    shape: shape?.map((dim) => dim ?? null),
    op: makers.get(name),
    isOfClasses: labels.some(({ output }) => output === name),
  });
  return { inputs: inputs.map(column), outputs: outputs.map(column) };
}

/** The input that takes an image of which all is known: size, order and range. ML.NET scales all channels alike. */
function imageOf(
  inputs: OnnxGraph["inputs"],
  preprocessing: readonly Preprocessing[],
  baked: Baked | undefined,
): CsharpImage | undefined {
  const [told] = baked ? [{ input: baked.input, toFeed: asTheyAre, pixels: undefined }] : preprocessing;
  const input = inputs.find(({ name }) => name === told?.input);
  if (!told || !input?.shape || input.shape.length !== 4) return undefined;
  const toFeed = input.dtype === "uint8" || told.pixels?.range === "NominalRange_0_255" ? asTheyAre : told.toFeed;
  const [, ...rest] = input.shape;
  const channelsLast = rest[2] === 3;
  const [height, width] = channelsLast ? rest : rest.slice(1);
  if (!channelsLast && rest[0] !== 3) return undefined;
  if (!/^(float32|uint8)$/.test(input.dtype) || typeof height !== "number" || typeof width !== "number" || !toFeed)
    return undefined;
  const [offset, ...offsets] = toFeed.mean;
  const [scale, ...scales] = toFeed.std;
  if (offset === undefined || !scale || offsets.some((each) => each !== offset) || scales.some((each) => each !== scale))
    return undefined;
  return { input: input.name, height, width, channelsLast, offset, scale, bgr: /^bgr/i.test(told.pixels?.format ?? "") };
}

const asTheyAre = { mean: [0], std: [1] } as const;
