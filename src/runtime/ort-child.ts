/** Entry of the onnxruntime process: many models one after another. Never part of another process: it is native, and may die. */
import { open } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import type { DType } from "../base/dtype.ts";
import { decodeHalf, encodeHalf } from "../base/half.ts";
import { modelError } from "../base/problem.ts";
import { allocate, type Elements, elementCount, type Tensor } from "../graph/tensor.ts";
import { serve } from "../protocol/rpc.ts";
import { electronHint, isElectron } from "./native-node.ts";
import type { OrtApi } from "./ort-api.ts";
import { tapBytes } from "./ort-tap.ts";
import type { ValueSpec } from "./run.ts";

interface Loaded {
  readonly session: InferenceSession;
  readonly specs: ReadonlyMap<string, ValueSpec>;
}

// Where it exists (Node 24) onnxruntime-node takes float16 tensors for ones of a wrong size.
delete (globalThis as { Float16Array?: unknown }).Float16Array;

/** Nothing that goes wrong in Electron says much of the model. */
const hint = isElectron() ? electronHint : undefined;
/** Only errors: what it prints last explains a crash. */
const LOG_ERRORS = 3;
/** protobuf's own limit; a larger file is no ONNX model. */
const MAX_MODEL_BYTES = 2 ** 31;

/** What both builds have. */
type Ort = Pick<typeof import("onnxruntime-node"), "InferenceSession" | "Tensor" | "env">;
let ort: Ort | undefined;
/** The build for browsers knows no files. */
let fromBytes = false;
const models = new Map<number, Loaded>();
let nextId = 0;

const api: OrtApi = {
  async start(build) {
    const name = `onnxruntime-${build}` as const;
    let loaded: Ort;
    try {
      loaded = build === "web" ? await import("onnxruntime-web") : await import("onnxruntime-node");
    } catch (error) {
      const wayOut = build === "web" ? "npm i onnxruntime-web beside modelwright" : hint;
      throw modelError("reference-unavailable", `${name} does not load: ${reasonOf(error)}`, {}, wayOut);
    }
    if (build === "web") loaded.env.wasm.numThreads = 1;
    fromBytes = build === "web";
    ort = loaded;
    return ort.env.versions[build] ?? ort.env.versions.common;
  },

  async load(path, taps) {
    if (!ort) throw new Error("load before start");
    const options: InferenceSession.SessionOptions = { logSeverityLevel: LOG_ERRORS };
    let session: InferenceSession;
    try {
      session =
        taps.length === 0
          ? await (fromBytes
              ? ort.InferenceSession.create(await withTaps(path, []), options)
              : ort.InferenceSession.create(path, options))
          : await ort.InferenceSession.create(await withTaps(path, taps), {
              ...options,
              graphOptimizationLevel: "disabled",
              // A model from memory has no folder; its external data does.
              extra: { session: { model_external_initializers_file_folder_path: dirname(resolve(path)) } },
            });
    } catch (error) {
      throw modelError("reference-refused", `onnxruntime refuses the model: ${reasonOf(error)}`);
    }
    const inputs = session.inputMetadata.map(specOf);
    const outputs = session.outputMetadata.map(specOf);
    const id = nextId++;
    models.set(id, { session, specs: new Map([...inputs, ...outputs].map((spec) => [spec.name, spec])) });
    return { id, inputs, outputs: outputs.slice(0, outputs.length - taps.length) };
  },

  async run(id, feeds, fetches) {
    const loaded = models.get(id);
    if (!loaded) throw new Error(`no model ${id} in this process`);
    const { session, specs } = loaded;
    for (const name of fetches) {
      if (!specs.has(name))
        throw modelError("unknown-value", `onnxruntime was not asked for this value: ${name}`, { tensor: name });
      if (!specs.get(name)!.dtype) throw modelError("not-a-tensor", "onnxruntime-node gives out tensors only", { tensor: name });
    }
    const inputs: Record<string, OrtTensor> = {};
    for (const [name, tensor] of feeds) {
      if (session.inputNames.includes(name)) inputs[name] = toOrt(tensor);
      else throw modelError("unknown-input", `the model has no input ${name}`, { tensor: name });
    }
    if (fetches.length === 0) return [];
    let results: InferenceSession.OnnxValueMapType;
    try {
      results = await session.run(inputs, [...new Set(fetches)]);
    } catch (error) {
      throw modelError("reference-failed", `onnxruntime fails: ${reasonOf(error)}`, {}, hint);
    }
    return fetches.map((name) => fromOrt(name, results[name]));
  },

  async time(id, feeds, fetches, runs) {
    const ms: number[] = [];
    for (let i = 0; i < runs; i++) {
      const started = performance.now();
      await api.run(id, feeds, fetches);
      ms.push(performance.now() - started);
    }
    return ms;
  },

  async unload(id) {
    await models.get(id)?.session.release();
    models.delete(id);
  },
};

/** The file's bytes with the taps after them, in one buffer. */
async function withTaps(path: string, taps: readonly string[]): Promise<Uint8Array> {
  const tail = tapBytes(taps);
  const file = await open(path);
  try {
    const { size } = await file.stat();
    if (size + tail.length > MAX_MODEL_BYTES) throw new Error(`the file is larger than ${MAX_MODEL_BYTES} bytes: ${size}`);
    const bytes = new Uint8Array(size + tail.length);
    let at = 0;
    while (at < size) {
      const { bytesRead } = await file.read(bytes, at, size - at, at);
      if (bytesRead === 0) throw new Error(`the file shrank while it was read: ${path}`);
      at += bytesRead;
    }
    bytes.set(tail, size);
    return bytes;
  } finally {
    await file.close();
  }
}

function specOf(meta: InferenceSession.ValueMetadata): ValueSpec {
  if (!meta.isTensor) return { name: meta.name, dtype: undefined, shape: undefined };
  return { name: meta.name, dtype: meta.type as DType, shape: meta.shape.map((dim) => (dim === "" ? null : dim)) };
}

function toOrt({ dtype, shape, data }: Tensor): OrtTensor {
  const half = dtype === "float16" ? encodeHalf(data as Float32Array) : undefined;
  return new ort!.Tensor(dtype as "float32", (half ?? data) as Float32Array, [...shape]);
}

function fromOrt(name: string, value: InferenceSession.OnnxValueMapType[string] | undefined): Tensor {
  if (!value) throw modelError("not-a-tensor", "onnxruntime gave nothing for this value", { tensor: name });
  const dtype = value.type as DType;
  const shape = value.dims;
  // An empty tensor may come without any array of its type.
  if (elementCount(shape) === 0) return { dtype, shape, data: allocate(dtype, 0) };
  const data = value.data as Elements;
  return { dtype, shape, data: dtype === "float16" ? decodeHalf(data as Uint16Array) : data };
}

/** The first line, without the place in onnxruntime's own sources that it starts with. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const line = message.split("\n").find((text) => text.trim()) ?? message;
  return line.replace(/^\S+\.(cc|h):\d+ \S.*?\) /, "").trim();
}

if (!process.send) throw new Error("ort-child runs as a child process");
process.on("disconnect", () => process.exit());
serve<OrtApi>(
  {
    post: (message) => process.send!(message),
    listen(listener) {
      process.on("message", listener);
      return () => process.off("message", listener);
    },
  },
  api,
);
