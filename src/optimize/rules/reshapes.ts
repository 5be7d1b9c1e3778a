/** Reshapes, Squeezes and ExpandDims: merged, made static, dropped where they change nothing. */

import { isFloat } from "../../base/dtype.ts";
import type { Shape, Value } from "../../graph/graph.ts";
import { knownDims } from "../constants.ts";
import { isElementwise } from "../elementwise.ts";
import { linearOf } from "../linear.ts";
import { isReshape, keepsOrder, openDims, reshapes } from "../reshape.ts";
import { everywhere, type Rewrite, rewriteAt } from "../rewrite.ts";

/** Shapes of one tensor's elements that must be equal: all dims known alike, but for at most one that is then what is left. */
function sameView(a: Shape | undefined, b: Shape | undefined): boolean {
  if (!a || !b || a.length !== b.length) return false;
  let unknown = 0;
  for (const [i, dim] of a.entries()) {
    if (dim !== b[i]) return false;
    if (dim === undefined) unknown++;
    if (dim === 0) return false;
  }
  return unknown <= 1;
}

/** Reshape(x) to the shape that x has → x. */
export const dropReshape: Rewrite = everywhere(
  rewriteAt("drop-reshape", reshapes, (node) => {
    const [x] = node.inputs;
    return sameView(x!.type.shape, node.outputs[0]!.type.shape) ? [x!] : undefined;
  }),
);

/** Reshape(Squeeze(x)) → Reshape(x), and so on: elements keep their order, so only the last shape counts. */
export const mergeReshapes: Rewrite = everywhere(
  rewriteAt("merge-reshapes", reshapes, (node, b) => {
    const [inner] = node.inputs;
    if (!keepsOrder(inner!)) return undefined;
    const x = inner!.node.inputs[0]!;
    const shape = node.outputs[0]!.type.shape;
    if (sameView(x.type.shape, shape)) return [x];
    if (shape && openDims(shape) <= 1 && !shape.includes(0)) return [b.reshapeTo(x, shape)];
    return node.op === "Reshape" ? [b.op("Reshape", [x, node.inputs[1]!])] : undefined;
  }),
);

/** A Reshape to computed dims of which all but one are known → constant dims with a −1: the arithmetic that led to them is not run. */
export const staticReshape: Rewrite = rewriteAt("static-reshape", ["Reshape"], (node, b) => {
  const [x, vector] = node.inputs;
  if (vector!.node.constant) return undefined;
  const told = knownDims(vector!);
  const out = node.outputs[0]!.type.shape;
  for (const shape of [out, told]) {
    if (!shape || openDims(shape) > 1 || shape.some((dim) => dim === 0 || dim === -1)) continue;
    return [b.reshapeTo(x!, shape)];
  }
  return undefined;
});

/**
 * f(Reshape(conv)) → Reshape(f(conv)) for what a convolution or matrix product can take in: activations and, where the last axis stays,
 * a bias of that axis.
 */
export const sinkReshape: Rewrite = rewriteAt("sink-reshape", "any", (node, b, site) => {
  if (!isElementwise(node) && node.op !== "BiasAdd") return undefined;
  const view = node.inputs.find((input) => isReshape(input) && !input.node.constant);
  const out = node.outputs[0]!.type.shape;
  if (!view || !out || !isFloat(view.dtype) || node.outputs[0]!.dtype !== view.dtype || site.uses(view) !== 1) return undefined;
  const x = view.node.inputs[0]!;
  // No kernel of five axes takes anything in, and WebGPU's programs need them merged.
  if (!endsLinear(x) || x.rank > 4 || !view.node.inputs.slice(1).every((input) => input.node.constant)) return undefined;
  if (!view.type.shape || view.type.shape.length !== out.length || !view.type.shape.every((dim, i) => dim === out[i]))
    return undefined;
  const keepsLast = x.type.shape?.at(-1) !== undefined && x.type.shape.at(-1) === view.type.shape.at(-1);
  const fits = node.inputs.every((input) => input === view || input.type.shape?.length === 0 || (keepsLast && isRow(input)));
  if (!fits || node.inputs.filter((input) => input === view).length !== 1) return undefined;
  const inputs = node.inputs.map((input) =>
    input === view ? x : input.type.shape!.length > 1 ? b.reshape(input, [input.type.shape!.at(-1) as number]) : input,
  );
  const value = b.op(node.op, inputs, node.attrs);
  b.origin = view.node.origin;
  return [b.rebuild(view.node, [value, ...view.node.inputs.slice(1)])[0]!];
});

/** A constant over the last axis alone. */
const isRow = (value: Value): boolean =>
  value.node.constant &&
  (value.type.shape?.every((dim, i, all) => (i === all.length - 1 ? typeof dim === "number" : dim === 1)) ?? false);

/** A convolution or matrix product, perhaps with its bias: what an activation can be fused into. */
function endsLinear(value: Value): boolean {
  return linearOf(value) !== undefined || (value.node.op === "BiasAdd" && linearOf(value.node.inputs[0]!) !== undefined);
}
