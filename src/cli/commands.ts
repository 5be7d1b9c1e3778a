/** The commands: each reads one model, calls its pipeline and says what came of it. */
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { modelError, type Problem, problem } from "../base/problem.ts";
import { type CheckOptions, check } from "../check.ts";
import { type Converted, type ConvertOptions, convert } from "../convert.ts";
import { convertToKeras, kerasName } from "../convert-keras.ts";
import { convertToLayers, type LayersOptions } from "../convert-layers.ts";
import { type ConvertOnnxOptions, convertToOnnx } from "../convert-onnx.ts";
import { onnxName } from "../formats/onnx/write.ts";
import { type OpenOptions, openModel } from "../formats/open.ts";
import { parseSourceMap, sourceMapName } from "../graph/map.ts";
import type { Preprocessing } from "../graph/preprocessing.ts";
import type { Dialect, SourceModel } from "../graph/source.ts";
import { inspect, unreadable } from "../inspect.ts";
import { openOnnxTarget } from "../parity/onnx-target.ts";
import { type ParityRequest, parity } from "../parity.ts";
import { bytes, count, shape as showShape } from "../protocol/format.ts";
import { openTfjs } from "../runtime/tfjs.ts";
import type { TfjsBackend } from "../runtime/tfjs-api.ts";
import { openFileSink } from "./file-sink.ts";
import { openFile, sourcesBeside } from "./files.ts";
import type { Quantization } from "./options.ts";
import { problemLines, type Report } from "./report.ts";
import { openSink, recover } from "./sink.ts";
import { readStoredInputs } from "./stored.ts";
import { openTwin } from "./twin.ts";

/** A report for --json, and the same for a person. */
export interface Told {
  readonly report: Report;
  readonly text: () => readonly string[];
}

export async function inspectModel(file: string): Promise<Told> {
  const report = await openFile(file).then((source) => inspect(source, sourcesBeside(file)), unreadable);
  if (report.format === "unknown") return { report, text: () => problemLines(report.problems) };
  const values = (title: string, list: typeof report.inputs) =>
    list.map(({ name, dtype, shape }) => `  ${title} ${name}: ${dtype ?? "?"} ${shape ? showShape(shape) : "?"}`);
  const steps = (report.pipeline?.components ?? []).map(({ path, name, columns }) => {
    const depth = path.split("/").length;
    return `  ${"  ".repeat(depth)}${name}${columns.length > 0 ? `: ${columns.join(", ")}` : ""}`;
  });
  const ops = Object.entries(report.ops).map(([op, count]) => `${op} ${count}`);
  return {
    report,
    text: () => [
      report.diagnosis,
      `  ${count(report.nodes)} nodes, ${count(report.parameters)} parameters, ${bytes(report.weightBytes)}`,
      ...values("input ", report.inputs),
      ...values("output", report.outputs),
      ...report.preprocessing.map(preprocessingLine),
      ...(steps.length > 0 ? ["  pipeline:", ...steps] : ops.length > 0 ? [`  ops: ${ops.join(", ")}`] : []),
      ...problemLines(report.problems),
    ],
  };
}

function preprocessingLine({ input, inGraph, pixels, toFeed }: Preprocessing): string {
  const fed = toFeed ? [`fed with (pixels - mean) / std: mean ${toFeed.mean.join(" ")}, std ${toFeed.std.join(" ")}`] : [];
  const told = pixels ? [`pixels ${Object.values(pixels).join(", ")}`] : [];
  const done = inGraph
    ? [`normalised by ${inGraph.nodes.join(", ")}: mean ${inGraph.mean.join(" ")}, std ${inGraph.std.join(" ")}`]
    : [];
  return `  image ${input}: ${[...told, ...fed, ...done].join("; ")}`;
}

/** The text projection, whole. */
export async function textOf({ path: file }: { readonly path: string }): Promise<Told> {
  const { model } = await read(file);
  const { projectText } = await import("../text/project.ts");
  return { report: { format: model.dialect, ok: true, problems: model.problems, ms: {} }, text: () => [projectText(model).text] };
}

const read = async (file: string, opening?: OpenOptions) => openModel(await openFile(file), sourcesBeside(file), opening);

/** What is said of the model itself, beside what is done with it. */
interface Opening {
  readonly opening?: OpenOptions;
}

export async function checkModel(file: string, options: CheckOptions & Opening): Promise<Told> {
  const started = performance.now();
  const { model, files } = await read(file, options.opening);
  const opened = performance.now() - started;
  const found = await check(model, files, options);
  const { problems } = found;
  const { backend, verdicts, ready, ok, ms } = found;
  const counts = Object.entries(verdicts).filter(([, { verdict }]) => verdict !== "ready");
  return {
    report: { format: model.dialect, ok, backend, verdicts, ready, problems, ms: { read: opened, ...ms } } as Report,
    text: () => [
      ok ? `TF.js: ready on ${ready.join(", ") || "no backend"}` : "TF.js: cannot run this model",
      ...counts.map(([op, { nodes, verdict }]) => `  ${op} ×${nodes}: ${verdict}`),
      ...problemLines(problems),
    ],
  };
}

export interface ConvertRequest extends ConvertOptions, LayersOptions, ConvertOnnxOptions, Opening, Expected {
  readonly quantize?: Quantization;
  readonly force?: boolean;
  readonly to?: keyof typeof converters;
  /** DIR is the name of the one file, of Keras. */
  readonly asFile?: boolean;
}

const converters = { tfjs: convert, "tfjs-layers": convertToLayers, onnx: convertToOnnx, keras: convertToKeras };

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
  const { model, files } = await read(file, options.opening);
  checkExpected(model, options);
  const opened = performance.now() - started;
  const forced = options.force ? { force: true } : {};
  const sink = options.asFile ? await openFileSink(out, kerasName, forced) : await openSink(out, forced);
  let converted: Converted;
  try {
    converted = await converters[options.to ?? "tfjs"](model, files, sink, options);
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

export interface ParityOptions
  extends Pick<ParityRequest, "seed" | "outputs" | "layers" | "atol" | "rtol" | "reference" | "signal"> {
  /** A folder that holds the conversion; absent: converted into one that goes with the run. */
  readonly converted?: string | undefined;
  readonly inputs?: string | undefined;
  readonly backend: TfjsBackend;
  readonly convert: ConvertOptions & Opening;
}

export async function parityModel(file: string, options: ParityOptions): Promise<Told> {
  const started = performance.now();
  const { model, files } = await read(file, options.convert.opening);
  let scratch = options.converted === undefined ? await mkdtemp(path.join(tmpdir(), "modelwright-")) : undefined;
  try {
    const folder = options.converted ?? path.join(scratch!, "tfjs");
    if (options.converted !== undefined) await recover(folder);
    else {
      const outputs = options.outputs ? { outputs: options.outputs } : {};
      const converted = await convert(model, files, await openSink(folder), { ...options.convert, ...outputs });
      if (!converted.ok) return failed(model.dialect, converted.problems, started);
    }
    const map = await readFile(path.join(folder, sourceMapName), "utf8").then(parseSourceMap, missingMap);
    const { signal } = options;
    const isOnnx = await isFile(path.join(folder, onnxName));
    const target = isOnnx
      ? await openOnnxTarget(path.join(folder, onnxName), signal)
      : await openTfjs(folder, { backend: options.backend, signal });
    try {
      const stored =
        options.inputs === undefined ? undefined : { path: options.inputs, set: await readStoredInputs(options.inputs) };
      const { seed, outputs, layers, atol, rtol, reference } = options;
      const twin = async () => {
        scratch ??= await mkdtemp(path.join(tmpdir(), "modelwright-"));
        const cut = outputs ? { outputs } : {};
        return openTwin(model, files, isOnnx ? "tfjs" : "onnx", path.join(scratch, "twin"), {
          ...options.convert,
          ...cut,
          signal,
        });
      };
      const report = await parity({
        model,
        path: file,
        files,
        target,
        map,
        twin,
        stored,
        seed,
        outputs,
        layers,
        atol,
        rtol,
        reference,
        signal,
      });
      return {
        report: { format: model.dialect, ...report, ms: { parity: performance.now() - started } } as Report,
        text: () => parityLines(report),
      };
    } finally {
      await target.close();
    }
  } finally {
    if (scratch !== undefined) await rm(scratch, { recursive: true, force: true });
  }
}

const isFile = (file: string): Promise<boolean> =>
  stat(file).then(
    (info) => info.isFile(),
    () => false,
  );

function missingMap(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
  return undefined;
}

function failed(format: string, problems: Converted["problems"], started: number): Told {
  const hint = modelError("not-converted", "the model does not convert, so there is nothing to compare").problem;
  const all = [...problems, hint];
  return {
    report: { format, ok: false, problems: all, ms: { parity: performance.now() - started } },
    text: () => problemLines(all),
  };
}

const agrees = (verdict: string): boolean => ["equal", "within", "consistent"].includes(verdict);

function parityLines({
  ok,
  backend,
  reference,
  outputs,
  layers,
  firstDifference,
  problems,
}: Awaited<ReturnType<typeof parity>>): readonly string[] {
  const row = (each: (typeof outputs)[number]) =>
    `  ${each.verdict} ${each.name}: ${each.maxAbs === undefined ? (each.note ?? "") : `largest difference ${each.maxAbs}`}`;
  const runtime = reference.version === undefined ? reference.kind : `${reference.kind} ${reference.version}`;
  return [
    `${ok ? "Agrees" : "Does not agree"} with ${runtime} on ${backend}`,
    ...outputs.map(row),
    ...(layers ? [`  ${layers.filter(({ verdict }) => agrees(verdict)).length} of ${layers.length} layers agree`] : []),
    ...(firstDifference ? [`  first difference: ${firstDifference.source} (${firstDifference.op ?? "?"})`] : []),
    ...problemLines(problems),
  ];
}
