/** Convolutions that TF.js's layers lack or compute otherwise, over any number of axes, against the definition in double precision. */
import "@tensorflow/tfjs-backend-cpu";
import { beforeAll, expect, it } from "vitest";
import { type KerasLayer, numbers } from "../../build/keras.ts";
import { random } from "../../build/random.ts";
import { core, graphOf } from "./tfjs.ts";

beforeAll(async () => {
  core.enableProdMode();
  await core.setBackend("cpu");
});

const product = (list: readonly number[]): number => list.reduce((a, b) => a * b, 1);

function* places(grid: readonly number[]): Generator<number[]> {
  for (let i = 0; i < product(grid); i++) {
    const place: number[] = [];
    let rest = i;
    for (const size of [...grid].reverse()) {
      place.unshift(rest % size);
      rest = Math.floor(rest / size);
    }
    yield place;
  }
}

const flat = (place: readonly number[], shape: readonly number[]): number =>
  place.reduce((at, each, i) => at * shape[i]! + each, 0);

interface Window {
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly padding: string;
}

/** Output sizes, and how many places lie before the first. */
function extents(size: readonly number[], kernel: readonly number[], { strides, dilations, padding }: Window) {
  const reach = kernel.map((each, i) => (each - 1) * dilations[i]! + 1);
  const out = size.map((each, i) =>
    padding === "valid" ? Math.floor((each - reach[i]!) / strides[i]!) + 1 : Math.ceil(each / strides[i]!),
  );
  const before = size.map((each, i) => {
    if (padding === "causal") return reach[i]! - 1;
    const missing = Math.max((out[i]! - 1) * strides[i]! + reach[i]! - each, 0);
    return padding === "same" ? Math.floor(missing / 2) : 0;
  });
  return { out, before };
}

/** x [N, …size, C] ⋆ w [K…, C/groups, F] */
function convolved(
  x: Float32Array,
  [batch, ...rest]: readonly number[],
  w: Float32Array,
  shape: readonly number[],
  window: Window,
) {
  const size = rest.slice(0, -1);
  const channels = rest.at(-1)!;
  const kernel = shape.slice(0, -2);
  const [each, filters] = shape.slice(-2) as [number, number];
  const { out, before } = extents(size, kernel, window);
  const y = new Float64Array(batch! * product(out) * filters);
  let at = 0;
  for (let n = 0; n < batch!; n++)
    for (const place of places(out))
      for (let f = 0; f < filters; f++) {
        const first = Math.floor(f / (filters / (channels / each))) * each;
        for (const tap of places(kernel)) {
          const from = place.map((p, i) => p * window.strides[i]! - before[i]! + tap[i]! * window.dilations[i]!);
          if (from.some((p, i) => p < 0 || p >= size[i]!)) continue;
          for (let c = 0; c < each; c++)
            y[at]! += x[flat([n, ...from, first + c], [batch!, ...size, channels])]! * w[flat([...tap, c, f], shape)]!;
        }
        at++;
      }
  return { data: y, shape: [batch!, ...out, filters] };
}

/** What is scattered by a transposed convolution, `full` and then cut as Keras does: x [N, …, C], w [K…, F, C] */
function transposed(
  x: Float32Array,
  [batch, ...rest]: readonly number[],
  w: Float32Array,
  shape: readonly number[],
  strides: readonly number[],
  padding: string,
) {
  const size = rest.slice(0, -1);
  const channels = rest.at(-1)!;
  const kernel = shape.slice(0, -2);
  const filters = shape.at(-2)!;
  const out = size.map((each, i) =>
    padding === "same" ? each * strides[i]! : each * strides[i]! + Math.max(kernel[i]! - strides[i]!, 0),
  );
  const before = kernel.map((each, i) => (padding === "same" ? Math.floor(Math.max(each - strides[i]!, 0) / 2) : 0));
  const y = new Float64Array(batch! * product(out) * filters);
  for (let n = 0; n < batch!; n++)
    for (const place of places(size))
      for (const tap of places(kernel)) {
        const to = place.map((p, i) => p * strides[i]! + tap[i]! - before[i]!);
        if (to.some((p, i) => p < 0 || p >= out[i]!)) continue;
        for (let f = 0; f < filters; f++)
          for (let c = 0; c < channels; c++)
            y[flat([n, ...to, f], [batch!, ...out, filters])]! +=
              x[flat([n, ...place, c], [batch!, ...size, channels])]! * w[flat([...tap, f, c], shape)]!;
      }
  return { data: y, shape: [batch!, ...out, filters] };
}

/** Runs the layer, channels first where asked for, and compares with what is expected of channels last. */
async function expectLayer(
  layer: KerasLayer,
  shape: readonly number[],
  x: Float32Array,
  expected: { data: Float64Array; shape: readonly number[] },
  first = false,
) {
  const turned = (list: readonly number[]) => [list[0]!, list.at(-1)!, ...list.slice(1, -1)];
  const data = first
    ? Float32Array.from(places(turned(shape)), (place) => x[flat([place[0]!, ...place.slice(2), place[1]!], shape)]!)
    : x;
  const given = first ? turned(shape) : shape;
  const config = { ...layer.config, data_format: first ? "channels_first" : "channels_last" };
  const y = await graphOf(given.slice(1), [{ ...layer, config }], { dtype: "float32", shape: given, data });
  expect(y.shape).toEqual(first ? turned(expected.shape) : expected.shape);
  for (const place of places(expected.shape)) {
    const [n, ...rest] = place as [number, ...number[]];
    const at = first ? flat([n, rest.at(-1)!, ...rest.slice(0, -1)], y.shape) : flat(place, y.shape);
    expect(y.data[at]).toBeCloseTo(expected.data[flat(place, expected.shape)]!, 4);
  }
}

const window = (strides: readonly number[], dilations: readonly number[], padding: string): Window => ({
  strides,
  dilations,
  padding,
});
const config = ({ strides, dilations, padding }: Window) => ({ strides, dilation_rate: dilations, padding, use_bias: false });

const convolutions: readonly (readonly [string, string, readonly number[], readonly number[], Window])[] = [
  ["a causal sequence", "Conv1D", [2, 11, 3], [4, 3, 5], window([1], [2], "causal")],
  ["a sequence", "Conv1D", [2, 11, 3], [4, 3, 5], window([3], [1], "same")],
  ["an image", "Conv2D", [2, 7, 9, 3], [3, 2, 3, 5], window([2, 3], [1, 1], "same")],
  ["an image in groups", "Conv2D", [2, 7, 9, 6], [3, 2, 2, 9], window([1, 2], [1, 1], "valid")],
  ["a sequence in groups", "Conv1D", [2, 11, 6], [4, 3, 4], window([2], [1], "same")],
  ["a volume", "Conv3D", [2, 4, 5, 6, 2], [2, 3, 2, 2, 3], window([1, 2, 1], [1, 1, 1], "same")],
];

for (const first of [false, true])
  it.each(convolutions)(`%s, ${first ? "channels first" : "channels last"}`, async (_, op, shape, kernel, each) => {
    // Keras refuses causal padding there.
    if (first && each.padding === "causal") return;
    const x = random(product(shape), 3);
    const groups = shape.at(-1)! / kernel.at(-2)!;
    const layer = {
      op,
      config: { ...config(each), filters: kernel.at(-1)!, kernel_size: kernel.slice(0, -2), groups },
      weights: { kernel },
    };
    await expectLayer(layer, shape, x, convolved(x, shape, numbers(kernel, 1).data, kernel, each), first);
  });

it.each([
  ["Conv1DTranspose", [2, 5, 3], [4, 2, 3], [3]],
  ["Conv2DTranspose", [2, 5, 4, 3], [3, 4, 2, 3], [2, 3]],
  ["Conv3DTranspose", [2, 3, 4, 2, 3], [2, 3, 2, 2, 3], [2, 1, 2]],
] as const)("%s", async (op, shape, kernel, strides) => {
  const x = random(product(shape), 3);
  for (const padding of ["valid", "same"]) {
    const layer = {
      op,
      config: {
        ...config(
          window(
            strides,
            strides.map(() => 1),
            padding,
          ),
        ),
        filters: kernel.at(-2)!,
        kernel_size: kernel.slice(0, -2),
      },
      weights: { kernel },
    };
    await expectLayer(layer, shape, x, transposed(x, shape, numbers(kernel, 1).data, kernel, strides, padding));
  }
});

/** A kernel for each channel as one of all channels in groups. */
const spread = (w: Float32Array, shape: readonly number[]) => {
  const [channels, times] = shape.slice(-2) as [number, number];
  const whole = [...shape.slice(0, -2), 1, channels * times];
  return { shape: whole, data: Float32Array.from(w) };
};

it.each([
  ["DepthwiseConv1D", [2, 11, 3], [4, 3, 2], window([2], [1], "same")],
  ["DepthwiseConv2D", [2, 7, 9, 3], [3, 2, 3, 2], window([2, 2], [1, 1], "valid")],
] as const)("%s", async (op, shape, kernel, each) => {
  const x = random(product(shape), 3);
  const whole = spread(numbers(kernel, 1).data, kernel);
  for (const first of [false, true]) {
    const layer = {
      op,
      config: { ...config(each), kernel_size: kernel.slice(0, -2), depth_multiplier: 2 },
      weights: { depthwise_kernel: kernel },
    };
    await expectLayer(layer, shape, x, convolved(x, shape, whole.data, whole.shape, each), first);
  }
});

it.each([
  ["SeparableConv1D", [2, 11, 3], [4, 3, 2], window([2], [1], "same")],
  ["SeparableConv2D", [2, 7, 9, 3], [3, 2, 3, 2], window([2, 2], [1, 1], "valid")],
] as const)("%s", async (op, shape, kernel, each) => {
  const x = random(product(shape), 3);
  const whole = spread(numbers(kernel, 1).data, kernel);
  const ones = each.strides.map(() => 1);
  const point = [...ones, 6, 5];
  const deep = convolved(x, shape, whole.data, whole.shape, each);
  const expected = convolved(
    Float32Array.from(deep.data),
    deep.shape,
    numbers(point, 2).data,
    point,
    window(ones, ones, "valid"),
  );
  const layer = {
    op,
    config: { ...config(each), filters: 5, kernel_size: kernel.slice(0, -2), depth_multiplier: 2 },
    weights: { depthwise_kernel: kernel, pointwise_kernel: point },
  };
  await expectLayer(layer, shape, x, expected);
});

/** Greatest or mean of what lies within each window. */
function pooled(kind: string, x: Float32Array, [batch, ...rest]: readonly number[], size: readonly number[], each: Window) {
  const [grid, channels] = [rest.slice(0, -1), rest.at(-1)!];
  const { out, before } = extents(grid, size, each);
  const shape = [batch!, ...out, channels];
  const data = Float64Array.from(places(shape), (place) => {
    const [n, ...other] = place as [number, ...number[]];
    const taps = [...places(size)]
      .map((tap) => other.slice(0, -1).map((p, i) => p * each.strides[i]! - before[i]! + tap[i]!))
      .filter((from) => from.every((p, i) => p >= 0 && p < grid[i]!))
      .map((from) => x[flat([n, ...from, other.at(-1)!], [batch!, ...rest])]!);
    return kind === "Max" ? Math.max(...taps) : taps.reduce((a, b) => a + b, 0) / taps.length;
  });
  return { data, shape };
}

const pools = [
  [1, [2, 11, 3], [3], [2]],
  [2, [2, 7, 9, 3], [3, 2], [2, 3]],
  [3, [2, 4, 5, 6, 2], [2, 3, 2], [1, 2, 2]],
] as const;

for (const kind of ["Max", "Average"])
  it.each(pools)(`${kind}Pooling%iD`, async (axes, shape, size, strides) => {
    const x = random(product(shape), 3);
    for (const padding of ["valid", "same"])
      for (const first of [false, true]) {
        const layer = { op: `${kind}Pooling${axes}D`, config: { pool_size: size, strides, padding } };
        await expectLayer(
          layer,
          shape,
          x,
          pooled(
            kind,
            x,
            shape,
            size,
            window(
              strides,
              size.map(() => 1),
              padding,
            ),
          ),
          first,
        );
      }
  });

it.each(pools)("ZeroPadding%iD, Cropping%iD and UpSampling%iD", async (axes, shape) => {
  const x = random(product(shape), 3);
  const grid = shape.slice(1, -1);
  const pairs = grid.map((_, i) => [i + 1, 2 - i] as const);
  const wide = [shape[0], ...grid.map((size, i) => size + pairs[i]![0] + Math.max(pairs[i]![1], 0)), shape.at(-1)!];
  const outer = pairs.map(([low, high]) => [low, Math.max(high, 0)]);
  const cut = grid.map((_, i) => [i === 0 ? 1 : 0, 1]);
  const narrow = [shape[0], ...grid.map((size, i) => size - cut[i]![0]! - cut[i]![1]!), shape.at(-1)!];
  const large = [shape[0], ...grid.map((size, i) => size * (i + 2)), shape.at(-1)!];
  const moved = (list: readonly number[], from: (p: number, i: number) => number) => ({
    shape: list,
    data: Float64Array.from(places(list), (place) => {
      const source = place.map((p, i) => (i === 0 || i === list.length - 1 ? p : from(p, i - 1)));
      return source.every((p, i) => p >= 0 && p < shape[i]!) ? x[flat(source, shape)]! : 0;
    }),
  });
  for (const first of axes > 1 ? [false, true] : [false]) {
    const one = (list: readonly (readonly number[])[]) => (axes === 1 ? list[0]! : list);
    await expectLayer(
      { op: `ZeroPadding${axes}D`, config: { padding: one(outer) } },
      shape,
      x,
      moved(wide, (p, i) => p - outer[i]![0]!),
      first,
    );
    await expectLayer(
      { op: `Cropping${axes}D`, config: { cropping: one(cut) } },
      shape,
      x,
      moved(narrow, (p, i) => p + cut[i]![0]!),
      first,
    );
    const size = axes === 1 ? 2 : grid.map((_, i) => i + 2);
    await expectLayer(
      { op: `UpSampling${axes}D`, config: { size } },
      shape,
      x,
      moved(large, (p, i) => Math.floor(p / (i + 2))),
      first,
    );
  }
});
