/** What every conformance suite shares: rows, the count, the fixed result line, the file of results. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { ModelError, type Problem } from "../../src/base/problem.ts";
import type { Comparison } from "../../src/parity/compare.ts";
import type { ComparedOutput } from "../../src/parity/report.ts";

export type Status = "passed" | "refused" | "wrong" | "crashed" | "skipped";

export interface Row {
  readonly test: string;
  readonly status: Status;
  readonly reason?: string;
  readonly backend?: string;
  /** Counts for the suite's own criterion. */
  readonly judged?: boolean;
}

/** A model, or a folder that holds one with its data. */
export interface Case {
  readonly id: string;
  readonly path: string;
}

const root = fileURLToPath(new URL("..", import.meta.url));

/** The folder of models, or undefined where this machine has none. */
export function zooFolder(): string | undefined {
  const folder = process.env["MODELWRIGHT_ZOO"] ?? path.resolve(root, "../shared/zoo");
  return existsSync(folder) ? folder : undefined;
}

/** The files of a folder of the zoo, at any depth, that `isCase` takes by their names below it. */
export function casesBelow(zoo: string, folder: string, isCase: (name: string) => boolean): Case[] {
  return readdirSync(path.join(zoo, folder), { recursive: true, encoding: "utf8" })
    .filter(isCase)
    .sort()
    .map((name) => ({ id: `${folder}/${name}`, path: path.join(zoo, folder, name) }));
}

/** `conformance onnx: P passed, R refused, W wrong, C crashed, S skipped, T total` */
export function resultLine(suite: string, rows: readonly Row[]): string {
  const count = (status: Status) => rows.filter((row) => row.status === status).length;
  const parts = (["passed", "refused", "wrong", "crashed", "skipped"] as const).map((status) => `${count(status)} ${status}`);
  return `conformance ${suite}: ${parts.join(", ")}, ${rows.length} total`;
}

/** `passed of judged: P of N, R %` */
export function judgedLine(rows: readonly Row[]): string {
  const judged = rows.filter((row) => row.judged);
  const passed = judged.filter(({ status }) => status === "passed").length;
  return `passed of judged: ${passed} of ${judged.length}, ${((100 * passed) / Math.max(1, judged.length)).toFixed(2)} %`;
}

/**
 * What a fault says of a case. That TF.js throws is a refusal, as late as it is; that onnxruntime does not take or cannot run a file of
 * ours is our mistake, unless it only lacks a kernel, or the machine a locale.
 */
export function statusOf(fault: unknown, alive = true): Status {
  if (!alive || !(fault instanceof ModelError)) return "crashed";
  const { code, reason } = fault.problem;
  return /^target-/.test(code) &&
    !/could not find an implementation|not implemented|NOT_IMPLEMENTED|construct locale/i.test(reason)
    ? "wrong"
    : "refused";
}

export function faultRow({ id }: Case, fault: unknown, alive = true): Row {
  const status = statusOf(fault, alive);
  const text = fault instanceof Error ? ((status === "crashed" ? fault.stack : undefined) ?? fault.message) : String(fault);
  return { test: id, status, reason: text };
}

/** The row of a case with an error among its problems. */
export function refusedRow({ id }: Case, problems: readonly Problem[]): Row | undefined {
  const failed = problems.find(({ severity }) => severity === "error");
  return failed && { test: id, status: "refused", reason: new ModelError(failed).message };
}

/** Where two tensors differ, in words. A report's comparison will do: its numbers may be words too. */
export function differenceIn({ firstBad, bad, maxAbs, note }: Comparison | ComparedOutput): string {
  if (!firstBad) return note ?? "";
  return `at [${firstBad.index}]: ${firstBad.actual} where ${firstBad.reference} is expected, ${bad} bad, largest ${maxAbs}`;
}

export function writeRows(suite: string, rows: readonly Row[]): void {
  const folder = path.join(root, "test/conformance/out");
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, `${suite}.json`), `[\n${rows.map((row) => JSON.stringify(row)).join(",\n")}\n]\n`);
}

/** Runs `work` over the items in `lanes` at once, results in the order of the items. */
export async function inLanes<T, R>(
  items: readonly T[],
  lanes: number,
  work: (item: T, lane: number) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length);
  let next = 0;
  const lane = async (index: number) => {
    for (let i = next++; i < items.length; i = next++) results[i] = await work(items[i]!, index);
  };
  await Promise.all(Array.from({ length: lanes }, (_, i) => lane(i)));
  return results;
}
