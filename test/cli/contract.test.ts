/** docs/cli.md, line by line, against the built command line. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { tensorOf } from "../../src/graph/tensor.ts";
import { kerasWeights, sequentialConfig } from "../build/keras.ts";
import { node, onnxModel, tensor, value, writeTensorProto } from "../build/onnx.ts";
import { random } from "../build/random.ts";

const cli = path.resolve(import.meta.dirname, "../../dist/cli.js");

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "modelwright-cli-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly lines: readonly string[];
  readonly objects: readonly Record<string, unknown>[];
  readonly stderr: string;
}

async function run(...args: string[]): Promise<Ended> {
  const child = spawn(process.execPath, [cli, ...args], { cwd: folder });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (data) => {
    stdout += data;
  });
  child.stderr.on("data", (data) => {
    stderr += data;
  });
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  const lines = stdout.split("\n").filter((line) => line !== "");
  const objects = args.includes("--json") ? lines.map((line) => JSON.parse(line) as Record<string, unknown>) : [];
  return { code, lines, objects, stderr };
}

const w = random(15, 2);
const good = (op = "Abs") =>
  onnxModel({
    graph: {
      inputs: [value("x", "float32", ["batch", 3])],
      outputs: [value("y", "float32", ["batch", 5])],
      initializers: [tensor("w", "float32", [3, 5], w)],
      nodes: [node("MatMul", ["x", "w"], ["h"], {}, "fc"), node(op, ["h"], ["y"], {}, "act")],
    },
    opsets: { "": 17 },
  });

function put(name: string, bytes: Uint8Array | string): string {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, bytes);
  return file;
}

const inOut = (name: string): string[] => readdirSync(path.join(folder, name)).sort();

describe("models and folders", () => {
  it("a Keras model in two files is one, by either of them", async () => {
    const layers = [{ op: "Dense", config: { units: 5 }, weights: { kernel: [3, 5], bias: [5] } }];
    put("net_weights.h5", kerasWeights(layers));
    put("net_config.json", JSON.stringify({ ...sequentialConfig([3], layers), keras_version: "2.15.0" }));
    for (const name of ["net_weights.h5", "net_config.json"]) {
      const { code, objects } = await run("convert", name, "--out", `out-${name}`, "--json");
      expect([code, objects[0]!["format"], objects[0]!["weightBytes"]]).toEqual([0, "keras", 80]);
    }
  });

  it("one file goes into DIR itself, with our files and no others", async () => {
    put("m.onnx", good());
    const { code, objects } = await run("convert", "m.onnx", "--out", "out", "--json");
    expect(code).toBe(0);
    expect(inOut("out")).toEqual(["group1-shard1of1.bin", "model.json", "model.map.json"]);
    expect(objects[0]).toMatchObject({
      command: "convert",
      model: "m.onnx",
      format: "onnx",
      ok: true,
      to: "tfjs",
      out: "out",
      nodes: { source: 2 },
      weightBytes: 60,
      customOps: [],
      state: [],
    });
    expect(objects[0]!["files"]).toEqual(["model.json", "group1-shard1of1.bin", "model.map.json"]);
    expect(Object.keys(objects[0]!["ms"] as object)).toEqual(["read", "lower", "optimize", "write"]);
  });

  it("a walked folder and several files go below DIR; one that fails does not stop the rest", async () => {
    put("models/a/one.onnx", good());
    put("models/b/two.onnx", good("FancyNorm"));
    put("models/b/three.onnx", good());
    const walked = await run("convert", "models", "--out", "out", "--json");
    expect(walked.code).toBe(1);
    expect(walked.objects.map(({ model, ok }) => [model, ok])).toEqual([
      ["models/a/one.onnx", true],
      ["models/b/three.onnx", true],
      ["models/b/two.onnx", false],
    ]);
    expect(inOut("out")).toEqual(["a", "b"]);
    expect(inOut("out/b")).toEqual(["three.onnx"]);
    const single = await run("convert", "models/a", "--out", "alone", "--json");
    expect(single.code).toBe(0);
    expect(inOut("alone")).toEqual(["one.onnx"]);
  });

  it("replaces an output of ours, refuses another's folder, and with --force removes nothing there", async () => {
    put("m.onnx", good());
    await run("convert", "m.onnx", "--out", "out");
    put("out/group1-shard7of9.bin", "stale");
    expect((await run("convert", "m.onnx", "--out", "out")).code).toBe(0);
    expect(inOut("out")).toEqual(["group1-shard1of1.bin", "model.json", "model.map.json"]);
    put("theirs/thesis.txt", "years of work");
    const refused = await run("convert", "m.onnx", "--out", "theirs");
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("is not empty and not an output of modelwright");
    expect(inOut("theirs")).toEqual(["thesis.txt"]);
    expect((await run("convert", "m.onnx", "--out", "theirs", "--force")).code).toBe(0);
    expect(inOut("theirs")).toContain("thesis.txt");
  });

  it("leaves nothing where a model does not convert", async () => {
    put("m.onnx", good("FancyNorm"));
    const { code, lines } = await run("convert", "m.onnx", "--out", "deep/out");
    expect(code).toBe(1);
    expect(lines.join("\n")).toContain("act (FancyNorm): cannot be converted");
    expect(existsSync(path.join(folder, "deep"))).toBe(false);
  });
});

describe("inspect and check", () => {
  it("inspect says of a folder without a model that is read here what lies in it", async () => {
    put("net/Core.mlpackage/Manifest.json", "{}");
    put("net/weights.safetensors", "\x08\0\0\0\0\0\0\0{}      ");
    put("saved/variables/variables.index", "x");
    const { code, objects } = await run("inspect", "net", "saved", "--json");
    expect(code).toBe(1);
    expect(objects.map(({ model, diagnosis }) => [model, diagnosis])).toEqual([
      [
        "net/Core.mlpackage",
        expect.stringContaining("a Core ML model, for Apple's devices. convert the model that it was made from"),
      ],
      ["net/weights.safetensors", expect.stringContaining("safetensors: weights without a graph. load it where it was made")],
      ["saved/variables/variables.index", expect.stringContaining("a part of a TensorFlow checkpoint")],
    ]);
    put("empty/notes.txt", "nothing");
    expect((await run("inspect", "empty")).code).toBe(2);
  });

  it("inspect tells what the file is", async () => {
    put("m.onnx", good());
    const { code, objects } = await run("inspect", "m.onnx", "--json");
    expect(code).toBe(0);
    expect(objects[0]).toMatchObject({
      command: "inspect",
      graphs: 1,
      nodes: 2,
      inputs: [{ name: "x", dtype: "float32", shape: ["batch", 3] }],
      outputs: [{ name: "y", dtype: "float32", shape: ["batch", 5] }],
      ops: { MatMul: 1, Abs: 1 },
      parameters: 15,
      weightBytes: 60,
    });
    expect(objects[0]!["diagnosis"]).toContain("ONNX");
    expect((await run("inspect", "m.onnx", "--text")).lines.join("\n")).toMatch(/h\s+: .*= MatMul\(x, w/);
  });

  it("goes on where nobody reads what it prints", async () => {
    const child = spawn(process.execPath, [cli, "convert", put("m.onnx", good()), "--out", "web"], { cwd: folder });
    child.stdout.destroy();
    let stderr = "";
    child.stderr.on("data", (data) => {
      stderr += data;
    });
    const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
    expect([code, stderr]).toEqual([0, ""]);
    expect(readdirSync(path.join(folder, "web"))).toContain("model.json");
  });

  it("check says what stands in the way, per op and backend", async () => {
    put("m.onnx", good("FancyNorm"));
    const { code, objects } = await run("check", "m.onnx", "--json");
    expect(code).toBe(1);
    expect(objects[0]).toMatchObject({
      backend: null,
      verdicts: { MatMul: { nodes: 1, verdict: "ready" }, FancyNorm: { nodes: 1, verdict: "unsupported" } },
      ready: [],
    });
    expect(objects[0]!["problems"]).toMatchObject([{ code: "unsupported-op", severity: "error", node: "act", op: "FancyNorm" }]);
    put("ok.onnx", good());
    const fine = await run("check", "ok.onnx", "--backend", "webgpu", "--deep", "--json");
    expect(fine).toMatchObject({ code: 0, objects: [{ backend: "webgpu", ok: true }] });
  });

  it("a broken file is a problem with a place", async () => {
    put("cut.onnx", good().slice(0, 60));
    const { code, objects } = await run("inspect", "cut.onnx", "--json");
    expect(code).toBe(1);
    expect(objects[0]).toMatchObject({ ok: false, problems: [{ severity: "error", offset: expect.any(Number) }] });
  });
});

describe("options", () => {
  it("--input splits at the last colon and takes numbers, ? and symbols", async () => {
    const bytes = onnxModel({
      graph: {
        inputs: [value("x:0", "float32", ["a", "b"])],
        outputs: [value("y", "float32", ["a", "b"])],
        nodes: [node("Neg", ["x:0"], ["y"])],
      },
    });
    put("m.onnx", bytes);
    const shape = async (spec: string) =>
      (await run("convert", "m.onnx", "--out", "out", "--input", spec, "--json")).objects[0]!["inputs"];
    expect(await shape("x:0:2x7")).toEqual([{ name: "x:0", dtype: "float32", shape: [2, 7] }]);
    expect(await shape("x:0:?xwidth")).toEqual([{ name: "x:0", dtype: "float32", shape: [null, "width"] }]);
    expect((await run("convert", "m.onnx", "--out", "out", "--input", "x:0:2x-7")).code).toBe(2);
  });

  it("--bake puts a normalisation in front, which parity knows of", async () => {
    const image = onnxModel({
      graph: {
        inputs: [value("x", "float32", ["n", 3, 5, 7])],
        outputs: [value("y", "float32")],
        nodes: [node("Sin", ["x"], ["y"])],
      },
    });
    put("m.onnx", image);
    expect((await run("convert", "m.onnx", "--out", "out", "--bake", "mean=120,110.5,3,std=58,57,41")).code).toBe(0);
    const map = JSON.parse(readFileSync(path.join(folder, "out/model.map.json"), "utf8"));
    expect(map.baked).toEqual({ input: "x", mean: [120, 110.5, 3], std: [58, 57, 41], axis: 1 });
    const { code, objects } = await run("parity", "m.onnx", "--converted", "out", "--layers", "--json");
    expect(code).toBe(0);
    expect(objects[0]!["outputs"]).toMatchObject([{ name: "y", verdict: "within" }]);
    const misfit = await run("convert", "m.onnx", "--out", "not", "--bake", "mean=1,2", "--json");
    expect(misfit.code).toBe(1);
    expect(misfit.objects[0]!["problems"]).toMatchObject([{ code: "bake" }]);
    expect((await run("convert", "m.onnx", "--out", "not", "--bake", "mean=1,2,std=3,4,5")).code).toBe(2);
  });

  it("--outputs cuts at any value", async () => {
    put("m.onnx", good("FancyNorm"));
    const { code, objects } = await run("convert", "m.onnx", "--out", "out", "--outputs", "h", "--json");
    expect(code).toBe(0);
    expect(objects[0]!["outputs"]).toEqual([{ name: "h", dtype: "float32", shape: ["batch", 5] }]);
  });

  it("--quantize stores the weights that match in fewer bytes", async () => {
    put("m.onnx", good());
    const bytes = async (...kinds: string[]) =>
      (await run("convert", "m.onnx", "--out", "out", ...kinds.flatMap((kind) => ["--quantize", kind]), "--json")).objects[0]![
        "weightBytes"
      ];
    expect(await bytes("uint8")).toBe(15);
    expect(await bytes("float16:w*")).toBe(30);
    expect(await bytes("uint8:other,v?")).toBe(60);
    expect((await run("convert", "m.onnx", "--out", "out", "--quantize", "int3")).code).toBe(2);
  });

  it("--shard-bytes sets the size of weight files", async () => {
    put("m.onnx", good());
    await run("convert", "m.onnx", "--out", "out", "--shard-bytes", "32");
    expect(inOut("out")).toEqual(["group1-shard1of2.bin", "group1-shard2of2.bin", "model.json", "model.map.json"]);
  });
});

describe("parity", () => {
  it("agrees with onnxruntime, layers included, and tells sizes and seed", async () => {
    put("m.onnx", good("Sigmoid"));
    const { code, objects } = await run("parity", "m.onnx", "--layers", "--seed", "7", "--json");
    expect(code).toBe(0);
    expect(objects[0]).toMatchObject({
      backend: "wasm",
      reference: { kind: "onnxruntime" },
      inputs: { seed: 7, dims: { batch: 2 } },
      outputs: [{ name: "y", dtype: "float32", shape: [2, 5] }],
    });
    expect((objects[0]!["layers"] as unknown[]).length).toBeGreaterThan(0);
  });

  it("compares with stored outputs, and finds a difference", async () => {
    put("m.onnx", good("Neg"));
    const x = random(6, 5);
    const y = Float32Array.from(
      { length: 10 },
      (_, i) => -[0, 1, 2].reduce((sum, k) => sum + x[Math.floor(i / 5) * 3 + k]! * w[k * 5 + (i % 5)]!, 0),
    );
    put("data/input_0.pb", writeTensorProto("x", tensorOf("float32", [2, 3], x)));
    put("data/output_0.pb", writeTensorProto("y", tensorOf("float32", [2, 5], y)));
    const same = await run("parity", "m.onnx", "--inputs", "data", "--backend", "cpu", "--json");
    expect(same).toMatchObject({ code: 0, objects: [{ ok: true, backend: "cpu", reference: { kind: "files" } }] });
    y[7]! += 0.01;
    put("data/output_0.pb", writeTensorProto("y", tensorOf("float32", [2, 5], y)));
    const different = await run("parity", "m.onnx", "--inputs", "data", "--json");
    expect(different).toMatchObject({
      code: 1,
      objects: [{ ok: false, outputs: [{ verdict: "different", firstBad: { index: [1, 2] } }] }],
    });
    expect((await run("parity", "m.onnx", "--inputs", "data", "--atol", "0.1")).code).toBe(0);
    expect((await run("parity", "m.onnx", "--inputs", "data", "--reference", "runtime")).code).toBe(0);
  });

  it("checks a conversion that is there", async () => {
    put("m.onnx", good());
    await run("convert", "m.onnx", "--out", "out");
    const shard = path.join(folder, "out/group1-shard1of1.bin");
    expect((await run("parity", "m.onnx", "--converted", "out")).code).toBe(0);
    const bytes = readFileSync(shard);
    bytes.writeFloatLE(9, 0);
    writeFileSync(shard, bytes);
    const { code, objects } = await run("parity", "m.onnx", "--converted", "out", "--layers", "--json");
    expect(code).toBe(1);
    expect(objects[0]).toMatchObject({ ok: false, firstDifference: { verdict: "different" } });
  });
});

describe("bench", () => {
  it.each(["ort", "ort-web"])("times the converted model next to %s", async (against) => {
    put("m.onnx", good());
    const { code, objects } = await run("bench", "m.onnx", "--against", against, "--json");
    expect(code).toBe(0);
    const times = {
      loadMs: expect.any(Number),
      firstMs: expect.any(Number),
      medianMs: expect.any(Number),
      leastMs: expect.any(Number),
    };
    expect(objects[0]).toMatchObject({
      backend: "wasm",
      inputs: { dims: { batch: 2 } },
      tfjs: times,
      ort: times,
      ratio: expect.any(Number),
    });
  });
});

describe("operators of one's own", () => {
  const ops = `export const ops = [{ op: "FancyNorm", run: (tf, [x]) => tf.mul(x, 3) }];`;

  it("are declared in the file that --ops names, for every command", async () => {
    put("m.onnx", good("FancyNorm"));
    put("own/modelwright.ops.mjs", ops);
    const own = ["--ops", "own/modelwright.ops.mjs", "--json"];
    expect((await run("check", "m.onnx", "--json")).code).toBe(1);
    expect((await run("check", "m.onnx", ...own)).code).toBe(0);
    const { code, objects } = await run("convert", "m.onnx", "--out", "out", ...own);
    expect(code).toBe(0);
    expect(objects[0]).toMatchObject({ customOps: ["custom.FancyNorm"] });
    expect(inOut("out")).toContain("custom-ops.mjs");
    const x = random(6, 7);
    const y = Array.from({ length: 10 }, (_, i) =>
      [0, 1, 2].reduce((sum, k) => sum + 3 * x[3 * Math.floor(i / 5) + k]! * w[5 * k + (i % 5)]!, 0),
    );
    put("data/input_0.pb", writeTensorProto("x", tensorOf("float32", [2, 3], x)));
    put("data/output_0.pb", writeTensorProto("y", tensorOf("float32", [2, 5], y)));
    const compared = await run("parity", "m.onnx", "--inputs", "data", ...own);
    expect(compared.objects[0]).toMatchObject({ ok: true, outputs: [{ name: "y", verdict: "within" }] });
  });

  it("are loaded only where they are named", async () => {
    put("m.onnx", good("FancyNorm"));
    put("modelwright.ops.mjs", ops);
    expect((await run("convert", "m.onnx", "--out", "out")).code).toBe(1);
  });

  it("a file that does not load is wrong usage", async () => {
    put("m.onnx", good());
    put("broken.mjs", "export const ops = [;");
    const { code, stderr } = await run("check", "m.onnx", "--ops", "broken.mjs");
    expect([code, stderr.includes("does not load")]).toEqual([2, true]);
  });
});

describe("exit codes", () => {
  it.each<[string[], string]>([
    [[], "no command given"],
    [["transmogrify"], "no such command: transmogrify"],
    [["convert", "m.onnx"], "--out DIR is missing"],
    [["convert", "--out", "out"], "no model given"],
    [["check", "m.onnx", "--backend", "gpu"], "--backend wants one of"],
    [["convert", "m.onnx", "--out", "out", "--to", "onnx", "--opset", "12"], "--opset wants a whole number of at least 13"],
    [["convert", "m.onnx", "--out", "out", "--to", "onnx", "--opset", "27"], "--opset wants 13 to 26"],
    [["convert", "m.onnx", "--out", "a", "--out", "b"], "--out is given more than once: a, b"],
    [["convert", "m.onnx", "--out", ""], "--out DIR is missing"],
    [["parity", "m.onnx", "--seed", "-1"], "--seed wants a whole number of at least 0, not -1"],
    [["convert", "m.onnx", "--out", "out", "--to", "onnx", "--shard-bytes", "32"], "--shard-bytes is for --to tfjs"],
    [["convert", "m.onnx", "--out", "out", "--for", "mlnet"], "--for is for --to onnx, not tfjs"],
    [["convert", "m.onnx", "--out", "out", "--to", "onnx", "--metadata", "note:a.json"], "--metadata is for --to tfjs"],
    [["convert", "m.onnx", "--out", "out", "--to", "tfjs-layers", "--outputs", "y"], "--outputs is for --to tfjs or onnx"],
    [["convert", "m.onnx", "--out", "out", "--to", "tfjs-layers", "--input", "x:2x3"], "--input is for --to tfjs or onnx"],
    [["inspect", "m.onnx", "--nonsense"], "nonsense"],
    [["check", "m.onnx", "--ops", "absent.mjs"], "--ops: no such file: absent.mjs"],
    [["check", "m.onnx", "--ops", "m.onnx"], "--ops wants an ES module"],
  ])("%j is wrong usage", async (args, reason) => {
    put("m.onnx", good());
    const { code, stderr, lines } = await run(...args);
    expect(stderr).toContain(reason);
    expect(code).toBe(2);
    expect(lines).toEqual([]);
  });

  it("a model that is not there is a fault of the model", async () => {
    const { code, objects } = await run("inspect", "absent.onnx", "--json");
    expect(code).toBe(1);
    expect(objects[0]).toMatchObject({ ok: false, problems: [{ code: "file-missing" }] });
  });
});
