/** Entry of the thread of TF.js's layers: one layers model on cpu, any of its layers' outputs. */
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops.js";
import { parentPort } from "node:worker_threads";
import * as core from "@tensorflow/tfjs-core";
import { type LayersModel, loadLayersModel, model as modelOf, type SymbolicTensor } from "@tensorflow/tfjs-layers";
import { modelError } from "../base/problem.ts";
import { serve } from "../protocol/rpc.ts";
import type { LayersApi, LayerValue } from "./layers-api.ts";
import { fromTfjs, toTfjs } from "./tfjs-tensors.ts";

if (!parentPort) throw new Error("layers-worker runs in a worker thread");
const parent = parentPort;

let loaded: LayersModel | undefined;

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error)).split("\n")[0]!;

function artifactsOf(files: Readonly<Record<string, Uint8Array>>): core.io.ModelArtifacts {
  const json = JSON.parse(new TextDecoder().decode(files["model.json"])) as core.io.ModelJSON;
  const groups = json.weightsManifest ?? [];
  return {
    modelTopology: json.modelTopology,
    weightSpecs: groups.flatMap(({ weights }) => weights),
    weightData: groups.flatMap(({ paths }) => paths).map((name) => files[name]!.slice().buffer),
  };
}

function symbolic(model: LayersModel, [name, call, output]: LayerValue): SymbolicTensor {
  const layer = model.getLayer(name);
  const found = layer.getOutputAt(call);
  const value = Array.isArray(found) ? found[output] : output === 0 ? found : undefined;
  if (!value) throw modelError("unknown-value", `no such output of a layer: ${name}, call ${call}`, { tensor: name });
  return value;
}

const api: LayersApi = {
  async start() {
    core.enableProdMode();
    await core.setBackend("cpu");
    return core.version_core;
  },
  async load(files) {
    try {
      loaded = await loadLayersModel({ load: async () => artifactsOf(files) });
    } catch (error) {
      throw modelError("load-failed", `TF.js's layers do not take this model: ${wordsOf(error)}`);
    }
  },
  async run(feeds, values) {
    if (!loaded) throw new Error("no model is loaded");
    const { inputs } = loaded;
    const outputs = values.map((value) => symbolic(loaded!, value));
    const fed = feeds.map(toTfjs);
    try {
      const tapped = modelOf({ inputs, outputs });
      const results = tapped.predict(fed, { batchSize: fed[0]?.shape[0] ?? 1 });
      const list = Array.isArray(results) ? results : [results];
      const tensors = [];
      for (const each of list) tensors.push(await fromTfjs(each));
      core.dispose(list);
      return tensors;
    } catch (error) {
      throw modelError("reference-failed", `TF.js's layers do not run this model: ${wordsOf(error)}`);
    } finally {
      core.dispose(fed);
    }
  },
};

serve<LayersApi>(
  {
    post: (message) => parent.postMessage(message),
    listen(listener) {
      parent.on("message", listener);
      return () => parent.off("message", listener);
    },
  },
  api,
);
