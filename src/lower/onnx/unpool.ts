/** MaxUnpool and Col2Im: what pools and windows took apart is put together again. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { type At, type Rule, rule } from "../rule.ts";
import { ints, required } from "../schema.ts";
import { knownNumbers } from "./axis.ts";
import { convTranspose } from "./conv.ts";
import { reshapeToSizes, sizeAt } from "./dims.ts";

interface UnpoolAttrs {
  readonly kernel_shape: readonly number[];
  readonly strides: readonly number[] | undefined;
  readonly pads: readonly number[] | undefined;
}

/** Every value goes to its flat index in the result; the rest is zero. Windows that overlap bring the same value twice. */
function maxUnpool(b: Builder, x: Value, indices: Value, shape: Value | undefined, a: UnpoolAttrs, at: At): Value {
  const sizes = shape ? b.cast(shape, "int32") : b.ints(unpooledShape(x, a, at));
  const total = b.reduce("Prod", sizes, [0], true);
  const zeros = b.op("Fill", [total, b.scalar(x.dtype, 0)]);
  const flat = b.op("TensorScatterUpdate", [zeros, b.reshape(b.cast(indices, "int32"), [-1, 1]), b.reshape(x, [-1])]);
  return b.op("Reshape", [flat, sizes]);
}

function unpooledShape(x: Value, a: UnpoolAttrs, at: At): readonly number[] {
  const count = x.rank - 2;
  return x.shape.map((dim, i) => {
    if (typeof dim !== "number") throw at.unsupported("a size that is not known", "give the input's shape with --input");
    const k = i - 2;
    if (k < 0) return dim;
    return (dim - 1) * (a.strides?.[k] ?? 1) + a.kernel_shape[k]! - (a.pads?.[k] ?? 0) - (a.pads?.[count + k] ?? 0);
  });
}

interface ColumnAttrs {
  readonly dilations: readonly number[] | undefined;
  readonly pads: readonly number[] | undefined;
  readonly strides: readonly number[] | undefined;
}

/** [N, C·block, L] → [N, C, image…]: overlapping blocks add up, as a transposed convolution with unit kernels does it. */
function col2im(b: Builder, x: Value, imageInput: Value, blockInput: Value, a: ColumnAttrs, at: At): Value {
  const [image, block] = [knownNumbers(imageInput), knownNumbers(blockInput)];
  if (!image || !block) return col2imComputed(b, x, imageInput, blockInput, a, at);
  const columns = x.shape[1];
  const elements = block.reduce((n, dim) => n * dim, 1);
  if (typeof columns !== "number" || columns % elements !== 0)
    throw at.invalid(`${columns ?? "?"} rows for blocks of ${elements}`);
  const spread = (i: number) => (block[i]! - 1) * (a.dilations?.[i] ?? 1) + 1;
  const pads = (i: number) => (a.pads?.[i] ?? 0) + (a.pads?.[block.length + i] ?? 0);
  const counts = image.map((size, i) => Math.floor((size + pads(i) - spread(i)) / (a.strides?.[i] ?? 1)) + 1);
  const rest = image.map((size, i) => size + pads(i) - spread(i) - (counts[i]! - 1) * (a.strides?.[i] ?? 1));
  const channels = columns / elements;
  const batch = sizeAt(b, x, 0);
  const planes = reshapeToSizes(b, x, [typeof batch === "number" ? batch * channels : -1, elements, ...counts]);
  const unit = new Float32Array(elements * elements);
  for (let i = 0; i < elements; i++) unit[i * elements + i] = 1;
  const kernels = b.cast(b.constant({ dtype: "float32", shape: [elements, 1, ...block], data: unit }), x.dtype);
  const attrs = {
    ...a,
    auto_pad: "NOTSET" as const,
    group: 1,
    kernel_shape: undefined,
    output_padding: rest,
    output_shape: undefined,
  };
  return reshapeToSizes(b, convTranspose(b, planes, kernels, undefined, attrs, at), [batch, channels, ...image]);
}

/** Sizes that only the run tells. */
function col2imComputed(b: Builder, x: Value, image: Value, block: Value, a: ColumnAttrs, at: At): Value {
  const count = image.shape[0] ?? block.shape[0];
  if (typeof count !== "number") throw at.unsupported("an image of an unknown number of axes");
  const each = (given: readonly number[] | undefined, fallback: number, length = count) =>
    given ?? new Array<number>(length).fill(fallback);
  const attrs = { strides: each(a.strides, 1), dilations: each(a.dilations, 1), pads: each(a.pads, 0, 2 * count) };
  const y = b.op("ColumnsToImage", [b.cast(x, "float32"), b.cast(image, "int32"), b.cast(block, "int32")], attrs);
  return b.cast(y, x.dtype);
}

export const unpools: readonly Rule[] = [
  rule(
    "MaxUnpool",
    { since: 9, arity: [2, 3], attrs: { kernel_shape: required(ints()), strides: ints(), pads: ints() } },
    (b, [x, indices, shape], a, at) => [maxUnpool(b, x, indices, shape, a, at)],
  ),
  rule(
    "Col2Im",
    { since: 18, arity: [3, 3], attrs: { dilations: ints(), pads: ints(), strides: ints() } },
    (b, [x, image, block], a, at) => [col2im(b, x, image, block, a, at)],
  ),
];
