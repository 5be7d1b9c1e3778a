/** Writes an ONNX model: the structure from memory, weights one at a time behind lengths that their types tell. */
import type { ByteSink, ByteWriter } from "../../base/bytes.ts";
import { throwIfCancelled } from "../../base/cancel.ts";
import { byteLength } from "../../base/dtype.ts";
import { modelError } from "../../base/problem.ts";
import type { Value } from "../../graph/graph.ts";
import type { OnnxGraph, OnnxModel } from "../../graph/onnx-graph.ts";
import { packTensor } from "../../graph/pack.ts";
import { elementCount, type Tensor } from "../../graph/tensor.ts";
import type { Message } from "../protobuf/write.ts";
import { modelMessage, type Placement, type Placements, type Weight } from "./message.ts";
import { assertSound } from "./sound.ts";

export interface OnnxWriteOptions {
  readonly producer: { readonly name: string; readonly version: string };
  /** `metadata_props`. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Computes a constant; one call at a time. */
  readonly evaluate: (constant: Value) => Promise<Tensor>;
  /** A model of more bytes keeps its weights in a file of their own. Default: what protobuf can hold. */
  readonly externalAbove?: number;
  readonly onWeight?: (written: number, total: number) => void;
  readonly signal?: AbortSignal | undefined;
}

export interface OnnxWritten {
  readonly files: readonly string[];
  /** On disk. */
  readonly weightBytes: number;
}

export const onnxName = "model.onnx";
export const externalName = "model.onnx.data";

/** protobuf's own limit. */
const maxModelBytes = 2 ** 31 - 1;
/** Smaller tensors stay in the model, where shape inference reads them. */
const leastExternal = 1024;
/** Where tensors begin in the external file, so that runtimes can map them (onnx.proto: a multiple of the page size). */
const pageBytes = 4096;

/** Fills the sink and does not commit it. A `ModelError` where a weight cannot be computed or the model is too large for the format. */
export async function writeOnnx(model: OnnxModel, sink: ByteSink, options: OnnxWriteOptions): Promise<OnnxWritten> {
  assertSound(model);
  const { externalAbove = maxModelBytes } = options;
  const weights = new Weights(model.graph, options);
  await weights.loadStrings();
  let message = modelMessage(model, weights.placements(false), options);
  const external = message.size > externalAbove && weights.hasLarge;
  if (external) message = modelMessage(model, weights.placements(true), options);
  if (message.size > maxModelBytes)
    throw modelError("too-large", `the graph without its weights is larger than an ONNX file can be: ${message.size} bytes`);
  await writeModel(message, sink, weights);
  if (external) await weights.writeExternal(sink);
  return { files: external ? [onnxName, externalName] : [onnxName], weightBytes: weights.total };
}

async function writeModel(message: Message<Weight>, sink: ByteSink, weights: Weights): Promise<void> {
  const writer = await sink.create(onnxName);
  for (const piece of message.pieces())
    await writer.write(piece instanceof Uint8Array ? piece : await weights.bytes(piece.later));
  await writer.close();
}

/** The initializers of a graph and its sub-graphs: how long they are and where they go. */
class Weights {
  readonly total: number;
  private readonly all: readonly Weight[];
  private readonly strings = new Map<Weight, readonly Uint8Array[]>();
  private written = 0;

  constructor(
    graph: OnnxGraph,
    private readonly options: OnnxWriteOptions,
  ) {
    this.all = weightsOf(graph);
    this.total = this.all.reduce((sum, each) => sum + (lengthOf(each) ?? 0), 0);
  }

  get hasLarge(): boolean {
    return this.all.some((each) => isLarge(each));
  }

  /** Texts have no length that their type tells, and are kept: a vocabulary is small beside weights. */
  async loadStrings(): Promise<void> {
    for (const each of this.all) {
      if (lengthOf(each) !== undefined) continue;
      const { data } = await this.tensor(each);
      const utf8 = new TextEncoder();
      this.strings.set(
        each,
        (data as string[]).map((text) => utf8.encode(text)),
      );
    }
  }

  placements(external: boolean): Placements {
    const found = new Map<Weight, Placement>();
    let end = 0;
    for (const each of this.all) {
      const strings = this.strings.get(each);
      const length = lengthOf(each) ?? 0;
      if (strings) found.set(each, { kind: "strings", strings });
      else if (external && isLarge(each)) {
        const offset = Math.ceil(end / pageBytes) * pageBytes;
        found.set(each, { kind: "external", location: externalName, offset, length });
        end = offset + length;
      } else found.set(each, { kind: "inline", length });
    }
    return found;
  }

  async writeExternal(sink: ByteSink): Promise<void> {
    const writer = await sink.create(externalName);
    let at = 0;
    for (const [each, place] of this.placements(true)) {
      if (place.kind !== "external") continue;
      await pad(writer, place.offset - at);
      await writer.write(await this.bytes(each));
      at = place.offset + place.length;
    }
    await writer.close();
  }

  async bytes(weight: Weight): Promise<Uint8Array> {
    const { signal, onWeight } = this.options;
    throwIfCancelled(signal);
    const bytes = packTensor(await this.tensor(weight));
    const length = lengthOf(weight)!;
    if (bytes.length !== length) throw new Error(`${bytes.length} bytes of a weight where ${length} were announced`);
    this.written += length;
    onWeight?.(this.written, this.total);
    return bytes;
  }

  private async tensor({ value }: Weight): Promise<Tensor> {
    const tensor = await this.options.evaluate(value);
    if (tensor.dtype !== value.dtype) throw new Error(`a weight announced as ${value.dtype} is ${tensor.dtype}`);
    return tensor;
  }
}

const pad = async (writer: ByteWriter, count: number): Promise<void> => {
  if (count > 0) await writer.write(new Uint8Array(count));
};

/** Bytes of a constant; undefined for texts. */
function lengthOf({ value }: Weight): number | undefined {
  const shape = value.staticShape;
  if (!shape) throw new Error(`a constant of unknown shape: ${value.node.op}`);
  return byteLength(value.dtype, elementCount(shape));
}

/** An initializer that may go into the external file; attributes stay where they are. */
const isLarge = (each: Weight): boolean => "name" in each && (lengthOf(each) ?? 0) >= leastExternal;

/** Initializers and constant attributes of the graph and of all graphs within. */
function weightsOf(top: OnnxGraph): Weight[] {
  const found: Weight[] = [];
  const graphs = [top];
  for (let graph = graphs.shift(); graph; graph = graphs.shift()) {
    for (const each of graph.initializers) found.push(each);
    for (const { attrs } of graph.nodes)
      for (const attr of Object.values(attrs)) {
        if (attr.kind === "graph") graphs.push(attr.value);
        if (attr.kind === "tensor") found.push(attr);
      }
  }
  return found;
}
