/** CropAndResize to the nearest pixel: the wasm kernel interpolates all the same, so pixels are gathered. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { type Legalize, type LegalRule, legal } from "../rule.ts";

/** Of one axis: the pixel that each place of each box takes, [boxes, count], and whether it lies in the image. */
function places(b: Builder, low: Value, high: Value, size: Value, count: number): { at: Value; inside: Value } {
  const number = (value: number) => b.scalar("float32", value);
  const last = b.op("Sub", [b.cast(size, "float32"), number(1)]);
  const shares = Array.from({ length: count }, (_, i) => (count > 1 ? i / (count - 1) : 0.5));
  const share = b.constant({ dtype: "float32", shape: [1, count], data: Float32Array.from(shares) });
  const spread = b.op("Mul", [b.op("Sub", [high, low]), share]);
  const exact = b.op("Mul", [b.op("AddV2", [low, spread]), last]);
  const inside = b.op("LogicalAnd", [b.op("GreaterEqual", [exact, number(0)]), b.op("LessEqual", [exact, last])]);
  const near = b.op("Floor", [b.op("AddV2", [exact, number(0.5)])]);
  return { at: b.cast(b.op("Minimum", [b.op("Maximum", [near, number(0)]), last]), "int32"), inside };
}

const cropAndResize: Legalize = (b, inputs, at) => {
  const [image, boxes, owners] = inputs as [Value, Value, Value];
  if (at.attrs["method"] !== "nearest") return at.same(b, inputs);
  const [, height, width, channels] = at.node.outputs[0]!.type.shape ?? [];
  if (typeof height !== "number" || typeof width !== "number" || typeof channels !== "number")
    throw at.unsupported("crops to the nearest pixel of a size that is not known");
  const [rows, columns] = [b.reshape(b.dim(image, 1), []), b.reshape(b.dim(image, 2), [])];
  const edge = (i: number) => b.slice(boxes, [0, i], [-1, 1]);
  const y = places(b, edge(0), edge(2), rows, height);
  const x = places(b, edge(1), edge(3), columns, width);
  const down = (value: Value) => b.op("ExpandDims", [value, b.scalar("int32", 2)]);
  const across = (value: Value) => b.op("ExpandDims", [value, b.scalar("int32", 1)]);
  const first = b.op("Mul", [b.reshape(owners, [-1, 1, 1]), rows]);
  const row = b.op("Mul", [b.op("AddV2", [first, down(y.at)]), columns]);
  const pixels = b.gather(b.reshape(image, [-1, channels]), b.op("AddV2", [row, across(x.at)]), 0);
  const inside = b.op("ExpandDims", [b.op("LogicalAnd", [down(y.inside), across(x.inside)]), b.scalar("int32", 3)]);
  return [b.op("SelectV2", [inside, pixels, b.scalar("float32", at.number("extrapolation_value", 0))])];
};

export const crops: readonly LegalRule[] = [legal("CropAndResize", cropAndResize)];
