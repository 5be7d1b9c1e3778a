/**
 * Entry of the LiteRT process: LiteRT.js, which is made for pages, with the few things it expects of one. It computes on the CPU through
 * XNNPACK, as LiteRT does on phones.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { compileFunction } from "node:vm";
import type { CompiledModel, Tensor as LiteRtTensor } from "@litertjs/core";
import { type DType, isFloat } from "../base/dtype.ts";
import { modelError } from "../base/problem.ts";
import { type Elements, elementCount, type Tensor, tensorOf } from "../graph/tensor.ts";
import { serve } from "../protocol/rpc.ts";
import type { LiteRtApi } from "./litert-api.ts";
import type { ValueSpec } from "./run.ts";

interface Loaded {
  readonly model: CompiledModel;
  readonly file: Uint8Array;
  readonly inputs: readonly ValueSpec[];
  readonly outputs: readonly ValueSpec[];
}

/** The build without relaxed SIMD: Node 20 has none, and its fused products would make results differ from machine to machine. */
const build = "litert_wasm_compat_internal.js";
/** What LiteRT.js passes across its border. */
const isCarried = ({ dtype }: ValueSpec): boolean => dtype === "float32" || dtype === "int32" || dtype === "uint8";

let liteRt: typeof import("@litertjs/core") | undefined;
const models = new Map<number, Loaded>();
let nextId = 0;

const api: LiteRtApi = {
  async start() {
    try {
      const require = createRequire(import.meta.url);
      const folder = dirname(dirname(require.resolve("@litertjs/core")));
      pretendToBeAPage();
      liteRt = await import("@litertjs/core");
      await liteRt.loadLiteRt(join(folder, "wasm", build));
      return (JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version: string }).version;
    } catch (error) {
      throw modelError("reference-unavailable", `LiteRT.js does not load: ${reasonOf(error)}`);
    }
  },

  async load(file, inputs, outputs) {
    if (!liteRt) throw new Error("load before start");
    const same = outputs.find((output) => isCarried(output) && inputs.some(({ name }) => name === output.name));
    // It would hand back memory that nothing has written.
    if (same) throw modelError("not-a-tensor", "an output that is an input", { tensor: same.name });
    let model: CompiledModel;
    try {
      model = await liteRt.loadAndCompile(file, { accelerator: "wasm" });
    } catch (error) {
      throw modelError("reference-refused", `LiteRT refuses the model: ${reasonOf(error)}`);
    }
    const id = nextId++;
    models.set(id, { model, file, inputs, outputs });
    return { id };
  },

  async run(id, feeds) {
    const loaded = models.get(id);
    if (!loaded) throw new Error(`no model ${id} in this process`);
    const { model, file, inputs, outputs } = loaded;
    const details = model.getInputDetails();
    const given = inputs.map(({ name }, i) => {
      const tensor = feeds.get(name);
      if (!tensor) throw modelError("input-missing", `no value for input ${name}`, { tensor: name });
      const wanted = [...details[i]!.shape];
      if (wanted.length !== tensor.shape.length || wanted.some((dim, axis) => dim !== tensor.shape[axis]))
        throw modelError("reference-failed", `LiteRT wants [${wanted}] where [${tensor.shape}] is fed`, { tensor: name });
      return new liteRt!.Tensor(carriedElements(tensor), [...tensor.shape]);
    });
    try {
      const first = await outputsOf(model, given, outputs);
      const unsteady = differing(first, await outputsOf(model, given, outputs));
      // A model with a state gives something else the second time, and the same when it is loaded anew.
      if (unsteady >= 0 && differing(first, await anew(file, given, outputs)) >= 0)
        throw modelError("reference-failed", "LiteRT.js left this value unwritten", { tensor: outputs[unsteady]!.name });
      return first;
    } finally {
      for (const tensor of given) tensor.delete();
    }
  },

  async unload(id) {
    models.get(id)?.model.delete();
    models.delete(id);
  },
};

/** In one of the three types; the copy of the model casts them back. */
function carriedElements({ dtype, data }: Tensor): Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Uint8Array<ArrayBuffer> {
  if (dtype === "uint8") return Uint8Array.from(data as Uint8Array);
  return isFloat(dtype) ? Float32Array.from(data as Float32Array) : Int32Array.from(data as Int32Array, Number);
}

async function outputsOf(model: CompiledModel, given: LiteRtTensor[], outputs: readonly ValueSpec[]): Promise<Tensor[]> {
  let results: LiteRtTensor[];
  try {
    results = await model.run(given);
  } catch (error) {
    throw modelError("reference-failed", `LiteRT fails: ${reasonOf(error)}`);
  }
  return results.map((result, i) => taken(result, outputs[i]!, [...model.getOutputDetails()[i]!.shape]));
}

async function anew(file: Uint8Array, given: LiteRtTensor[], outputs: readonly ValueSpec[]): Promise<Tensor[]> {
  const model = await liteRt!.loadAndCompile(file, { accelerator: "wasm" });
  try {
    return await outputsOf(model, given, outputs);
  } finally {
    model.delete();
  }
}

const differing = (first: readonly Tensor[], second: readonly Tensor[]): number =>
  first.findIndex((tensor, i) => !sameBytes(tensor.data, second[i]!.data));

/** Where it fails without saying so it hands out memory that nobody wrote, which no two runs find the same. */
function sameBytes(a: Elements, b: Elements): boolean {
  const bytes = (data: Elements) => {
    const { buffer, byteOffset, byteLength } = data as Float32Array;
    return new Uint8Array(buffer, byteOffset, byteLength);
  };
  return Buffer.compare(bytes(a), bytes(b)) === 0;
}

function taken(result: LiteRtTensor, { name, dtype: wanted, shape: told }: ValueSpec, shape: readonly number[]): Tensor {
  try {
    // It makes room for what the file says, which here says nothing.
    if (!told) throw modelError("not-a-tensor", "LiteRT.js has no room for a value of unknown rank", { tensor: name });
    const data = result.toTypedArray().slice() as Elements;
    const dtype = dtypeOf(data);
    if (!dtype || elementCount(shape) !== data.length)
      throw modelError("not-a-tensor", "LiteRT.js gives no tensor of known type and size", { tensor: name });
    if (data instanceof Float32Array && isUnwritten(data))
      throw modelError("reference-failed", "LiteRT.js left this value unwritten", { tensor: name });
    const own = wanted === undefined || wanted === dtype || isFloat(dtype);
    return own ? { dtype, shape, data } : tensorOf(wanted, shape, data as Int32Array);
  } finally {
    result.delete();
  }
}

const dtypeOf = (data: Elements): DType | undefined =>
  data instanceof Float32Array
    ? "float32"
    : data instanceof Int32Array
      ? "int32"
      : data instanceof Uint8Array
        ? "uint8"
        : undefined;

/** Pointers and counters look like denormal numbers; no result consists of those. */
function isUnwritten(data: Float32Array): boolean {
  const least = 2 ** -126;
  return data.some((x) => x !== 0) && data.every((x) => Math.abs(x) < least);
}

/** The wasm's script asks for a worker's globals, and to be imported as a script. */
function pretendToBeAPage(): void {
  const scope = globalThis as unknown as Record<string, unknown>;
  scope["self"] = globalThis;
  scope["importScripts"] = (url: string) => {
    const file = url.startsWith("file:") ? fileURLToPath(url) : url;
    const module: { exports: unknown } = { exports: {} };
    const names = ["module", "exports", "require", "__filename", "__dirname"];
    const script = compileFunction(readFileSync(file, "utf8"), names, { filename: file });
    script(module, module.exports, createRequire(file), file, dirname(file));
    const { exports } = module as { exports: { default?: unknown } };
    scope["ModuleFactory"] = exports.default ?? exports;
  };
}

function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return (message.split("\n").find((line) => line.trim()) ?? message).trim();
}

if (!process.send) throw new Error("litert-child runs as a child process");
process.on("disconnect", () => process.exit());
serve<LiteRtApi>(
  {
    post: (message) => process.send!(message),
    listen(listener) {
      process.on("message", listener);
      return () => process.off("message", listener);
    },
  },
  api,
);
