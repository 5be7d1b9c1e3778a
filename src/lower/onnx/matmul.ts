/** Gemm and MatMul. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { type At, type Rule, rule } from "../rule.ts";
import { bool, float } from "../schema.ts";
import { codedProduct } from "./quantized-weights.ts";

/** NumPy's matmul: a vector is a row on the left, a column on the right, and its unit dim goes away again. */
export function matmul(b: Builder, x: Value, y: Value, at: At): Value {
  if (x.rank === 0 || y.rank === 0) throw at.invalid("matrix product of a scalar");
  const left = x.rank === 1 ? b.op("ExpandDims", [x, b.scalar("int32", 0)]) : x;
  const right = y.rank === 1 ? b.op("ExpandDims", [y, b.scalar("int32", 1)]) : y;
  const product = left.rank === 2 && right.rank === 2 ? b.op("MatMul", [left, right]) : b.op("BatchMatMulV2", [left, right]);
  return b.squeeze(product, [...(x.rank === 1 ? [product.rank - 2] : []), ...(y.rank === 1 ? [product.rank - 1] : [])]);
}

export const scaled = (b: Builder, x: Value, factor: number): Value =>
  factor === 1 ? x : b.op("Mul", [x, b.scalar(x.dtype, factor)]);

export interface GemmAttrs {
  readonly alpha: number;
  readonly beta: number;
  readonly transA: boolean;
  readonly transB: boolean;
}

/** alpha·A·B + beta·C. The factors go where a constant can take them. */
export function gemm(b: Builder, x: Value, y: Value, c: Value | undefined, a: GemmAttrs): Value {
  const factors = y.node.constant ? [x, scaled(b, y, a.alpha)] : [x, y];
  const product = b.op("MatMul", factors, { transpose_a: a.transA, transpose_b: a.transB });
  const term = y.node.constant ? product : scaled(b, product, a.alpha);
  if (!c || a.beta === 0) return term;
  const added = scaled(b, c, a.beta);
  const dim = added.shape[0];
  const perColumn = added.rank === 1 && typeof dim === "number" && dim === term.shape[1];
  return b.op(perColumn ? "BiasAdd" : "AddV2", [term, added]);
}

/** Both with weights that may be codes: what is constant has its scales outside. */
function codedMatmul(b: Builder, x: Value, w: Value, at: At): Value {
  if (w.rank < 2) return matmul(b, x, w, at);
  const product = (left: Value, right: Value) => matmul(b, left, right, at);
  const parts = { x, w, bias: undefined, axis: w.rank - 1, mode: at.quantized, after: 0 };
  return codedProduct(b, { ...parts, product, placed: (y) => y });
}

function codedGemm(b: Builder, x: Value, w: Value, c: Value | undefined, a: GemmAttrs, at: At): Value {
  const axis = a.transB ? 0 : 1;
  if (c && (c.rank !== 1 || typeof c.shape[0] !== "number" || c.shape[0] !== w.shape[axis])) return gemm(b, x, w, c, a);
  const product = (left: Value, right: Value, bias: Value | undefined) => gemm(b, left, right, bias, a);
  return codedProduct(b, { x, w, bias: c, axis, mode: at.quantized, after: 0, product, placed: (y) => y });
}

const gemmAttrs = { alpha: float(1), beta: float(1), transA: bool(false), transB: bool(false) };

export const products: readonly Rule[] = [
  rule("MatMul", { since: 1, arity: [2, 2], attrs: {} }, (b, [x, y], _, at) => [codedMatmul(b, x, y, at)]),
  // `broadcast` only told whether C may be broadcast.
  rule("Gemm", { since: 1, arity: [3, 3], attrs: { ...gemmAttrs, broadcast: bool(false) } }, (b, [x, y, c], a, at) => [
    codedGemm(b, x, y, c, a, at),
  ]),
  rule("Gemm", { since: 7, arity: [2, 3], attrs: gemmAttrs }, (b, [x, y, c], a, at) => [codedGemm(b, x, y, c, a, at)]),
];
