/** Large models made in code for measurements: weights are written in pieces, so that the size is that of the disk and not of memory. */
import { open } from "node:fs/promises";
import { node, onnxModel, type TensorSpec, tensor, value } from "../../test/build/onnx.ts";
import { int, join, message, text, varint } from "../../test/build/protobuf.ts";

/**
 * A chain of `layers` MatMul and Relu pairs, each with a float32 weight of its own, of about `size` bytes in all, as raw_data in the file.
 * Weights are pseudo-random, so that no compressing file system or cache flatters the figures.
 */
export async function writeLargeOnnx(file: string, size: number, layers: number): Promise<void> {
  const side = Math.floor(Math.sqrt(size / layers / 4));
  const rawBytes = side * side * 4;
  const parts = graphParts(side, layers);
  const initializer = (i: number) => {
    const head = join([int(1, side), int(1, side), int(2, 1), text(8, `w${i}`)]);
    const raw = concatHeader(9, rawBytes);
    return { head: join([[varint(5 * 8 + 2), varint(head.length + raw.length + rawBytes), head, raw]]) };
  };
  const heads = Array.from({ length: layers }, (_, i) => initializer(i).head);
  const graphLength = parts.length + heads.reduce((sum, head) => sum + head.length + rawBytes, 0);
  const handle = await open(file, "w");
  try {
    await handle.writeFile(join([int(1, 10), text(2, "modelwright-bench"), message(8, [text(1, ""), int(2, 21)])]));
    await handle.writeFile(concatHeader(7, graphLength));
    await handle.writeFile(parts);
    for (const [i, head] of heads.entries()) {
      await handle.writeFile(head);
      await handle.writeFile(weights(side * side, i));
    }
  } finally {
    await handle.close();
  }
}

const concatHeader = (field: number, length: number): Uint8Array => join([[varint(field * 8 + 2), varint(length)]]);

/** The graph but its initializers: the graph message of a model without them. */
function graphParts(side: number, layers: number): Uint8Array {
  const nodes = Array.from({ length: layers }, (_, i) => [
    node("MatMul", [i === 0 ? "x" : `h${i - 1}`, `w${i}`], [`m${i}`], {}, `layer.${i}/MatMul`),
    node("Relu", [`m${i}`], [i === layers - 1 ? "y" : `h${i}`], {}, `layer.${i}/Relu`),
  ]).flat();
  return graphOf(nodes, side);
}

function graphOf(nodes: ReturnType<typeof node>[], side: number): Uint8Array {
  const shape = ["batch", side];
  const inputs = [value("x", "float32", shape)];
  const outputs = [value("y", "float32", shape)];
  return join([
    ...nodes.map((n) =>
      message(1, [...n.inputs.map((v) => text(1, v)), ...n.outputs.map((v) => text(2, v)), text(3, n.name ?? ""), text(4, n.op)]),
    ),
    text(2, "large"),
    ...inputs.map((v) => message(11, [text(1, v.name), message(2, v.type)])),
    ...outputs.map((v) => message(12, [text(1, v.name), message(2, v.type)])),
  ]);
}

/** Small numbers of both signs. */
function weights(count: number, seed: number): Uint8Array {
  const out = new Float32Array(count);
  let state = (seed * 2654435761 + 1) >>> 0;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    out[i] = (state / 2 ** 32 - 0.5) / 16;
  }
  return new Uint8Array(out.buffer);
}

/**
 * `layers` Gemm nodes with a transposed weight of `side` × `side`, each followed by a BatchNormalization: every weight is moved and scaled
 * when it is written.
 */
export function foldedOnnx(side: number, layers: number): Uint8Array {
  const stored = (name: string, shape: readonly number[], seed: number): TensorSpec => {
    const count = shape.reduce((a, b) => a * b, 1);
    const drawn = new Float32Array(weights(count, seed).buffer);
    return { name, dtype: "float32", shape, data: name.startsWith("var") ? drawn.map((x) => x + 1) : drawn };
  };
  const vectors = ["bias", "scale", "shift", "mean", "var"];
  const each = Array.from({ length: layers }, (_, i) => i);
  return onnxModel({
    graph: {
      inputs: [value("x", "float32", ["batch", side])],
      outputs: [value(`y${layers - 1}`, "float32", ["batch", side])],
      initializers: each.flatMap((i) => [
        stored(`w${i}`, [side, side], i),
        ...vectors.map((name, k) => stored(`${name}${i}`, [side], 100 * k + i)),
      ]),
      nodes: each.flatMap((i) => [
        node("Gemm", [i === 0 ? "x" : `y${i - 1}`, `w${i}`, `bias${i}`], [`g${i}`], { transB: 1 }),
        node("BatchNormalization", [`g${i}`, ...vectors.slice(1).map((name) => name + i)], [`y${i}`]),
      ]),
    },
  });
}

/** A chain of `length` Add nodes, each with a small constant of its own: as long as no recursion over nodes survives. */
export function chainOnnx(length: number): Uint8Array {
  return onnxModel({
    graph: {
      inputs: [value("x", "float32", ["batch", 3])],
      outputs: [value(`h${length - 1}`, "float32", ["batch", 3])],
      initializers: Array.from({ length }, (_, i) => tensor(`c${i}`, "float32", [3], [i % 7, -(i % 5), i % 3])),
      nodes: Array.from({ length }, (_, i) => node("Add", [i === 0 ? "x" : `h${i - 1}`, `c${i}`], [`h${i}`], {}, `add.${i}`)),
    },
  });
}
