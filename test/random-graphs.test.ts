/** Property: a random graph gives in TF.js what it gives in onnxruntime, optimised or not, with its sizes known or not. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MemorySink } from "../src/base/memory.ts";
import { ModelError } from "../src/base/problem.ts";
import { convert } from "../src/convert.ts";
import type { Tensor } from "../src/graph/tensor.ts";
import { compare } from "../src/parity/compare.ts";
import { type Tolerance, toleranceFor } from "../src/parity/tolerance.ts";
import { OrtProcess } from "../src/runtime/ort.ts";
import { TfjsWorker } from "../src/runtime/tfjs.ts";
import { openOnnx } from "./build/onnx.ts";
import fc, { seed } from "./build/properties.ts";
import type { Draft } from "./build/random-graphs/draft.ts";
import { drawGraph } from "./build/random-graphs/draw.ts";

const runs = Number(process.env["RUNS"] ?? (process.env["CI"] ? 2_000 : 200));

let folder: string;
let ort: OrtProcess;
let workers: readonly TfjsWorker[];
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "modelwright-"));
  ort = await OrtProcess.start();
  workers = await Promise.all([TfjsWorker.start("wasm"), TfjsWorker.start("cpu")]);
});
afterAll(async () => {
  await Promise.all([ort.close(), ...workers.map((worker) => worker.close())]);
  await rm(folder, { recursive: true });
});

/** Told by the converter: what it needs to know, the file does not say. */
class Refused extends Error {}
/** onnxruntime does not run the graph: its own rewrites fail on a few. */
class NoReference extends Error {}

const choices = fc.array(fc.nat({ max: 999 }), { minLength: 8, maxLength: 250, size: "max" });

describe.each([
  ["sizes known", false, runs / 2],
  ["sizes that are symbols", true, runs / 2],
])("%s", (_, open, count) => {
  it(`${count} graphs agree with onnxruntime, seed ${seed}`, async () => {
    let [refused, unknown] = [0, 0];
    await fc.assert(
      fc.asyncProperty(choices, async (list) => {
        const draft = drawGraph(list, open);
        if (draft.outputs.length === 0) return;
        try {
          expect(await differences(draft)).toEqual([]);
        } catch (error) {
          if (error instanceof NoReference) unknown++;
          else if (open && error instanceof Refused) refused++;
          else throw explained(error, draft);
        }
      }),
      { numRuns: count },
    );
    console.log(`random graphs, ${_}: seed ${seed}, ${count} graphs, ${refused} refused, ${unknown} without a reference`);
    expect(refused).toBeLessThan(count / 20);
    expect(unknown).toBeLessThan(count / 20);
  }, 600_000);
});

function explained(error: unknown, draft: Draft): Error {
  const inputs = draft.fed.map(({ name, dtype, shape }) => `${name}: ${dtype}[${shape}]`);
  return new Error([error instanceof Error ? error.message : String(error), ...inputs, ...draft.listing].join("\n"));
}

async function differences(draft: Draft): Promise<string[]> {
  const { bytes, outputs } = draft;
  const feeds = new Map<string, Tensor>(draft.fed.map((each) => [each.name, each]));
  const file = path.join(folder, "model.onnx");
  await writeFile(file, bytes);
  const loaded = await reference(ort.load(file));
  try {
    const expected = await reference(ort.run(loaded, feeds, outputs));
    const found: string[] = [];
    let spread: ReadonlyMap<string, Float64Array> | undefined;
    for (const optimize of [true, false]) {
      const files = await converted(bytes, optimize);
      for (const worker of optimize ? workers : workers.slice(0, 1)) {
        const model = await worker.load(files);
        const actual = await worker.run(model, feeds, outputs);
        await worker.unload(model);
        for (const name of outputs) {
          const told = differs(expected.get(name)!, actual.get(name)!, toleranceFor("float32"));
          if (!told) continue;
          spread ??= await roundingSpread(draft, feeds, expected);
          if (!withinSpread(expected.get(name)!, actual.get(name)!, spread.get(name)!))
            found.push(`${name} on ${worker.backend}${optimize ? "" : ", not optimised"}: ${told}`);
        }
      }
    }
    return found;
  } finally {
    await ort.unload(loaded);
  }
}

async function reference<T>(work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    throw error instanceof ModelError && ort.alive ? new NoReference(error.message) : error;
  });
}

async function converted(bytes: Uint8Array, optimize: boolean): Promise<MemorySink["files"]> {
  const { model, files } = await openOnnx(bytes);
  const sink = new MemorySink();
  const { problems } = await convert(model, files, sink, { optimize });
  const failed = problems.find(({ severity }) => severity === "error");
  if (failed) throw new Refused(new ModelError(failed).message);
  return sink.files;
}

function differs(reference: Tensor, actual: Tensor, tolerance: Tolerance): string | undefined {
  const { verdict, firstBad, note, bad, maxAbs } = compare(reference, actual, { tolerance });
  if (verdict !== "different") return undefined;
  if (!firstBad) return note;
  return `[${firstBad.index}] is ${firstBad.actual}, not ${firstBad.reference}; ${bad} bad, largest ${maxAbs}`;
}

/**
 * How far rounding moves each element of the reference's own results: Monte Carlo arithmetic, which rounds every intermediate result at
 * random. Four units in the last place stand for a kernel that sums, or takes a logarithm, in another order than onnxruntime's.
 */
async function roundingSpread(
  draft: Draft,
  feeds: ReadonlyMap<string, Tensor>,
  expected: ReadonlyMap<string, Tensor>,
): Promise<ReadonlyMap<string, Float64Array>> {
  const spread = new Map([...expected].map(([name, { data }]) => [name, new Float64Array(data.length)]));
  const file = path.join(folder, "moved.onnx");
  for (let sample = 1; sample <= samples; sample++) {
    await writeFile(file, draft.moved(sample, 4 * 2 ** -23));
    const loaded = await reference(ort.load(file));
    try {
      const moved = await reference(ort.run(loaded, feeds, [...expected.keys()]));
      for (const [name, most] of spread) {
        const [was, is] = [expected.get(name)!.data, moved.get(name)!.data];
        for (let i = 0; i < most.length; i++) most[i] = Math.max(most[i]!, gap(was[i]!, is[i]!));
      }
    } finally {
      await ort.unload(loaded);
    }
  }
  return spread;
}

const samples = 12;

/** The greatest of a dozen draws is within a factor of two of the greatest there is, all but always. */
function withinSpread(expected: Tensor, actual: Tensor, spread: Float64Array): boolean {
  if (expected.data.length !== actual.data.length) return false;
  let largest = 0;
  for (const value of expected.data) if (Number.isFinite(Number(value))) largest = Math.max(largest, Math.abs(Number(value)));
  return spread.every((most, i) => gap(expected.data[i]!, actual.data[i]!) <= 1e-5 + 1e-4 * largest + 2 * most);
}

function gap(a: number | bigint | string, b: number | bigint | string): number {
  const distance = Math.abs(Number(a) - Number(b));
  return Object.is(Number(a), Number(b)) ? 0 : Number.isNaN(distance) ? Number.POSITIVE_INFINITY : distance;
}
