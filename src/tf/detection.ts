/** Boxes: suppression of those that overlap, and crops of an image. Also pooling that tells where, and unique values. */
import type { DType } from "../base/dtype.ts";
import type { Type } from "../graph/graph.ts";
import { type Call, define, opDef } from "./op.ts";
import "./nn.ts";

const count: Type = { dtype: "int32", shape: [] };

/** V4 pads its result to the number asked for where its attribute says so. */
function padded(call: Call): Type {
  const pads = call.attr<boolean>("pad_to_max_output_size", false);
  return { dtype: "int32", shape: [pads ? call.dims(2)?.[0] : undefined] };
}

define(
  // As NonMaxSuppressionV3 in nn.ts: boxes, scores, greatest number, overlap, least score; V5 then sigma.
  { name: "NonMaxSuppressionV4", infer: (call) => [padded(call), count] },
  {
    name: "NonMaxSuppressionV5",
    infer: (call) => [{ dtype: "int32", shape: [undefined] }, { dtype: call.dtype(1), shape: [undefined] }, count],
  },
  // boxes, scores, overlap, least score; attributes each, total, clip
  {
    name: "CombinedSuppression",
    infer: (call) => {
      const [batch, total] = [call.shape()?.[0], call.attr<number>("total")];
      return [[batch, total, 4], [batch, total], [batch, total], [batch]].map((shape, i) => ({
        dtype: i < 3 ? "float32" : "int32",
        shape,
      }));
    },
  },
  // boxes, scores [batch, classes, n], greatest number, overlap, least score
  { name: "SuppressEach", infer: () => [{ dtype: "int32", shape: [undefined, 3] }] },
  {
    name: "CropAndResize",
    infer: (call) => {
      const [image, boxes, size] = [call.shape(0), call.shape(1), call.dims(3)];
      return [{ dtype: "float32", shape: [boxes?.[0], size?.[0], size?.[1], image?.[3]] }];
    },
  },
  // images, transforms, output size, fill
  {
    name: "ImageProjectiveTransformV3",
    infer: (call) => {
      const [image, size] = [call.shape(0), call.dims(2)];
      return [{ dtype: call.dtype(), shape: [image?.[0], size?.[0], size?.[1], image?.[3]] }];
    },
  },
  {
    name: "MaxPoolWithArgmax",
    infer: (call) => {
      const [type] = opDef("MaxPool").infer(call);
      return [type!, { dtype: call.attr<string>("output_type", "int64") as DType, shape: type!.shape }];
    },
  },
  {
    name: "Unique",
    infer: (call) => [
      { dtype: call.dtype(), shape: [undefined] },
      { dtype: "int32", shape: call.shape() },
    ],
  },
);
