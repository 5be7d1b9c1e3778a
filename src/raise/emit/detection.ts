/** Boxes: suppression of those that overlap, and pools of regions. */

import { float, int, ints, text } from "../../graph/onnx-graph.ts";
import type { OnnxBuilder, Ref } from "../build.ts";
import { type EmitAt, type EmitRule, emitted, emittedOne } from "../rule.ts";

/** Boxes [batch, n, 4] and scores [batch, classes, n]: rows of batch, class and box. */
function suppressedEach(o: OnnxBuilder, [boxes, scores, most, overlap, least]: readonly Ref[]): Ref {
  const bound = (x: Ref) => o.vector(o.cast(x, "float32"));
  const inputs = [
    o.cast(boxes!, "float32"),
    o.cast(scores!, "float32"),
    o.vector(o.int64(most!)),
    bound(overlap!),
    bound(least!),
  ];
  return o.op("NonMaxSuppression", inputs, {}, "int64");
}

/** Indices of the boxes kept, best first, of one image and one class. */
function suppressed(o: OnnxBuilder, [boxes, scores, ...bounds]: readonly Ref[]): Ref {
  const found = suppressedEach(o, [o.unsqueeze(boxes!, [0]), o.unsqueeze(o.unsqueeze(scores!, [0]), [0]), ...bounds]);
  return o.cast(o.op("Gather", [found, o.scalar("int64", 2)], { axis: int(1) }, "int64"), "int32");
}

const countOf = (o: OnnxBuilder, indices: Ref): Ref => o.cast(o.raw("Size", [indices], {}, ["int64"], [[]])[0]!, "int32");

/** V4: how many, and padded with zeroes where it says so. */
function padded(o: OnnxBuilder, inputs: readonly Ref[], at: EmitAt): readonly Ref[] {
  const indices = suppressed(o, inputs);
  const count = countOf(o, indices);
  if (!at.flag("pad_to_max_output_size")) return [indices, count];
  const missing = o.op("Sub", [o.vector(o.int64(inputs[2]!)), o.shape(indices)]);
  const pads = o.concat([o.ints([0]), missing], 0);
  return [o.op("Pad", [indices, pads], { mode: text("constant") }), count];
}

/** V5: scores too. ONNX has no suppression that only lowers them. */
function scored(o: OnnxBuilder, inputs: readonly Ref[], at: EmitAt): readonly Ref[] {
  if (o.number(inputs[5]!) !== 0) throw at.unsupported("boxes that are made less likely rather than left out");
  const indices = suppressed(o, inputs);
  const scores = o.op("Gather", [inputs[1]!, indices], { axis: int(0) }, inputs[1]!.dtype);
  return [indices, scores, countOf(o, indices)];
}

/** Regions [k, 5]: image, then corners. */
function roiMaxPool(o: OnnxBuilder, x: Ref, regions: Ref, at: EmitAt): Ref {
  const size = ints([at.number("height", 1), at.number("width", 1)]);
  return o.op("MaxRoiPool", [x, regions], { pooled_shape: size, spatial_scale: float(at.number("scale", 1)) });
}

/** Regions [k, 4] and their images; as many samples a bin as its region is large. */
function roiAlign(o: OnnxBuilder, x: Ref, regions: Ref, images: Ref, at: EmitAt): Ref {
  const attrs = {
    output_height: int(at.number("height", 1)),
    output_width: int(at.number("width", 1)),
    sampling_ratio: int(0),
    spatial_scale: float(at.number("scale", 1)),
    mode: text(at.flag("max") ? "max" : "avg"),
  };
  // Before it could be told, half a pixel was not taken off.
  if (at.flag("half_pixel")) at.since(16);
  const form =
    at.opset < 16 ? {} : { coordinate_transformation_mode: text(at.flag("half_pixel") ? "half_pixel" : "output_half_pixel") };
  return o.op("RoiAlign", [x, regions, o.int64(images)], { ...attrs, ...form });
}

export const detections: readonly EmitRule[] = [
  emittedOne("NonMaxSuppressionV3", (o, inputs) => suppressed(o, inputs)),
  emittedOne("SuppressEach", (o, inputs) => o.cast(suppressedEach(o, inputs), "int32")),
  emitted("NonMaxSuppressionV4", padded),
  emitted("NonMaxSuppressionV5", scored),
  emittedOne("RoiMaxPool", (o, [x, regions], at) => roiMaxPool(o, x!, regions!, at)),
  emittedOne("RoiAlignAdaptive", (o, [x, regions, images], at) => roiAlign(o, x!, regions!, images!, at)),
];
