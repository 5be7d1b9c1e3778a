/** `npm run conformance SUITE [--filter REGEX] [--backend cpu|wasm] [--verbose]`: ends with the fixed result line. */
import { cac } from "cac";
import type { TfjsBackend } from "../../src/runtime/tfjs-api.ts";
import { Backends, onnxCases, runOnnxCase } from "./onnx.ts";
import { inLanes, type Row, resultLine, writeRows, zooFolder } from "./suite.ts";

const lanes = 2;

const { args, options } = cac("conformance").parse(process.argv, { run: false });
const suite = args[0] ?? "onnx";
const zoo = zooFolder();
if (!zoo) console.log(`conformance ${suite}: skipped, no zoo (set MODELWRIGHT_ZOO)`);
else if (suite !== "onnx") {
  console.error(`no suite ${suite}`);
  process.exitCode = 2;
} else {
  const filter = new RegExp(options["filter"] ?? "");
  const wanted: TfjsBackend[] = options["backend"] ? [options["backend"]] : ["cpu", "wasm"];
  const cases = onnxCases(zoo).filter((each) => filter.test(each.id));
  const pools = Array.from({ length: lanes }, () => new Backends());
  const rows = await inLanes(cases, lanes, (each, lane) => runOnnxCase(each, pools[lane]!, wanted));
  await Promise.all(pools.map((pool) => pool.close()));
  report(suite, rows, options["filter"] !== undefined);
}

function report(name: string, rows: readonly Row[], partial: boolean): void {
  if (!partial) writeRows(name, rows);
  for (const row of rows)
    if (row.status === "wrong" || row.status === "crashed" || (partial && row.status !== "passed"))
      console.log(`${row.status} ${row.test}${row.backend ? ` on ${row.backend}` : ""}: ${row.reason}`);
  console.log(resultLine(name, rows));
  if (rows.some((row) => row.status === "wrong" || row.status === "crashed")) process.exitCode = 1;
}
