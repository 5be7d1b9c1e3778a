/** Random numbers. Nothing is seeded, as nothing is in the hub. */

import { int, ints } from "../../graph/onnx-graph.ts";
import { dtypeCodes } from "../../graph/onnx-types.ts";
import type { OnnxBuilder, Ref } from "../build.ts";
import { type EmitAt, type EmitRule, emittedOne } from "../rule.ts";

/** Of a shape that is known, or like a tensor of the shape that is computed. */
function random(o: OnnxBuilder, onnx: string, dims: Ref, at: EmitAt): Ref {
  const dtype = at.dtype("dtype");
  const attrs = { dtype: int(dtypeCodes[dtype]) };
  const known = o.known(dims);
  // A tensor without dims has an attribute without elements, which protobuf does not tell from none at all.
  if (known && known.length > 0) return o.op(onnx, [], { ...attrs, shape: ints(known) }, dtype);
  const like = o.op("Expand", [o.scalar(dtype, 0), o.int64(dims)], {}, dtype);
  return o.op(`${onnx}Like`, [like], attrs, dtype);
}

function multinomial(o: OnnxBuilder, logits: Ref, count: Ref, at: EmitAt): Ref {
  const samples = o.number(count);
  if (samples === undefined) throw at.unsupported("draws whose number is computed");
  const attrs = { sample_size: int(samples), dtype: int(dtypeCodes.int64) };
  return o.cast(o.op("Multinomial", [o.cast(logits, "float32")], attrs, "int64"), at.type().dtype);
}

export const randoms: readonly EmitRule[] = [
  emittedOne("RandomStandardNormal", (o, [dims], at) => random(o, "RandomNormal", dims!, at)),
  emittedOne("RandomUniform", (o, [dims], at) => random(o, "RandomUniform", dims!, at)),
  emittedOne("Multinomial", (o, [logits, count], at) => multinomial(o, logits!, count!, at)),
];
