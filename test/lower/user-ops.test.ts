/** Operators that a user declares: docs/custom-ops.md, carried out. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MemorySink } from "../../src/base/memory.ts";
import { check } from "../../src/check.ts";
import { loadUserOps } from "../../src/cli/user-ops.ts";
import { convert } from "../../src/convert.ts";
import { ownOpsFrom } from "../../src/engine/own-ops.ts";
import { type UserOps, userOps } from "../../src/lower/user-ops.ts";
import { TfjsWorker } from "../../src/runtime/tfjs.ts";
import { type AttrValue, float, floats, node, onnxModel, openOnnx, tensor, value } from "../build/onnx.ts";
import { random } from "../build/random.ts";

let folder: string;
let worker: TfjsWorker;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "modelwright-ops-"));
  worker = await TfjsWorker.start("wasm");
});
afterAll(async () => {
  await worker.close();
  await rm(folder, { recursive: true });
});

let count = 0;
async function load(text: string): Promise<UserOps> {
  const file = path.join(folder, `ops${count++}.mjs`);
  await writeFile(file, text);
  return loadUserOps(file);
}

/** The example of the page. */
async function documented(): Promise<UserOps> {
  const page = await readFile(path.resolve(import.meta.dirname, "../../docs/custom-ops.md"), "utf8");
  return load(/```js\n([\s\S]*?)```/.exec(page)![1]!);
}

const x = tensor("x", "float32", [3, 5], random(15, 4));
const scale = tensor("scale", "float32", [5], random(5, 5));

function bend(attrs: Readonly<Record<string, AttrValue>>, op = "Bend", inputs: readonly string[] = ["x", "scale"]): Uint8Array {
  return onnxModel({
    opsets: { "": 17, "com.example": 1 },
    graph: {
      inputs: [value("x", "float32", ["n", 5])],
      outputs: [value("y", "float32", ["n", 5])],
      initializers: [scale],
      nodes: [
        node("Relu", ["x"], ["r"], {}, "act"),
        node(op, inputs, ["b"], attrs, "own", { domain: "com.example" }),
        node("Neg", ["b"], ["y"], {}, "neg"),
      ],
    },
  });
}

async function run(bytes: Uint8Array, own: UserOps): Promise<{ y: number[]; shape: readonly number[]; module: string }> {
  const { model, files } = await openOnnx(bytes);
  const sink = new MemorySink();
  const { problems, customOps } = await convert(model, files, sink, { userOps: own });
  expect(problems).toEqual([]);
  expect(customOps).toHaveLength(1);
  const loaded = await worker.load(sink.files);
  const y = (await worker.run(loaded, new Map([["x", x]]), ["y"])).get("y")!;
  await worker.unload(loaded);
  return {
    y: Array.from(y.data as Float32Array),
    shape: y.shape,
    module: new TextDecoder().decode(sink.files["custom-ops.mjs"]),
  };
}

const numbers = (values: readonly number[]) => values.map((each) => expect.closeTo(each, 5));
const at = (i: number) => [x.data[i] as number, scale.data[i % 5] as number] as const;

describe("operators of a user's own", () => {
  it("the documented example computes what it says, text kept as it is written", async () => {
    const own = await documented();
    const written = await run(bend({ threshold: float(0.125), below: "Divide" }), own);
    expect(written.shape).toEqual([3, 5]);
    expect(written.y).toEqual(
      numbers(Array.from({ length: 15 }, (_, i) => at(i)).map(([v, s]) => (v > 0.125 ? -v * s : -v / s))),
    );
    expect(written.module).toContain("const shaped =");
    const defaults = await run(bend({}), own);
    expect(defaults.y.map((each) => each + 0)).toEqual(
      numbers(Array.from({ length: 15 }, (_, i) => at(i)).map(([v, s]) => (v > 0.5 ? -v * s : 0))),
    );
  });

  it("has left-out inputs, lists, several outputs and promises", async () => {
    const own = await load(`
      export const ops = [{
        domain: "com.example", op: "Mix", attributes: { weights: [1], names: ["none"], exact: false },
        outputs: (inputs, { weights }) => {
          if (inputs[1] !== null || weights.length !== 2) throw new Error("not as the model has it");
          return [inputs[0], { dtype: "int64", shape: [1] }];
        },
        run: async (tf, [x, absent, scale], { weights, names, exact }) =>
          [tf.add(tf.mul(x, weights[0]), tf.mul(scale, absent === undefined && exact && names[1] === "Ünder" ? weights[1] : 0)), tf.tensor1d([1], "int32")],
      }];`);
    const attrs = { weights: floats([2.5, -3]), names: ["a", "Ünder"], exact: 1 };
    const { y } = await run(bend(attrs, "Mix", ["x", "", "scale"]), own);
    expect(y).toEqual(numbers(Array.from({ length: 15 }, (_, i) => at(i)).map(([v, s]) => -(2.5 * v - 3 * s))));
  });

  it("comes before an operator that we know", async () => {
    const own = await load(`export const ops = [{ op: "Neg", run: (tf, [x]) => tf.add(tf.neg(x), 100) }];`);
    const both = { text: own.text, ops: [...own.ops] };
    const { model, files } = await openOnnx(
      onnxModel({
        opsets: { "": 17 },
        graph: {
          inputs: [value("x", "float32", [3, 5])],
          outputs: [value("y", "float32", [3, 5])],
          nodes: [node("Neg", ["x"], ["y"], {}, "neg")],
        },
      }),
    );
    expect((await check(model, files)).verdicts).toEqual({ Neg: { nodes: 1, verdict: "ready" } });
    const sink = new MemorySink();
    expect(await convert(model, files, sink, { userOps: both })).toMatchObject({ ok: true, customOps: ["custom.Neg"] });
  });

  it("without a declaration the refusal names the file", async () => {
    const { model, files } = await openOnnx(bend({}));
    const { problems } = await check(model, files);
    expect(problems[0]).toMatchObject({
      code: "unsupported-op",
      node: "own",
      hint: "Declare it in modelwright.ops.mjs",
    });
  });

  it("faults of the file are told at the node", async () => {
    const cases = [
      [`[{ domain: "com.example", op: "Bend", attributes: { below: 3 }, run() {} }]`, "attribute below is of type string"],
      [
        `[{ domain: "com.example", op: "Bend", outputs() { return [{ dtype: "float33" }]; }, run() {} }]`,
        "no dtype that there is: float33",
      ],
      [
        `[{ domain: "com.example", op: "Bend", outputs() { return [{ dtype: "int8", shape: [-1] }]; }, run() {} }]`,
        "no shape: [-1]",
      ],
      [`[{ domain: "com.example", op: "Bend", outputs() { return []; }, run() {} }]`, "gives no list of types"],
      [`[{ domain: "com.example", op: "Bend", outputs() { throw new Error("my own"); }, run() {} }]`, "throws: my own"],
    ] as const;
    const { model, files } = await openOnnx(bend({ below: "Zero" }));
    for (const [ops, reason] of cases) {
      const { problems } = await check(model, files, { userOps: await load(`export const ops = ${ops};`) });
      expect(problems[0]).toMatchObject({ code: "unsupported", graph: "main", node: "own" });
      expect(problems[0]!.reason).toContain(reason);
    }
  });

  it("another type than was told is an error when the model runs", async () => {
    const own = await load(`export const ops = [{ domain: "com.example", op: "Bend", run: (tf, [x]) => tf.cast(x, "int32") }];`);
    await expect(run(bend({}), own)).rejects.toThrow("custom.com.example.Bend gives int32, where float32 is told");
  });
});

describe("the file", () => {
  it.each([
    [`import { a } from "./a.mjs";\nexport const ops = [];`, "imports another file"],
    ["export function register() {}\nexport const ops = [];", "register"],
    ["export default [];", "exports no list"],
    ["export const ops = [{ run() {} }];", "entry 0 of ops has no op"],
    [`export const ops = [{ op: "A" }];`, "has no function run: A"],
    [`export const ops = [{ op: "A", attributes: { a: null }, run() {} }];`, "without a default that tells its type: a"],
    [`export const ops = [{ op: "A", run() {} }, { op: "A", run() {} }];`, "two entries of ops are for custom.A"],
  ])("%s", (text, reason) => {
    const exported = /ops = (\[.*\]);/.exec(text)?.[1];
    const ops: unknown = exported === undefined ? undefined : new Function(`return ${exported}`)();
    expect(() => userOps(text, ops)).toThrow(reason);
  });

  it("that does not load says why", async () => {
    await expect(load("export const ops = [;")).rejects.toMatchObject({ problem: { code: "bad-ops-file" } });
  });

  it("is not loaded in an untrusted workspace", async () => {
    const file = path.join(folder, "untrusted.mjs");
    await writeFile(file, "globalThis.ranUntrusted = true; export const ops = [];");
    await expect(ownOpsFrom({ path: file, trusted: false })).rejects.toMatchObject({ problem: { code: "untrusted-ops" } });
    expect("ranUntrusted" in globalThis).toBe(false);
    expect(await ownOpsFrom({ path: file, trusted: true })).toMatchObject({ ops: [] });
    expect("ranUntrusted" in globalThis).toBe(true);
  });
});
