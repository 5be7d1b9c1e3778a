/** Dense, Embedding, shapes, and layers that only do something in training. */
import type { Dim, Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { activate } from "./activation.ts";
import { type LayerCall, type LayerFn, type Layers, simple } from "./layer.ts";
import { withMask } from "./masks.ts";

/** x · kernel + bias over the last axis, whatever the rank. */
export function dense(call: LayerCall, x: Value): Value {
  const { b, config, weights } = call;
  const [kernel, bias] = weights.take("kernel", ...(config.flag("use_bias", true) ? ["bias"] : []));
  const y = b.op(x.rank === 2 ? "MatMul" : "BatchMatMulV2", [x, kernel!]);
  return activate(call, bias ? b.op("BiasAdd", [y, bias]) : y);
}

/** A product by an equation of letters; `...` stands for axes that only the input has. */
function einsumDense(call: LayerCall, x: Value): Value {
  const { b, config, weights, at } = call;
  const biased = config.has("bias_axes");
  const [kernel, bias] = weights.take("kernel", ...(biased ? ["bias"] : []));
  const given = config.string("equation", "").replaceAll(" ", "");
  const [left = "", output = ""] = given.split("->");
  const [first = "", second = ""] = left.split(",");
  const open = x.rank - first.replace("...", "").length;
  const free = [..."zyxwvutsrqponmlkjihgfedcba"].filter((letter) => !given.includes(letter)).slice(0, Math.max(open, 0));
  const filled = (term: string) => term.replace("...", free.join(""));
  if (filled(first).length !== x.rank || filled(second).length !== kernel!.rank) throw at.invalid(`equation is ${given}`);
  const y = b.op("Einsum", [x, kernel!], { equation: `${filled(first)},${filled(second)}->${filled(output)}` });
  return activate(call, bias ? b.op("AddV2", [y, bias]) : y);
}

const embedding: LayerFn = simple(({ b, config, weights }, x) => {
  const [table] = weights.take("embeddings");
  const rows = x.dtype === "int64" ? x : b.cast(x, "int32");
  const y = b.gather(table!, rows, 0);
  return config.flag("mask_zero", false) ? withMask(b, y, b.op("NotEqual", [rows, b.scalar(rows.dtype, 0)])) : y;
});

/** Steps of which every feature is `mask_value` do not count, and are zero from here on. */
function masking({ b, config }: LayerCall, x: Value): Value {
  const other = b.op("NotEqual", [x, b.scalar(x.dtype, config.number("mask_value", 0))]);
  const counts = b.reduce("Any", other, [x.rank - 1], true);
  return withMask(b, b.op("Mul", [x, b.cast(counts, x.dtype)]), b.squeeze(counts, [x.rank - 1]));
}

type Like = (readonly [Value, number] | undefined)[];

/** All axes after the batch as one. */
function flatten(b: Builder, x: Value): Value {
  const rest = x.shape.slice(1);
  if (rest.every((dim) => typeof dim === "number"))
    return b.reshapeTo(x, [x.shape[0], rest.reduce<number>((product, dim) => product * (dim as number), 1)], [[x, 0], undefined]);
  return b.op("Reshape", [x, b.concat([b.dim(x, 0), b.ints([-1])], 0)]);
}

function reshape({ b, config, at }: LayerCall, x: Value): Value {
  const target = config.list("target_shape");
  const rest = x.shape.slice(1);
  const open = target.indexOf(-1);
  const dims: Dim[] = [...target];
  if (open >= 0) {
    const known = target.reduce((product, dim) => (dim < 0 ? product : product * dim), 1);
    const whole = rest.every((dim) => typeof dim === "number")
      ? rest.reduce<number>((product, dim) => product * (dim as number), 1)
      : undefined;
    if (whole === undefined || known === 0) {
      if (target.lastIndexOf(-1) !== open) throw at.invalid(`target_shape is ${target.join("×")}`);
      return b.op("Reshape", [x, b.concat([b.dim(x, 0), b.ints(target)], 0)]);
    }
    dims[open] = whole / known;
  }
  const like: Like = [[x, 0], ...target.map(() => undefined)];
  return b.reshapeTo(x, [x.shape[0], ...dims], like);
}

/** `[N, F]` → `[N, n, F]` */
function repeatVector(b: Builder, x: Value, n: number): Value {
  return b.op("Tile", [b.op("ExpandDims", [x, b.scalar("int32", 1)]), b.ints([1, n, 1])]);
}

/** Nothing at inference. */
const identity: LayerFn = ({ inputs }) => [inputs[0]];

const idle = [
  "Identity",
  "Dropout",
  "SpatialDropout1D",
  "SpatialDropout2D",
  "SpatialDropout3D",
  "GaussianNoise",
  "GaussianDropout",
  "AlphaDropout",
  "ActivityRegularization",
  "RandomFlip",
  "RandomRotation",
  "RandomZoom",
  "RandomTranslation",
  "RandomContrast",
  "RandomBrightness",
];

export const coreLayers: Layers = {
  Dense: simple(dense),
  TimeDistributedDense: simple(dense),
  EinsumDense: simple(einsumDense),
  Embedding: embedding,
  Flatten: simple(({ b, config }, x) => {
    // Channels first are flattened as if they were last, so that weights fit both.
    const last = config.channelsFirst && x.rank > 2;
    return flatten(b, last ? b.transpose(x, [0, ...x.shape.slice(2).map((_, i) => i + 2), 1]) : x);
  }),
  Reshape: simple(reshape),
  Permute: simple(({ b, config }, x) => b.transpose(x, [0, ...config.list("dims")])),
  RepeatVector: simple(({ b, config }, x) => repeatVector(b, x, config.number("n"))),
  Masking: simple(masking),
  ...Object.fromEntries(idle.map((op) => [op, identity])),
};
