/** `inspect` of a 1 GB model and of a chain of 100 000 nodes. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { measure, median } from "./measure.ts";
import { chainOnnx, writeLargeOnnx } from "./models.ts";

const runs = 5;

export async function benchInspect(cli: string): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), "modelwright-bench-"));
  try {
    const large = path.join(folder, "large.onnx");
    await writeLargeOnnx(large, 1e9, 500);
    await report("inspect, 1 GB in 1 000 nodes", cli, large);
    const chain = path.join(folder, "chain.onnx");
    await writeFile(chain, chainOnnx(100_000));
    await report("inspect, 100 000 nodes", cli, chain);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function report(what: string, cli: string, file: string): Promise<void> {
  const read: number[] = [];
  const all: number[] = [];
  let peak = 0;
  for (let run = 0; run < runs; run++) {
    const { stdout, ms, peakMB } = await measure(cli, ["inspect", file, "--json"]);
    const { ms: told } = JSON.parse(stdout) as { ms: { read: number } };
    read.push(told.read);
    all.push(ms);
    peak = Math.max(peak, peakMB);
  }
  console.log(
    `${what}: read ${median(read).toFixed(0)} ms, process ${median(all).toFixed(0)} ms, peak ${peak.toFixed(0)} MB (median of ${runs})`,
  );
}
