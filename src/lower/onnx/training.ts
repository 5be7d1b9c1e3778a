/** What training leaves in a graph: Dropout as it infers, and the optimisers' update steps, which are plain arithmetic. */
import type { DType } from "../../base/dtype.ts";
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { constantOf } from "../../tf/op.ts";
import { type At, type Rule, rule } from "../rule.ts";
import { float, oneOf } from "../schema.ts";
import { asScalar } from "./axis.ts";

/** Everything is kept: the data itself and a mask of ones. Before opset 12 a mask was not filled, which leaves it at zeroes. */
const kept = (b: Builder, x: Value, mask: DType, filled = 1): readonly Value[] => {
  const same = b.op("Fill", [b.op("Shape", [x]), b.scalar("int32", filled)]);
  return [x, b.cast(same, mask)];
};

const isSet = (value: Value | undefined): boolean | undefined => {
  const data = value && constantOf(value)?.data;
  return value ? data && Number(data[0]) !== 0 : false;
};

/**
 * With a ratio of 0 even a training run drops nothing. Where only the run knows whether it is one, elements are dropped as it says;
 * a model that always trains is taken for a mistake.
 */
function dropout(b: Builder, x: Value, ratio: Value | undefined, training: Value | undefined, at: At): readonly Value[] {
  const [trains, drops] = [isSet(training), isSet(ratio ?? b.scalar("float32", 0.5))];
  if (trains === false || drops === false) return kept(b, x, "bool");
  if (trains) throw at.unsupported("dropout in training mode", "export the model for inference");
  const one = b.scalar(x.dtype, 1);
  const share = ratio ? b.cast(asScalar(b, ratio), x.dtype) : b.scalar(x.dtype, 0.5);
  const numbers = b.cast(b.op("RandomUniform", [b.op("Shape", [x])], { dtype: "float32" }), x.dtype);
  const stays = b.op("GreaterEqual", [numbers, share]);
  const mask = b.op("LogicalOr", [stays, b.op("LogicalNot", [asScalar(b, training!)])]);
  const scale = b.op("SelectV2", [asScalar(b, training!), b.op("RealDiv", [one, b.op("Sub", [one, share])]), one]);
  return [b.op("SelectV2", [mask, b.op("Mul", [x, scale]), b.scalar(x.dtype, 0)]), mask];
}

const domain = "ai.onnx.preview.training";

/** Arithmetic in one dtype, read from the inside out. */
class Terms {
  constructor(private readonly b: Builder) {}
  add = (x: Value, y: Value): Value => this.b.op("AddV2", [x, y]);
  sub = (x: Value, y: Value): Value => this.b.op("Sub", [x, y]);
  mul = (x: Value, y: Value): Value => this.b.op("Mul", [x, y]);
  div = (x: Value, y: Value): Value => this.b.op("RealDiv", [x, y]);
  scale = (x: Value, factor: number): Value => this.b.op("Mul", [x, this.b.scalar(x.dtype, factor)]);
  shift = (x: Value, by: number): Value => this.b.op("AddV2", [x, this.b.scalar(x.dtype, by)]);
  square = (x: Value): Value => this.b.op("Square", [x]);
  sqrt = (x: Value): Value => this.b.op("Sqrt", [x]);
}

/** Rate, count, then `kinds` groups of as many tensors each; outputs are groups again. */
function grouped(inputs: readonly (Value | undefined)[], kinds: number, at: At): Value[][] {
  const rest = inputs.slice(2) as Value[];
  const each = rest.length / kinds;
  if (!Number.isInteger(each)) throw at.invalid(`${rest.length} tensors in ${kinds} equal groups`);
  return Array.from({ length: each }, (_, i) => Array.from({ length: kinds }, (_, kind) => rest[kind * each + i]!));
}

/** [[x, v], [x, v]] → [x, x, v, v] */
const columns = (rows: readonly (readonly Value[])[]): Value[] => (rows[0] ?? []).flatMap((_, i) => rows.map((row) => row[i]!));

const many = Number.POSITIVE_INFINITY;

export const training: readonly Rule[] = [
  rule("Dropout", { since: 1, arity: [1, 1], attrs: {} }, (b, [x]) => kept(b, x, x.dtype, 0)),
  rule("Dropout", { since: 10, arity: [1, 1], attrs: {} }, (b, [x]) => kept(b, x, "bool", 0)),
  rule("Dropout", { since: 12, arity: [1, 3], attrs: {} }, (b, [x, ratio, mode], _, at) => dropout(b, x, ratio, mode, at)),

  rule(
    "Adagrad",
    { since: 1, domain, arity: [5, many], attrs: { decay_factor: float(0), epsilon: float(0), norm_coefficient: float(0) } },
    (b, inputs, a, at) => {
      const { add, sub, mul, div, scale, shift, square, sqrt } = new Terms(b);
      const [rate, count] = inputs;
      const r = div(rate, shift(scale(b.cast(count, rate.dtype), a.decay_factor), 1));
      const steps = grouped(inputs, 3, at).map(([x, g, h]) => {
        const gradient = add(scale(x!, a.norm_coefficient), g!);
        const sum = add(h!, square(gradient));
        return [sub(x!, div(mul(r, gradient), shift(sqrt(sum), a.epsilon))), sum];
      });
      return columns(steps);
    },
  ),
  rule(
    "Momentum",
    {
      since: 1,
      domain,
      arity: [5, many],
      attrs: { alpha: float(0), beta: float(0), mode: oneOf("standard", "nesterov"), norm_coefficient: float(0) },
    },
    (b, inputs, a, at) => {
      const { add, sub, mul, scale } = new Terms(b);
      const [rate, count] = inputs;
      const started = b.op("Greater", [count, b.scalar(count.dtype, 0)]);
      const beta = b.op("SelectV2", [started, b.scalar(rate.dtype, a.beta), b.scalar(rate.dtype, 1)]);
      const steps = grouped(inputs, 3, at).map(([x, g, v]) => {
        const gradient = add(scale(x!, a.norm_coefficient), g!);
        const speed = add(scale(v!, a.alpha), mul(beta, gradient));
        const step = a.mode === "nesterov" ? add(gradient, scale(speed, a.alpha)) : speed;
        return [sub(x!, mul(rate, step)), speed];
      });
      return columns(steps);
    },
  ),
  rule(
    "Adam",
    {
      since: 1,
      domain,
      arity: [6, many],
      attrs: {
        alpha: float(0.9),
        beta: float(0.999),
        epsilon: float(0),
        norm_coefficient: float(0),
        norm_coefficient_post: float(0),
      },
    },
    (b, inputs, a, at) => {
      const { add, sub, mul, div, scale, shift, square, sqrt } = new Terms(b);
      const [rate, count] = inputs;
      const number = (value: number) => b.scalar(rate.dtype, value);
      const time = b.cast(count, rate.dtype);
      const left = (decay: number) => sub(number(1), b.op("Pow", [number(decay), time]));
      const started = b.op("Greater", [count, b.scalar(count.dtype, 0)]);
      const adjusted = b.op("SelectV2", [started, mul(rate, div(sqrt(left(a.beta)), left(a.alpha))), rate]);
      const steps = grouped(inputs, 4, at).map(([x, g, v, h]) => {
        const gradient = add(scale(x!, a.norm_coefficient), g!);
        const first = add(scale(v!, a.alpha), scale(gradient, 1 - a.alpha));
        const second = add(scale(h!, a.beta), scale(square(gradient), 1 - a.beta));
        const moved = sub(x!, div(mul(adjusted, first), shift(sqrt(second), a.epsilon)));
        return [scale(moved, 1 - a.norm_coefficient_post), first, second];
      });
      return columns(steps);
    },
  ),
];
