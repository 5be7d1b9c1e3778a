/** `--quantized faithful|float`, as docs/cli.md has it, against the built command line. */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TfjsWorker } from "../../src/runtime/tfjs.ts";
import { random } from "../build/random.ts";
import { openTflite, operator, tfliteModel, value } from "../build/tflite.ts";
import { codeWeights } from "../lower/tflite/values.ts";

const cli = path.resolve(import.meta.dirname, "../../dist/cli.js");
const [rows, inputs, outputs] = [7, 5, 3];
const [xScale, yScale, yZero] = [0.02, 0.03, -7];
const w = codeWeights("w", [outputs, inputs], undefined);
const model = tfliteModel({
  tensors: [
    value("x", "float32", [rows, inputs]),
    value("xq", "int8", [rows, inputs], { scale: [xScale], zero: [3] }),
    w,
    value("yq", "int8", [rows, outputs], { scale: [yScale], zero: [yZero] }),
    value("y", "float32", [rows, outputs]),
  ],
  inputs: ["x"],
  outputs: ["y"],
  operators: [
    operator("QUANTIZE", ["x"], ["xq"]),
    operator("FULLY_CONNECTED", ["xq", "w", ""], ["yq"], "FullyConnectedOptions"),
    operator("DEQUANTIZE", ["yq"], ["y"]),
  ],
});

let worker: TfjsWorker;
let folder: string;
beforeAll(async () => {
  [worker, folder] = await Promise.all([TfjsWorker.start("cpu"), mkdtemp(path.join(tmpdir(), "modelwright-cli-"))]);
  writeFileSync(path.join(folder, "m.tflite"), model);
});
afterAll(() => Promise.all([worker.close(), rm(folder, { recursive: true })]));

const convert = (out: string, ...options: string[]) =>
  spawnSync(process.execPath, [cli, "convert", "m.tflite", "--out", out, ...options], { cwd: folder, encoding: "utf8" });

const x = random(rows * inputs, 5).map((each) => Math.fround(2 * each));

async function computed(out: string, ...options: string[]): Promise<readonly number[]> {
  const { status, stderr } = convert(out, ...options);
  expect(status, stderr).toBe(0);
  const below = path.join(folder, out);
  const loaded = await worker.load(
    Object.fromEntries(readdirSync(below).map((name) => [name, readFileSync(path.join(below, name))])),
  );
  const feeds = new Map([["x", { dtype: "float32" as const, shape: [rows, inputs], data: Float32Array.from(x) }]]);
  const found = await worker.run(loaded, feeds, ["y"]);
  await worker.unload(loaded);
  return Array.from(found.get("y")!.data as Float32Array);
}

/** Sums of products of codes, in integers, and what they stand for. */
function products(): number[] {
  const codes = new Int8Array(w.bytes!.slice().buffer);
  const given = Array.from(x, (each) => Math.min(Math.max(Math.round(each / xScale), -131), 124));
  return Array.from({ length: rows * outputs }, (_, i) => {
    const [row, output] = [Math.floor(i / outputs), i % outputs];
    let sum = 0;
    for (let k = 0; k < inputs; k++) sum += given[row * inputs + k]! * codes[output * inputs + k]!;
    return sum * xScale * w.codes!.scale[0]!;
  });
}

const steps = (y: number): number => y / yScale;

test("faithful, the default: every value is one that a code stands for, rounded as TFLite rounds", async () => {
  const found = await computed("faithful", "--quantized", "faithful");
  const wanted = products().map((y) => Math.min(Math.max(Math.round(steps(y)), -128 - yZero), 127 - yZero));
  expect(found.map((y) => Math.round(steps(y)))).toEqual(wanted);
  for (const y of found) expect(Math.abs(steps(y) - Math.round(steps(y)))).toBeLessThan(1e-3);
  expect(await computed("default")).toEqual(found);
});

test("float: the same without the rounding, kept to the range of the codes", async () => {
  const found = await computed("float", "--quantized", "float");
  const real = Array.from({ length: rows * outputs }, (_, i) => {
    const [row, output] = [Math.floor(i / outputs), i % outputs];
    const codes = new Int8Array(w.bytes!.slice().buffer);
    let sum = 0;
    for (let k = 0; k < inputs; k++) {
      const fed = Math.min(Math.max(x[row * inputs + k]!, -131 * xScale), 124 * xScale);
      sum += fed * codes[output * inputs + k]! * w.codes!.scale[0]!;
    }
    return Math.min(Math.max(sum, (-128 - yZero) * yScale), (127 - yZero) * yScale);
  });
  for (const [i, each] of real.entries()) expect(Math.abs(found[i]! - each), `[${i}]`).toBeLessThan(1e-4);
  expect(found.some((y) => Math.abs(steps(y) - Math.round(steps(y))) > 0.1)).toBe(true);
});

test("another word is wrong usage", () => {
  expect(convert("other", "--quantized", "exact").status).toBe(2);
});

test("the model is what it is taken for", async () => {
  const { model: read } = await openTflite(model);
  expect(read.problems).toEqual([]);
});
