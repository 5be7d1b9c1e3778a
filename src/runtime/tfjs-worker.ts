/** Entry of the TF.js thread: one backend, many models one after another. */
import { fileURLToPath } from "node:url";
import { parentPort } from "node:worker_threads";
import { type GraphModel, loadGraphModel, registerOp } from "@tensorflow/tfjs-converter";
import * as core from "@tensorflow/tfjs-core";
import { modelError } from "../base/problem.ts";
import type { Tensor } from "../graph/tensor.ts";
import { serve } from "../protocol/rpc.ts";
import type { TfjsApi, TfjsBackend } from "./tfjs-api.ts";
import { readTfjsFiles, type Signature, specsOf } from "./tfjs-files.ts";
import { fromTfjs, toTfjs } from "./tfjs-tensors.ts";

interface Loaded {
  readonly model: GraphModel;
  readonly signature: Signature;
  readonly weights: ReadonlySet<number>;
  /** Learnt at the first run that TF.js refuses to do synchronously. */
  asynchronous: boolean;
}

if (!parentPort) throw new Error("tfjs-worker runs in a worker thread");
const parent = parentPort;
const models = new Map<number, Loaded>();
let nextId = 0;
// No advice about tfjs-node, no warnings about unneeded executeAsync.
core.enableProdMode();

const api: TfjsApi = {
  async start(backend) {
    await importBackend(backend);
    if (!(await core.setBackend(backend).catch(() => false))) {
      throw modelError("backend-unavailable", `the ${backend} backend of TF.js does not start`);
    }
    await core.ready();
    return core.version_core;
  },

  async load(files) {
    const { artifacts, signature, customOps } = await readTfjsFiles(files);
    if (customOps) await registerCustomOps(customOps);
    const model = await modelFault("load-failed", () => loadGraphModel({ load: async () => artifacts }));
    const weights = new Set(Object.values(model.weights).flatMap((tensors) => tensors.map((tensor) => tensor.id)));
    const id = nextId++;
    models.set(id, { model, signature, weights, asynchronous: false });
    return { id, inputs: specsOf(signature.inputs), outputs: specsOf(signature.outputs) };
  },

  async run(id, feeds, fetches) {
    const loaded = models.get(id);
    if (!loaded) throw new Error(`no model ${id} in this thread`);
    const inputs = feedTensors(loaded, feeds);
    // A fed or stored tensor may come back as an output: those are not this run's to dispose of, nor twice.
    const keep = new Set([...loaded.weights, ...Object.values(inputs).map((tensor) => tensor.id)]);
    try {
      const names = fetches.map((name) => fetchName(name, loaded.signature));
      const results = fetches.length === 0 ? [] : await modelFault("run-failed", () => execute(loaded, inputs, names));
      const tensors = results.map(fromTfjs);
      for (const result of results) if (!keep.has(result.id)) result.dispose();
      return tensors;
    } finally {
      core.dispose(inputs);
    }
  },

  async unload(id) {
    models.get(id)?.model.dispose();
    models.delete(id);
  },

  held: async () => core.memory().numTensors,
};

async function importBackend(backend: TfjsBackend): Promise<void> {
  if (backend === "cpu") {
    await import("@tensorflow/tfjs-backend-cpu");
    return;
  }
  const wasm = await import("@tensorflow/tfjs-backend-wasm");
  // The build copies the binaries beside this script.
  wasm.setWasmPaths(fileURLToPath(new URL("./", import.meta.url)));
}

async function registerCustomOps(url: string): Promise<void> {
  const module = await modelFault("custom-ops-failed", async () => (await import(url)) as { register?: (tf: object) => void });
  if (typeof module.register !== "function") throw modelError("custom-ops-failed", "custom-ops.mjs exports no function register");
  const { register } = module;
  await modelFault("custom-ops-failed", async () => register({ ...core, registerOp }));
}

function feedTensors({ signature }: Loaded, feeds: ReadonlyMap<string, Tensor>): Record<string, core.Tensor> {
  for (const name of feeds.keys()) {
    if (!signature.inputs?.[name]) throw modelError("unknown-input", `the TF.js model has no input ${name}`, { tensor: name });
  }
  const inputs: Record<string, core.Tensor> = {};
  for (const [name, tensor] of feeds) inputs[name] = toTfjs(tensor);
  return inputs;
}

/** TF.js reads what it is given first as an output of the signature, then as `node:port`: a tap must not be taken for an output. */
function fetchName(name: string, { outputs = {} }: Signature): string {
  const target = outputs[name]?.name;
  const isTap = /:\d+$/.test(name);
  if (target === undefined || target === name || !isTap) return name;
  const bare = name.replace(/:0$/, "");
  if (bare === name || bare in outputs) throw modelError("unreachable-value", `${name} is also the name of an output`);
  return bare;
}

const wantsAsync = /use model\.executeAsync\(\) instead/;

async function execute(loaded: Loaded, inputs: core.NamedTensorMap, names: string[]): Promise<core.Tensor[]> {
  if (!loaded.asynchronous) {
    try {
      return listOf(loaded.model.execute(inputs, names));
    } catch (error) {
      // Dynamic shapes, control flow, asynchronous custom ops: TF.js says so before it has run anything that counts.
      if (!wantsAsync.test((error as Error).message)) throw error;
      loaded.asynchronous = true;
    }
  }
  return listOf(await loaded.model.executeAsync(inputs, names));
}

const listOf = (result: core.Tensor | core.Tensor[]): core.Tensor[] => (Array.isArray(result) ? result : [result]);

/** What TF.js throws is about the model, except where wasm itself broke down: after that the thread must go. */
async function modelFault<T>(code: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) {
      // No answer: the exception ends the thread, and its message is what the caller is told.
      await new Promise<never>(() =>
        setImmediate(() => {
          throw error;
        }),
      );
    }
    throw modelError(code, (error as Error).message.split("\n")[0] ?? String(error));
  }
}

/** Results are moved, not copied. */
function buffersOf(message: unknown): ArrayBuffer[] {
  const { ok } = message as { ok?: unknown };
  if (!Array.isArray(ok)) return [];
  return ok.flatMap(({ data }: Tensor) => (ArrayBuffer.isView(data) ? [data.buffer as ArrayBuffer] : []));
}

serve<TfjsApi>(
  {
    post: (message) => parent.postMessage(message, buffersOf(message)),
    listen(listener) {
      parent.on("message", listener);
      return () => parent.off("message", listener);
    },
  },
  api,
);
