/** `--to onnx` of docs/cli.md, against the built command line. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { frozenDense } from "../build/dense.ts";
import { node, onnxModel, openOnnx, tensor, value } from "../build/onnx.ts";
import { random } from "../build/random.ts";

const cli = path.resolve(import.meta.dirname, "../../dist/cli.js");

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "modelwright-cli-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function run(...args: string[]) {
  const child = spawn(process.execPath, [cli, ...args, "--json"], { cwd: folder });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (data) => {
    stdout += data;
  });
  child.stderr.on("data", (data) => {
    stderr += data;
  });
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, told: stdout === "" ? {} : (JSON.parse(stdout.split("\n")[0]!) as Record<string, unknown>), stderr };
}

const image = (dtype: "float32" | "float16" = "float32", shape: readonly (number | string)[] = ["n", 3, 11, 7]) =>
  onnxModel({
    graph: {
      inputs: [value("x", dtype, shape)],
      outputs: [value("y", dtype, shape)],
      initializers: [
        tensor(
          "w",
          dtype,
          [3, 1, 3, 3],
          [...random(27, 2)].map((v) => Math.round(v * 64) / 64),
        ),
      ],
      nodes: [
        node("Conv", ["x", "w"], ["h"], { group: 3, pads: [1, 1, 1, 1] }, "conv"),
        node("Sigmoid", ["h"], ["y"], {}, "act"),
      ],
    },
    opsets: { "": 17 },
  });

function put(name: string, bytes: Uint8Array | string): string {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, bytes);
  return file;
}

const filesIn = (name: string): string[] => readdirSync(path.join(folder, name)).sort();
const written = async () => (await openOnnx(new Uint8Array(readFileSync(path.join(folder, "out/model.onnx"))))).model;

describe("convert --to onnx", () => {
  it("writes model.onnx and the source map, and tells of it as of any conversion", async () => {
    put("m.onnx", image());
    const { code, told } = await run("convert", "m.onnx", "--out", "out", "--to", "onnx");
    expect(code).toBe(0);
    expect(filesIn("out")).toEqual(["model.map.json", "model.onnx"]);
    expect(told).toMatchObject({
      ...{ command: "convert", format: "onnx", ok: true, to: "onnx", out: "out" },
      files: ["model.onnx", "model.map.json"],
      nodes: { source: 2, final: 2 },
      weightBytes: 108,
      inputs: [{ name: "x", dtype: "float32", shape: ["n", 3, 11, 7] }],
      outputs: [{ name: "y", dtype: "float32", shape: ["n", 3, 11, 7] }],
      state: [],
    });
    expect(Object.keys(told["ms"] as object)).toEqual(["read", "lower", "optimize", "write"]);
  });

  it.each([
    [13, 7],
    [17, 8],
    [21, 10],
    [26, 10],
  ])("--opset %i takes the oldest IR version that has it", async (opset, ir) => {
    put("m.onnx", image());
    expect((await run("convert", "m.onnx", "--out", "out", "--to", "onnx", "--opset", String(opset))).code).toBe(0);
    const model = await written();
    expect(model.opsets).toEqual({ "": opset });
    expect(model.formatVersion).toContain(`IR ${ir}`);
  });

  const joined = () => {
    const text = (name: string) => value(name, "string", [3]);
    const nodes = [node("StringConcat", ["a", "b"], ["y"], {}, "join")];
    return onnxModel({ graph: { inputs: [text("a"), text("b")], outputs: [text("y")], nodes }, opsets: { "": 20 } });
  };

  it("takes the least opset that has all operators, where none is asked for", async () => {
    put("m.onnx", joined());
    const { code, told } = await run("convert", "m.onnx", "--out", "out", "--to", "onnx");
    expect(code).toBe(0);
    expect(told["problems"]).toMatchObject([{ code: "newer-opset", severity: "info" }]);
    expect((await written()).opsets).toEqual({ "": 20 });
  });

  it.each([
    ["--opset", "17"],
    ["--for", "mlnet"],
  ])("does not with %s %s", async (...args) => {
    put("m.onnx", joined());
    const { code, told } = await run("convert", "m.onnx", "--out", "out", "--to", "onnx", ...args);
    expect(code).toBe(1);
    expect(told["problems"]).toMatchObject([{ code: "unsupported", node: "join", hint: "convert with --opset 20" }]);
  });

  it("replaces a conversion to TF.js with one to ONNX, and leaves nothing where the model does not convert", async () => {
    put("m.onnx", image());
    await run("convert", "m.onnx", "--out", "out");
    expect((await run("convert", "m.onnx", "--out", "out", "--to", "onnx")).code).toBe(0);
    expect(filesIn("out")).toEqual(["model.map.json", "model.onnx"]);
    const odd = { inputs: [value("x", "float32", [3])], outputs: [value("y", "float32", [3])] };
    put("odd.onnx", onnxModel({ graph: { ...odd, nodes: [node("FancyNorm", ["x"], ["y"])] } }));
    expect((await run("convert", "odd.onnx", "--out", "none", "--to", "onnx")).code).toBe(1);
    expect(existsSync(path.join(folder, "none"))).toBe(false);
  });
});

describe("parity of an ONNX result", () => {
  it("runs it in onnxruntime, layers included", async () => {
    put("m.onnx", image());
    await run("convert", "m.onnx", "--out", "out", "--to", "onnx");
    const { code, told } = await run("parity", "m.onnx", "--converted", "out", "--layers");
    expect(told).toMatchObject({ ok: true, backend: "onnxruntime", reference: { kind: "onnxruntime" } });
    expect(told["layers"]).toMatchObject([{ source: "main/h", target: "h" }, { target: "y" }]);
    expect(code).toBe(0);
  });

  it("finds a weight that was changed", async () => {
    put("m.onnx", image());
    await run("convert", "m.onnx", "--out", "out", "--to", "onnx");
    const file = path.join(folder, "out/model.onnx");
    const bytes = readFileSync(file);
    const first = bytes.indexOf(Buffer.from(new Float32Array([Math.round(random(27, 2)[0]! * 64) / 64]).buffer));
    bytes.writeFloatLE(7, first);
    writeFileSync(file, bytes);
    const { code, told } = await run("parity", "m.onnx", "--converted", "out");
    expect(told).toMatchObject({ ok: false, outputs: [{ verdict: "different" }] });
    expect(code).toBe(1);
  });

  it("is consistent and never equal where our own other conversion is all there is to compare with", async () => {
    put("m.pb", frozenDense());
    await run("convert", "m.pb", "--out", "out", "--to", "onnx");
    const own = await run("parity", "m.pb", "--converted", "out");
    expect(own.told).toMatchObject({ ok: true, backend: "onnxruntime", reference: { kind: "modelwright" } });
    expect(own.told["outputs"]).toMatchObject([{ verdict: "consistent" }]);
    const tfjs = await run("parity", "m.pb");
    expect(tfjs.told).toMatchObject({ ok: true, backend: "wasm", outputs: [{ verdict: "consistent" }] });
  });
});

describe("--for mlnet", () => {
  it("has float32 where the source has float16, in opset 17 and IR 8", async () => {
    put("m.onnx", image("float16"));
    const { code, told } = await run("convert", "m.onnx", "--out", "out", "--to", "onnx", "--for", "mlnet");
    expect(told).toMatchObject({
      ok: true,
      inputs: [{ name: "x", dtype: "float32" }],
      outputs: [{ name: "y", dtype: "float32" }],
    });
    expect(code).toBe(0);
    expect((await run("parity", "m.onnx", "--converted", "out")).told).toMatchObject({ ok: true });
  });

  it("refuses two unknown dims beside the first, and says how to fix one", async () => {
    put("m.onnx", image("float32", ["n", 3, "h", "w"]));
    const refused = await run("convert", "m.onnx", "--out", "out", "--to", "onnx", "--for", "mlnet");
    expect(refused.code).toBe(1);
    expect(refused.told["problems"]).toMatchObject([
      { code: "mlnet-shape", tensor: "x", hint: expect.stringContaining("--input") },
      { code: "mlnet-shape", tensor: "y" },
    ]);
    const fixed = await run("convert", "m.onnx", "--out", "out", "--to", "onnx", "--for", "mlnet", "--input", "x:nx3x11xw");
    expect(fixed.code).toBe(0);
  });
});
