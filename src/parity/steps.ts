/**
 * How far values of a quantised ONNX model may be apart. Rounding to codes makes a whole step of the least difference where two sums lie on
 * both sides of a tie, and what is computed of such a step differs in consequence. A value gets the room that one step gives it and no more:
 * codes one step, what is dequantised or quantised next one scale, other values behind a rounding its precision. What no rounding lies before
 * gets none.
 */
import { bitsOf, isInteger } from "../base/dtype.ts";
import { prefetch } from "../graph/decode.ts";
import type { SourceGraph, SourceModel, SourceNode, SourceTensor, ValueId } from "../graph/source.ts";
import { elementCount, type ModelFiles, numbersOf, type Tensor } from "../graph/tensor.ts";
import { type CompareOptions, type Comparison, compare } from "./compare.ts";
import type { Tolerance } from "./tolerance.ts";

export interface Room {
  /** For integers. */
  readonly steps?: number;
  /** For floats: what a step of their codes stands for. */
  readonly scale?: number;
  /** Of the greatest |reference|, where no scale is known. */
  readonly share?: number;
  /** Integers that are sums of codes have the share too. */
  readonly sums?: true;
}

/** Ops of ONNX and com.microsoft that round what they compute to codes, or their inputs before it. */
const rounds = /^(QuantizeLinear|DynamicQuantizeLinear|QLinear\w+|QGemm|DynamicQuantize(MatMul|LSTM)|QAttention)$/;
const sums = /^(MatMulInteger\w*|ConvInteger)$/;
/** Ops of one input that hand on how far it is off, and no more. */
const handsOn = new Set(
  "Identity Transpose Reshape Squeeze Unsqueeze Flatten Slice Relu Clip MaxPool GlobalMaxPool DepthToSpace SpaceToDepth".split(
    " ",
  ),
);
const isOwn = ({ domain }: SourceNode): boolean => domain === "" || domain === "ai.onnx" || domain === "com.microsoft";

/** A step of 8 bits, of the greatest number that codes stand for. */
const byteStep = 1 / 255;

/** By value name; empty for other formats, whose quantised values say so themselves. */
export async function roomOf(
  { dialect, graphs }: SourceModel,
  files: ModelFiles | undefined,
): Promise<ReadonlyMap<string, Room>> {
  const [main] = graphs;
  if (dialect !== "onnx" || !main || !main.nodes.some((node) => isOwn(node) && rounds.test(node.op))) return new Map();
  const rooms = behindRoundings(main);
  const scaleOf = await scales(main, files);
  for (const node of main.nodes) if (isOwn(node)) giveScale(main, node, scaleOf(node.inputs[1]), rooms);
  return new Map([...rooms].map(([id, room]) => [main.values[id]!.name, room]));
}

/** Every value that a rounding lies before, its own result included. */
function behindRoundings(graph: SourceGraph): Map<ValueId, Room> {
  const readers = new Map<ValueId, SourceNode[]>();
  for (const node of graph.nodes)
    for (const input of [...node.inputs, ...node.captures])
      if (input !== undefined) {
        const known = readers.get(input);
        if (known) known.push(node);
        else readers.set(input, [node]);
      }
  const rooms = new Map<ValueId, Room>();
  for (const node of graph.nodes) {
    if (!isOwn(node) || !rounds.test(node.op) || isWide(graph, node)) continue;
    // The scale that is found for an input is found before it is rounded.
    const made = node.op === "DynamicQuantizeLinear" ? [node.outputs[0], node.outputs[2]] : node.outputs;
    for (const id of made) if (id !== undefined) rooms.set(id, { steps: 1, share: byteStep });
  }
  // A Map grows while it is walked: this is the queue.
  for (const [id, room] of rooms)
    for (const node of readers.get(id) ?? []) {
      const next = handsOn.has(node.op) ? room : { share: byteStep, ...(sums.test(node.op) && { sums: true as const }) };
      for (const output of node.outputs) if (output !== undefined && !rooms.has(output)) rooms.set(output, next);
    }
  return rooms;
}

/** Steps of 16 bits are finer than the tolerance of floats. */
function isWide(graph: SourceGraph, { outputs }: SourceNode): boolean {
  const dtype = outputs[0] === undefined ? undefined : graph.values[outputs[0]]?.type.dtype;
  return dtype !== undefined && isInteger(dtype) && bitsOf[dtype]! > 8;
}

/** What is dequantised, and what is quantised next, has the step of that scale; so has what hands it on. */
function giveScale(graph: SourceGraph, node: SourceNode, scale: number | undefined, rooms: Map<ValueId, Room>): void {
  const decoded = node.op === "DequantizeLinear" ? node.outputs[0] : undefined;
  let id = node.op === "QuantizeLinear" ? node.inputs[0] : decoded;
  const seen = new Set<ValueId>();
  while (scale !== undefined && id !== undefined && rooms.has(id) && !seen.has(id)) {
    seen.add(id);
    rooms.set(id, { scale: Math.max(scale, rooms.get(id)!.scale ?? 0) });
    const producer: number | undefined = graph.values[id]!.producer;
    const maker = producer === undefined ? undefined : graph.nodes[producer];
    id = decoded === undefined && maker && handsOn.has(maker.op) ? maker.inputs[0] : undefined;
  }
}

/** The greatest of the scales that a value holds. */
async function scales(graph: SourceGraph, files: ModelFiles | undefined) {
  const stored = new Map<ValueId, SourceTensor>();
  for (const { op, inputs } of graph.nodes) {
    const id = /^(Quantize|Dequantize)Linear$/.test(op) ? inputs[1] : undefined;
    const tensor = id === undefined ? undefined : graph.values[id]?.tensor;
    if (id !== undefined && tensor) stored.set(id, tensor);
  }
  const wanted = files ? [...stored.values()].map((each) => ({ dtype: each.dtype, shape: each.shape, stored: each, files })) : [];
  const loaded = await prefetch(wanted);
  return (id: ValueId | undefined): number | undefined => {
    const tensor = id === undefined ? undefined : loaded.get(stored.get(id)!);
    return tensor && elementCount(tensor.shape) > 0 ? Math.max(...numbersOf(tensor).map(Math.abs)) : undefined;
  };
}

const inRoom = "within what a step of the rounding before it makes";

/** As `compare`; where that finds a difference, with the room that the value has, which the note then tells. */
export function compareWithin(reference: Tensor, other: Tensor, options: CompareOptions, room: Room | undefined): Comparison {
  const strict = compare(reference, other, options);
  if (!room || strict.verdict !== "different" || !strict.firstBad) return strict;
  const loose = compare(reference, other, { ...options, tolerance: widened(options.tolerance, room, reference) });
  if (loose.verdict === "different") return strict;
  return { ...loose, note: loose.note ? `${loose.note}; ${inRoom}` : inRoom };
}

function widened(
  { atol, rtol, steps }: Tolerance,
  { scale = 0, share = 0, steps: codes = 0, sums }: Room,
  { data }: Tensor,
): Tolerance {
  let greatest = 0;
  if (sums && !Array.isArray(data)) for (const each of data) greatest = Math.max(greatest, Math.abs(Number(each)));
  return { atol: atol + scale, rtol: Math.max(rtol, share), steps: Math.max(steps, codes, Math.floor(greatest * share)) };
}
