/** Means over rows and columns as pools: five to twenty times as fast on wasm, and closer, since long sums are taken in two steps. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { numbers } from "../constants.ts";
import { type Rewrite, rewriteAt } from "../rewrite.ts";

/** Sums of more numbers are taken by rows first. */
const longSum = 256;

/**
 * Mean(x, rows and columns) → AvgPool over all of them. Only of values that are bounded: the pool of the wasm backend gives −∞ where a
 * mean gives NaN, and of its activations Relu lets a NaN through, Relu6 and Clip do not.
 */
export const meanToPool: Rewrite = rewriteAt("mean-to-pool", ["Mean"], (node, b) => {
  const [x, axes] = node.inputs;
  const shape = x!.type.shape;
  const given = numbers(axes!)?.map((axis) => (axis < 0 ? axis + 4 : axis));
  if (
    x!.dtype !== "float32" ||
    shape?.length !== 4 ||
    !given ||
    given.length === 0 ||
    given.some((axis) => axis !== 1 && axis !== 2)
  )
    return undefined;
  const [height, width] = [1, 2].map((axis) => (given.includes(axis) ? shape[axis] : 1));
  if (typeof height !== "number" || typeof width !== "number" || height * width <= 1 || !isBounded(x!)) return undefined;
  const out = node.outputs[0]!.type.shape!;
  if (node.attrs["keep_dims"] !== true && out.filter((dim) => typeof dim !== "number").length > 1) return undefined;
  const pooled = height * width > longSum ? pool(b, pool(b, x!, 1, width), height, 1) : pool(b, x!, height, width);
  return [node.attrs["keep_dims"] === true ? pooled : b.reshapeTo(pooled, out)];
});

function pool(b: Builder, x: Value, height: number, width: number): Value {
  if (height * width === 1) return x;
  return b.op("AvgPool", [x], { ksize: [1, height, width, 1], strides: [1, 1, 1, 1], padding: "VALID", data_format: "NHWC" });
}

/** Ops that put bounded inputs together, or pick from them. */
const keeping: Readonly<Record<string, (value: Value) => readonly Value[]>> = {
  MaxPool: ({ node }) => node.inputs,
  AvgPool: ({ node }) => node.inputs,
  AddV2: ({ node }) => node.inputs,
  ConcatV2: ({ node }) => node.inputs.slice(0, -1),
  Reshape: ({ node }) => node.inputs.slice(0, 1),
  Transpose: ({ node }) => node.inputs.slice(0, 1),
  Slice: ({ node }) => node.inputs.slice(0, 1),
};

/** Values looked at; past it nothing is known. */
const maxLooked = 64;

/** Came through a Relu6 or a Clip. */
function isBounded(value: Value): boolean {
  const seen = new Set<Value>();
  const stack = [value];
  for (let at = stack.pop(); at; at = stack.pop()) {
    if (seen.has(at)) continue;
    seen.add(at);
    if (seen.size > maxLooked) return false;
    const { op, attrs } = at.node;
    const activation = (attrs["fused_ops"] as readonly string[] | undefined)?.at(-1) ?? op;
    if (activation === "Relu6" || activation === "ClipByValue") continue;
    const inputs = keeping[op];
    if (!inputs) return false;
    stack.push(...inputs(at));
  }
  return true;
}
