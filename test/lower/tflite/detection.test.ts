import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { random } from "../../build/random.ts";
import { constant, custom, operator, value } from "../../build/tflite.ts";
import { InTfjs } from "./in-tfjs.ts";

let tfjs: InTfjs;
beforeAll(async () => {
  tfjs = await InTfjs.start();
});
afterAll(() => tfjs.close());

const [n, classes, max] = [9, 3, 4];
const unit = (count: number, seed: number) => random(count, seed).map((x) => (x + 1.7) / 4);
const anchors = Array.from({ length: n }, (_, i) => [0.1 + 0.09 * i, 0.15 + 0.08 * i, 0.2, 0.25]).flat();
const offsets = random(n * 4, 3);
const predictions = unit(n * (classes + 1), 4);
const options = {
  max_detections: max,
  num_classes: classes,
  nms_score_threshold: 0.2,
  nms_iou_threshold: 0.4,
  y_scale: 10,
  x_scale: 10,
  h_scale: 5,
  w_scale: 5,
};

type Box = readonly [ymin: number, xmin: number, ymax: number, xmax: number];

function boxOf(i: number): Box {
  const [y, x, h, w] = [0, 1, 2, 3].map((k) => offsets[4 * i + k]!) as [number, number, number, number];
  const [ay, ax, ah, aw] = anchors.slice(4 * i, 4 * i + 4) as [number, number, number, number];
  const [cy, cx] = [(y / 10) * ah + ay, (x / 10) * aw + ax];
  const [half, width] = [0.5 * Math.exp(h / 5) * ah, 0.5 * Math.exp(w / 5) * aw];
  return [cy - half, cx - width, cy + half, cx + width];
}

function overlap(a: Box, b: Box): number {
  const side = (i: 0 | 1) => Math.max(0, Math.min(a[i + 2]!, b[i + 2]!) - Math.max(a[i]!, b[i]!));
  const area = (box: Box) => (box[2] - box[0]) * (box[3] - box[1]);
  const shared = side(0) * side(1);
  return shared / (area(a) + area(b) - shared);
}

/** The first class is the background. */
const score = (i: number, c: number) => predictions[i * (classes + 1) + c + 1]!;

function suppressed(candidates: readonly { box: Box; score: number; of: number }[], limit: number) {
  const kept: (typeof candidates)[number][] = [];
  for (const each of [...candidates].sort((a, b) => b.score - a.score)) {
    if (each.score < 0.2 || kept.length === limit) continue;
    if (kept.every((other) => overlap(other.box, each.box) <= 0.4)) kept.push(each);
  }
  return kept;
}

const model = (more: Readonly<Record<string, number | boolean>>, length: number) => ({
  tensors: [
    value("offsets", "float32", [1, n, 4]),
    value("predictions", "float32", [1, n, classes + 1]),
    constant("anchors", "float32", [n, 4], anchors),
    value("boxes", "float32", [1, length, 4]),
    value("labels", "float32", [1, length]),
    value("scores", "float32", [1, length]),
    value("count", "float32", [1]),
  ],
  inputs: ["offsets", "predictions"],
  outputs: ["boxes", "labels", "scores", "count"],
  operators: [
    custom("TFLite_Detection_PostProcess", ["offsets", "predictions", "anchors"], ["boxes", "labels", "scores", "count"], {
      ...options,
      ...more,
    }),
  ],
});
const fed = {
  offsets: { dtype: "float32" as const, shape: [1, n, 4], data: offsets },
  predictions: { dtype: "float32" as const, shape: [1, n, classes + 1], data: predictions },
};

function expectClose(found: readonly number[], wanted: readonly number[]): void {
  expect(found.length).toBe(wanted.length);
  for (const [i, number] of found.entries()) expect(Math.abs(number - wanted[i]!), `element ${i}`).toBeLessThan(1e-5);
}

describe("TFLite_Detection_PostProcess", () => {
  test.each([1, 2])("one suppression for all classes, %s a box", async (per) => {
    const found = await tfjs.run(model({ max_classes_per_detection: per }, max * per), fed);
    const boxes = suppressed(
      Array.from({ length: n }, (_, i) => ({ box: boxOf(i), score: Math.max(...[0, 1, 2].map((c) => score(i, c))), of: i })),
      max,
    );
    const rows = boxes.flatMap(({ box, of }) =>
      [0, 1, 2]
        .sort((a, b) => score(of, b) - score(of, a))
        .slice(0, per)
        .map((c) => ({ box, c, score: score(of, c) })),
    );
    const filler = max * per - rows.length;
    expect(found["count"]!.data).toEqual([rows.length]);
    expectClose(found["boxes"]!.data, [...rows.flatMap(({ box }) => box), ...new Array(4 * filler).fill(0)]);
    expectClose(found["labels"]!.data, [...rows.map(({ c }) => c), ...new Array(filler).fill(0)]);
    expectClose(found["scores"]!.data, [...rows.map((row) => row.score), ...new Array(filler).fill(0)]);
  });

  test("a suppression a class", async () => {
    const found = await tfjs.run(
      model({ max_classes_per_detection: 1, use_regular_nms: true, detections_per_class: 100 }, max),
      fed,
    );
    const rows = [0, 1, 2]
      .flatMap((c) =>
        suppressed(
          Array.from({ length: n }, (_, i) => ({ box: boxOf(i), score: score(i, c), of: c })),
          100,
        ),
      )
      .sort((a, b) => b.score - a.score)
      .slice(0, max);
    expect(found["count"]!.data).toEqual([rows.length]);
    expectClose(
      found["boxes"]!.data.slice(0, 4 * rows.length),
      rows.flatMap(({ box }) => box),
    );
    expectClose(
      found["labels"]!.data.slice(0, rows.length),
      rows.map(({ of }) => of),
    );
  });
});

test.each(["NON_MAX_SUPPRESSION_V4", "NON_MAX_SUPPRESSION_V5"])("%s: what is left, padded with zeroes", async (op) => {
  const boxes = Array.from({ length: n }, (_, i) => boxOf(i));
  const scores = unit(n, 8);
  const soft = op.endsWith("5");
  const scalar = (name: string, number: number, dtype: "float32" | "int32" = "float32") => constant(name, dtype, [], [number]);
  const outputs = soft ? ["indices", "kept", "count"] : ["indices", "count"];
  const found = await tfjs.run(
    {
      tensors: [
        value("b", "float32", [n, 4]),
        value("s", "float32", [n]),
        scalar("max", 7, "int32"),
        scalar("iou", 0.3),
        scalar("least", 0.25),
        scalar("sigma", 0),
        value("indices", "int32", [7]),
        value("kept", "float32", [7]),
        value("count", "int32", []),
      ],
      inputs: ["b", "s"],
      outputs,
      operators: [operator(op, ["b", "s", "max", "iou", "least", ...(soft ? ["sigma"] : [])], outputs)],
    },
    { b: { dtype: "float32", shape: [n, 4], data: boxes.flat() }, s: { dtype: "float32", shape: [n], data: scores } },
  );
  const order = Array.from({ length: n }, (_, i) => i).sort((a, b) => scores[b]! - scores[a]!);
  const left: number[] = [];
  for (const i of order)
    if (scores[i]! > 0.25 && left.length < 7 && left.every((j) => overlap(boxes[i]!, boxes[j]!) <= 0.3)) left.push(i);
  expect(found["count"]!.data).toEqual([left.length]);
  expect(found["indices"]!.data).toEqual([...left, ...new Array(7 - left.length).fill(0)]);
  if (soft) expectClose(found["kept"]!.data, [...left.map((i) => scores[i]!), ...new Array(7 - left.length).fill(0)]);
});
