/** Elements read and written at places that index tensors tell. TensorFlow refuses indices out of range, so that ONNX's negative ones do not occur. */

import { int, text } from "../../graph/onnx-graph.ts";
import type { OnnxBuilder, Ref } from "../build.ts";
import { type EmitAt, type EmitRule, emitted, emittedOne } from "../rule.ts";
import { axisOf } from "./axis.ts";

function gather(o: OnnxBuilder, x: Ref, indices: Ref, axis: Ref, at: EmitAt): Ref {
  const batch = at.number("batch_dims", 0);
  const along = axisOf(o, axis, at.node.inputs[0]!.rank, at);
  if (batch === 0) return o.op("Gather", [x, indices], { axis: int(along) }, x.dtype);
  if (along !== batch) throw new Error("a gather behind its batch axes is decomposed before");
  return o.op("GatherND", [x, o.unsqueeze(o.int64(indices), [-1])], { batch_dims: int(batch) }, x.dtype);
}

/** Of reductions, which opset has them. */
const scatters: readonly (readonly [op: string, reduction: string, since: number])[] = [
  ["TensorScatterUpdate", "none", 13],
  ["TensorScatterAdd", "add", 16],
  ["TensorScatterMul", "mul", 16],
  ["TensorScatterMin", "min", 18],
  ["TensorScatterMax", "max", 18],
];

function scatter(o: OnnxBuilder, [x, indices, updates]: readonly [Ref, Ref, Ref], reduction: string): Ref {
  const attrs = reduction === "none" ? {} : { reduction: text(reduction) };
  return o.op("ScatterND", [x, o.int64(indices), updates], attrs, x.dtype);
}

function scatterNd(o: OnnxBuilder, indices: Ref, updates: Ref, shape: Ref, at: EmitAt): Ref {
  at.since(16);
  if (updates.dtype === "string") throw at.unsupported("scattered strings");
  // onnxruntime adds neither bools nor the narrow integers.
  const wide = updates.dtype === "bool" || /^u?int(8|16)$/.test(updates.dtype) ? "int32" : updates.dtype;
  const values = o.cast(updates, wide);
  const zeroes = o.op("Expand", [o.scalar(wide, 0), o.int64(shape)], {}, wide);
  return o.cast(scatter(o, [zeroes, indices, values], "add"), updates.dtype);
}

/** Places of what is not 0, a row each. */
function where(o: OnnxBuilder, x: Ref, at: EmitAt): Ref {
  const places = o.op("NonZero", [x], {}, "int64");
  return o.cast(o.transpose(places, [1, 0]), at.type().dtype);
}

/** Distinct elements in the order of their first places, and where each element is among them. */
function unique(o: OnnxBuilder, x: Ref): readonly Ref[] {
  const known = /^(float32|float64|int64|int8|string)$/.test(x.dtype);
  const values = known ? x : o.cast(x, x.dtype.startsWith("float") ? "float32" : "int64");
  const [y, , inverse] = o.raw("Unique", [values], { sorted: int(0) }, [values.dtype, "int64", "int64"]);
  return [o.cast(y!, x.dtype), o.cast(inverse!, "int32")];
}

export const gathers: readonly EmitRule[] = [
  emittedOne("GatherV2", (o, [x, indices, axis], at) => gather(o, x!, indices!, axis!, at)),
  emittedOne("GatherNd", (o, [x, indices]) => o.op("GatherND", [x!, o.int64(indices!)], {}, x!.dtype)),
  ...scatters.map(([op, reduction, since]) =>
    emittedOne(op, (o, [x, indices, updates], at) => {
      at.since(since);
      return scatter(o, [x!, indices!, updates!], reduction);
    }),
  ),
  emittedOne("ScatterNd", (o, [indices, updates, shape], at) => scatterNd(o, indices!, updates!, shape!, at)),
  emittedOne("Where", (o, [x], at) => where(o, x!, at)),
  emitted("Unique", (o, [x]) => unique(o, x!)),
];
