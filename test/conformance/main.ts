/**
 * `npm run conformance SUITE [--filter REGEX] [--backend cpu|wasm|webgl|webgpu] [--to onnx] [--quantized MODE] [--sample N]`: ends with the
 * fixed result line. `--sample` takes N cases, evenly spread; webgl and webgpu run in the browser of the end-to-end tests. With `--to onnx`
 * the models are converted to ONNX and run in onnxruntime, and the suite is called `SUITE-onnx`. `--quantized` asks for another way than the
 * usual one for quantised TFLite models to compute.
 */
import { cac } from "cac";
import { quantizedModes } from "../../src/lower/rule.ts";
import { Backends, type ConformanceBackend, conformanceBackends } from "./backends.ts";
import { excused } from "./exclusions.ts";
import { kerasCases, runKerasCase } from "./keras.ts";
import { mlnetModels, runMlnetModel } from "./mlnet.ts";
import { onnxCases, runOnnxCase } from "./onnx.ts";
import { jsoncCases, runJsoncCase } from "./onnx-jsonc.ts";
import { onnxModels, runOnnxModel } from "./onnx-models.ts";
import { runSavedModel, savedModels } from "./saved-models.ts";
import { type Case, inLanes, judgedLine, type Row, resultLine, writeRows, zooFolder } from "./suite.ts";
import { runTensorflowCase, tensorflowCases } from "./tensorflow.ts";
import { runTfjsModel, tfjsModels } from "./tfjs.ts";
import { runTfliteCase, tfliteCases } from "./tflite.ts";

interface Suite {
  readonly cases: (zoo: string) => readonly Case[];
  readonly run: (test: Case, backends: Backends, wanted: readonly ConformanceBackend[]) => Promise<Row>;
}

const suites: Readonly<Record<string, Suite>> = {
  onnx: { cases: onnxCases, run: runOnnxCase },
  "onnx-models": { cases: onnxModels, run: runOnnxModel },
  "onnx-jsonc": { cases: jsoncCases, run: runJsoncCase },
  mlnet: { cases: mlnetModels, run: runMlnetModel },
  keras: { cases: kerasCases, run: runKerasCase },
  tfjs: { cases: tfjsModels, run: runTfjsModel },
  "saved-models": { cases: savedModels, run: runSavedModel },
  tensorflow: { cases: tensorflowCases, run: runTensorflowCase },
  tflite: { cases: tfliteCases, run: runTfliteCase },
};

const lanes = 2;

const { args, options } = cac("conformance").parse(process.argv, { run: false });
const name = args[0] ?? "onnx";
const suite = suites[name];
const to = options["to"] === "onnx" ? "onnx" : "tfjs";
const title = to === "onnx" ? `${name}-onnx` : name;
const zoo = zooFolder();
if (!suite) {
  console.error(`no suite ${name}; there are ${Object.keys(suites).join(", ")}`);
  process.exitCode = 2;
} else if (!zoo) console.log(`conformance ${title}: skipped, no zoo (set MODELWRIGHT_ZOO)`);
else {
  const filter = new RegExp(options["filter"] ?? "");
  const asked = conformanceBackends.find((each) => each === options["backend"]);
  const wanted: ConformanceBackend[] = to === "onnx" ? ["onnxruntime"] : asked ? [asked] : ["cpu", "wasm"];
  const all = suite.cases(zoo).filter((each) => filter.test(each.id));
  const mode = quantizedModes.find((each) => each === options["quantized"]);
  const sample = Math.min(Number(options["sample"] ?? all.length), all.length);
  const cases = Array.from({ length: sample }, (_, i) => all[Math.floor((i * all.length) / sample)]!);
  const pools = Array.from({ length: lanes }, () => new Backends(to, mode));
  const rows = await inLanes(cases, lanes, async (each, lane) => {
    const row = await suite.run(each, pools[lane]!, wanted);
    return excused(pools[lane]!.lostGpu ? await suite.run(each, pools[lane]!, wanted) : row);
  });
  await Promise.all(pools.map((pool) => pool.close()));
  report(rows, options["filter"] !== undefined || cases.length < all.length || asked !== undefined || mode !== undefined);
}

function report(rows: readonly Row[], partial: boolean): void {
  if (!partial) writeRows(title, rows);
  for (const row of rows)
    if (row.status === "wrong" || row.status === "crashed" || (partial && row.status !== "passed"))
      console.log(`${row.status} ${row.test}${row.backend ? ` on ${row.backend}` : ""}: ${row.reason}`);
  if (rows.some((row) => row.judged)) console.log(judgedLine(rows));
  console.log(resultLine(title, rows));
  if (rows.some((row) => row.status === "wrong" || row.status === "crashed")) process.exitCode = 1;
}
