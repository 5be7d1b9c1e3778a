/** Matrix products in the form that TF.js runs fast: two axes, nothing transposed at run time. */
import { isStatic, type Value } from "../../graph/graph.ts";
import { elementCount } from "../../graph/tensor.ts";
import type { Builder } from "../../tf/build.ts";
import { any, constant, op } from "../pattern.ts";
import { inverse, transposed } from "../perm.ts";
import { type Rewrite, rewrite } from "../rewrite.ts";

const swapped = (rank: number): number[] => [...Array.from({ length: rank - 2 }, (_, i) => i), rank - 1, rank - 2];

/** A product with the transpose of a constant → a product with the constant transposed once and for all (12 times as fast on wasm). */
export const transposeWeights: Rewrite = rewrite(
  "transpose-weights",
  op(["MatMul", "BatchMatMulV2"], [any("x"), constant("w")], "node"),
  ({ x, w, node }, b, site) => {
    const flag = node.op === "MatMul" ? "transpose_b" : "adj_y";
    if (node.attrs[flag] !== true || site.uses(w) !== 1 || w.dtype.startsWith("complex")) return undefined;
    return b.op(node.op, [x, b.transpose(w, swapped(w.rank))], { ...node.attrs, [flag]: false });
  },
);

/** BatchMatMulV2 of two matrices → MatMul. */
export const plainMatMul: Rewrite = rewrite(
  "batch-matmul-to-matmul",
  op("BatchMatMulV2", [any("x"), any("y")], "node"),
  ({ x, y, node }, b) => {
    if (x.type.shape?.length !== 2 || y.type.shape?.length !== 2 || x.dtype.startsWith("complex")) return undefined;
    return b.op("MatMul", [x, y], { transpose_a: node.attrs["adj_x"] === true, transpose_b: node.attrs["adj_y"] === true });
  },
);

/** [B, S, K] × [K, N] → [B·S, K] × [K, N], reshaped (16 times as fast on wasm). */
export const flattenBatch: Rewrite = rewrite(
  "flatten-matmul-batch",
  op("BatchMatMulV2", [any("x"), constant("w")], "node"),
  ({ x, w, node }, b) => {
    const shape = x.type.shape;
    const [depth, width] = w.staticShape?.length === 2 ? w.staticShape : [];
    if (
      !shape ||
      shape.length < 3 ||
      depth === undefined ||
      width === undefined ||
      node.attrs["adj_x"] === true ||
      node.attrs["adj_y"] === true
    )
      return undefined;
    if (depth === 0 || shape.includes(0)) return undefined;
    const product = b.op("MatMul", [b.reshape(x, [-1, depth]), w], { transpose_a: false, transpose_b: false });
    return b.reshapeTo(
      product,
      [...shape.slice(0, -1), width],
      shape.map((_, axis) => [x, axis]),
    );
  },
);

/** MatMul(Reshape(T(x)), W) → MatMul(Reshape(x), W′): a flattened layout is undone in the rows of the weights. */
export const flattenIntoWeights: Rewrite = rewrite(
  "transpose-into-weights",
  op("MatMul", [op("Reshape", [any("t"), any("s")], "flat"), constant("w")], "node"),
  ({ t, w, flat, node }, b, site) => {
    const found = transposed(t);
    const dims = t.type.shape?.slice(1);
    if (found?.perm[0] !== 0 || !isStatic(dims) || w.staticShape?.length !== 2) return undefined;
    const [depth, width] = w.staticShape as [number, number];
    const plain = node.attrs["transpose_a"] !== true && node.attrs["transpose_b"] !== true;
    const flattens = flat.output.type.shape?.length === 2 && flat.output.type.shape[1] === depth && elementCount(dims) === depth;
    if (!plain || !flattens || site.uses(w) !== 1) return undefined;
    const rows = reordered(b, w, dims, inverse(found.perm), width);
    const x = b.reshape(found.x, [-1, depth]);
    return b.op("MatMul", [x, rows], node.attrs);
  },
);

/** The rows of [dims…, width] put in the order that `back` gives axes 1 and on. */
function reordered(b: Builder, w: Value, dims: readonly number[], back: readonly number[], width: number): Value {
  const perm = [...back.slice(1).map((axis) => axis - 1), dims.length];
  return b.reshape(b.transpose(b.reshape(w, [...dims, width]), perm), [elementCount(dims), width]);
}
