/** Transforms whose sizes are computed, which the hub keeps whole. */
import { int, ints } from "../../graph/onnx-graph.ts";
import type { OnnxBuilder, Ref } from "../build.ts";
import { type EmitAt, type EmitRule, emittedOne } from "../rule.ts";

/** x [..., parts], the number of points or 0 for all there are, the axis: an attribute before opset 20, an input since. */
function fourier(o: OnnxBuilder, x: Ref, points: Ref, axis: Ref, at: EmitAt): Ref {
  at.since(17);
  if (at.flag("inverse") && at.flag("onesided")) throw at.unsupported("a one-sided inverse Fourier transform");
  const attrs = { inverse: int(at.flag("inverse") ? 1 : 0), onesided: int(at.flag("onesided") ? 1 : 0) };
  const length = o.number(points) === 0 ? undefined : o.reshape(o.int64(points), []);
  if (at.opset >= 20) return o.op("DFT", [x, length, o.reshape(o.int64(axis), [])], attrs, x.dtype);
  const known = o.number(axis);
  if (known === undefined) throw at.wants(20, "an axis that is computed");
  return o.op("DFT", [x, length], { ...attrs, axis: int(known) }, x.dtype);
}

/** Attributes with an entry a spatial axis; absent ones are ONNX's own defaults. */
function columnsToImage(o: OnnxBuilder, x: Ref, image: Ref, block: Ref, at: EmitAt): Ref {
  at.since(18);
  const given = ["strides", "dilations", "pads"].flatMap((name) => {
    const numbers = at.numbers(name);
    return numbers && numbers.length > 0 ? [[name, ints(numbers)] as const] : [];
  });
  return o.op("Col2Im", [x, o.int64(image), o.int64(block)], Object.fromEntries(given), x.dtype);
}

export const signals: readonly EmitRule[] = [
  emittedOne("FourierAlong", (o, [x, points, axis], at) => fourier(o, x!, points!, axis!, at)),
  emittedOne("ColumnsToImage", (o, [x, image, block], at) => columnsToImage(o, x!, image!, block!, at)),
];
