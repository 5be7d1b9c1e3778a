/** Keras models made in code, as .h5 files of Keras 2: layers with their weights, one after the other or as a graph. */
import { zipSync } from "fflate";
import { hdf5 } from "./hdf5.ts";
import { random } from "./random.ts";

export interface KerasLayer {
  readonly op: string;
  readonly config?: Readonly<Record<string, unknown>>;
  /** Shapes by name, in Keras's order. */
  readonly weights?: Readonly<Record<string, readonly number[]>>;
}

export const numbers = (shape: readonly number[], seed: number) => ({
  shape,
  data: random(
    shape.reduce((count, dim) => count * dim, 1),
    seed,
  ).map((value) => value * 0.4),
});

/** Variances and scales must be positive. */
const positive = /variance|gamma/;

export const layerName = (layer: KerasLayer, i: number): string => `${layer.op.toLowerCase()}_${i + 1}`;

/** The layers' weights as the file's `model_weights`. */
export function weightGroups(layers: readonly KerasLayer[], version = "2.15.0") {
  const groups = layers.map((layer, i) => {
    const name = layerName(layer, i);
    const entries = Object.entries(layer.weights ?? {}).map(([weight, shape], k) => {
      const { data } = numbers(shape, 10 * i + k + 1);
      return [weight, { shape, data: positive.test(weight) ? data.map((x) => Math.abs(x) + 0.5) : data }] as const;
    });
    const members = Object.fromEntries(entries.map(([weight, tensor]) => [`${weight.replace("/", "_")}:0`, tensor]));
    // Named as h5py nests them: `dense_1/kernel:0` is a group and a dataset in it.
    const nested = { members: { [name]: { members } } };
    return [
      name,
      { ...nested, attributes: { weight_names: entries.map(([weight]) => `${name}/${weight.replace("/", "_")}:0`) } },
    ] as const;
  });
  return {
    attributes: { layer_names: groups.map(([name]) => name), keras_version: version },
    members: Object.fromEntries(groups),
  };
}

/** `input` is the shape of a sample, null for what is not known. */
export const sequential = (input: readonly (number | null)[], layers: readonly KerasLayer[]): Uint8Array =>
  kerasFile(sequentialConfig(input, layers), layers);

export function sequentialConfig(input: readonly (number | null)[], layers: readonly KerasLayer[]) {
  const list = layers.map((layer, i) => ({
    class_name: layer.op,
    config: { name: layerName(layer, i), ...(i === 0 && { batch_input_shape: [null, ...input] }), ...layer.config },
  }));
  return { class_name: "Sequential", config: { name: "sequential", layers: list } };
}

/** Weights alone, as `model.save_weights` writes them. */
export const kerasWeights = (layers: readonly KerasLayer[]): Uint8Array => hdf5(weightGroups(layers));

export function kerasFile(config: object, layers: readonly KerasLayer[]): Uint8Array {
  return hdf5({
    attributes: { model_config: JSON.stringify(config), keras_version: "2.15.0", backend: "tensorflow" },
    members: { model_weights: weightGroups(layers) },
  });
}

/** Layers in a row as Keras 3 archives them: weights by place, `layers/dense_1/vars/0`. */
export function kerasArchive(input: readonly (number | null)[], layers: readonly KerasLayer[]): Uint8Array {
  const json = (value: object) => new TextEncoder().encode(JSON.stringify(value));
  const seen = new Map<string, number>();
  const groups = layers.map(({ op, weights = {} }, i) => {
    const kind = op.toLowerCase();
    const nth = seen.get(kind) ?? 0;
    seen.set(kind, nth + 1);
    const vars = Object.values(weights).map((shape, k) => [String(k), numbers(shape, 10 * i + k + 1)] as const);
    return [nth === 0 ? kind : `${kind}_${nth}`, { members: { vars: { members: Object.fromEntries(vars) } } }] as const;
  });
  return zipSync({
    "metadata.json": json({ keras_version: "3.4.1" }),
    "config.json": json(sequentialConfig(input, layers)),
    "model.weights.h5": [hdf5({ members: { layers: { members: Object.fromEntries(groups) } } }), { level: 0 }],
  });
}
