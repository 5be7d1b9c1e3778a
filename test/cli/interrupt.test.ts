import { spawn } from "node:child_process";
import { mkdtemp, open, readdir, rm, writeFile } from "node:fs/promises";
import { constants, tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { node, onnxModel, type TensorSpec, value } from "../build/onnx.ts";

const cli = path.resolve(import.meta.dirname, "../../dist/cli.js");

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "modelwright-interrupt-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A model of some seconds: 1 GB of weights in a file with a hole for all of them. */
async function large(): Promise<void> {
  const shape = [16_000, 16_000];
  const bytes = 4 * shape[0]! * shape[1]!;
  const weights = await open(path.join(folder, "weights.bin"), "w");
  await weights.truncate(bytes);
  await weights.close();
  const w: TensorSpec = {
    name: "w",
    dtype: "float32",
    shape,
    data: new Float32Array(),
    storage: { location: "weights.bin", offset: 0, length: bytes },
  };
  const graph = {
    inputs: [value("x", "float32", [1, shape[0]!])],
    outputs: [value("y", "float32", [1, shape[1]!])],
    initializers: [w],
    nodes: [node("MatMul", ["x", "w"], ["y"])],
  };
  await writeFile(path.join(folder, "model.onnx"), onnxModel({ graph }));
}

it.each(["SIGINT", "SIGTERM"] as const)("%s in the middle of writing leaves nothing behind", async (signal) => {
  await large();
  const before = await readdir(folder);
  const child = spawn(process.execPath, [cli, "convert", "model.onnx", "--out", "out"], { cwd: folder, stdio: "ignore" });
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  const isWriting = async () => (await readdir(folder)).some((name) => name.includes("modelwright-new"));
  while (!(await isWriting()) && child.exitCode === null) await wait(5);
  child.kill(signal);
  expect(await ended).toBe(128 + constants.signals[signal]);
  expect(await readdir(folder)).toEqual(before);
});
