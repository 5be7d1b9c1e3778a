/** CropAndResize: the elements round each place of each crop are gathered from the flattened images and mixed. */
import type { Value } from "../../graph/graph.ts";
import { tensorOf } from "../../graph/tensor.ts";
import type { Builder } from "../../tf/build.ts";
import { knownDims } from "../../tf/build.ts";
import { type DecomposeRule, decomposed, type RaiseAt } from "../rule.ts";

/** One axis of the crops: places in the image [boxes, size], and whether they lie in it. */
interface Places {
  readonly at: Value;
  readonly inside: Value;
  /** The image's size along the axis less 1. */
  readonly last: Value;
}

const float = (b: Builder, value: number): Value => b.scalar("float32", value);

function places(b: Builder, boxes: Value, from: number, image: Value, axis: number, size: number): Places {
  const column = (i: number) => b.slice(boxes, [0, i], [-1, 1]);
  const last = b.op("Sub", [b.cast(b.reshape(b.dim(image, axis), []), "float32"), float(b, 1)]);
  const [start, end] = [column(from), column(from + 2)];
  const steps = b.constant(
    tensorOf(
      "float32",
      [1, size],
      Array.from({ length: size }, (_, i) => i),
    ),
  );
  const at =
    size > 1
      ? b.op("AddV2", [
          b.op("Mul", [start, last]),
          b.op("Mul", [steps, b.op("RealDiv", [b.op("Mul", [b.op("Sub", [end, start]), last]), float(b, size - 1)])]),
        ])
      : b.op("Mul", [b.op("Mul", [float(b, 0.5), b.op("AddV2", [start, end])]), last]);
  const inside = b.op("LogicalAnd", [b.op("GreaterEqual", [at, float(b, 0)]), b.op("LessEqual", [at, last])]);
  return { at, inside, last };
}

function cropAndResize(b: Builder, [image, boxes, images, size]: readonly Value[], at: RaiseAt): Value {
  const sizes = knownDims(size!);
  const [tall, wide] = sizes ?? [];
  if (typeof tall !== "number" || typeof wide !== "number") throw at.unsupported("crops of a size that is computed");
  const pixels = b.cast(image!, "float32");
  const [rows, columns] = [places(b, boxes!, 0, pixels, 1, tall), places(b, boxes!, 1, pixels, 2, wide)];
  const channels = pixels.shape[3];
  if (typeof channels !== "number") throw at.unsupported("crops of images of an unknown number of channels");
  const flat = b.reshape(pixels, [-1, channels]);
  const [height, width] = [1, 2].map((axis) => b.reshape(b.dim(pixels, axis), [])) as [Value, Value];
  const start = b.reshape(b.op("Mul", [b.cast(images!, "int32"), b.op("Mul", [height, width])]), [-1, 1, 1]);
  const clamped = ({ last }: Places, value: Value) =>
    b.cast(b.op("Minimum", [b.op("Maximum", [value, float(b, 0)]), last]), "int32");
  const down = (value: Value) => b.op("ExpandDims", [value, b.scalar("int32", 2)]);
  const across = (value: Value) => b.op("ExpandDims", [value, b.scalar("int32", 1)]);
  const taken = (row: Value, column: Value) => {
    const y = b.op("Mul", [down(clamped(rows, row)), width]);
    const place = b.op("AddV2", [b.op("AddV2", [start, y]), across(clamped(columns, column))]);
    return b.gather(flat, place, 0);
  };
  const last = (value: Value) => b.op("ExpandDims", [value, b.scalar("int32", -1)]);
  const rounded = (op: string, axis: Places) => b.op(op, [axis.at]);
  const mixed = () => {
    if (at.text("method", "bilinear") === "nearest") return taken(rounded("Round", rows), rounded("Round", columns));
    const [top, bottom] = [rounded("Floor", rows), rounded("Ceil", rows)];
    const [left, right] = [rounded("Floor", columns), rounded("Ceil", columns)];
    const mix = (p: Value, q: Value, share: Value) => b.op("AddV2", [p, b.op("Mul", [b.op("Sub", [q, p]), share])]);
    const horizontal = last(across(b.op("Sub", [columns.at, left])));
    const vertical = last(down(b.op("Sub", [rows.at, top])));
    return mix(
      mix(taken(top, left), taken(top, right), horizontal),
      mix(taken(bottom, left), taken(bottom, right), horizontal),
      vertical,
    );
  };
  const inside = last(b.op("LogicalAnd", [down(rows.inside), across(columns.inside)]));
  return b.op("SelectV2", [inside, mixed(), float(b, at.number("extrapolation_value", 0))]);
}

export const crops: readonly DecomposeRule[] = [decomposed("CropAndResize", (b, inputs, at) => [cropAndResize(b, inputs, at)])];
