/**
 * What only moves elements moves codes: Transpose(Dequantize(q)) → Dequantize(Transpose(q)), Quantize(Transpose(x)) → Transpose(Quantize(x)),
 * and so the Reshapes. A product then reads what is dequantised, and is quantised at once, as runtimes of ONNX look for; where something
 * stands between, onnxruntime quantises and dequantises on its other side, from opset 21 on in types that it then refuses.
 */

import { reshapes } from "../reshape.ts";
import { type Rewrite, rewriteAt } from "../rewrite.ts";

const moves = ["Transpose", ...reshapes];

const moveCodes: Rewrite = rewriteAt("codes-first", moves, (node, b) => {
  const [x, ...rest] = node.inputs;
  const { op, inputs, constant } = x!.node;
  if (op !== "Dequantize" || constant || inputs[1]!.rank > 0 || inputs[2]!.rank > 0) return undefined;
  const [codes, ...parameters] = inputs;
  return [b.op("Dequantize", [b.op(node.op, [codes!, ...rest], node.attrs), ...parameters], x!.node.attrs)];
});

const quantizeFirst: Rewrite = rewriteAt("quantize-first", ["Quantize"], (node, b, site) => {
  const [moved, ...parameters] = node.inputs;
  const { op, inputs, attrs, constant } = moved!.node;
  if (!moves.includes(op) || constant || site.uses(moved!) !== 1 || parameters.some((each) => each.rank > 0)) return undefined;
  const [x, ...rest] = inputs;
  return [b.op(op, [b.op("Quantize", [x!, ...parameters], node.attrs), ...rest], attrs)];
});

export const codesFirst: readonly Rewrite[] = [moveCodes, quantizeFirst];
