/** Reductions, arguments of extremes, running sums, the greatest few. */
import { isFloat, isInteger } from "../../base/dtype.ts";
import { int } from "../../graph/onnx-graph.ts";
import { normalAxis } from "../../tf/op.ts";
import type { OnnxBuilder, Ref } from "../build.ts";
import { type EmitAt, type EmitRule, emitted, emittedOne } from "../rule.ts";
import { axisOf } from "./axis.ts";

function reduction(o: OnnxBuilder, op: string, x: Ref, axes: Ref, at: EmitAt): Ref {
  const keep = at.flag("keep_dims");
  const known = o.known(axes);
  const shape = at.node.inputs[0]!.type.shape;
  if (!known) return computedAxes(o, op, x, axes, keep, at);
  if (known.length === 0) return o.op("Identity", [x]);
  const counted = shape ? known.map((axis) => normalAxis(axis, shape.length)) : known;
  if (op === "ReduceMean" && isInteger(x.dtype)) return o.cast(o.reduce(op, o.cast(x, "float64"), counted, keep), x.dtype);
  return o.reduce(op, x, counted, keep);
}

/** An empty list of axes is none for TensorFlow, and all for ONNX unless it is told. */
function computedAxes(o: OnnxBuilder, op: string, x: Ref, axes: Ref, keep: boolean, at: EmitAt): Ref {
  if (op !== "ReduceSum") at.since(18);
  const attrs = { keepdims: int(keep ? 1 : 0), noop_with_empty_axes: int(1) };
  return o.op(op, [x, o.vector(o.int64(axes))], attrs);
}

/** All and Any, as the least and the greatest. */
const logical = (op: string, onnx: string): EmitRule =>
  emittedOne(op, (o, [x, axes], at) => o.cast(reduction(o, onnx, o.cast(x!, "int32"), axes!, at), "bool"));

const argument = (op: string): EmitRule =>
  emittedOne(op, (o, [x, axis], at) => {
    const attrs = { axis: int(axisOf(o, axis!, at.node.inputs[0]!.rank, at)), keepdims: int(0) };
    return o.cast(o.op(op, [o.cast(x!, x!.dtype === "bool" ? "int32" : x!.dtype)], attrs, "int64"), at.type().dtype);
  });

const running = (op: string, onnx: string): EmitRule =>
  emittedOne(op, (o, [x, axis], at) => {
    const attrs = { exclusive: int(at.flag("exclusive") ? 1 : 0), reverse: int(at.flag("reverse") ? 1 : 0) };
    return o.op(onnx, [x!, o.reshape(o.int64(axis!), [])], attrs);
  });

export const reductions: readonly EmitRule[] = [
  ...["Sum", "Mean", "Prod", "Max", "Min"].map((op) =>
    emittedOne(op, (o, [x, axes], at) => reduction(o, `Reduce${op}`, x!, axes!, at)),
  ),
  logical("All", "ReduceMin"),
  logical("Any", "ReduceMax"),
  argument("ArgMax"),
  argument("ArgMin"),
  running("Cumsum", "CumSum"),
  running("Cumprod", "CumProd"),
  emitted("TopKV2", (o, [x, k], at) => {
    const attrs = { axis: int(-1), largest: int(1), sorted: int(1) };
    const own = x!.dtype;
    // onnxruntime has no kernel for the narrow integers.
    const values = isFloat(own) || own === "int64" || own === "int32" ? x! : o.cast(x!, "int64");
    const [top, places] = o.raw("TopK", [values, o.vector(o.int64(k!))], attrs, [values.dtype, "int64"]);
    return [o.cast(top!, own), o.cast(places!, at.type(1).dtype)];
  }),
];
