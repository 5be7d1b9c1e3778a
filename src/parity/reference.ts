/** The side that is right by definition: the format's own runtime, or outputs that somebody stored. */
import { modelError } from "../base/problem.ts";
import type { Tensor } from "../graph/tensor.ts";
import { LayersThread } from "../runtime/layers.ts";
import type { LayerValue } from "../runtime/layers-api.ts";
import { LiteRtProcess } from "../runtime/litert.ts";
import type { ValueSpec } from "../runtime/run.ts";
import { openTfjs } from "../runtime/tfjs.ts";
import { OrtSession } from "./ort-session.ts";

export interface Reference {
  /** `modelwright`: our own conversion for another runtime, which proves no more than that the two are consistent. */
  readonly kind: "files" | "onnxruntime" | "litert" | "tfjs" | "tfjs-node" | "tfjs-layers" | "modelwright";
  readonly version?: string;
  /** The values of the source asked for by name, which need not be outputs where the reference can run the model. */
  values(feeds: ReadonlyMap<string, Tensor>, names: readonly string[]): Promise<Map<string, Tensor>>;
  close(): Promise<void>;
}

/** Runs the .onnx file itself. `outputs` are the source's own: with them alone nothing is tapped and the graph runs optimised. */
export async function onnxReference(path: string, outputs: readonly ValueSpec[], signal?: AbortSignal): Promise<Reference> {
  const session = await OrtSession.start(path, signal);
  const own = new Set(outputs.map((output) => output.name));
  const groups = outputs.filter(({ dtype }) => dtype === undefined);
  return {
    kind: "onnxruntime",
    version: session.version,
    async values(feeds, names) {
      const element = names.find((name) => !own.has(name) && groups.some((group) => name.startsWith(`${group.name}_`)));
      if (element !== undefined)
        throw modelError("not-a-tensor", "an element of a sequence, which onnxruntime does not hand out", { tensor: element });
      return session.values(feeds, names, own);
    },
    close: () => session.close(),
  };
}

/** What TF.js's layers need to know of a Keras model. */
export interface LayersSource {
  readonly files: Readonly<Record<string, Uint8Array>>;
  /** Names, in the order of the model's inputs. */
  readonly inputs: readonly string[];
  readonly places: ReadonlyMap<string, LayerValue>;
}

/** Runs the model's layers as TF.js has them; any output of a layer of the main graph can be asked for. */
export async function layersReference({ files, inputs, places }: LayersSource, signal?: AbortSignal): Promise<Reference> {
  const thread = await LayersThread.start(files, signal);
  return {
    kind: "tfjs-layers",
    version: thread.version,
    async values(feeds, names) {
      const wanted = names.map((name) => {
        const place = places.get(name);
        if (!place) throw modelError("unknown-value", "no layer gives this value", { tensor: name });
        return place;
      });
      const fed = inputs.map((name) => {
        const tensor = feeds.get(name);
        if (!tensor) throw modelError("input-missing", "nothing is fed to this input", { tensor: name });
        return tensor;
      });
      const tensors = await thread.run(fed, wanted, signal);
      return new Map(names.map((name, i) => [name, tensors[i]!]));
    },
    close: () => thread.close(),
  };
}

/** Runs a TF.js graph model, the folder of a model.json, as it is. */
export async function tfjsReference(folder: string, signal?: AbortSignal): Promise<Reference> {
  const { inputs, version, run, close } = await openTfjs(folder, { backend: "cpu", signal });
  const known = new Set(inputs.map(({ name }) => name));
  return {
    kind: "tfjs",
    version,
    // Old models have no signature: their inputs are not told, and go by the names of their nodes.
    values: (feeds, names) => run(known.size === 0 ? feeds : new Map([...feeds].filter(([name]) => known.has(name))), names),
    close,
  };
}

/** What LiteRT needs to know of a TFLite model. */
export interface LiteRtSource {
  readonly inputs: readonly ValueSpec[];
  readonly outputs: readonly ValueSpec[];
  /** Any value of the main graph. */
  specOf(name: string): ValueSpec;
  /** A copy of the file that LiteRT.js runs, in which these values, and no others, are outputs; undefined: those that it has. */
  copy(names: readonly string[] | undefined): Promise<Uint8Array>;
}

/** Runs a copy of the .tflite file that gives out the values asked for. */
export async function liteRtReference(source: LiteRtSource, signal?: AbortSignal): Promise<Reference> {
  const { inputs, outputs } = source;
  const process = await LiteRtProcess.start(signal);
  const own = new Set(outputs.map((output) => output.name));
  return {
    kind: "litert",
    version: process.version,
    async values(feeds, names) {
      const taps = names.some((name) => !own.has(name));
      const given = taps ? [...new Set(names)].map((name) => source.specOf(name)) : outputs;
      const file = await source.copy(taps ? given.map(({ name }) => name) : undefined);
      const model = await process.load(file, inputs, given, signal);
      const tensors = await process.run(model, feeds, signal);
      await process.unload(model);
      return new Map(names.map((name) => [name, tensors[given.findIndex((spec) => spec.name === name)]!]));
    },
    close: () => process.close(),
  };
}

/** Stored expected outputs, by name; what was not stored cannot be compared. */
export function storedReference(outputs: ReadonlyMap<string, Tensor>): Reference {
  return {
    kind: "files",
    async values(_feeds, names) {
      const found = new Map<string, Tensor>();
      for (const name of names) {
        const tensor = outputs.get(name);
        if (!tensor) throw modelError("no-reference", "no expected output is stored", { tensor: name });
        found.set(name, tensor);
      }
      return found;
    },
    close: async () => {},
  };
}
