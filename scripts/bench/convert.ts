/** `convert` of large models next to a plain copy of the same bytes, of a small one, and of a chain of 100 000 nodes. */

import { spawnSync } from "node:child_process";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { mobileNetV2, wholeMobileNet } from "../../test/build/architectures/cnn.ts";
import { bert, bertBase } from "../../test/build/architectures/transformers.ts";
import { measure, median } from "./measure.ts";
import { chainOnnx, foldedOnnx, writeLargeOnnx } from "./models.ts";

const runs = 5;

export async function benchConvert(cli: string): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), "modelwright-bench-"));
  try {
    const large = path.join(folder, "large.onnx");
    await writeLargeOnnx(large, 1e9, 500);
    await besideCopy("1 GB", cli, large, folder);
    await rm(large);
    const base = path.join(folder, "bert.onnx");
    await writeFile(base, bert(bertBase).bytes);
    await besideCopy("BERT-base, 438 MB", cli, base, folder);
    await rm(base);
    const mobile = path.join(folder, "mobilenet.onnx");
    await writeFile(mobile, mobileNetV2(wholeMobileNet).bytes);
    await besideCopy("MobileNetV2, 14 MB", cli, mobile, folder);
    await foldedWeights(cli, folder);
    const chain = path.join(folder, "chain.onnx");
    await writeFile(chain, chainOnnx(100_000));
    for (const to of ["tfjs", "onnx"]) await longChain(cli, chain, to, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function longChain(cli: string, chain: string, to: string, folder: string): Promise<void> {
  const args = ["convert", chain, "--to", to, "--out", path.join(folder, `chain-${to}`), "--json"];
  const { stdout, ms, cpuMs, peakMB } = await measure(cli, args);
  const told = JSON.parse(stdout) as { ms: Record<string, number>; nodes: { final: number } };
  const stages = Object.entries(told.ms).map(([stage, time]) => `${stage} ${time.toFixed(0)} ms`);
  const process = `process ${ms.toFixed(0)} ms (processor ${cpuMs.toFixed(0)} ms), peak ${peakMB.toFixed(0)} MB`;
  console.log(`convert --to ${to}, 100 000 nodes: ${stages.join(", ")}; ${process}, ${told.nodes.final} nodes left`);
}

/** Memory above that of a model of next to nothing, in largest tensors: three should do. */
async function foldedWeights(cli: string, folder: string): Promise<void> {
  const [side, layers] = [5000, 4];
  const [small, large] = [path.join(folder, "small.onnx"), path.join(folder, "folded.onnx")];
  await writeFile(small, foldedOnnx(5, layers));
  await writeFile(large, foldedOnnx(side, layers));
  const convert = (file: string, ...more: string[]) => {
    const out = ["--out", `${file}${more.join("")}.out`];
    return measure(cli, ["convert", file, ...out, "--json", ...more]);
  };
  const { peakMB: least } = await convert(small);
  for (const more of [[], ["--quantize", "uint8"]]) {
    const { ms, peakMB } = await convert(large, ...more);
    const times = (peakMB - least) / ((4 * side * side) / 1e6);
    const what = ["convert, 4 weights of 100 MB, transposed and scaled", ...more].join(" ");
    console.log(`${what}: ${ms.toFixed(0)} ms, peak ${peakMB.toFixed(0)} MB, ${times.toFixed(1)} × the largest tensor`);
  }
  await rm(large);
}

/** Copy and conversion take turns, so that both meet the same disk. */
async function besideCopy(what: string, cli: string, large: string, folder: string): Promise<void> {
  const copies: number[] = [];
  const conversions: number[] = [];
  const processor: number[] = [];
  let peak = 0;
  for (let run = 0; run < runs; run++) {
    copies.push(await copy(large, path.join(folder, "copy")));
    const out = path.join(folder, `out${run}`);
    const { ms, cpuMs, peakMB } = await measure(cli, ["convert", large, "--out", out, "--json"]);
    conversions.push(ms);
    processor.push(cpuMs);
    peak = Math.max(peak, peakMB);
    await rm(out, { recursive: true });
  }
  const [converted, copied] = [median(conversions), median(copies)];
  console.log(
    `convert, ${what}: ${converted.toFixed(0)} ms (processor ${median(processor).toFixed(0)} ms), copy of the same bytes ${copied.toFixed(0)} ms, ratio ${(converted / copied).toFixed(2)}, peak ${peak.toFixed(0)} MB (median of ${runs}, interleaved)`,
  );
}

/** `cat a > b` where there is a shell for it, the same in Node elsewhere. */
async function copy(from: string, to: string): Promise<number> {
  await rm(to, { force: true });
  const started = performance.now();
  if (process.platform === "win32") await pipeline(createReadStream(from), createWriteStream(to));
  else spawnSync("sh", ["-c", 'cat "$0" > "$1"', from, to]);
  return performance.now() - started;
}
