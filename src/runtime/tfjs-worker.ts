/** Entry of the TF.js thread: one backend, many models one after another. */
import { fileURLToPath } from "node:url";
import { parentPort } from "node:worker_threads";
import { memory } from "@tensorflow/tfjs-core";
import type { Tensor } from "../graph/tensor.ts";
import { serve } from "../protocol/rpc.ts";
import type { TfjsApi, TfjsBackend } from "./tfjs-api.ts";
import { readTfjsFiles } from "./tfjs-files.ts";
import { TfjsModels } from "./tfjs-models.ts";

if (!parentPort) throw new Error("tfjs-worker runs in a worker thread");
const parent = parentPort;
/** Where wasm itself breaks down the thread must go. No answer: the exception ends it, and its message is what the caller is told. */
const models = new TfjsModels((error) =>
  error instanceof WebAssembly.RuntimeError
    ? new Promise<never>(() =>
        setImmediate(() => {
          throw error;
        }),
      )
    : Promise.resolve(),
);

const api: TfjsApi = {
  async start(backend) {
    await importBackend(backend);
    return models.start(backend);
  },
  async load(files) {
    const { customOps, ...model } = await readTfjsFiles(files);
    return models.load(model, customOps);
  },
  run: (id, feeds, fetches) => models.run(id, feeds, fetches),
  time: (id, feeds, fetches, runs) => models.time(id, feeds, fetches, runs),
  unload: async (id) => models.unload(id),
  held: async () => memory().numTensors,
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
