/** Rows of random steps: what works element by element, and what reduces. */
import { float } from "../onnx.ts";
import type { Draft, Made } from "./draft.ts";

/** A step over a value, or undefined where it does not fit. */
export type Step = (d: Draft, x: Made) => unknown;

const isFloat = ({ dtype }: Made): boolean => dtype === "float32";

const onFloats =
  (step: Step): Step =>
  (d, x) =>
    isFloat(x) ? step(d, x) : undefined;

/** A shape that broadcasts with `shape` and leaves it as it is. */
function lower(d: Draft, shape: readonly number[]): number[] {
  return shape.slice(d.pick(shape.length + 1)).map((dim) => (d.chance() ? 1 : dim));
}

export function broadcast(a: readonly number[], b: readonly number[]): number[] | undefined {
  const rank = Math.max(a.length, b.length);
  const out = Array.from({ length: rank }, (_, i) => {
    const [p, q] = [a[i - rank + a.length] ?? 1, b[i - rank + b.length] ?? 1];
    return p === q || q === 1 ? p : p === 1 ? q : 0;
  });
  return out.includes(0) ? undefined : out;
}

/** Another value that broadcasts with `x`, or a stored one. */
function partner(d: Draft, x: Made): { other: Made | string; shape: number[] } {
  const fits = d.values.filter((each) => each.dtype === x.dtype && broadcast(x.shape, each.shape));
  const stored = () => ({ other: d.weight(lower(d, x.shape), x.dtype), shape: [...x.shape] });
  if (fits.length === 0 || d.chance()) return stored();
  const other = d.oneOf(fits);
  return { other, shape: broadcast(x.shape, other.shape)! };
}

const unary = (op: string, attrs = {}): Step => onFloats((d, x) => d.op(op, [x], x.shape, attrs));

const binary =
  (op: string): Step =>
  (d, x) => {
    if (x.dtype === "bool") return undefined;
    const { other, shape } = partner(d, x);
    return d.chance() ? d.op(op, [x, other], shape) : d.op(op, [other, x], shape, {}, x.dtype);
  };

/** A divisor that is never near 0. */
const divide: Step = (d, x) => {
  if (x.dtype === "bool") return undefined;
  const shape = lower(d, x.shape);
  const size = d.op("Abs", [d.weight(shape, x.dtype)], shape, {}, x.dtype);
  return d.op("Div", [x, d.op("Add", [size, d.constant(x.dtype, [], [2])], shape)], x.shape);
};

const axesOf = (d: Draft, rank: number): number[] => Array.from({ length: rank }, (_, axis) => axis).filter(() => d.chance());

const reduce =
  (op: string, floatsOnly = false): Step =>
  (d, x) => {
    if (x.dtype === "bool" || (floatsOnly && !isFloat(x))) return undefined;
    const axes = axesOf(d, x.shape.length);
    const keep = d.chance();
    const all = axes.length === 0;
    const gone = (axis: number) => all || axes.includes(axis);
    const shape = keep ? x.shape.map((dim, axis) => (gone(axis) ? 1 : dim)) : x.shape.filter((_, axis) => !gone(axis));
    const named = axes.map((axis) => (d.chance() ? axis : axis - x.shape.length));
    // Axes became an input at opset 18 for all but ReduceSum, which had it before.
    return d.op(op, all ? [x] : [x, d.ints(named)], shape, { keepdims: Number(keep) });
  };

const alongAxis = (op: string): Step =>
  onFloats((d, x) =>
    x.shape.length === 0 ? undefined : d.op(op, [x], x.shape, { axis: d.between(-x.shape.length, x.shape.length - 1) }),
  );

const compare =
  (op: string): Step =>
  (d, x) => {
    if (x.dtype === "bool") return undefined;
    const { other, shape } = partner(d, x);
    const test = d.op(op, [x, other], shape, {}, "bool");
    return d.op("Where", [test, d.weight(lower(d, shape)), d.weight(lower(d, shape))], shape, {}, "float32");
  };

const norm: Step = onFloats((d, x) => {
  if (x.shape.length === 0) return undefined;
  const axis = d.between(-x.shape.length, -1);
  const over = x.shape.slice(axis);
  return d.op("LayerNormalization", [x, d.weight(over), d.weight(over)], x.shape, { axis, epsilon: float(0.01) });
});

const batchNorm: Step = onFloats((d, x) => {
  const channels = x.shape[1];
  if (channels === undefined) return undefined;
  const vector = () => d.weight([channels]);
  const variance = d.op("Add", [d.op("Abs", [vector()], [channels]), d.constant("float32", [], [0.5])], [channels]);
  return d.op("BatchNormalization", [x, vector(), vector(), vector(), variance], x.shape, { epsilon: float(1e-3) });
});

const instanceNorm: Step = onFloats((d, x) => {
  const channels = x.shape[1];
  if (channels === undefined || x.shape.length < 3) return undefined;
  return d.op("InstanceNormalization", [x, d.weight([channels]), d.weight([channels])], x.shape, { epsilon: float(0.01) });
});

const clip: Step = onFloats((d, x) => {
  const bound = (at: number) => (d.chance() ? d.constant("float32", [], [at]) : "");
  return d.op("Clip", [x, bound(-0.4), bound(0.7)], x.shape);
});

const pRelu: Step = onFloats((d, x) => d.op("PRelu", [x, d.weight(lower(d, x.shape))], x.shape));

const cumSum: Step = (d, x) => {
  if (x.shape.length === 0 || x.dtype === "bool") return undefined;
  const axis = d.constant("int64", [], [d.between(-x.shape.length, x.shape.length - 1)]);
  return d.op("CumSum", [x, axis], x.shape, { exclusive: d.pick(2), reverse: d.pick(2) });
};

const cast: Step = (d, x) => (isFloat(x) ? undefined : d.op("Cast", [x], x.shape, { to: 1 }, "float32"));

const argMax: Step = onFloats((d, x) => {
  if (x.shape.length === 0) return undefined;
  const axis = d.pick(x.shape.length);
  const keep = d.chance();
  const shape = keep ? x.shape.map((dim, i) => (i === axis ? 1 : dim)) : x.shape.filter((_, i) => i !== axis);
  // Noise, since rounding would decide between equals.
  const apart = d.op("Add", [x, d.weight(x.shape)], x.shape);
  return d.op(d.chance() ? "ArgMax" : "ArgMin", [apart], shape, { axis, keepdims: Number(keep) }, "int64");
});

export const elementwiseSteps: readonly Step[] = [
  ...["Relu", "Sigmoid", "Tanh", "Neg", "Abs", "Erf", "Softplus", "HardSwish", "Sin", "Softsign"].map((op) => unary(op)),
  unary("LeakyRelu", { alpha: float(0.3) }),
  unary("Elu", { alpha: float(0.7) }),
  unary("HardSigmoid", { alpha: float(0.3), beta: float(0.4) }),
  ...["Add", "Sub", "Mul", "Add", "Mul", "Max", "Min"].map(binary),
  divide,
  clip,
  pRelu,
  ...["ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin"].map((op) => reduce(op, op === "ReduceMean")),
  ...["ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSumExp", "ReduceProd"].map((op) => reduce(op, true)),
  ...["Softmax", "LogSoftmax"].map(alongAxis),
  ...["Greater", "LessOrEqual"].map(compare),
  norm,
  batchNorm,
  instanceNorm,
  cumSum,
  cast,
  argMax,
];
