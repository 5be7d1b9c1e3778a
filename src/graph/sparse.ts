/** Sparse storage in TACO's levels (see `Sparsity`) written out, zeroes between. */
import { bitsOf } from "../base/dtype.ts";
import { modelError } from "../base/problem.ts";
import { fromRaw } from "./elements.ts";
import type { SourceTensor, Sparsity } from "./source.ts";
import { allocate, elementCount, MAX_DENSE, type Tensor } from "./tensor.ts";

type Level = { readonly size: number } | { readonly segments: Indices; readonly indices: Indices };
type Indices = Int32Array | Uint16Array | Uint8Array;

/** `bytes` are the slices of the tensor end to end: values, then segments and indices level by level. */
export function decodeSparse(stored: SourceTensor, sparsity: Sparsity, bytes: Uint8Array): Tensor {
  const { dtype, shape } = stored;
  const count = elementCount(shape);
  const bits = bitsOf[dtype];
  if (bits === undefined || dtype.startsWith("complex")) throw modelError("bad-tensor", `a sparse tensor of ${dtype}`);
  if (count > MAX_DENSE) throw modelError("too-large", `a sparse tensor of ${count} elements`);
  const { values, levels } = parts(stored, sparsity, bytes);
  const from = fromRaw(dtype, Math.floor((values.length * 8) / bits), values) as Float32Array;
  const data = allocate(dtype, count) as Float32Array;
  const places = strides(shape, sparsity, levels);
  const taken = fill(levels, places, (at, source) => {
    if (at >= count || source >= from.length)
      throw modelError("bad-tensor", `sparse indices past a tensor of ${shape.join("×")}`);
    data[at] = from[source]!;
  });
  if (taken !== from.length) throw modelError("tensor-length", `${from.length} values where the indices name ${taken}`);
  return { dtype, shape, data };
}

function parts(stored: SourceTensor, sparsity: Sparsity, bytes: Uint8Array): { values: Uint8Array; levels: Level[] } {
  let [at, next] = [0, 0];
  const take = (): Uint8Array => {
    const { length } = stored.slices[next++] ?? { length: 0 };
    at += length;
    return bytes.subarray(at - length, at);
  };
  const indices = (type: "int32" | "uint16" | "uint8"): Indices => {
    const run = take();
    return fromRaw(type, run.length, run) as Indices;
  };
  const values = take();
  return {
    values,
    levels: sparsity.levels.map((level) =>
      "size" in level ? level : { segments: indices(level.segments), indices: indices(level.indices) },
    ),
  };
}

/** How far one step at each level moves in the dense tensor. */
function strides(shape: readonly number[], { order, blocks }: Sparsity, levels: readonly Level[]): number[] {
  const rank = shape.length;
  const whole = rank + blocks.length;
  if (
    levels.length !== whole ||
    order.length !== whole ||
    new Set(order).size !== whole ||
    order.some((axis) => axis < 0 || axis >= whole)
  )
    throw modelError("bad-tensor", `a sparse tensor of rank ${rank} in ${levels.length} levels`);
  const own = new Array<number>(rank).fill(1);
  for (let axis = rank - 2; axis >= 0; axis--) own[axis] = own[axis + 1]! * shape[axis + 1]!;
  const inner = blocks.map((axis, i) => {
    const level = levels[order.indexOf(rank + i)]!;
    if (!("size" in level) || own[axis] === undefined) throw modelError("bad-tensor", "a sparse tensor of sparse blocks");
    return level.size;
  });
  return order.map((axis) => {
    if (axis >= rank) return own[blocks[axis - rank]!]!;
    const block = blocks.indexOf(axis);
    return own[axis]! * (block < 0 ? 1 : inner[block]!);
  });
}

/** Calls `visit` with the place of each stored value; gives their number. As deep as the tensor has axes. */
function fill(levels: readonly Level[], places: readonly number[], visit: (at: number, source: number) => void): number {
  let source = 0;
  const descend = (depth: number, parent: number, at: number): void => {
    const level = levels[depth];
    if (!level) visit(at, source++);
    else if ("size" in level)
      for (let i = 0; i < level.size; i++) descend(depth + 1, parent * level.size + i, at + i * places[depth]!);
    else {
      const [from, to] = [level.segments[parent], level.segments[parent + 1]];
      if (from === undefined || to === undefined || from < 0 || to > level.indices.length)
        throw modelError("bad-tensor", `sparse segment ${parent} of ${level.segments.length - 1}`);
      for (let i = from; i < to; i++) descend(depth + 1, i, at + level.indices[i]! * places[depth]!);
    }
  };
  descend(0, 0, 0);
  return source;
}
