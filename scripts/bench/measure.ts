/** Runs the built command line as a user would, and says how long it took, in all and of processors, and how much memory it held at most. */
import { spawn } from "node:child_process";

export interface Measured {
  /** What the command printed. */
  readonly stdout: string;
  /** Of the whole process, its start included. */
  readonly ms: number;
  /** Of all processors together, in milliseconds: what is left of a figure where others use the machine too. */
  readonly cpuMs: number;
  /** Greatest resident set, in MB of 10^6 bytes. */
  readonly peakMB: number;
}

/**
 * Told on stderr when the process ends, in bytes. Linux hands the greatest resident set of a process on to the children that it
 * starts, ours with its model in memory among them, so that there the kernel's own account of the new program is read.
 */
const report = `
  import { readFileSync } from "node:fs";
  process.on("exit", () => {
    let kilobytes = process.resourceUsage().maxRSS;
    if (process.platform === "linux") kilobytes = Number(/VmHWM:\\s*(\\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1]);
    const { user, system } = process.cpuUsage();
    console.error("peak=" + kilobytes * 1024 + " cpu=" + (user + system) / 1000);
  });
`;

/** An Error where the command ends with a bug of ours (3) or is killed. */
export async function measure(cli: string, args: readonly string[]): Promise<Measured> {
  const started = performance.now();
  const child = spawn(process.execPath, ["--import", `data:text/javascript,${encodeURIComponent(report)}`, cli, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  if (code === null || code > 1) throw new Error(`modelwright ${args.join(" ")}: exit code ${code}\n${stderr}`);
  const told = (what: string) => Number(new RegExp(`${what}=([\\d.]+)`).exec(stderr)?.[1]);
  return { stdout, ms: performance.now() - started, cpuMs: told("cpu"), peakMB: told("peak") / 1e6 };
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
