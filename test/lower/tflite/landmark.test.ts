/** MediaPipe's operators have no runtime here: the same in plain matrices. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { flexbuffers } from "../../build/flexbuffers.ts";
import { custom, value } from "../../build/tflite.ts";
import type { Fed } from "./against-litert.ts";
import { InTfjs } from "./in-tfjs.ts";
import { floats, size } from "./values.ts";

let tfjs: InTfjs;
beforeAll(async () => {
  tfjs = await InTfjs.start();
});
afterAll(() => tfjs.close());

type Options = Record<string, number | string | readonly number[]>;

async function run(op: string, fed: readonly Fed[], output: readonly number[], options: Options = {}): Promise<number[]> {
  const names = fed.map((_, i) => `x${i}`);
  const found = await tfjs.run(
    {
      tensors: [...fed.map(({ shape }, i) => value(names[i]!, "float32", shape)), value("y", "float32", output)],
      inputs: names,
      outputs: ["y"],
      operators: [custom(op, names, ["y"], flexbuffers(options))],
    },
    Object.fromEntries(fed.map((each, i) => [names[i], each])),
  );
  expect(found["y"]!.shape).toEqual(output);
  return found["y"]!.data;
}

function expectNear(found: readonly number[], wanted: readonly number[]): void {
  expect(found.length).toBe(wanted.length);
  for (const [i, each] of wanted.entries())
    expect(Math.abs(found[i]! - each), `[${i}] ${found[i]} for ${each}`).toBeLessThan(2e-4);
}

type Matrix = readonly (readonly number[])[];
const product = (p: Matrix, q: Matrix): Matrix =>
  p.map((row) => q[0]!.map((_, c) => row.reduce((sum, x, k) => sum + x * q[k]![c]!, 0)));
const turn = (r: number): Matrix => [
  [Math.cos(r), -Math.sin(r), 0],
  [Math.sin(r), Math.cos(r), 0],
  [0, 0, 1],
];
const scale = (x: number, y: number): Matrix => [
  [x, 0, 0],
  [0, y, 0],
  [0, 0, 1],
];
const shift = (x: number, y: number): Matrix => [
  [1, 0, x],
  [0, 1, y],
  [0, 0, 1],
];
/** As the operators have it: 4×4, of which the third axis stays. */
const spread = ([first, second]: Matrix): number[] => {
  const [[a, b, x], [c, d, y]] = [first!, second!];
  return [a!, b!, 0, x!, c!, d!, 0, y!, 0, 0, 1, 0, 0, 0, 0, 1];
};
const matrix: Fed = { ...floats([1, 4, 4]), data: [0.75, -0.5, 9, 1.25, 0.5, 1.5, 9, -0.375, 9, 9, 9, 9, 9, 9, 9, 9] };

test.each<[string, Options, readonly number[], number, number]>([
  ["the first version, of three dimensions", { dimensions: 3, scale: 2.5 }, [1, 1, 1, 15], 3, 2.5],
  ["the first version, of two", { dimensions: 2, scale: 1 }, [1, 1, 3, 4], 2, 1],
  ["the second version", {}, [1, 7, 3], 3, 1],
])("TransformLandmarks: %s", async (_, options, shape, dimensions, factor) => {
  const x = floats(shape, 6);
  const [m, wanted] = [matrix.data, Array.from(x.data)];
  for (let at = 0; at < size(shape); at += dimensions) {
    const [px, py] = [x.data[at]!, x.data[at + 1]!];
    wanted[at] = m[0]! * px + m[1]! * py + m[3]! * factor;
    wanted[at + 1] = m[4]! * px + m[5]! * py + m[7]! * factor;
  }
  expectNear(await run("TransformLandmarks", [x, matrix], shape, options), wanted);
});

const [height, width, channels] = [5, 4, 3];
const image = floats([1, height, width, channels], 4);

/** Between four pixels; those beyond the edge are 0. */
function between(data: ArrayLike<number>, x: number, y: number, channel: number): number {
  const pixel = (row: number, column: number) =>
    row < 0 || column < 0 || row >= height || column >= width ? 0 : data[(row * width + column) * channels + channel]!;
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const [right, low] = [x - left, y - top];
  const upper = (1 - right) * pixel(top, left) + right * pixel(top, left + 1);
  return (1 - low) * upper + low * ((1 - right) * pixel(top + 1, left) + right * pixel(top + 1, left + 1));
}

test.each<[string, string, Options, number]>([
  ["TransformTensor", "corners", { output_size: [3, 6], mode: "bilinear" }, 0],
  ["TransformTensorBilinear", "centres", { output_height: 3, output_width: 6 }, 0.5],
])("%s maps %s of pixels", async (op, _, options, half) => {
  const m = matrix.data;
  const wanted: number[] = [];
  for (let row = 0; row < 3; row++)
    for (let column = 0; column < 6; column++) {
      const [cx, cy] = [column + half, row + half];
      const x = m[0]! * cx + m[1]! * cy + m[3]! - half;
      const y = m[4]! * cx + m[5]! * cy + m[7]! - half;
      const outside = x < 0 || y < 0 || x > width - 1 || y > height - 1;
      for (let c = 0; c < channels; c++) wanted.push(outside ? 0 : between(image.data, x, y, c));
    }
  expect(wanted.filter((each) => each !== 0).length).toBeGreaterThan(12);
  expect(wanted.filter((each) => each === 0).length).toBeGreaterThan(2);
  expectNear(await run(op, [image, matrix], [1, 3, 6, channels], options), wanted);
});

test("Resampler takes points from a second tensor, halfway beyond the edges too", async () => {
  const warp = floats([1, height, width, 2], 8, (x) => 2 * x + 1);
  const wanted: number[] = [];
  for (let i = 0; i < height * width; i++) {
    const [x, y] = [warp.data[2 * i]!, warp.data[2 * i + 1]!];
    for (let c = 0; c < channels; c++) wanted.push(between(image.data, x, y, c));
  }
  expectNear(await run("Resampler", [image, warp], [1, height, width, channels]), wanted);
});

const points = floats([1, 9, 3], 12, (x) => 40 + 25 * x);
const point = (i: number): readonly [number, number] => [points.data[3 * i]!, points.data[3 * i + 1]!];

/** The box around some points, turned by an angle: its centre where it was, and its size. */
function box(subset: readonly number[], angle: number) {
  const turned = subset.map((i) => product(turn(angle), [[point(i)[0]], [point(i)[1]], [1]]));
  const [xs, ys] = [0, 1].map((axis) => turned.map((each) => each[axis]![0]!)) as [number[], number[]];
  const middle = (list: number[]) => (Math.max(...list) + Math.min(...list)) / 2;
  const [[x], [y]] = product(turn(-angle), [[middle(xs)], [middle(ys)], [1]]) as [[number], [number], number[]];
  return { x, y, width: Math.max(...xs) - Math.min(...xs), height: Math.max(...ys) - Math.min(...ys) };
}

test("Landmarks2TransformMatrix, the second version", async () => {
  const subset = [0, 2, 3, 5, 8];
  const options = {
    ...{ subset_idxs: subset, left_rotation_idx: 1, right_rotation_idx: 6, target_rotation_radians: 0.25 },
    ...{ output_height: 32, output_width: 48, scale_x: 1.5, scale_y: 2 },
  };
  const [[lx, ly], [rx, ry]] = [point(1), point(6)];
  const angle = 0.25 - Math.atan2(ry - ly, rx - lx);
  const { x, y, width: w, height: h } = box(subset, angle);
  const parts = [shift(x, y), turn(-angle), scale((1.5 * w) / 48, (2 * h) / 32), shift(-24, -16)];
  expectNear(await run("Landmarks2TransformMatrix", [points], [1, 4, 4], options), spread(parts.reduce(product)));
});

test("Landmarks2TransformMatrix, the first version", async () => {
  const subset = [0, 2, 3, 5, 8, 7];
  const options = {
    ...{ subset, left_rotation_idx: 1, right_rotation_idx: 6, dimensions: 3, landmarks_range: 96 },
    ...{ bbox_size_multiplier: 1.25, input_hw: [64, 64], output_hw: [16, 24] },
  };
  const [[lx, ly], [rx, ry]] = [point(1), point(6)];
  const angle = -Math.atan((ry - ly) / (rx - lx));
  const { x, y, width: w, height: h } = box(subset, angle);
  const absolute = product(shift(31.5, 31.5), scale(31.5, 31.5));
  const relative = product(shift(-1, -1), scale(2 / 23, 2 / 15));
  const turned = product(shift((2 * x) / 96 - 1, (2 * y) / 96 - 1), turn(-angle));
  const wanted = [absolute, turned, scale((1.25 * w) / 96, (1.25 * h) / 96), relative].reduce(product);
  const x4 = { ...points, shape: [1, 1, 1, 27] };
  expectNear(await run("Landmarks2TransformMatrix", [x4], [1, 4, 4], options), spread(wanted));
});
