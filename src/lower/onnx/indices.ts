/** Index arithmetic that gathers and scatters share. */

import { isInteger } from "../../base/dtype.ts";
import type { Dim, Node, Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { dimsOf } from "../../tf/op.ts";
import { range } from "./axis.ts";

/** Results of these are no index below 0. */
const counted = new Set(["ArgMax", "ArgMin", "Where", "Size", "Shape", "Rank"]);

/** A walk up through what keeps values stops here: a longer chain is taken for unknown. */
const maxSteps = 8;

/** Is every element surely ≥ 0? Then no run-time wrapping is needed. */
function isCounted(value: Value): boolean {
  const dims = dimsOf(value);
  if (dims) return dims.every((dim: Dim) => typeof dim === "string" || (typeof dim === "number" && dim >= 0));
  let node: Node = value.node;
  let port = value.port;
  for (let i = 0; i < maxSteps; i++) {
    if (counted.has(node.op) || (node.op === "TopKV2" && port === 1)) return true;
    const keeps =
      ["Identity", "Reshape", "Squeeze", "ExpandDims", "Transpose"].includes(node.op) ||
      (node.op === "Cast" && isInteger(node.inputs[0]!.dtype));
    if (!keeps) return false;
    port = node.inputs[0]!.port;
    node = node.inputs[0]!.node;
  }
  return false;
}

/** Negative indices counted from the end; `dims` is an int32 vector that broadcasts against them. Constants are changed for good. */
export function wrapIndices(b: Builder, indices: Value, dims: Value): Value {
  if (isCounted(indices)) return indices;
  const size = b.cast(dims, indices.dtype);
  return b.op("SelectV2", [b.op("Less", [indices, b.scalar(indices.dtype, 0)]), b.op("AddV2", [indices, size]), indices]);
}

export const flattenAll = (b: Builder, x: Value): Value => b.reshape(x, [-1]);

/** Dims `from` … `from + count − 1` of `x` as an int32 vector. */
export function dimVector(b: Builder, x: Value, from: number, count: number): Value {
  return b.shapeVector(
    x.shape.slice(from, from + count),
    range(count).map((i) => [x, from + i] as const),
  );
}

/** The sizes of the axes, from `first` on, that the last dim of `indices` has a coordinate for; as many as that is long when it runs. */
export function indexedDims(b: Builder, x: Value, first: number, indices: Value): Value {
  const depth = indices.shape[indices.rank - 1];
  if (typeof depth === "number") return dimVector(b, x, first, depth);
  return b.op("Slice", [b.op("Shape", [x]), b.ints([first]), b.dim(indices, indices.rank - 1)]);
}

/**
 * Of indices along one axis, none negative, places in the flattened data: each index stands at coordinates that are its own but for `axis`.
 * Index and data dims may differ; places are int32, as every tensor that TF.js holds has fewer than 2³¹ elements.
 */
export function flatIndices(b: Builder, x: Value, indices: Value, axis: number): Value {
  const { rank } = x;
  const places = b.cast(indices, "int32");
  const product = (dims: readonly Value[]): Value => dims.reduce((p, dim) => b.op("Mul", [p, dim]), b.ints([1]));
  const stride = (at: number): Value => product(range(rank - at - 1).map((i) => b.dim(x, at + 1 + i)));
  const scaled = (value: Value, at: number): Value => b.op("Mul", [value, stride(at)]);
  // Coordinates of the other axes: small, one axis each, added with broadcasting.
  const base = range(rank)
    .filter((at) => at !== axis && indices.shape[at] !== 1)
    .map((at) => {
      const count = b.reshape(b.dim(indices, at), []);
      const along = b.op("Range", [b.scalar("int32", 0), count, b.scalar("int32", 1)]);
      return b.reshape(
        scaled(along, at),
        range(rank).map((i) => (i === at ? -1 : 1)),
      );
    });
  const sum = base.reduce<Value | undefined>((total, each) => (total ? b.op("AddV2", [total, each]) : each), undefined);
  const own = scaled(places, axis);
  return sum ? b.op("AddV2", [own, sum]) : own;
}
