import { expect, it } from "vitest";
import { elementCount } from "../../../src/graph/tensor.ts";
import { type AttrValue, float, tensor } from "../../build/onnx.ts";
import { random } from "../../build/random.ts";
import { againstOrt } from "./against-ort.ts";

const ort = againstOrt();

const filled = (name: string, shape: readonly number[], seed: number, positive = false) => {
  const values = random(elementCount(shape), seed);
  return tensor(name, "float32", shape, positive ? values.map((v) => Math.abs(v) + 0.1) : values);
};

type Row = [name: string, op: string, opset: number, shapes: number[][], attrs: Record<string, AttrValue>, outputs?: number];
const channels = (c: number): number[][] => [[c], [c], [c], [c]];

it.each<Row>([
  ["of images", "BatchNormalization", 15, [[2, 3, 5, 7], ...channels(3)], { epsilon: float(0.01) }],
  ["of rows", "BatchNormalization", 15, [[5, 3], ...channels(3)], {}],
  ["of sequences", "BatchNormalization", 9, [[2, 3, 7], ...channels(3)], {}],
  ["of volumes", "BatchNormalization", 9, [[2, 3, 4, 5, 2], ...channels(3)], {}],
  ["in training", "BatchNormalization", 15, [[2, 3, 5, 4], ...channels(3)], { training_mode: 1, momentum: float(0.7) }, 3],
  [
    "in training, of old",
    "BatchNormalization",
    9,
    [[2, 3, 5, 4], ...channels(3)],
    { momentum: float(0.7), epsilon: float(0.3) },
    5,
  ],
  ["in training, of old rows", "BatchNormalization", 7, [[5, 3], ...channels(3)], {}, 5],
  ["per instance", "InstanceNormalization", 22, [[2, 3, 5, 7], [3], [3]], { epsilon: float(0.1) }],
  ["per instance, 1-D", "InstanceNormalization", 6, [[2, 3, 11], [3], [3]], {}],
  ["of layers", "LayerNormalization", 17, [[2, 3, 5, 7], [7], [7]], {}],
  [
    "of layers over two axes, with statistics",
    "LayerNormalization",
    17,
    [
      [2, 3, 5, 7],
      [5, 7],
      [5, 7],
    ],
    { axis: 2 },
    3,
  ],
  ["of layers without shift", "LayerNormalization", 17, [[2, 3, 7], [7]], { axis: -1, epsilon: float(0.3) }],
  ["in groups, scaled per channel", "GroupNormalization", 21, [[2, 6, 5, 3], [6], [6]], { num_groups: 3 }],
  ["by mean square", "RMSNormalization", 23, [[2, 3, 7], [7]], { epsilon: float(0.2) }],
  ["of neighbours", "LRN", 13, [[2, 7, 5, 3]], { size: 3, alpha: float(0.9), bias: float(1.5) }],
  ["of an even number of neighbours", "LRN", 13, [[2, 7, 5, 3]], { size: 5, alpha: float(0.9), beta: float(0.4) }],
  ["by mean and variance", "MeanVarianceNormalization", 13, [[2, 3, 5, 4]], {}],
  ["by mean and variance of chosen axes", "MeanVarianceNormalization", 13, [[2, 3, 5]], { axes: [1, 2] }],
  ["by sum", "LpNormalization", 22, [[2, 3, 5]], { p: 1, axis: 1 }],
  ["by length", "LpNormalization", 1, [[2, 3, 5]], {}],
])("normalises %s: %s-%i", async (_, op, opset, shapes, attrs, outputs = 1) => {
  const inputs = shapes.map((shape, i) => filled("xsbmv"[i]!, shape, i + 1, i === 4));
  for (const open of op.startsWith("Group") ? [false] : [false, true])
    expect(await ort.differences({ op, opset, inputs, attrs, outputs, open })).toEqual([]);
});
