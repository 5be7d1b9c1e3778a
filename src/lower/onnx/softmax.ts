/** Softmax, LogSoftmax, Hardmax. TensorFlow's work on the last axis; before opset 13 ONNX's work on all axes from `axis` on, as one. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { normalAxis } from "../../tf/op.ts";
import { type Rule, rule } from "../rule.ts";
import { int } from "../schema.ts";
import { dimsLike, withLast } from "./axis.ts";

type LastAxis = (b: Builder, x: Value) => Value;

function hardmax(b: Builder, x: Value): Value {
  const axis = x.rank - 1;
  const index = b.op("ArgMax", [x, b.scalar("int32", axis)], { output_type: "int32" });
  const depth = b.reshape(b.dim(x, axis), []);
  return b.op("OneHot", [index, depth, b.scalar(x.dtype, 1), b.scalar(x.dtype, 0)], { axis: -1 });
}

/** The axes from `axis` on as one: only their dims must be known. */
function flattened(b: Builder, x: Value, axis: number, each: LastAxis): Value {
  if (axis === x.rank - 1) return each(b, x);
  const lead = x.shape.slice(0, axis);
  const like = dimsLike(x);
  const rest = x.shape.slice(axis);
  const size = rest.reduce(
    (product, dim) => (typeof product === "number" && typeof dim === "number" ? product * dim : undefined),
    1,
  );
  // −1 stands for the rest where its product is not known; the leading dims are then read at run time.
  const flat = size === undefined ? [...lead, -1] : [...lead, size];
  const merged = size === undefined ? b.op("Reshape", [x, b.shapeVector(flat, like)]) : b.reshapeTo(x, flat, like);
  return b.reshapeTo(each(b, merged), x.shape, like);
}

function softmaxLike(op: string, each: LastAxis): Rule[] {
  return [
    rule(op, { since: 1, arity: [1, 1], attrs: { axis: int(1) } }, (b, [x], a) => {
      // axis = rank is legal here and means that every element is alone.
      const axis = a.axis === x.rank ? x.rank : normalAxis(a.axis, x.rank);
      if (axis < x.rank) return [flattened(b, x, axis, each)];
      const like = dimsLike(x);
      return [b.reshapeTo(each(b, b.op("ExpandDims", [x, b.scalar("int32", -1)])), x.shape, like)];
    }),
    rule(op, { since: 13, arity: [1, 1], attrs: { axis: int(-1) } }, (b, [x], a) => [
      withLast(b, x, normalAxis(a.axis, x.rank), (last) => each(b, last)),
    ]),
  ];
}

export const softmax: readonly Rule[] = [
  ...softmaxLike("Softmax", (b, x) => b.op("Softmax", [x])),
  ...softmaxLike("LogSoftmax", (b, x) => b.op("LogSoftmax", [x])),
  ...softmaxLike("Hardmax", hardmax),
];
