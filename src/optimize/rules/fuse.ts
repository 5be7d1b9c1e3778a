/** Convolution or matrix product, bias and activation as one TF.js kernel. For the legalised graph. */
import type { Attrs, Node, Value } from "../../graph/graph.ts";
import { tensorOf } from "../../graph/tensor.ts";
import type { Builder } from "../../tf/build.ts";
import { type Linear, linearOf } from "../linear.ts";
import { any, op } from "../pattern.ts";
import { merged, type Rewrite, rewrite, rewriteAt } from "../rewrite.ts";

const fusedOps: Readonly<Record<string, string>> = {
  Conv2D: "_FusedConv2D",
  DepthwiseConv2dNative: "FusedDepthwiseConv2dNative",
  MatMul: "_FusedMatMul",
};

const fusedNames = Object.values(fusedOps);

/** The kernel is right for two matrices as they are; on wasm not for transposed ones or batches. */
function fusable(linear: Linear | undefined): linear is Linear {
  if (!linear || !fusedOps[linear.node.op] || linear.node.outputs[0]!.dtype !== "float32") return false;
  const { node } = linear;
  return node.op !== "MatMul" || (node.attrs["transpose_a"] !== true && node.attrs["transpose_b"] !== true);
}

const attrsOf = (linear: Linear, names: readonly string[], args: number): Attrs => ({
  ...linear.node.attrs,
  fused_ops: names,
  num_args: args,
  epsilon: 0,
  leakyrelu_alpha: 0.2,
});

/** BiasAdd(conv, c) → the fused op. */
export const fuseBias: Rewrite = rewrite("fuse-bias", op("BiasAdd", [any("y"), any("c")], "bias"), ({ y, c, bias }, b, site) => {
  const linear = linearOf(y);
  if (!fusable(linear) || site.uses(y) !== 1 || c.type.shape?.length !== 1) return undefined;
  b.origin = merged("fused", linear.node, bias);
  return b.op(fusedOps[linear.node.op]!, [...linear.node.inputs, c], attrsOf(linear, ["BiasAdd"], 1));
});

const activations = ["Relu", "Relu6", "Elu", "Sigmoid", "LeakyRelu", "Prelu"];

/** Relu(fused) → the fused op with the activation; without a bias one of zeroes is put in, since the executor takes no activation alone. */
export const fuseActivation: Rewrite = rewriteAt("fuse-activation", activations, (node, b, site) => {
  const [y] = node.inputs;
  if (site.uses(y!) !== 1) return undefined;
  const inner = fusedNames.includes(y!.node.op) ? biased(y!.node) : unbiased(b, y!);
  // The depthwise kernel of the cpu backend does not pass the slope on: NaN.
  if (!inner || (node.op === "LeakyRelu" && inner.op === "FusedDepthwiseConv2dNative")) return undefined;
  const slope = node.op === "Prelu" ? node.inputs[1]! : undefined;
  if (slope && !(slope.node.constant && isChannelSlope(slope, y!))) return undefined;
  b.origin = merged("fused", y!.node, node);
  const alpha = node.op === "LeakyRelu" ? { leakyrelu_alpha: node.attrs["alpha"] ?? 0.2 } : {};
  const attrs = { ...inner.attrs, fused_ops: ["BiasAdd", node.op], num_args: slope ? 2 : 1, ...alpha };
  return [b.op(inner.op, [...inner.inputs, ...(slope ? [slope] : [])], attrs)];
});

interface Fusable {
  readonly op: string;
  /** With the bias. */
  readonly inputs: readonly Value[];
  readonly attrs: Attrs;
}

/** A fused op that has a bias and no activation yet. */
function biased({ op, inputs, attrs }: Node): Fusable | undefined {
  return (attrs["fused_ops"] as readonly string[]).length === 1 ? { op, inputs, attrs } : undefined;
}

/** A plain op and a bias of zeroes. */
function unbiased(b: Builder, y: Value): Fusable | undefined {
  const linear = linearOf(y);
  if (!fusable(linear)) return undefined;
  const bias = b.constant(tensorOf("float32", [linear.channels], new Float32Array(linear.channels)));
  return { op: fusedOps[linear.node.op]!, inputs: [...linear.node.inputs, bias], attrs: attrsOf(linear, [], 0) };
}

/** LeakyRelu → Prelu with a slope a channel: thirty times as fast on wasm, and the depthwise kernel takes it in. */
export const leakyToPrelu: Rewrite = rewriteAt("leaky-relu-to-prelu", ["LeakyRelu"], (node, b) => {
  const [x] = node.inputs;
  const channels = x!.type.shape?.at(-1);
  if (typeof channels !== "number" || x!.dtype !== "float32") return undefined;
  const slopes = new Array<number>(channels).fill((node.attrs["alpha"] as number | undefined) ?? 0.2);
  return [b.op("Prelu", [x!, b.constant(tensorOf("float32", [channels], slopes))])];
});

/** One slope a channel; kernels read no other. */
function isChannelSlope(slope: Value, y: Value): boolean {
  const shape = slope.staticShape;
  return (
    shape !== undefined &&
    shape.length > 0 &&
    shape.at(-1) === y.type.shape?.at(-1) &&
    shape.slice(0, -1).every((dim) => dim === 1)
  );
}
