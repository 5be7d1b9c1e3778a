/** What is the same everywhere is computed once. */
import { type Rewrite, rewriteAt } from "../rewrite.ts";

/** log(Fill(c)) → Fill(log c), and the like; the host also knows the logarithm of 0, which GPUs leave open. */
export const fillLast: Rewrite = rewriteAt(
  "fill-last",
  ["Abs", "Exp", "Log", "Neg", "Reciprocal", "Rsqrt", "Sqrt", "Square"],
  (node, b) => {
    const fill = node.inputs[0]!.node;
    if (fill.op !== "Fill" || !fill.inputs[1]!.node.constant) return undefined;
    return [b.op("Fill", [fill.inputs[0]!, b.op(node.op, [fill.inputs[1]!], node.attrs)])];
  },
);
