/** What a model does to, or wants of, the image it is fed: normalisation at the head of its graph, and pixels as its metadata tell. */
import { isFloat } from "../base/dtype.ts";
import { ModelError } from "../base/problem.ts";
import { loadTensor } from "./decode.ts";
import {
  nodeLabel,
  type SourceGraph,
  type SourceModel,
  type SourceNode,
  type SourceTensor,
  type TensorNote,
  type ValueId,
} from "./source.ts";
import { elementCount, type ModelFiles, numbersOf } from "./tensor.ts";

export interface Preprocessing {
  readonly input: string;
  /** The graph itself computes (x − mean) / std, or x scaled to a norm, in these nodes: it is fed with pixels as they are. */
  readonly inGraph?: {
    readonly nodes: readonly string[];
    /** One value, or one a channel. */
    readonly mean: readonly number[];
    readonly std: readonly number[];
    readonly norm?: string;
  };
  /** By the source's metadata: what is fed is (pixels − mean) / std. */
  readonly toFeed?: { readonly mean: readonly number[]; readonly std: readonly number[] };
  /** As Windows ML and others write it into the metadata: `Bgr8`, `NominalRange_0_255`, `SRGB`. */
  readonly pixels?: { readonly format?: string; readonly range?: string; readonly gamma?: string };
}

/** Longer heads than this are no preprocessing. */
const MAX_STEPS = 8;
const channelCounts: ReadonlySet<number | string | null> = new Set([1, 3, 4]);
/** Leave every number as it is. */
const passing: ReadonlySet<string> = new Set(["Cast", "Identity", "Transpose"]);

/** Of the inputs that look like images: rank 3 or 4 with 1, 3 or 4 channels first or last. Reads a few constants of as many values. */
export async function findPreprocessing(model: SourceModel, files: ModelFiles): Promise<Preprocessing[]> {
  const main = model.graphs[0];
  if (!main) return [];
  if (model.notes) return model.notes.flatMap((note) => noted(main, note));
  if (model.dialect !== "onnx") return [];
  const images = main.inputs.filter((id) => !main.values[id]!.tensor && isImage(main.values[id]!.type.shape));
  const readers = readersOf(main);
  const pixels = pixelsOf(model.metadata);
  const found: Preprocessing[] = [];
  for (const id of images) {
    const inGraph = await headOf(main, id, readers, files);
    // Metadata name no input: they are of the only one.
    const told = images.length === 1 ? pixels : undefined;
    if (inGraph || told) found.push({ input: main.values[id]!.name, ...(inGraph && { inGraph }), ...(told && { pixels: told }) });
  }
  return found;
}

/** Codes of 8 bits are fed as they are: their own scale is the normalisation. */
function noted({ inputs, values }: SourceGraph, { value, normalization, colours }: TensorNote): Preprocessing[] {
  const { name, type } = values[value]!;
  if (!inputs.includes(value)) return [];
  const toFeed = type.dtype && isFloat(type.dtype) ? normalization : undefined;
  const pixels = colours === undefined ? undefined : { format: colours };
  return toFeed || pixels ? [{ input: name, ...(toFeed && { toFeed }), ...(pixels && { pixels }) }] : [];
}

/** Outputs whose classes are named by a file that is attached to the source. */
export const labelsOf = ({ graphs, notes }: SourceModel): { readonly output: string; readonly file: string }[] =>
  (notes ?? []).flatMap(({ value, labels }) =>
    labels !== undefined && graphs[0]!.outputs.includes(value) ? [{ output: graphs[0]!.values[value]!.name, file: labels }] : [],
  );

function isImage(shape: readonly (number | string | null)[] | undefined): boolean {
  if (!shape || (shape.length !== 3 && shape.length !== 4)) return false;
  return channelCounts.has(shape.at(-3)!) || channelCounts.has(shape.at(-1)!);
}

function pixelsOf(metadata: Readonly<Record<string, string>>): Preprocessing["pixels"] {
  const [format, range, gamma] = ["BitmapPixelFormat", "NominalPixelRange", "ColorSpaceGamma"].map(
    (key) => metadata[`Image.${key}`],
  );
  if (format === undefined && range === undefined && gamma === undefined) return undefined;
  return { ...(format && { format }), ...(range && { range }), ...(gamma && { gamma }) };
}

function readersOf(graph: SourceGraph): Map<ValueId, SourceNode[]> {
  const readers = new Map<ValueId, SourceNode[]>();
  for (const node of graph.nodes)
    for (const id of node.inputs) {
      if (id === undefined) continue;
      const found = readers.get(id);
      if (found) found.push(node);
      else readers.set(id, [node]);
    }
  return readers;
}

/** y = x · scale + offset, one value or one a channel. */
interface Affine {
  readonly scale: readonly number[];
  readonly offset: readonly number[];
}

async function headOf(
  graph: SourceGraph,
  input: ValueId,
  readers: ReadonlyMap<ValueId, readonly SourceNode[]>,
  files: ModelFiles,
): Promise<Preprocessing["inGraph"]> {
  let total: Affine = { scale: [1], offset: [0] };
  let norm: string | undefined;
  const nodes: string[] = [];
  for (let at = input, steps = 0; steps < MAX_STEPS && norm === undefined; steps++) {
    const [node, ...others] = readers.get(at) ?? [];
    const next = node?.outputs[0];
    if (!node || next === undefined || others.length > 0 || graph.outputs.includes(at)) break;
    if (!passing.has(node.op)) {
      if (node.op === "Normalizer") norm = node.attrs["norm"]?.kind === "string" ? node.attrs["norm"].value : "MAX";
      else {
        const step = await affineOf(graph, node, at, files);
        const both = step && compose(total, step);
        if (!both) break;
        total = both;
      }
      nodes.push(nodeLabel(graph, node));
    }
    at = next;
  }
  if (nodes.length === 0) return undefined;
  const { scale, offset } = total;
  const mean = zip(offset, scale, (o, s) => rounded(-o / s));
  const std = scale.map((s) => rounded(1 / s));
  if (norm === undefined && mean.every((each) => each === 0) && std.every((each) => each === 1)) return undefined;
  return {
    nodes,
    mean,
    std,
    ...(norm === undefined ? {} : { norm }),
  };
}

/** float32's digits: 1/255 and back is 255. The sum turns −0 into 0. */
const rounded = (value: number): number => Number(value.toPrecision(6)) + 0;

/** Undefined where the node is no arithmetic with a constant of a few values. */
async function affineOf(graph: SourceGraph, node: SourceNode, x: ValueId, files: ModelFiles): Promise<Affine | undefined> {
  if (node.op === "ImageScaler") {
    const { scale, bias } = node.attrs;
    return { scale: [scale?.kind === "float" ? scale.value : 1], offset: bias?.kind === "floats" ? bias.value : [0] };
  }
  const [first, second] = node.inputs;
  const other = first === x ? second : first;
  const tensor = other === undefined || other === x ? undefined : constantOf(graph, other);
  const c = tensor && (await smallValues(tensor, files));
  if (!c) return undefined;
  const negated = c.map((value) => -value);
  const isFirst = first === x;
  if (node.op === "Add") return { scale: [1], offset: c };
  if (node.op === "Sub") return isFirst ? { scale: [1], offset: negated } : { scale: [-1], offset: c };
  if (node.op === "Mul" && !c.includes(0)) return { scale: c, offset: [0] };
  if (node.op === "Div" && isFirst && !c.includes(0)) return { scale: c.map((value) => 1 / value), offset: [0] };
  return undefined;
}

function constantOf(graph: SourceGraph, id: ValueId): SourceTensor | undefined {
  const { tensor, producer } = graph.values[id]!;
  if (tensor) return tensor;
  const node = producer === undefined ? undefined : graph.nodes[producer];
  const held = node?.op === "Constant" ? node.attrs["value"] : undefined;
  return held?.kind === "tensor" ? held.value : undefined;
}

/** Of one axis at most, which is that of the channels. */
async function smallValues(stored: SourceTensor, files: ModelFiles): Promise<number[] | undefined> {
  if (!channelCounts.has(elementCount(stored.shape)) || !/^(float|u?int)/.test(stored.dtype)) return undefined;
  if (stored.shape.filter((dim) => dim !== 1).length > 1) return undefined;
  try {
    return numbersOf(await loadTensor({ dtype: stored.dtype, shape: stored.shape, stored, files }));
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    return undefined;
  }
}

/** Undefined where one is of 3 channels and the other of 4. */
function compose(inner: Affine, outer: Affine): Affine | undefined {
  const lengths = new Set(
    [inner.scale, inner.offset, outer.scale, outer.offset].map(({ length }) => length).filter((n) => n > 1),
  );
  if (lengths.size > 1) return undefined;
  const offset = zip(inner.offset, outer.scale, (o, s) => o * s);
  return { scale: zip(inner.scale, outer.scale, (a, b) => a * b), offset: zip(offset, outer.offset, (a, b) => a + b) };
}

/** One value stands for every channel. */
function zip(a: readonly number[], b: readonly number[], both: (x: number, y: number) => number): number[] {
  return Array.from({ length: Math.max(a.length, b.length) }, (_, i) =>
    both(a[a.length === 1 ? 0 : i]!, b[b.length === 1 ? 0 : i]!),
  );
}
