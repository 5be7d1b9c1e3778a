/** FULLY_CONNECTED: weights [outputs, inputs] over the last axis of a flattened input; BATCH_MATMUL. */
import type { Dim, Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import type { At, Rule } from "../rule.ts";
import { flag, oneOf } from "../schema.ts";
import { activate, fused } from "./activation.ts";
import { weighted } from "./conv.ts";
import { hybridInput, hybridRows, isHybrid } from "./hybrid.ts";
import { linear, transposeWeights } from "./quantized.ts";
import { lite } from "./rule.ts";

/** Rows as long as the weights want them. */
function rows(b: Builder, x: Value, length: Dim, at: At): Value {
  if (x.type.shape?.length === 2 && (x.shape[1] === length || typeof length !== "number")) return x;
  if (typeof length !== "number") throw at.unsupported("weights of unknown size");
  return b.reshape(x, [-1, length]);
}

const product = (b: Builder, x: Value, w: Value, transposed: boolean): Value =>
  b.op("MatMul", [x, w], { transpose_a: false, transpose_b: transposed });

function turned(b: Builder, x: Value): Value {
  const axes = x.shape.map((_, i) => i);
  return b.transpose(x, [...axes.slice(0, -2), ...axes.slice(-2).reverse()]);
}

/** The leading axes of the input, where they are kept. */
function unflatten(b: Builder, y: Value, x: Value): Value {
  if (x.rank === 2) return y;
  const lead = x.shape.slice(0, -1);
  return b.reshapeTo(y, [...lead, y.shape[1]], [...lead.map((_, i) => [x, i] as const), [y, 1]]);
}

const attrs = {
  fused_activation_function: fused,
  weights_format: oneOf("DEFAULT", "SHUFFLED4x16INT8"),
  keep_num_dims: flag(false),
  asymmetric_quantize_inputs: flag(false),
};

export const products: readonly Rule[] = [
  lite("FULLY_CONNECTED", { arity: [2, 3], attrs }, (b, [x, w, bias], a, at) => {
    if (a.weights_format !== "DEFAULT") throw at.unsupported(`weights in the format ${a.weights_format}`);
    const flat = hybridInput(
      b,
      linear(b, x, (part) => rows(b, part, w.shape[1], at)),
      "asymmetric",
      at,
    );
    // Constant weights are turned as they are written; wasm multiplies by turned ones wrongly.
    const { constant } = w.node;
    const weights = constant ? transposeWeights(b, w, [1, 0]) : w;
    const sums = weighted(b, flat, weights, bias, "NONE", (part, by) => product(b, part, by, !constant), at);
    const y = activate(b, sums, a.fused_activation_function);
    return [a.keep_num_dims ? unflatten(b, y, x) : y];
  }),
  lite("BATCH_MATMUL", { arity: [2, 2], attrs: { adj_x: flag(false), adj_y: flag(false) } }, (b, [x, y], a, at) => {
    // The rows that are rounded, each by itself, are those of the matrix as it is multiplied.
    const adj_x = a.adj_x && !isHybrid(at);
    const rows = adj_x ? x : hybridRows(b, a.adj_x ? turned(b, x) : x, at);
    const multiply = (part: Value, by: Value) => b.op("BatchMatMulV2", [part, by], { adj_x, adj_y: a.adj_y });
    // Of one scale the codes are multiplied: onnxruntime would round what stands against dequantised weights once more.
    const isOfOneScale = y.node.op === "Dequantize" && y.node.inputs[1]!.rank === 0;
    return [isHybrid(at) && isOfOneScale ? weighted(b, rows, y, undefined, "NONE", multiply, at) : multiply(rows, y)];
  }),
];
