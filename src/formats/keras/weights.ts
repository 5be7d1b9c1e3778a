/** Which stored tensors belong to which layer: by group in an .h5 of Keras 1 and 2, by place in an archive of Keras 3, by name in TF.js. */
import type { ByteSource } from "../../base/bytes.ts";
import { ModelError, type Problem, problem } from "../../base/problem.ts";
import type { SourceTensor } from "../../graph/source.ts";
import { type Dataset, find, type Hdf5Object } from "../hdf5/read.ts";
import type { NamedTensor, WeightsOf } from "./architecture.ts";
import type { LayerPlace } from "./layer.ts";

export interface LayerWeights {
  readonly of: WeightsOf;
  readonly problems: readonly Problem[];
  /** Files behind those of the model, by their names. */
  readonly unpacked: readonly ByteSource[];
}

class Found {
  readonly problems: Problem[] = [];
  /** Datasets in chunks, each a file of its own behind the ones that there are. */
  readonly unpacked: ByteSource[] = [];

  constructor(
    private readonly file: number,
    private readonly files: number,
  ) {}

  named(name: string, dataset: Dataset, from: string): NamedTensor[] {
    const tensor = this.tensorOf(dataset, from);
    if (typeof tensor !== "string") return [{ name, tensor }];
    this.problems.push(problem("error", "bad-weight", tensor, { tensor: from }));
    return [];
  }

  /** The dataset as a place in a file; in words why it cannot be one. */
  private tensorOf(dataset: Dataset, from: string): SourceTensor | string {
    const { type, shape, layout } = dataset;
    if (!type.dtype) return "weights that are no numbers";
    const stored = { dtype: type.dtype, shape };
    if (layout.kind === "empty") return { ...stored, slices: [], encoding: "raw-splat" };
    const encoding = type.bigEndian ? "big-endian" : "raw";
    if (layout.kind === "contiguous")
      return { ...stored, slices: [{ file: this.file, offset: layout.offset, length: layout.length }], encoding };
    let source: ByteSource | string;
    try {
      source = dataset.unpacked(from);
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
      source = error.problem.reason;
    }
    if (typeof source === "string") return source;
    const file = this.files + this.unpacked.push(source) - 1;
    return { ...stored, slices: [{ file, offset: 0, length: source.size }], encoding };
  }
}

/** Lists too long for one attribute are cut into several: `weight_names0`, `weight_names1` … */
async function names(group: Hdf5Object, attribute: string): Promise<readonly string[]> {
  const whole = await group.strings(attribute);
  if (whole) return whole;
  const all: string[] = [];
  for (let i = 0; ; i++) {
    const part = await group.strings(`${attribute}${i}`);
    if (!part) return all;
    all.push(...part);
  }
}

/** `group` lists layers, and each layer's group its weights. They are in file `file` of `files` files. */
export async function groupedWeights(group: Hdf5Object, file: number, files: number): Promise<LayerWeights> {
  const found = new Found(file, files);
  const byLayer = new Map<string, readonly NamedTensor[]>();
  for (const layer of await names(group, "layer_names")) {
    const own = await find(group, layer);
    if (!own) continue;
    const tensors: NamedTensor[] = [];
    for (const name of await names(own, "weight_names")) {
      const dataset = (await find(own, name))?.dataset;
      if (dataset) tensors.push(...found.named(name.replace(/:\d+$/, ""), dataset, `${layer}/${name}`));
    }
    byLayer.set(layer, tensors);
  }
  const { problems, unpacked } = found;
  return { of: ({ names: path }) => within(byLayer.get(path[0]!) ?? [], path), problems, unpacked };
}

/** Those of the innermost layer; a group holds the weights of all layers of a model within the model. */
function within(tensors: readonly NamedTensor[], path: readonly string[]): readonly NamedTensor[] {
  if (path.length === 1) return tensors;
  const own = path.at(-1)!;
  // `dense_1/kernel` and, before Keras 2, `dense_1_W`.
  return tensors.filter(
    ({ name }) => name.split("/").slice(0, -1).includes(own) || new RegExp(`(^|/)${escaped(own)}_[A-Za-z]+(_[a-z])?$`).test(name),
  );
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** Layers within a layer, in the order of its weights; others follow by name. */
const parts = ["cell", "forward_layer", "backward_layer", "layer", "query_dense", "key_dense", "value_dense", "output_dense"];
const rank = (name: string): number => {
  const place = parts.indexOf(name.replace(/^_/, ""));
  return place < 0 ? parts.length : place;
};
/** Groups in a layer's group: a cell in a direction of a wrapper. */
const MAX_NESTING = 8;

/** The tree of Keras 3: `layers/dense_1/vars/0`, `layers/bidirectional/forward_layer/cell/vars/2`. */
export async function savedWeights(root: Hdf5Object, file: number, files: number): Promise<LayerWeights> {
  const found = new Found(file, files);
  const byPath = new Map<string, NamedTensor[]>();
  const visit = async (group: Hdf5Object, path: string, depth: number): Promise<void> => {
    const members = [...(await group.members())];
    for (const [name, member] of members) {
      // Some archives were written with the other separator in their names.
      const full = `${path}${name.replaceAll("\\", "/")}`;
      if (member.dataset) byPath.set(full, found.named(full, member.dataset, full));
      else if (depth < 4 * MAX_NESTING) await visit(member, `${full}/`, depth + 1);
    }
  };
  await visit(root, "", 0);
  return {
    of: ({ path }) => inOrder(byPath, [path, `_layer_checkpoint_dependencies/${path.slice(path.lastIndexOf("/") + 1)}`]),
    problems: found.problems,
    unpacked: found.unpacked,
  };
}

function inOrder(byPath: ReadonlyMap<string, readonly NamedTensor[]>, prefixes: readonly string[]): NamedTensor[] {
  for (const prefix of prefixes) {
    const own = [...byPath].filter(
      ([path]) => path.startsWith(`${prefix}/`) && !path.includes("/layers/", prefix.length) && !path.includes("seed_generator"),
    );
    if (own.length === 0) continue;
    const steps = (path: string): readonly string[] =>
      path
        .slice(prefix.length + 1)
        .split("/")
        .filter((step) => step !== "vars");
    own.sort(([a], [b]) => compareSteps(steps(a), steps(b)));
    return own.flatMap(([path, tensors]) => tensors.map(({ tensor }) => ({ name: steps(path).join("/"), tensor })));
  }
  return [];
}

/** Own variables first, by number; then those of its parts. */
function compareSteps(a: readonly string[], b: readonly string[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    if (a[i] === b[i]) continue;
    const [x, y] = [Number(a[i]), Number(b[i])];
    if (!Number.isNaN(x) || !Number.isNaN(y)) return Number.isNaN(x) ? 1 : Number.isNaN(y) ? -1 : x - y;
    return rank(a[i]!) - rank(b[i]!) || (a[i]! < b[i]! ? -1 : 1);
  }
  return a.length - b.length;
}

/** TF.js: `dense_1/kernel`, in the order of the manifest. */
export const listedWeights =
  (weights: ReadonlyMap<string, SourceTensor>): WeightsOf =>
  ({ names: path }: LayerPlace) =>
    [...weights].flatMap(([name, tensor]) => {
      const steps = name.replace(/:\d+$/, "").split("/");
      const at = steps.lastIndexOf(path.at(-1)!, -2);
      return at >= 0 ? [{ name: steps.slice(at + 1).join("/"), tensor }] : [];
    });
