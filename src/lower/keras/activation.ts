/** Activations: layers of their own, and the `activation` of other layers. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { erfGelu, hardSigmoid, swish, tanhGelu } from "../onnx/activation.ts";
import type { At } from "../rule.ts";
import { isObject } from "./config.ts";
import { type LayerCall, type Layers, simple } from "./layer.ts";

const op =
  (name: string) =>
  (b: Builder, x: Value): Value =>
    b.op(name, [x]);
const number = (b: Builder, x: Value, value: number): Value => b.scalar(x.dtype, value);
const mul = (b: Builder, x: Value, y: Value): Value => b.op("Mul", [x, y]);

/** relu6(x + 3) / 6, as Keras 3 has it; before, clip(0.2 · x + 0.5). */
const hardSigmoidOf = (b: Builder, x: Value, major: number): Value =>
  major >= 3 ? hardSigmoid(b, x, 1 / 6, 0.5) : hardSigmoid(b, x, 0.2, 0.5);

const clipped = (b: Builder, x: Value, low: number, high: number): Value =>
  b.op("Minimum", [b.op("Maximum", [x, number(b, x, low)]), number(b, x, high)]);

/** (x + 1) / 2 within [0, 1]. */
const halfway = (b: Builder, x: Value): Value => clipped(b, mul(b, b.op("AddV2", [x, number(b, x, 1)]), number(b, x, 0.5)), 0, 1);

type Activation = (b: Builder, x: Value, major: number) => Value;

const activations: Readonly<Record<string, Activation>> = {
  linear: (_, x) => x,
  relu: op("Relu"),
  relu6: op("Relu6"),
  elu: op("Elu"),
  selu: op("Selu"),
  sigmoid: op("Sigmoid"),
  tanh: op("Tanh"),
  softplus: op("Softplus"),
  softmax: op("Softmax"),
  log_softmax: op("LogSoftmax"),
  exponential: op("Exp"),
  softsign: (b, x) => b.op("RealDiv", [x, b.op("AddV2", [b.op("Abs", [x]), number(b, x, 1)])]),
  hard_sigmoid: hardSigmoidOf,
  silu: (b, x) => swish(b, x, 1),
  swish: (b, x) => swish(b, x, 1),
  hard_silu: (b, x) => mul(b, x, hardSigmoid(b, x, 1 / 6, 0.5)),
  hard_swish: (b, x) => mul(b, x, hardSigmoid(b, x, 1 / 6, 0.5)),
  gelu: (b, x) => erfGelu(b, x),
  // TF.js's name for the approximation.
  gelu_new: (b, x) => tanhGelu(b, x),
  mish: (b, x) => mul(b, x, b.op("Tanh", [b.op("Softplus", [x])])),
  celu: op("Elu"),
  log_sigmoid: (b, x) => b.op("Neg", [b.op("Softplus", [b.op("Neg", [x])])]),
  hard_tanh: (b, x) => clipped(b, x, -1, 1),
  tanh_shrink: (b, x) => b.op("Sub", [x, b.op("Tanh", [x])]),
  hard_shrink: (b, x) => b.op("SelectV2", [b.op("Greater", [b.op("Abs", [x]), number(b, x, 0.5)]), x, number(b, x, 0)]),
  soft_shrink: (b, x) => b.op("Sub", [x, clipped(b, x, -0.5, 0.5)]),
  squareplus: (b, x) => {
    const root = b.op("Sqrt", [b.op("AddV2", [b.op("Square", [x]), number(b, x, 4)])]);
    return mul(b, b.op("AddV2", [x, root]), number(b, x, 0.5));
  },
  sparse_sigmoid: (b, x) => halfway(b, x),
  // Above 1 what the square falls short of x: max(x − 1, 0).
  sparse_plus: (b, x) => {
    const above = b.op("Relu", [b.op("Sub", [x, number(b, x, 1)])]);
    return b.op("AddV2", [b.op("Square", [halfway(b, x)]), above]);
  },
  glu: (b, x) => {
    const [value, gate] = b.ops("Split", [b.scalar("int32", x.rank - 1), x], { num_split: 2 });
    return mul(b, value!, b.op("Sigmoid", [gate!]));
  },
  leaky_relu: (b, x) => b.op("LeakyRelu", [x], { alpha: 0.2 }),
};

/** What an activation's entry says, a name or (Keras 3) an object with one; `x` itself where there is none. */
export function activate(call: LayerCall, x: Value, key = "activation", fallback = "linear"): Value {
  return functionOf(call, key, fallback)(x);
}

/** Those that mix what the last axis holds, whatever that is; all others work on each number alone. */
const overLastAxis: ReadonlySet<unknown> = new Set(["softmax", "log_softmax", "glu", "Softmax"]);

/** The activation may be computed in any layout. */
export function isElementwise({ config }: LayerCall): boolean {
  const { activation: given } = config.json;
  if (!isObject(given)) return !overLastAxis.has(given);
  const { class_name: name, config: own } = given;
  return !overLastAxis.has(name) && !overLastAxis.has(own);
}

/** As a function, for cells that use it at every step. */
export function functionOf(
  { b, config, at, major, inner, weights }: LayerCall,
  key: string,
  fallback: string,
): (x: Value) => Value {
  const given = config.json[key] ?? fallback;
  if (isObject(given) && isObject(given["config"])) {
    const { class_name: name, config: own } = given;
    if (name !== "function") return (x) => inner(String(name), own as Record<string, unknown>, [x], weights.none())[0]!;
  }
  const name = isObject(given) ? given["config"] : given;
  const found = typeof name === "string" ? activations[name] : undefined;
  if (!found) throw at.unsupported(`activation ${JSON.stringify(name)}`);
  return (x) => found(b, x, major);
}

/** Over the axes given; TensorFlow's own is over the last. */
function softmax(b: Builder, x: Value, axis: number, at: At): Value {
  const normal = axis < 0 ? axis + x.rank : axis;
  if (normal < 0 || normal >= x.rank) throw at.invalid(`axis is ${axis}`);
  if (normal === x.rank - 1) return b.op("Softmax", [x]);
  const swap = x.shape.map((_, i) => (i === normal ? x.rank - 1 : i === x.rank - 1 ? normal : i));
  return b.transpose(b.op("Softmax", [b.transpose(x, swap)]), swap);
}

/** Over several axes as if they were one. */
function softmaxTogether(b: Builder, x: Value, given: readonly number[]): Value {
  const axes = given.map((axis) => (axis < 0 ? axis + x.rank : axis));
  const powers = b.op("Exp", [b.op("Sub", [x, b.reduce("Max", x, axes, true)])]);
  return b.op("RealDiv", [powers, b.reduce("Sum", powers, axes, true)]);
}

/** max(x, 0) below `max_value`, slope · (x − threshold) under the threshold. */
function relu({ b, config }: LayerCall, x: Value): Value {
  const slope = config.number("negative_slope", 0);
  const threshold = config.number("threshold", 0);
  const most = config.has("max_value") ? config.number("max_value") : Number.POSITIVE_INFINITY;
  if (threshold === 0) {
    const y = slope === 0 ? b.op("Relu", [x]) : b.op("LeakyRelu", [x], { alpha: slope });
    if (most === Number.POSITIVE_INFINITY) return y;
    return slope === 0 && most === 6 ? b.op("Relu6", [x]) : b.op("Minimum", [y, number(b, x, most)]);
  }
  const below = mul(b, b.op("Sub", [x, number(b, x, threshold)]), number(b, x, slope));
  const above = most === Number.POSITIVE_INFINITY ? x : b.op("Minimum", [x, number(b, x, most)]);
  return b.op("SelectV2", [b.op("GreaterEqual", [x, number(b, x, threshold)]), above, below]);
}

/** alpha · (eˣ − 1) where x is negative. */
function elu(b: Builder, x: Value, alpha: number): Value {
  if (alpha === 1) return b.op("Elu", [x]);
  const below = mul(b, b.op("Expm1", [b.op("Minimum", [x, number(b, x, 0)])]), number(b, x, alpha));
  return b.op("AddV2", [b.op("Relu", [x]), below]);
}

export const activationLayers: Layers = {
  Activation: simple((call, x) => activate(call, x)),
  ReLU: simple(relu),
  LeakyReLU: simple(({ b, config }, x) =>
    b.op("LeakyRelu", [x], { alpha: config.number(config.has("negative_slope") ? "negative_slope" : "alpha", 0.3) }),
  ),
  PReLU: simple(({ b, weights }, x) => b.op("Prelu", [x, weights.take("alpha")[0]!])),
  ELU: simple(({ b, config }, x) => elu(b, x, config.number("alpha", 1))),
  ThresholdedReLU: simple(({ b, config }, x) => {
    const above = b.op("Greater", [x, number(b, x, config.number("theta", 1))]);
    return b.op("SelectV2", [above, x, number(b, x, 0)]);
  }),
  Softmax: simple((call, given) => {
    const { b, config, at } = call;
    const mask = call.mask();
    if (mask && mask.rank !== given.rank) throw at.unsupported("a softmax over steps with a mask of steps");
    const x = mask ? b.op("SelectV2", [b.cast(mask, "bool"), given, number(b, given, -1e9)]) : given;
    const axes = config.has("axis") ? config.list("axis") : [-1];
    return axes.length === 1 ? softmax(b, x, axes[0]!, at) : softmaxTogether(b, x, axes);
  }),
  GELU: simple(({ b, config }, x) => (config.flag("approximate", false) ? tanhGelu(b, x) : erfGelu(b, x))),
};
