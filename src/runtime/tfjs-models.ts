/** Models in TF.js, one backend of it, whatever the backend: the thread's and the page's side of a run. */
import { type GraphModel, loadGraphModel, registerOp } from "@tensorflow/tfjs-converter";
import * as core from "@tensorflow/tfjs-core";
import { modelError } from "../base/problem.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { TfjsModel } from "./tfjs-api.ts";
import { type Signature, specsOf, type TfjsArtifacts } from "./tfjs-artifacts.ts";
import { fromTfjs, toTfjs } from "./tfjs-tensors.ts";

interface Loaded {
  readonly model: GraphModel;
  readonly signature: Signature;
  readonly weights: ReadonlySet<number>;
  /** Names of the main graph's. */
  readonly nodes: ReadonlySet<string>;
  /** Learnt at the first run that TF.js refuses to do synchronously. */
  asynchronous: boolean;
}

export class TfjsModels {
  private readonly models = new Map<number, Loaded>();
  private nextId = 0;

  /** @param broken called for what leaves TF.js unusable; may not return */
  constructor(private readonly broken: (error: unknown) => Promise<void> = async () => {}) {
    // No advice about tfjs-node, no warnings about unneeded executeAsync.
    core.enableProdMode();
  }

  /** Answers TF.js's version; `ModelError` `backend-unavailable` where the backend, registered already, does not start. */
  async start(backend: string): Promise<string> {
    if (!(await core.setBackend(backend).catch(() => false))) {
      throw modelError("backend-unavailable", `the ${backend} backend of TF.js does not start`);
    }
    await core.ready();
    if (backend === "webgpu") guardReads();
    return core.version_core;
  }

  /** @param customOps address of the model's custom-ops.mjs */
  async load({ artifacts, signature }: TfjsArtifacts, customOps: string | undefined): Promise<TfjsModel> {
    if (customOps !== undefined) await this.registerCustomOps(customOps);
    const model = await this.modelFault("load-failed", () => loadGraphModel({ load: async () => artifacts }));
    const weights = new Set(Object.values(model.weights).flatMap((tensors) => tensors.map((tensor) => tensor.id)));
    const id = this.nextId++;
    this.models.set(id, { model, signature, weights, nodes: nodeNames(artifacts.modelTopology), asynchronous: false });
    return { id, inputs: specsOf(signature.inputs), outputs: specsOf(signature.outputs) };
  }

  /** `feeds` by signature name; `fetches` are signature names or `node:port`. Answers in the order of `fetches`. */
  async run(id: number, feeds: Iterable<readonly [string, Tensor]>, fetches: readonly string[]): Promise<Tensor[]> {
    const loaded = this.models.get(id);
    if (!loaded) throw new Error(`no model ${id} here`);
    const inputs = feedTensors(loaded, [...feeds]);
    // A fed or stored tensor may come back as an output: those are not this run's to dispose of, nor twice.
    const keep = new Set([...loaded.weights, ...Object.values(inputs).map((tensor) => tensor.id)]);
    try {
      const names = fetches.map((name) => fetchName(name, loaded));
      if (fetches.length === 0) return [];
      return await this.modelFault("run-failed", async () => {
        const results = await execute(loaded, inputs, names);
        const tensors: Tensor[] = [];
        for (const result of results) tensors.push(await fromTfjs(result));
        for (const result of results) if (!keep.has(result.id)) result.dispose();
        return tensors;
      });
    } finally {
      core.dispose(inputs);
    }
  }

  /** As `run`, over and over; answers milliseconds. */
  async time(
    id: number,
    feeds: Iterable<readonly [string, Tensor]>,
    fetches: readonly string[],
    runs: number,
  ): Promise<number[]> {
    const all = [...feeds];
    const ms: number[] = [];
    for (let i = 0; i < runs; i++) {
      const started = performance.now();
      await this.run(id, all, fetches);
      ms.push(performance.now() - started);
    }
    return ms;
  }

  unload(id: number): void {
    this.models.get(id)?.model.dispose();
    this.models.delete(id);
  }

  private async registerCustomOps(url: string): Promise<void> {
    const module = await this.modelFault(
      "custom-ops-failed",
      async () => (await import(/* @vite-ignore */ url)) as { register?: (tf: object) => void },
    );
    if (typeof module.register !== "function")
      throw modelError("custom-ops-failed", "custom-ops.mjs exports no function register");
    const { register } = module;
    await this.modelFault("custom-ops-failed", async () => register({ ...core, registerOp }));
  }

  /** What TF.js throws is about the model, except where its backend broke down. */
  private async modelFault<T>(code: string, work: () => T | Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      await this.broken(error);
      throw modelError(code, (error as Error).message.split("\n")[0] ?? String(error));
    }
  }
}

function nodeNames(topology: unknown): ReadonlySet<string> {
  const { node } = topology as { readonly node?: readonly { readonly name: string }[] };
  return new Set((node ?? []).map(({ name }) => name));
}

/**
 * TF.js reads computed shapes, axes and indices back at once, which WebGPU can do only through a canvas: in Chromium's software GPU that
 * gives zeros, or ends the GPU process. A model must not run on with wrong shapes, so such a read is an error here. Most shape arithmetic
 * never goes to the GPU.
 */
function guardReads(): void {
  const backend = core.backend() as unknown as WebgpuReads;
  const readSync = backend.readSync.bind(backend);
  backend.readSync = (id) => {
    const held = backend.tensorMap.get(id);
    // What never went to the GPU needs no reading; complex numbers are read part by part.
    if (held?.values || held?.dtype === "string" || held?.dtype === "complex64") return readSync(id);
    throw modelError(
      "gpu-read",
      "the model computes a shape or an index, which is not read back from WebGPU while a model runs",
      {},
      "run on wasm",
    );
  };
}

/** What we use of TF.js's WebGPU backend. */
interface WebgpuReads {
  readSync(id: object): unknown;
  readonly tensorMap: { get(id: object): { readonly values?: unknown; readonly dtype: string } | undefined };
}

function feedTensors({ signature }: Loaded, feeds: readonly (readonly [string, Tensor])[]): Record<string, core.Tensor> {
  for (const [name] of feeds) {
    if (!signature.inputs?.[name]) throw modelError("unknown-input", `the TF.js model has no input ${name}`, { tensor: name });
  }
  const inputs: Record<string, core.Tensor> = {};
  for (const [name, tensor] of feeds) {
    if (core.getBackend() === "webgl" && tensor.dtype === "int32") assertExact(tensor.data as Int32Array, name);
    inputs[name] = toTfjs(tensor);
  }
  return inputs;
}

/** WebGL keeps integers in float32. */
function assertExact(values: Int32Array, name: string): void {
  const lost = values.find((value) => Math.fround(value) !== value);
  if (lost !== undefined)
    throw modelError("int32-inexact", `a value does not fit WebGL's integers: ${lost}`, { tensor: name }, "run on wasm");
}

/**
 * TF.js reads what it is given first as an output of the signature, then as `node:port`. Where a node has that name the tap is meant: an
 * output must not be taken for it. Files written here have no such node (formats/tfjs/names.ts).
 */
function fetchName(name: string, { signature: { outputs = {} }, nodes }: Loaded): string {
  const target = outputs[name]?.name;
  const tapped = /^(.*):\d+$/.exec(name)?.[1];
  if (target === undefined || target === name || tapped === undefined || !nodes.has(tapped)) return name;
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
