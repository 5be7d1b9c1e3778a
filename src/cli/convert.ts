/** `convert`: a model written for another runtime. */
import path from "node:path";
import { modelError, type Problem, problem } from "../base/problem.ts";
import type { Converted, ConvertOptions } from "../convert.ts";
import type { LayersOptions } from "../convert-layers.ts";
import type { ConvertOnnxOptions } from "../convert-onnx.ts";
import type { Dialect, SourceModel } from "../graph/source.ts";
import { bytes } from "../protocol/format.ts";
import { openFileSink } from "./file-sink.ts";
import { interruption } from "./interrupt.ts";
import type { Quantization } from "./options.ts";
import { type Opening, read } from "./read.ts";
import { problemLines, type Report, type Told } from "./report.ts";
import { openSink } from "./sink.ts";

export interface ConvertRequest extends ConvertOptions, LayersOptions, ConvertOnnxOptions, Opening, Expected {
  readonly quantize?: Quantization;
  readonly force?: boolean;
  readonly to?: keyof typeof converters;
  /** DIR is the name of the one file, of Keras. */
  readonly asFile?: boolean;
}

/** Loaded when it is asked for. */
const converters = {
  tfjs: async () => (await import("../convert.ts")).convert,
  "tfjs-layers": async () => (await import("../convert-layers.ts")).convertToLayers,
  onnx: async () => (await import("../convert-onnx.ts")).convertToOnnx,
  keras: async () => (await import("../convert-keras.ts")).convertToKeras,
};

const kerasName = async () => (await import("../convert-keras.ts")).kerasName;

/** What is made of layers: of a SavedModel, those of Keras. */
const ofLayers: ReadonlySet<string> = new Set(["tfjs-layers", "keras"]);

/** What the user takes the model for; another is refused. */
interface Expected {
  readonly from?: Dialect;
  /** The model has none of the operators that are dropped, since they only print and assert. */
  readonly keepDebugOps?: boolean;
}

const debugOps = new Set(["Print", "PrintV2", "Assert", "CheckNumerics", "CheckNumericsV2"]);

function checkExpected(model: SourceModel, { from, keepDebugOps }: Expected): void {
  if (from !== undefined && model.dialect !== from)
    throw modelError("format-mismatch", `a model of another format than ${from}: ${model.dialect}, ${model.formatVersion}`);
  if (!keepDebugOps) return;
  for (const graph of model.graphs)
    for (const node of graph.nodes)
      if (debugOps.has(node.op))
        throw modelError(
          "debug-ops",
          `TF.js has no operator ${node.op}`,
          { graph: graph.name, node: node.name, op: node.op },
          "let it be dropped: without --keep-debug-ops, or with --strip_debug_ops=true",
        );
}

/** A misspelt name must not leave weights as they were in silence. */
const unmatchedGlobs = ({ quantize }: ConvertRequest): Problem[] =>
  (quantize?.unmatched() ?? []).map((glob) =>
    problem(
      "warning",
      "no-such-weight",
      `no weight is quantised by this name: ${glob}`,
      {},
      "see inspect --text for the names of weights",
    ),
  );

export async function convertModel(file: string, out: string, options: ConvertRequest): Promise<Told> {
  const started = performance.now();
  const { signal = interruption() } = options;
  const opening = { ...options.opening, layers: ofLayers.has(options.to ?? "tfjs") };
  const { model, files } = await read(file, { opening });
  checkExpected(model, options);
  const opened = performance.now() - started;
  const forced = options.force ? { force: true } : {};
  const sink = options.asFile ? await openFileSink(out, await kerasName(), forced) : await openSink(out, forced);
  let converted: Converted;
  try {
    const write = await converters[options.to ?? "tfjs"]();
    converted = await write(model, files, sink, { ...options, signal });
  } finally {
    await sink.abort();
  }
  const { ms, ...rest } = options.asFile && converted.ok ? { ...converted, files: [path.basename(out)] } : converted;
  const problems = [...rest.problems, ...(converted.ok ? unmatchedGlobs(options) : [])];
  return {
    report: { format: model.dialect, to: options.to ?? "tfjs", out, ...rest, problems, ms: { read: opened, ...ms } } as Report,
    text: () => [
      converted.ok
        ? `Converted: ${converted.nodes.source} → ${converted.nodes.final} nodes, ${bytes(converted.weightBytes)} of weights in ${out}`
        : "Not converted, nothing written",
      ...problemLines(problems),
    ],
  };
}
