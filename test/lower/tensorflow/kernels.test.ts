/** Where TF.js's own kernels go wrong, by backend or by type: numbers of every sign, every type, windows of every kind. */
import { afterAll, beforeAll, describe, it } from "vitest";
import type { DType } from "../../../src/base/dtype.ts";
import { type Tensor, tensorOf } from "../../../src/graph/tensor.ts";
import { random, randomInts } from "../../build/random.ts";
import { type Attribute, constant, type Dims } from "../../build/tensorflow.ts";
import { Runner } from "./run.ts";

let runner: Runner;
beforeAll(async () => {
  runner = await Runner.start();
});
afterAll(() => runner.close());

const float = (shape: readonly number[], values: ArrayLike<number>): Tensor => tensorOf("float32", shape, values);
const int = (shape: readonly number[], values: ArrayLike<number>, dtype: DType = "int32"): Tensor =>
  tensorOf(dtype, shape, values);
const bools = (shape: readonly number[], values: readonly boolean[]): Tensor => ({
  dtype: "bool",
  shape,
  data: Uint8Array.from(values, Number),
});
const data = (tensor: Tensor): number[] => Array.from(tensor.data as Float32Array, Number);
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

type Attrs = Readonly<Record<string, Attribute>>;

/** One node: `constants` are the places of the inputs that are not fed, `shapes` what is declared of those that are. */
const one = (
  op: string,
  inputs: readonly Tensor[],
  expected: readonly Tensor[],
  attrs: Attrs = {},
  { constants = [], shapes = {} }: { constants?: readonly number[]; shapes?: Readonly<Record<string, Dims>> } = {},
) =>
  runner.check({
    nodes: [
      ...inputs.flatMap((tensor, i) => (constants.includes(i) ? [constant(`in_${i}`, tensor)] : [])),
      { name: "y", op, inputs: inputs.map((_, i) => `in_${i}`), attrs },
    ],
    feeds: Object.fromEntries(inputs.flatMap((tensor, i) => (constants.includes(i) ? [] : [[`in_${i}`, tensor] as const]))),
    shapes,
    expected: Object.fromEntries(expected.map((tensor, i) => [i === 0 ? "y" : `y:${i}`, tensor] as const)),
  });

interface Axis {
  readonly size: number;
  readonly kernel: number;
  readonly stride: number;
}

/** For each output along an axis, the elements of its window that are inside. */
function windows({ size, kernel, stride }: Axis, same: boolean): readonly (readonly number[])[] {
  const count = same ? Math.ceil(size / stride) : Math.floor((size - kernel) / stride) + 1;
  const low = same ? Math.floor(Math.max(0, (count - 1) * stride + kernel - size) / 2) : 0;
  return upTo(count).map((i) =>
    upTo(kernel)
      .map((k) => i * stride + k - low)
      .filter((at) => at >= 0 && at < size),
  );
}

const below = (count: number): Float32Array => Float32Array.from(random(count), (v) => v - 2.5);

describe("pools of three axes", () => {
  const axes: readonly Axis[] = [
    { size: 7, kernel: 1, stride: 3 },
    { size: 5, kernel: 3, stride: 2 },
    { size: 6, kernel: 2, stride: 3 },
  ];
  const [depth, height, width, channels] = [7, 5, 6, 2];
  const x = float([2, depth, height, width, channels], below(2 * depth * height * width * channels));
  const combine = {
    MaxPool3D: (found: readonly number[]) => Math.max(...found),
    AvgPool3D: (found: readonly number[]) => found.reduce((sum, v) => sum + v, 0) / found.length,
  };
  for (const [op, of] of Object.entries(combine))
    for (const padding of ["SAME", "VALID"])
      it(`${op}, ${padding}: all below 0, strides beyond the window`, () => {
        const [d, h, w] = axes.map((axis) => windows(axis, padding === "SAME"));
        const at = (n: number, i: number, j: number, k: number, c: number) =>
          data(x)[(((n * depth + i) * height + j) * width + k) * channels + c]!;
        const values = [0, 1].flatMap((n) =>
          d!.flatMap((is) =>
            h!.flatMap((js) =>
              w!.flatMap((ks) =>
                upTo(channels).map((c) => of(is.flatMap((i) => js.flatMap((j) => ks.map((k) => at(n, i, j, k, c)))))),
              ),
            ),
          ),
        );
        const attrs: Attrs = { ksize: { ints: [1, 1, 3, 2, 1] }, strides: { ints: [1, 3, 2, 3, 1] }, padding: { s: padding } };
        const y = float([2, d!.length, h!.length, w!.length, channels], values);
        return one(op, [x], [y], attrs, { shapes: { in_0: [-1, depth, -1, -1, channels] } });
      });
});

describe("the greatest and its place", () => {
  const [height, width, channels] = [5, 4, 3];
  const x = float([2, height, width, channels], below(2 * height * width * channels));
  for (const whole of [true, false])
    it(`counted ${whole ? "over the batch" : "in each image"}, all below 0`, () => {
      const rows = windows({ size: height, kernel: 3, stride: 2 }, true);
      const columns = windows({ size: width, kernel: 2, stride: 1 }, true);
      const found = upTo(2).flatMap((n) =>
        rows.flatMap((is) =>
          columns.flatMap((js) =>
            upTo(channels).map((c) => {
              const places = is.flatMap((i) => js.map((j) => (i * width + j) * channels + c));
              const image = n * height * width * channels;
              const best = places.reduce((a, b) => (data(x)[image + b]! > data(x)[image + a]! ? b : a));
              return { value: data(x)[image + best]!, place: best + (whole ? image : 0) };
            }),
          ),
        ),
      );
      const shape = [2, 3, 4, channels];
      const values = float(
        shape,
        found.map(({ value }) => value),
      );
      const places = int(
        shape,
        found.map(({ place }) => place),
        "int64",
      );
      const attrs: Attrs = {
        ksize: { ints: [1, 3, 2, 1] },
        strides: { ints: [1, 2, 1, 1] },
        padding: { s: "SAME" },
        include_batch_in_index: { b: whole },
      };
      return one("MaxPoolWithArgmax", [x], [values, places], attrs, { shapes: { in_0: [-1, -1, -1, channels] } });
    });
});

it("the greatest of integers, where windows lie apart", () => {
  const x = int([1, 5, 4, 1], randomInts(20, -(2 ** 30), 2 ** 30));
  const rows = windows({ size: 5, kernel: 2, stride: 3 }, false);
  const columns = windows({ size: 4, kernel: 3, stride: 1 }, false);
  const values = rows.flatMap((is) =>
    columns.map((js) => Math.max(...is.flatMap((i) => js.map((j) => Number(data(x)[i * 4 + j]))))),
  );
  const attrs: Attrs = { ksize: { ints: [1, 2, 3, 1] }, strides: { ints: [1, 3, 1, 1] }, padding: { s: "VALID" } };
  return one("MaxPool", [x], [int([1, 2, 2, 1], values)], attrs);
});

it("a convolution over channels whose number only the run knows", () => {
  const x = float([1, 2, 3, 2], random(12));
  const w = float([1, 1, 2, 1], [0.7, -1.3]);
  const values = upTo(6).map((i) => 0.7 * data(x)[2 * i]! - 1.3 * data(x)[2 * i + 1]!);
  const attrs: Attrs = { strides: { ints: [1, 1, 1, 1] }, padding: { s: "SAME" } };
  return one("Conv2D", [x, w], [float([1, 2, 3, 1], values)], attrs, { constants: [1], shapes: { in_0: [-1, -1, -1, -1] } });
});

it("a convolution of three axes whose stride leaves elements out", () => {
  const x = float([1, 4, 3, 5, 1], random(60));
  const w = float([1, 2, 1, 1, 1], [0.7, -1.3]);
  const at = (i: number, j: number, k: number) => (j < 3 ? data(x)[(i * 3 + j) * 5 + k]! : 0);
  const values = [0, 2].flatMap((i) => [0, 1, 2].flatMap((j) => [0, 3].map((k) => 0.7 * at(i, j, k) - 1.3 * at(i, j + 1, k))));
  const attrs: Attrs = { strides: { ints: [1, 2, 1, 3, 1] }, padding: { s: "SAME" } };
  return one("Conv3D", [x, w], [float([1, 2, 3, 2, 1], values)], attrs, { constants: [1] });
});

it("space out of depth, of integers beyond 2²⁴", () => {
  const x = int([1, 1, 2, 8], randomInts(16, -(2 ** 30), 2 ** 30));
  const values = [0, 1].flatMap((i) =>
    [0, 1].flatMap((pixel) => [0, 1].flatMap((j) => [0, 1].map((c) => data(x)[pixel * 8 + (i * 2 + j) * 2 + c]!))),
  );
  return one("DepthToSpace", [x], [int([1, 2, 4, 2], values)], { block_size: { i: 2 } });
});

describe("bools", () => {
  const [p, q, r] = [3, 5, 11].map((seed) => Array.from(random(24, seed), (v) => v > 0.2)) as [boolean[], boolean[], boolean[]];
  const pick = p.map((condition, i) => (condition ? q[i]! : r[i]!));

  it("chosen", async () => {
    const inputs = [bools([2, 3, 4], p), bools([2, 3, 4], q), bools([2, 3, 4], r)];
    await one("SelectV2", inputs, [bools([2, 3, 4], pick)]);
    await one("Select", inputs, [bools([2, 3, 4], pick)], {}, { shapes: { in_0: [-1, 3, -1], in_1: [-1, 3, 4] } });
  });

  it("reversed", () => {
    const reversed = [0, 1].flatMap((i) => [2, 1, 0].flatMap((j) => [3, 2, 1, 0].map((k) => p[(i * 3 + j) * 4 + k]!)));
    return one("ReverseV2", [bools([2, 3, 4], p), int([2], [1, -1])], [bools([2, 3, 4], reversed)], {}, { constants: [1] });
  });

  it("one-hot", () => {
    const places = [2, 0, -1, 1];
    const hot = [0, 1, 2].flatMap((depth) => places.map((place) => place !== depth));
    const values = [int([4], places), int([], [3]), bools([], [false]), bools([], [true])];
    return one("OneHot", values, [bools([3, 4], hot)], { axis: { i: 0 } }, { constants: [1, 2, 3] });
  });
});

it("a clip to bounds of each element", () => {
  const x = float([2, 3], [-4, 0.5, 3, 9, -9, 1]);
  const low = float([2, 3], [-3, 1, -1, 0, -10, 1]);
  const high = float([3], [2, 2, 2.5]);
  return one("ClipByValue", [x, low, high], [float([2, 3], [-3, 1, 2.5, 2, -9, 1])]);
});

it("means of integers, cut as C cuts them", () => {
  const x = int([2, 3], [7, -7, -4, 1, 0, 1]);
  const axes = int([1], [-1]);
  const shapes = { in_0: [-1, -1] };
  return one("Mean", [x, axes], [int([2, 1], [-1, 0])], { keep_dims: { b: true } }, { constants: [1], shapes });
});

it("no place among the best for a class that is none, or in a row that is not finite", () => {
  const [inf, nan] = [Number.POSITIVE_INFINITY, Number.NaN];
  const scores = float([5, 3], [1, 3, 2, 1, 3, 2, 1, inf, 2, 0, nan, 4, 5, 5, 1]);
  const targets = int([5], [2, 3, 1, 2, 1]);
  return one(
    "InTopKV2",
    [scores, targets, int([], [2])],
    [bools([5], [true, false, false, false, true])],
    {},
    { constants: [2] },
  );
});

it("the greatest of segments of int64, 0 where there is none", () =>
  one("SegmentMax", [int([4], [-5, -3, -9, -2], "int64"), int([4], [0, 0, 2, 2])], [int([3], [-3, 0, -2], "int64")]));

it("reductions of nothing, where another size is not known", async () => {
  const x = float([3, 0, 2], []);
  const options = { constants: [1], shapes: { in_0: [-1, 0, 2] } };
  await one("Prod", [x, int([1], [1])], [float([3, 2], [1, 1, 1, 1, 1, 1])], {}, options);
  await one("All", [bools([3, 0, 2], []), int([2], [0, -2])], [bools([2], [true, true])], {}, options);
});

describe("nothing", () => {
  const x = float([5, 2], random(10));

  it("between an end and a begin behind it, and of a scalar", async () => {
    const bounds = [int([2], [3, 0]), int([2], [1, 2]), int([2], [1, 1])];
    const shapes = { in_0: [-1, 2] };
    await one("StridedSlice", [x, ...bounds], [float([0, 2], [])], {}, { constants: [1, 2, 3], shapes });
    await one("Slice", [float([], [0.7]), int([0], []), int([0], [])], [float([], [0.7])], {}, { constants: [1, 2] });
  });

  it("found, and taken from", () => {
    const nodes = [
      constant("most", int([], [4])),
      constant("overlap", float([], [0.5])),
      constant("least", float([], [9])),
      constant("swap", int([4], [1, 0, 3, 2])),
      constant("first", int([], [0])),
      constant("last", int([], [1])),
      { name: "kept", op: "NonMaxSuppressionV3", inputs: ["boxes", "scores", "most", "overlap", "least"] },
      { name: "found", op: "GatherV2", inputs: ["boxes", "kept", "first"] },
      { name: "turned", op: "GatherV2", inputs: ["found", "swap", "last"] },
      { name: "again", op: "GatherV2", inputs: ["found", "kept", "first"] },
    ];
    return runner.check({
      nodes,
      feeds: { boxes: float([2, 4], [0, 0, 1, 1, 2, 2, 3, 3]), scores: float([2], [0.4, 0.6]) },
      expected: { turned: float([0, 4], []), again: float([0, 4], []) },
    });
  });
});

it("the first of several parts takes the rest", async () => {
  const x = float([2, 5], random(10));
  const part = (from: number, to: number) =>
    float(
      [2, to - from],
      [0, 5].flatMap((row) => data(x).slice(row + from, row + to)),
    );
  const attrs: Attrs = { num_split: { i: 3 } };
  const inputs = [x, int([3], [-1, 1, 2]), int([], [-1])];
  await one("SplitV", inputs, [part(0, 2), part(2, 3), part(3, 5)], attrs, { constants: [1, 2] });
  await one("SplitV", inputs, [part(0, 2), part(2, 3), part(3, 5)], attrs, { constants: [1, 2], shapes: { in_0: [2, -1] } });
});

it("batches counted from the last axis of the indices", async () => {
  const x = float([2, 3], [1, 2, 3, 4, 5, 6]);
  const attrs: Attrs = { batch_dims: { i: -1 } };
  const inputs = [x, int([2, 2], [2, 0, 1, 1]), int([], [-1])];
  await one("GatherV2", inputs, [float([2, 2], [3, 1, 5, 5])], attrs, { constants: [2] });
});

it("boxes filled up to more than there are", () => {
  const boxes = float([3, 4], [0, 0, 1, 1, 0, 0, 1, 1.1, 5, 5, 6, 6]);
  const rest = [int([], [5]), float([], [0.5]), float([], [0])];
  return one(
    "NonMaxSuppressionV4",
    [boxes, float([3], [0.3, 0.9, 0.6]), ...rest],
    [int([5], [1, 2, 0, 0, 0]), int([], [2])],
    { pad_to_max_output_size: { b: true } },
    { constants: [2, 3, 4] },
  );
});
