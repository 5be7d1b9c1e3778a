/** Boxes: suppression of those that overlap, and TFLite_Detection_PostProcess, which ends most SSD detectors. */
import type { Value } from "../../graph/graph.ts";
import type { SourceAttr } from "../../graph/source.ts";
import type { Builder } from "../../tf/build.ts";
import type { At, Rule } from "../rule.ts";
import { int, raw } from "../schema.ts";
import { customDomain } from "./names.ts";
import { lite } from "./rule.ts";

const scalar = (b: Builder, x: Value): Value => b.reshape(x, []);

/** A vector brought to `length` with zeroes behind it. */
function padTo(b: Builder, x: Value, count: Value, length: Value): Value {
  const missing = b.op("Sub", [b.reshape(b.cast(length, "int32"), [1]), b.reshape(b.cast(count, "int32"), [1])]);
  const pads = b.reshape(b.concat([b.ints([0]), missing], 0), [1, 2]);
  return b.op("PadV2", [x, pads, b.scalar(x.dtype, 0)]);
}

interface Options {
  readonly max_detections: number;
  readonly max_classes_per_detection: number;
  readonly nms_score_threshold: number;
  readonly nms_iou_threshold: number;
  readonly num_classes: number;
  readonly scales: readonly [y: number, x: number, h: number, w: number];
}

/** Offsets from anchors (y, x, h, w; centres) as corners (ymin, xmin, ymax, xmax): [n, 4]. */
function decode(b: Builder, offsets: Value, anchors: Value, { scales }: Options): Value {
  const number = (value: number) => b.scalar("float32", value);
  const column = (x: Value, i: number) => b.slice(x, [0, i], [-1, 1]);
  const centre = (i: number) => {
    const moved = b.op("Mul", [b.op("RealDiv", [column(offsets, i), number(scales[i]!)]), column(anchors, i + 2)]);
    return b.op("AddV2", [moved, column(anchors, i)]);
  };
  const half = (i: number) => {
    const grown = b.op("Exp", [b.op("RealDiv", [column(offsets, i), number(scales[i]!)])]);
    return b.op("Mul", [b.op("Mul", [grown, number(0.5)]), column(anchors, i)]);
  };
  const [y, x, h, w] = [centre(0), centre(1), half(2), half(3)];
  return b.concat([b.op("Sub", [y, h]), b.op("Sub", [x, w]), b.op("AddV2", [y, h]), b.op("AddV2", [x, w])], 1);
}

interface Detected {
  /** [max, 4] */
  readonly boxes: Value;
  /** [max], float32 */
  readonly classes: Value;
  readonly scores: Value;
  /** Scalar int32: how many of them are there. */
  readonly count: Value;
}

function suppress(b: Builder, boxes: Value, scores: Value, max: number, a: Options): readonly [indices: Value, count: Value] {
  const inputs = [
    boxes,
    scores,
    b.scalar("int32", max),
    b.scalar("float32", a.nms_iou_threshold),
    b.scalar("float32", a.nms_score_threshold),
  ];
  const [indices, count] = b.ops("NonMaxSuppressionV4", inputs, { pad_to_max_output_size: true });
  return [indices!, count!];
}

/** One suppression for all classes, over the best of each box; then the best classes of the boxes that are left. */
function fast(b: Builder, boxes: Value, scores: Value, a: Options): Detected {
  const per = Math.min(a.max_classes_per_detection, a.num_classes);
  const best = b.reduce("Max", scores, [1], false);
  const [indices, count] = suppress(b, boxes, best, a.max_detections, a);
  const [values, classes] = b.ops("TopKV2", [b.gather(scores, indices, 0), b.scalar("int32", per)], { sorted: true });
  return {
    boxes: spread(b, boxes, indices, per),
    classes: b.cast(b.reshape(classes!, [-1]), "float32"),
    scores: b.reshape(values!, [-1]),
    count: b.op("Mul", [count, b.scalar("int32", per)]),
  };
}

/** Each picked box as often as it has classes. */
function spread(b: Builder, boxes: Value, indices: Value, per: number): Value {
  const picked = b.gather(boxes, indices, 0);
  if (per === 1) return picked;
  const rows = b.op("ExpandDims", [picked, b.scalar("int32", 1)]);
  return b.reshape(b.op("Tile", [rows, b.ints([1, per, 1])]), [-1, 4]);
}

/** Farther apart than any two boxes of one image: boxes of different classes never overlap when moved so. */
const apart = 1e3;

/**
 * A suppression a class, then the best of all: the same as one over every pair of box and class, the boxes of each class moved to a place
 * of their own.
 */
function regular(b: Builder, boxes: Value, scores: Value, a: Options): Detected {
  const shift = b.constant({
    dtype: "float32",
    shape: [1, a.num_classes, 1],
    data: Float32Array.from({ length: a.num_classes }, (_, i) => i * apart),
  });
  const moved = b.reshape(b.op("AddV2", [b.op("ExpandDims", [boxes, b.scalar("int32", 1)]), shift]), [-1, 4]);
  const flat = b.reshape(scores, [-1]);
  const [indices, count] = suppress(b, moved, flat, a.max_detections, a);
  const classes = b.scalar("int32", a.num_classes);
  return {
    boxes: b.gather(boxes, b.op("FloorDiv", [indices, classes]), 0),
    classes: b.cast(b.op("FloorMod", [indices, classes]), "float32"),
    scores: b.gather(flat, indices, 0),
    count,
  };
}

/** Zero behind the detections that are there, as a fresh run of TFLite leaves it. */
function masked(b: Builder, x: Value, count: Value, length: number): Value {
  const there = b.op("Less", [b.ints(Array.from({ length }, (_, i) => i)), count]);
  const shaped = x.rank === 1 ? there : b.op("ExpandDims", [there, b.scalar("int32", 1)]);
  return b.op("SelectV2", [shaped, x, b.scalar(x.dtype, 0)]);
}

function postProcess(
  b: Builder,
  offsets: Value,
  predictions: Value,
  anchors: Value,
  a: Options,
  byClass: boolean,
  at: At,
): Value[] {
  const [batch, n] = offsets.shape;
  const classes = predictions.shape[2];
  if (batch !== 1) throw at.unsupported(`detections in a batch of ${batch ?? "unknown size"}`);
  if (typeof classes !== "number" || typeof n !== "number") throw at.unsupported("detections of unknown size");
  const boxes = decode(b, b.reshape(b.slice(offsets, [0, 0, 0], [-1, -1, 4]), [n, 4]), anchors, a);
  // Where there is one class more than were asked for, the first is the background.
  const scores = b.reshape(b.slice(predictions, [0, 0, classes - a.num_classes], [-1, -1, -1]), [n, a.num_classes]);
  const found = byClass ? regular(b, boxes, scores, a) : fast(b, boxes, scores, a);
  const length = a.max_detections * (byClass ? 1 : Math.min(a.max_classes_per_detection, a.num_classes));
  const whole = (x: Value) => b.op("ExpandDims", [masked(b, x, found.count, length), b.scalar("int32", 0)]);
  return [whole(found.boxes), whole(found.classes), whole(found.scores), b.reshape(b.cast(found.count, "float32"), [1])];
}

/** Flexbuffers write whole floats as integers, and booleans as either. */
export function number(attr: SourceAttr | undefined, fallback: number): number {
  if (attr?.kind === "int" || attr?.kind === "float") return Number(attr.value);
  return attr?.kind === "bool" ? Number(attr.value) : fallback;
}

export const detections: readonly Rule[] = [
  lite("NON_MAX_SUPPRESSION_V4", { arity: [5, 5], attrs: {} }, (b, [boxes, scores, max, overlap, least]) =>
    b.ops("NonMaxSuppressionV4", [boxes, scores, scalar(b, max), scalar(b, overlap), scalar(b, least)], {
      pad_to_max_output_size: true,
    }),
  ),
  lite("NON_MAX_SUPPRESSION_V5", { arity: [6, 6], attrs: {} }, (b, [boxes, scores, max, overlap, least, sigma]) => {
    const inputs = [boxes, scores, ...[max, overlap, least, sigma].map((each) => scalar(b, each))];
    const [indices, kept, count] = b.ops("NonMaxSuppressionV5", inputs, {});
    return [padTo(b, indices!, count!, max), padTo(b, kept!, count!, max), count];
  }),
  lite(
    "TFLite_Detection_PostProcess",
    {
      domain: customDomain,
      arity: [3, 3],
      attrs: {
        max_detections: int(10),
        num_classes: int(1),
        max_classes_per_detection: int(1),
        nms_score_threshold: raw(),
        nms_iou_threshold: raw(),
        y_scale: raw(),
        x_scale: raw(),
        h_scale: raw(),
        w_scale: raw(),
        use_regular_nms: raw(),
      },
    },
    (b, [offsets, predictions, anchors], a, at) => {
      const options: Options = {
        max_detections: a.max_detections,
        num_classes: a.num_classes,
        max_classes_per_detection: a.max_classes_per_detection,
        nms_score_threshold: number(a.nms_score_threshold, 0),
        nms_iou_threshold: number(a.nms_iou_threshold, 0.5),
        scales: [number(a.y_scale, 1), number(a.x_scale, 1), number(a.h_scale, 1), number(a.w_scale, 1)],
      };
      return postProcess(b, offsets, predictions, anchors, options, number(a.use_regular_nms, 0) !== 0, at);
    },
  ),
];
