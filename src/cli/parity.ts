/** `parity`: the conversion compared with the source's own runtime. */
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { modelError } from "../base/problem.ts";
import { type Converted, type ConvertOptions, convert } from "../convert.ts";
import { onnxName } from "../formats/onnx/write.ts";
import { parseSourceMap, sourceMapName } from "../graph/map.ts";
import { openOnnxTarget } from "../parity/onnx-target.ts";
import { type ParityRequest, parity } from "../parity.ts";
import { openTfjs } from "../runtime/tfjs.ts";
import type { TfjsBackend } from "../runtime/tfjs-api.ts";
import { interruption } from "./interrupt.ts";
import { type Opening, read } from "./read.ts";
import { problemLines, type Report, type Told } from "./report.ts";
import { openSink, recover } from "./sink.ts";
import { readStoredInputs } from "./stored.ts";
import { openTwin } from "./twin.ts";

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
  const { signal = interruption() } = options;
  const { model, files } = await read(file, options.convert);
  let scratch = options.converted === undefined ? await mkdtemp(path.join(tmpdir(), "modelwright-")) : undefined;
  try {
    const folder = options.converted ?? path.join(scratch!, "tfjs");
    if (options.converted !== undefined) await recover(folder);
    else {
      const outputs = options.outputs ? { outputs: options.outputs } : {};
      const converted = await convert(model, files, await openSink(folder), { ...options.convert, ...outputs, signal });
      if (!converted.ok) return failed(model.dialect, converted.problems, started);
    }
    const map = await readFile(path.join(folder, sourceMapName), "utf8").then(parseSourceMap, missingMap);
    const isOnnx = await isFile(path.join(folder, onnxName));
    if (!isOnnx && !(await isFile(path.join(folder, "model.json"))))
      throw modelError("file-missing", `no conversion, neither model.json nor ${onnxName}, in ${folder}`);
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
