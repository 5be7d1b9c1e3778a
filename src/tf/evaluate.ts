/** Evaluates constant expressions when they are written or run: one at a time, leaves loaded from disk and dropped again. */
import { throwIfCancelled } from "../base/cancel.ts";
import { ModelError, modelError, type Problem } from "../base/problem.ts";
import { loadTensor, storedBlocks } from "../graph/decode.ts";
import type { Node, Value } from "../graph/graph.ts";
import { topological } from "../graph/order.ts";
import { type Elements, elementCount, isStored, type StoredTensor, type Tensor } from "../graph/tensor.ts";
import { bytesOf } from "./build.ts";
import { opDef } from "./op.ts";

/** No runtime of TF.js holds a tensor of as many bytes; a damaged file asks for them in a few. */
const MAX_CONSTANT = 2 ** 32;

/** The tensor of a constant value. Throws a `ModelError` where a leaf cannot be read or an element does not fit its type. */
export async function evaluate(value: Value): Promise<Tensor> {
  if (!value.node.constant) throw new Error(`${value.node.op} is no constant`);
  const order = topological([value]);
  // Before anything is computed: what doubles again and again reaches the bound late, and with all that the machine has.
  for (const node of order) checkBytes(node);
  const left = new Map<Node, number>([[value.node, 1]]);
  for (const node of order) for (const input of node.inputs) left.set(input.node, (left.get(input.node) ?? 0) + 1);
  const results = new Map<Node, readonly Tensor[]>();
  const own = new OwnElements();
  for (const node of order) {
    const inputs = node.inputs.map((input) => results.get(input.node)![input.port]!);
    const last: Tensor[] = [];
    for (const [i, input] of node.inputs.entries()) {
      const rest = left.get(input.node)! - 1;
      left.set(input.node, rest);
      if (rest > 0) continue;
      results.delete(input.node);
      last.push(inputs[i]!);
    }
    const outputs = node.op === "Const" ? [await content(node)] : folded(node, inputs, own.spare(node, last));
    own.made(node, inputs, outputs);
    results.set(node, outputs);
  }
  return results.get(value.node)![value.port]!;
}

/** The arrays that an evaluation has made and that no other tensor looks into. */
class OwnElements {
  private readonly buffers = new Set<unknown>();

  made({ op, attrs }: Node, inputs: readonly Tensor[], outputs: readonly Tensor[]): void {
    const shared = new Set(inputs.map(bufferOf));
    const isKept = op === "Const" && !isStored(attrs["value"] as Tensor | StoredTensor);
    for (const each of outputs) {
      const buffer = bufferOf(each);
      if (isKept || shared.has(buffer)) this.buffers.delete(buffer);
      else this.buffers.add(buffer);
      shared.add(buffer);
    }
  }

  /**
   * Elements that an elementwise op may write its result over: weights of hundreds of megabytes would be held twice, and the collector
   * takes its time. `last`: inputs that nobody reads after this node.
   */
  spare({ op, outputs }: Node, last: readonly Tensor[]): Elements | undefined {
    if (!opDef(op).elementwise || outputs.length !== 1) return undefined;
    const { dtype, staticShape } = outputs[0]!;
    const found = last.find(
      (each) => each.dtype === dtype && `${each.shape}` === `${staticShape}` && this.buffers.has(bufferOf(each)),
    );
    return found?.data;
  }
}

/** Strings have none, and are never written over. */
const bufferOf = ({ data }: Tensor): unknown => (Array.isArray(data) ? data : data.buffer);

/** The little-endian elements of a large constant that a file holds as they are, in blocks; undefined for what is to be computed. */
export function blocksOf({ node }: Value): AsyncIterable<Uint8Array> | undefined {
  const tensor = node.op === "Const" ? (node.attrs["value"] as Tensor | StoredTensor) : undefined;
  return tensor && isStored(tensor) && elementCount(tensor.shape) > fewElements ? storedBlocks(tensor) : undefined;
}

/** Not worth a stream. */
const fewElements = 2 ** 18;

function checkBytes({ op, outputs }: Node): void {
  if (op === "Const") return;
  for (const { type } of outputs)
    if ((bytesOf(type) ?? 0) > MAX_CONSTANT)
      throw modelError("too-large", `a constant of ${bytesOf(type)} bytes is computed, more than ${MAX_CONSTANT}`);
}

async function content(node: Node): Promise<Tensor> {
  const tensor = node.attrs["value"] as Tensor | StoredTensor;
  return isStored(tensor) ? loadTensor(tensor) : tensor;
}

function folded(node: Node, inputs: readonly Tensor[], spare: Elements | undefined): readonly Tensor[] {
  const { fold } = opDef(node.op);
  if (!fold) throw new Error(`${node.op} is not foldable`);
  return fold(
    inputs,
    node.attrs,
    node.outputs.map((output) => output.type),
    spare,
  );
}

/** The constants that these running nodes read. */
export function constantsIn(nodes: readonly Node[]): Value[] {
  const found = new Set<Value>();
  for (const node of nodes) for (const input of node.inputs) if (input.node.constant) found.add(input);
  return [...found];
}

/** Evaluates each and keeps nothing: the faults that only the weights themselves show. */
export async function evaluateAll(constants: readonly Value[], signal?: AbortSignal): Promise<Problem[]> {
  const problems: Problem[] = [];
  for (const constant of constants) {
    throwIfCancelled(signal);
    try {
      await evaluate(constant);
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
      problems.push(error.problem);
    }
  }
  return problems;
}
