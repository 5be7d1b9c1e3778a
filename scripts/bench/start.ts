/** What a command costs before it does anything: the start of Node and the loading of our code, taking turns. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { measure, median } from "./measure.ts";
import { foldedOnnx } from "./models.ts";

const runs = 11;

export async function benchStart(cli: string): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), "modelwright-bench-"));
  try {
    const [empty, small] = [path.join(folder, "empty.mjs"), path.join(folder, "small.onnx")];
    await writeFile(empty, "");
    await writeFile(small, foldedOnnx(5, 1));
    const out = ["--out", path.join(folder, "out"), "--force"];
    const commands: readonly (readonly [what: string, script: string, args: readonly string[]])[] = [
      ["bare Node", empty, []],
      ["--version", cli, ["--version"]],
      ["inspect", cli, ["inspect", small]],
      ["convert", cli, ["convert", small, ...out]],
      ["convert --to onnx", cli, ["convert", small, ...out, "--to", "onnx"]],
    ];
    const took = commands.map(() => ({ ms: [] as number[], cpu: [] as number[] }));
    for (let run = 0; run < runs; run++)
      for (const [i, [, script, args]] of commands.entries()) {
        const { ms, cpuMs } = await measure(script, args);
        took[i]!.ms.push(ms);
        took[i]!.cpu.push(cpuMs);
      }
    const [bare] = took.map(({ cpu }) => median(cpu));
    for (const [i, [what]] of commands.entries()) {
      const [ms, cpu] = [median(took[i]!.ms), median(took[i]!.cpu)];
      const ratio = (cpu / bare!).toFixed(1);
      console.log(
        `start, ${what}: ${ms.toFixed(0)} ms, processor ${cpu.toFixed(0)} ms, ${ratio} × a bare Node (median of ${runs}, interleaved)`,
      );
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
