/** `modelwright bench`: how fast the converted model runs, in one process with what it is held against. */
import { MemorySink } from "../base/memory.ts";
import { type ConvertOptions, convert } from "../convert.ts";
import { type Feeds, seededFeeds } from "../parity/feeds.ts";
import { OrtProcess } from "../runtime/ort.ts";
import type { OrtBuild } from "../runtime/ort-api.ts";
import { TfjsWorker } from "../runtime/tfjs.ts";
import type { TfjsBackend } from "../runtime/tfjs-api.ts";
import { read } from "./read.ts";
import { problemLines, type Report, type Told } from "./report.ts";

export interface BenchOptions {
  readonly backend: TfjsBackend;
  readonly against: "ort" | "ort-web" | undefined;
  readonly convert: ConvertOptions;
}

/** Steady runs: enough for a median. */
const runs = 15;

interface Timed {
  readonly loadMs: number;
  readonly firstMs: number;
  /** Median of the runs after the first. */
  readonly medianMs: number;
  readonly leastMs: number;
}

export async function benchModel(file: string, options: BenchOptions): Promise<Told> {
  const started = performance.now();
  const { model, files } = await read(file);
  const sink = new MemorySink();
  const converted = await convert(model, files, sink, options.convert);
  if (!converted.ok)
    return {
      report: { format: model.dialect, ok: false, problems: converted.problems, ms: {} },
      text: () => problemLines(converted.problems),
    };
  const fetches = converted.outputs.map(({ name }) => name);
  const worker = await TfjsWorker.start(options.backend);
  try {
    const loading = performance.now();
    const loaded = await worker.load(sink.files);
    const loadMs = performance.now() - loading;
    let feeds: Feeds | undefined;
    const times = await seededFeeds(model, loaded.inputs, 0, async (tried) => {
      feeds = tried;
      return worker.time(loaded, tried.feeds, fetches, runs + 1);
    });
    const tfjs = timed(loadMs, times);
    const ort = options.against && (await timeOrt(file, feeds!, fetches, options.against === "ort" ? "node" : "web"));
    const ratio = ort && tfjs.medianMs / ort.medianMs;
    const report = {
      format: model.dialect,
      ok: true,
      backend: options.backend,
      runs,
      inputs: { dims: feeds!.dims },
      tfjs,
      ...(ort && { ort, ratio }),
      problems: [],
      ms: { bench: performance.now() - started },
    };
    return {
      report: report as Report,
      text: () => [
        line(`TF.js on ${options.backend}`, tfjs),
        ...(ort
          ? [line(options.against === "ort" ? "onnxruntime" : "onnxruntime-web", ort), `  ratio ${ratio!.toFixed(2)}`]
          : []),
      ],
    };
  } finally {
    await worker.close();
  }
}

async function timeOrt(file: string, { feeds }: Feeds, fetches: readonly string[], build: OrtBuild): Promise<Timed> {
  const ort = await OrtProcess.start(undefined, build);
  try {
    const loading = performance.now();
    const loaded = await ort.load(file);
    return timed(performance.now() - loading, await ort.time(loaded, feeds, fetches, runs + 1));
  } finally {
    await ort.close();
  }
}

function timed(loadMs: number, [first, ...rest]: readonly number[]): Timed {
  const sorted = [...rest].sort((a, b) => a - b);
  return { loadMs, firstMs: first!, medianMs: sorted[Math.floor(sorted.length / 2)]!, leastMs: sorted[0]! };
}

const line = (what: string, { loadMs, firstMs, medianMs, leastMs }: Timed): string =>
  `  ${what}: ${medianMs.toFixed(2)} ms a run (least ${leastMs.toFixed(2)}), first ${firstMs.toFixed(1)} ms, load ${loadMs.toFixed(0)} ms`;
