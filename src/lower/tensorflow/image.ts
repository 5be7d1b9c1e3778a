/** Images: colours, crops, and the suppression of overlapping boxes. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import type { Rule } from "../rule.ts";
import { float, string } from "../schema.ts";
import { dtype, flag, list, tfRule } from "./attrs.ts";
import { number } from "./elementwise.ts";

interface Hsv {
  readonly hue: Value;
  readonly saturation: Value;
  readonly value: Value;
}

const channels = (b: Builder, x: Value): [Value, Value, Value] =>
  b.ops("Split", [b.scalar("int32", -1), x], { num_split: 3 }) as unknown as [Value, Value, Value];

const select = (b: Builder, test: Value, x: Value, y: Value): Value => b.op("SelectV2", [test, x, y]);

/** Red, green, blue in the last axis, 0 … 1, to hue, saturation and value of one channel each. */
function toHsv(b: Builder, x: Value): Hsv {
  const n = (value: number) => number(b, x, value);
  const [red, green, blue] = channels(b, x);
  const value = b.op("Maximum", [red, b.op("Maximum", [green, blue])]);
  const range = b.op("Sub", [value, b.op("Minimum", [red, b.op("Minimum", [green, blue])])]);
  const saturation = b.op("DivNoNan", [range, value]);
  const sixth = (p: Value, q: Value, turn: number) => {
    const share = b.op("DivNoNan", [b.op("Sub", [p, q]), b.op("Mul", [range, n(6)])]);
    return b.op("AddV2", [share, n(turn)]);
  };
  const turned = select(
    b,
    b.op("Equal", [red, value]),
    sixth(green, blue, 0),
    select(b, b.op("Equal", [green, value]), sixth(blue, red, 2 / 6), sixth(red, green, 4 / 6)),
  );
  const grey = select(b, b.op("Greater", [range, n(0)]), turned, b.op("ZerosLike", [turned]));
  const hue = select(b, b.op("Less", [grey, n(0)]), b.op("AddV2", [grey, n(1)]), grey);
  return { hue, saturation, value };
}

function fromHsv(b: Builder, { hue, saturation, value }: Hsv): Value {
  const n = (each: number) => number(b, hue, each);
  const six = b.op("Mul", [hue, n(6)]);
  // How much of each colour there is at this hue: a wave that is 1 for a third of the circle, 0 for another.
  const wave = (centre: number, sign: number) => {
    const away = b.op("Sub", [b.op("Abs", [b.op("Sub", [six, n(centre)])]), n(sign === 1 ? 1 : 2)]);
    const raw = sign === 1 ? away : b.op("Neg", [away]);
    return b.op("Minimum", [b.op("Maximum", [raw, n(0)]), n(1)]);
  };
  const share = (colour: Value) => {
    const mixed = b.op("AddV2", [b.op("Sub", [n(1), saturation]), b.op("Mul", [saturation, colour])]);
    return b.op("Mul", [mixed, value]);
  };
  return b.concat([share(wave(3, 1)), share(wave(2, -1)), share(wave(4, -1))], hue.rank - 1);
}

/** Each channel of each image moves away from its mean, or towards it. */
function adjustContrast(b: Builder, x: Value, factor: Value): Value {
  const mean = b.reduce("Mean", x, [x.rank - 3, x.rank - 2], true);
  return b.op("AddV2", [b.op("Mul", [b.op("Sub", [x, mean]), b.cast(factor, x.dtype)]), mean]);
}

function adjustHue(b: Builder, x: Value, delta: Value): Value {
  const hsv = toHsv(b, x);
  const hue = b.op("FloorMod", [b.op("AddV2", [hsv.hue, b.cast(delta, x.dtype)]), number(b, x, 1)]);
  return fromHsv(b, { ...hsv, hue });
}

function adjustSaturation(b: Builder, x: Value, scale: Value): Value {
  const hsv = toHsv(b, x);
  const scaled = b.op("Mul", [hsv.saturation, b.cast(scale, x.dtype)]);
  return fromHsv(b, { ...hsv, saturation: b.op("Minimum", [b.op("Maximum", [scaled, number(b, x, 0)]), number(b, x, 1)]) });
}

const real = (b: Builder, x: Value): Value => b.cast(x, "float32");

/** Boxes are compared in float32, whatever they came in. */
const suppression = { pad_to_max_output_size: flag(false) };

const lowest = (b: Builder): Value => b.scalar("float32", -3.4028234663852886e38);

export const images: readonly Rule[] = [
  ...(["ImageProjectiveTransformV2", "ImageProjectiveTransformV3"] as const).map((op) =>
    tfRule(
      op,
      op.endsWith("2") ? ([3, 3] as const) : ([4, 4] as const),
      { interpolation: string("NEAREST"), fill_mode: string("CONSTANT") },
      (b, inputs: readonly (Value | undefined)[], a) => {
        const [x, transforms, size, fill] = inputs as readonly [Value, Value, Value, Value | undefined];
        return [b.op("ImageProjectiveTransformV3", [real(b, x), transforms, size, fill ?? b.scalar("float32", 0)], a)];
      },
      { parameters: [2] },
    ),
  ),
  tfRule("RGBToHSV", [1, 1], {}, (b, [x]) => {
    const { hue, saturation, value } = toHsv(b, x);
    return [b.concat([hue, saturation, value], x.rank - 1)];
  }),
  tfRule("HSVToRGB", [1, 1], {}, (b, [x]) => {
    const [hue, saturation, value] = channels(b, x);
    return [fromHsv(b, { hue, saturation, value })];
  }),
  tfRule("AdjustContrastv2", [2, 2], {}, (b, [x, factor]) => [adjustContrast(b, x, factor)]),
  tfRule("AdjustHue", [2, 2], {}, (b, [x, delta]) => [adjustHue(b, x, delta)]),
  tfRule("AdjustSaturation", [2, 2], {}, (b, [x, scale]) => [adjustSaturation(b, x, scale)]),
  tfRule(
    "CropAndResize",
    [4, 4],
    { method: string("bilinear"), extrapolation_value: float(0) },
    (b, [x, boxes, indices, size], a) => [b.op("CropAndResize", [real(b, x), boxes, indices, size], a)],
    { parameters: [3] },
  ),
  tfRule(
    "NonMaxSuppression",
    [3, 3],
    { iou_threshold: float(0.5) },
    (b, [boxes, scores, count], a) => [
      b.op("NonMaxSuppressionV3", [real(b, boxes), real(b, scores), count, b.scalar("float32", a.iou_threshold), lowest(b)]),
    ],
    { parameters: [2] },
  ),
  tfRule(
    "NonMaxSuppressionV2",
    [4, 4],
    {},
    (b, [boxes, scores, count, overlap]) => [
      b.op("NonMaxSuppressionV3", [real(b, boxes), real(b, scores), count, real(b, overlap), lowest(b)]),
    ],
    { parameters: [2] },
  ),
  tfRule(
    "NonMaxSuppressionV3",
    [5, 5],
    {},
    (b, [boxes, scores, count, overlap, least]) => [
      b.op("NonMaxSuppressionV3", [real(b, boxes), real(b, scores), count, real(b, overlap), real(b, least)]),
    ],
    { parameters: [2] },
  ),
  tfRule(
    "NonMaxSuppressionV4",
    [5, 5],
    suppression,
    (b, [boxes, scores, count, overlap, least], a) =>
      b.ops("NonMaxSuppressionV4", [real(b, boxes), real(b, scores), count, real(b, overlap), real(b, least)], a),
    { parameters: [2] },
  ),
  tfRule(
    "NonMaxSuppressionV5",
    [6, 6],
    suppression,
    (b, [boxes, scores, count, overlap, least, sigma], a, at) => {
      if (a.pad_to_max_output_size) throw at.unsupported("soft suppression padded to the greatest number");
      const outputs = b.ops(
        "NonMaxSuppressionV5",
        [real(b, boxes), real(b, scores), count, real(b, overlap), real(b, least), real(b, sigma)],
        a,
      );
      return [outputs[0], b.cast(outputs[1]!, scores.dtype), outputs[2]];
    },
    { parameters: [2] },
  ),
  tfRule(
    "CombinedNonMaxSuppression",
    [6, 6],
    { pad_per_class: flag(false), clip_boxes: flag(true) },
    (b, [boxes, scores, perClass, greatest, overlap, least], a, at) => {
      const each = at.numbers(perClass, "the greatest number of a class")[0]!;
      const most = at.numbers(greatest, "the greatest number")[0]!;
      const classes = scores.shape[2];
      if (a.pad_per_class && typeof classes !== "number")
        throw at.unsupported("as many boxes as there are classes, of unknown number");
      const total = a.pad_per_class ? Math.min(most, each * (classes as number)) : most;
      const inputs = [real(b, boxes), real(b, scores), real(b, overlap), real(b, least)];
      return b.ops("CombinedSuppression", inputs, { each, total, clip: a.clip_boxes });
    },
    { parameters: [2, 3] },
  ),
  tfRule(
    "MaxPoolWithArgmax",
    [1, 1],
    { ksize: list(), strides: list(), padding: string("VALID"), Targmax: dtype("int64"), include_batch_in_index: flag(false) },
    (b, [x], { Targmax, ...a }) => b.ops("MaxPoolWithArgmax", [x], { ...a, output_type: Targmax }),
  ),
  tfRule("CompareAndBitpack", [2, 2], {}, (b, [x, threshold]) => {
    const bits = b.cast(b.op("Greater", [b.cast(x, "float32"), b.cast(threshold, "float32")]), "int32");
    const last = x.shape[x.rank - 1];
    const lead = x.shape.slice(0, -1);
    const groups = b.reshapeTo(
      bits,
      [...lead, typeof last === "number" ? last / 8 : undefined, 8],
      lead.map((_, i) => [x, i] as const),
    );
    const weighed = b.op("Mul", [groups, b.ints([128, 64, 32, 16, 8, 4, 2, 1])]);
    return [b.cast(b.reduce("Sum", weighed, [groups.rank - 1], false), "uint8")];
  }),
];
