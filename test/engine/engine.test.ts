/** The engine's process, as the extension host starts it. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Cancelled } from "../../src/base/cancel.ts";
import { ModelError } from "../../src/base/problem.ts";
import { Engine, EngineStopped } from "../../src/extension/engine.ts";
import type { ConvertRequest, GpuApi } from "../../src/protocol/engine.ts";
import { node, onnxModel, tensor, value } from "../build/onnx.ts";
import { random } from "../build/random.ts";

const signal = new AbortController().signal;
const crashes: string[] = [];
const noGpu: GpuApi = {
  load: async () => {
    throw new Error("no GPU in this test");
  },
  run: async () => [],
  close: async () => {},
};
let folder: string;
let engine: Engine;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "modelwright-engine-"));
  engine = new Engine({
    script: new URL("../../dist/engine.js", import.meta.url).pathname,
    gpu: noGpu,
    log: () => {},
    onCrash: (reason) => crashes.push(reason),
  });
});
afterAll(async () => {
  engine.dispose();
  await rm(folder, { recursive: true });
});

/** y = relu(x + b); with `op`, relu is replaced. */
async function write(name: string, op = "Relu", domain = ""): Promise<string> {
  const bytes = onnxModel({
    opsets: { "": 17, ...(domain ? { [domain]: 1 } : {}) },
    graph: {
      name: "g",
      inputs: [value("x", "float32", ["batch", 7])],
      outputs: [value("y", "float32", ["batch", 7])],
      initializers: [tensor("b", "float32", [7], random(7, 3))],
      nodes: [node("Add", ["x", "b"], ["sum"], {}, "/add"), node(op, ["sum"], ["y"], {}, "/act", { domain })],
    },
  });
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}
const request = (path: string, out: string): ConvertRequest => ({
  path,
  out,
  force: false,
  optimize: true,
  inputs: [],
  outputs: [],
});

test("opens, lays out, tells details", async () => {
  const path = await write("small.onnx");
  const model = await engine.call((api) => api.open(path, signal));
  expect(model).toMatchObject({ file: "small.onnx", format: "ONNX", nodes: 2, parameters: 7 });
  const drawn = await engine.call((api) => api.graph(path, 0, signal));
  expect(drawn.graph.nodeViews.map(({ op }) => op)).toEqual(["Add", "Relu"]);
  expect(drawn.layout.y[1]).toBeGreaterThan(drawn.layout.y[0]!);
  const details = await engine.call((api) => api.details(path, 0, 0));
  expect(details.weights[0]?.values?.map(Number)).toEqual(Array.from(random(7, 3), (v) => Number(v.toPrecision(9))));
});

test("reads a file again when it has changed", async () => {
  const path = await write("changing.onnx");
  await engine.call((api) => api.open(path, signal));
  await write("changing.onnx", "Sigmoid");
  expect(await engine.call((api) => api.text(path))).toContain("= Sigmoid(sum)");
});

describe("the text", () => {
  test("holds what the dry run found, and finds the node again", async () => {
    const path = await write("acme.onnx", "Fancy", "ai.acme");
    const verdicts = await engine.call((api) => api.check(path, "wasm", undefined, signal));
    const [problem] = verdicts.problems.filter(({ severity }) => severity === "error");
    expect(problem).toMatchObject({ op: "ai.acme.Fancy", node: "/act", at: { graph: 0, node: 1 } });
    expect(verdicts.backends.every(({ ready }) => !ready)).toBe(true);
    const text = await engine.call((api) => api.text(path));
    expect(text).toContain("sum : f32[batch,7] = Add(x, b[7])  # /add");
    const [span] = await engine.call((api) => api.textSpans(path, [{ graph: 0, node: 1 }]));
    expect(text.split("\n")[span!.line]!.slice(span!.start, span!.end)).toBe("ai.acme.Fancy");
    const hit = await engine.call((api) => api.textAt(path, span!.line, span!.start + 1));
    expect(hit).toMatchObject({ op: "ai.acme.Fancy", on: { graph: 0, node: 1 }, problems: [problem] });
    const symbols = await engine.call((api) => api.textSymbols(path));
    expect(symbols.map(({ name, detail }) => `${name} ${detail}`)).toEqual(["sum Add", "y ai.acme.Fancy"]);
  });
});

test("a broken file is a located problem", async () => {
  const path = join(folder, "broken.onnx");
  await writeFile(path, (await readFile(await write("whole.onnx"))).subarray(0, 90));
  const error = await engine.call((api) => api.open(path, signal)).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(ModelError);
  expect((error as ModelError).problem.offset).toBeGreaterThan(0);
});

describe("conversion", () => {
  test("writes, says so, and gives the snippet", async () => {
    const path = await write("convert.onnx");
    const out = join(folder, "convert-tfjs");
    const stages: string[] = [];
    const done = await engine.call((api) => api.convert(request(path, out), (stage) => stages.push(stage), signal));
    expect(done.nodes.source).toBe(2);
    expect(await readdir(out)).toEqual(expect.arrayContaining(["model.json", ...done.files]));
    expect(stages[0]).toBe("reading");
    const snippet = await engine.call((api) => api.snippet(out));
    expect(snippet).toContain("x: tf.zeros([1, 7]), // float32 [?,7]");
    expect(snippet).toContain('model.execute(inputs, "y")');
  });

  test("says the way out where the folder holds something else, and leaves it", async () => {
    const path = await write("foreign.onnx");
    const out = join(folder, "foreign");
    await mkdir(out);
    await writeFile(join(out, "notes.txt"), "mine");
    const error = await engine
      .call((api) => api.convert(request(path, out), () => {}, signal))
      .catch((caught: unknown) => caught);
    expect((error as ModelError).problem.code).toBe("folder-not-empty");
    expect(await readdir(out)).toEqual(["notes.txt"]);
  });

  test("what a thread that was ended has left beside the folder goes with the failure", async () => {
    const path = await write("unsupported.onnx", "Fancy", "ai.acme");
    await engine.call((api) => api.open(path, signal));
    const left = join(folder, `.left-tfjs.modelwright-new-${engine.pid}-0a1b2c3d`);
    await mkdir(left);
    const out = join(folder, "left-tfjs");
    const error = await engine
      .call((api) => api.convert(request(path, out), () => {}, signal))
      .catch((caught: unknown) => caught);
    expect((error as ModelError).problem.op).toBe("ai.acme.Fancy");
    expect((await readdir(folder)).filter((name) => name.includes("left-tfjs"))).toEqual([]);
  });

  test("cancelled before it ends: nothing is left", async () => {
    const path = await write("cancelled.onnx");
    const out = join(folder, "cancelled-tfjs");
    const abort = new AbortController();
    const outcome = engine
      .call((api) => api.convert(request(path, out), () => abort.abort(), abort.signal))
      .catch((error: unknown) => error);
    const error = await outcome;
    if (error instanceof Error) expect(error).toBeInstanceOf(Cancelled);
    expect((await readdir(folder)).filter((name) => name.includes("cancelled-tfjs") && error instanceof Error)).toEqual([]);
  });
});

test("killed in the middle: the call fails, the next one works", async () => {
  const path = await write("killed.onnx");
  await engine.call((api) => api.open(path, signal));
  const pid = engine.pid!;
  const waiting = engine.call((api) => api.check(path, "wasm", undefined, signal)).catch((error: unknown) => error);
  process.kill(pid, "SIGKILL");
  expect(await waiting).toBeInstanceOf(EngineStopped);
  expect(crashes.at(-1)).toContain("SIGKILL");
  expect((await engine.call((api) => api.open(path, signal))).nodes).toBe(2);
  expect(engine.pid).not.toBe(pid);
});
