/** RoiAlign and NonMaxSuppression. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { constantOf } from "../../tf/op.ts";
import { type Rule, rule } from "../rule.ts";
import { float, int, ints, oneOf, required } from "../schema.ts";
import { Arithmetic } from "./arithmetic.ts";
import { sizeAt } from "./dims.ts";
import { clampEdge, floatSize, linearNeighbours, type Neighbour, neighbourRows, tableOf } from "./sample.ts";

interface RoiAttrs {
  readonly mode: "avg" | "max";
  readonly output_height: number;
  readonly output_width: number;
  readonly sampling_ratio: number;
  readonly spatial_scale: number;
}

/** Places of all samples along one axis of every region: [R, bins·count]. */
function samplePlaces(b: Builder, start: Value, length: Value, bins: number, count: number): Value {
  const m = new Arithmetic(b);
  const shares = Float32Array.from(
    { length: bins * count },
    (_, i) => (Math.floor(i / count) + ((i % count) + 0.5) / count) / bins,
  );
  return m.add(start, m.mul(length, b.constant({ dtype: "float32", shape: [1, bins * count], data: shares })));
}

/** Neighbours of a place held to the image, and 1 where the place is at most one element outside. */
function held(b: Builder, place: Value, size: Value): { neighbours: readonly Neighbour[]; inside: Value } {
  const m = new Arithmetic(b);
  const inside = m.float(m.and(m.compare("GreaterEqual", place, -1), m.compare("LessEqual", place, size)));
  return { neighbours: linearNeighbours(b, m.clamp(place, 0, m.sub(size, 1))), inside };
}

function roiAlign(b: Builder, x: Value, rois: Value, batches: Value, a: RoiAttrs, halfPixel: boolean): Value {
  const count = a.sampling_ratio;
  if (count <= 0) {
    const attrs = {
      height: a.output_height,
      width: a.output_width,
      scale: a.spatial_scale,
      half_pixel: halfPixel,
      max: a.mode === "max",
    };
    return b.op("RoiAlignAdaptive", [x, b.cast(rois, "float32"), b.cast(batches, "int32")], attrs);
  }
  const m = new Arithmetic(b);
  const table = tableOf(b, x);
  const corners = b.ops("Split", [b.scalar("int32", 1), m.float(rois)], { num_split: 4 });
  const scaled = corners.map((corner) => m.sub(m.mul(corner, a.spatial_scale), halfPixel ? 0.5 : 0));
  const length = (i: number) => {
    const size = m.sub(scaled[i + 2]!, scaled[i]!);
    return halfPixel ? size : m.max(size, 1);
  };
  const [height, width] = [a.output_height, a.output_width];
  const rows = held(b, samplePlaces(b, scaled[1]!, length(1), height, count), floatSize(b, table.sizes[0]!));
  const columns = held(b, samplePlaces(b, scaled[0]!, length(0), width, count), floatSize(b, table.sizes[1]!));
  // Rows [R, h·n, 1] and columns [R, 1, w·n] broadcast to all samples.
  const axis = (neighbours: readonly Neighbour[], at1: number) =>
    neighbours.map(({ index, weight }) => ({
      index: b.op("ExpandDims", [index, b.scalar("int32", at1)]),
      weight: b.op("ExpandDims", [weight!, b.scalar("int32", at1)]),
    }));
  const inside = m.mul(
    b.op("ExpandDims", [rows.inside, b.scalar("int32", 2)]),
    b.op("ExpandDims", [columns.inside, b.scalar("int32", 1)]),
  );
  const terms = neighbourRows(
    b,
    table,
    [axis(rows.neighbours, 2), axis(columns.neighbours, 1)],
    clampEdge(b),
    b.reshape(b.cast(batches, "int32"), [-1, 1, 1]),
  ).map((term) => b.op("Mul", [term.rows, term.weight!]));
  const combine = a.mode === "avg" ? "AddV2" : "Maximum";
  const read = m.mul(
    terms.reduce((sum, term) => b.op(combine, [sum, term])),
    b.op("ExpandDims", [inside, b.scalar("int32", -1)]),
  );
  const channels = sizeAt(b, x, 1);
  const shape = b.concat(
    [b.ints([-1, height, count, width, count]), typeof channels === "number" ? b.ints([channels]) : channels],
    0,
  );
  const bins = b.reduce(a.mode === "avg" ? "Mean" : "Max", b.op("Reshape", [read, shape]), [2, 4], false);
  return b.transpose(bins, [0, 3, 1, 2]);
}

/** Suppressions written out, one a batch and class. */
const maxSuppressions = 1024;

/** A scalar input, or what stands for it. */
const scalarOr = (b: Builder, v: Value | undefined, fallback: Value): Value =>
  v ? b.reshape(b.cast(v, fallback.dtype), []) : fallback;

/** ONNX suppresses above the threshold, TF.js from it on: the next greater float32. */
function strictly(b: Builder, threshold: Value): Value {
  const m = new Arithmetic(b);
  return m.min(m.add(m.mul(threshold, 1 + 2 ** -23), 2 ** -126), 1);
}

function nonMaxSuppression(b: Builder, inputs: readonly (Value | undefined)[], centred: boolean): Value {
  const [boxes, scores, limit, iou, least] = inputs as readonly [
    Value,
    Value,
    Value | undefined,
    Value | undefined,
    Value | undefined,
  ];
  const [batch, classes] = scores.shape;
  const known = iou && constantOf(iou);
  const count = scalarOr(b, limit, b.scalar("int32", 0));
  const shared = scalarOr(b, iou, b.scalar("float32", 0));
  const threshold = scalarOr(b, least, b.scalar("float32", Number.NEGATIVE_INFINITY));
  const countless = typeof batch !== "number" || typeof classes !== "number" || batch * classes > maxSuppressions;
  // TF.js's own op takes one batch and class, and no overlap of 1, which only that of boxes that are the same reaches.
  if (countless || (known && Number(known.data[0]) >= 1)) {
    const inOrder = corners(b, boxes, centred);
    return b.cast(b.op("SuppressEach", [inOrder, scores, count, shared, threshold]), "int64");
  }
  const overlap = strictly(b, shared);
  const found: Value[] = [];
  for (let n = 0; n < batch; n++) {
    const own = corners(b, b.squeeze(b.slice(boxes, [n, 0, 0], [1, -1, -1]), [0]), centred);
    for (let c = 0; c < classes; c++) {
      const ranked = b.squeeze(b.slice(scores, [n, c, 0], [1, 1, -1]), [0, 1]);
      const kept = b.op("NonMaxSuppressionV3", [own, ranked, count, overlap, threshold]);
      const column = b.op("ExpandDims", [b.cast(kept, "int64"), b.scalar("int32", 1)]);
      const place = b.op("Tile", [
        b.constant({ dtype: "int64", shape: [1, 2], data: BigInt64Array.of(BigInt(n), BigInt(c)) }),
        b.concat([b.dim(column, 0), b.ints([1])], 0),
      ]);
      found.push(b.concat([place, column], 1));
    }
  }
  return b.concat(found, 0);
}

/** [x, y, width, height] of the middle as two corners; TF.js takes corners in any order. */
function corners(b: Builder, boxes: Value, centred: boolean): Value {
  if (!centred) return boxes;
  const last = boxes.rank - 1;
  const [x, y, w, h] = b.ops("Split", [b.scalar("int32", last), boxes], { num_split: 4 }) as [Value, Value, Value, Value];
  const m = new Arithmetic(b);
  const [right, down] = [m.mul(w, 0.5), m.mul(h, 0.5)];
  return b.concat([m.sub(y, down), m.sub(x, right), m.add(y, down), m.add(x, right)], last);
}

const roiAttrs = {
  mode: oneOf("avg", "max"),
  output_height: int(1),
  output_width: int(1),
  sampling_ratio: int(0),
  spatial_scale: float(1),
};

export const regions: readonly Rule[] = [
  rule(
    "MaxRoiPool",
    { since: 1, arity: [2, 2], attrs: { pooled_shape: required(ints()), spatial_scale: float(1) } },
    (b, [x, rois], a, at) => {
      const [height, width] = a.pooled_shape;
      if (a.pooled_shape.length !== 2) throw at.invalid(`a pooled_shape of ${a.pooled_shape.length} numbers`);
      return [b.op("RoiMaxPool", [x, b.cast(rois, "float32")], { height: height!, width: width!, scale: a.spatial_scale })];
    },
  ),
  rule("RoiAlign", { since: 10, arity: [3, 3], attrs: roiAttrs }, (b, [x, rois, batches], a) => [
    roiAlign(b, x, rois, batches, a, false),
  ]),
  rule(
    "RoiAlign",
    {
      since: 16,
      arity: [3, 3],
      attrs: { ...roiAttrs, coordinate_transformation_mode: oneOf("half_pixel", "output_half_pixel") },
    },
    (b, [x, rois, batches], a) => [roiAlign(b, x, rois, batches, a, a.coordinate_transformation_mode === "half_pixel")],
  ),
  rule("NonMaxSuppression", { since: 10, arity: [2, 5], attrs: { center_point_box: int(0) } }, (b, inputs, a) => [
    nonMaxSuppression(b, inputs, a.center_point_box === 1),
  ]),
];
