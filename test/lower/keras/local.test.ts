import "@tensorflow/tfjs-backend-cpu";
import { beforeAll, expect, it } from "vitest";
import { numbers } from "../../build/keras.ts";
import { random } from "../../build/random.ts";
import { core, graphOf } from "./tfjs.ts";

beforeAll(async () => {
  core.enableProdMode();
  await core.setBackend("cpu");
});

const [batch, channels, filters] = [2, 3, 5];

it.each(["channels_last", "channels_first"])(
  "multiplies each place of an image by a kernel of its own, %s",
  async (data_format) => {
    const first = data_format === "channels_first";
    const [rows, columns, tall, wide, down, right] = [7, 8, 3, 2, 2, 3];
    const [high, broad] = [3, 3];
    const config = { filters, kernel_size: [tall, wide], strides: [down, right], data_format, activation: "tanh" };
    const weights = { kernel: [high * broad, tall * wide * channels, filters], bias: [high, broad, filters] };
    const shape = first ? [batch, channels, rows, columns] : [batch, rows, columns, channels];
    const x = random(batch * rows * columns * channels, 3);
    const layer = { op: "LocallyConnected2D", config, weights };
    const y = await graphOf(shape.slice(1), [layer], { dtype: "float32", shape, data: x });
    expect(y.shape).toEqual(first ? [batch, filters, high, broad] : [batch, high, broad, filters]);
    const [kernel, bias] = [numbers(weights.kernel, 1).data, numbers(weights.bias, 2).data];
    const input = (n: number, r: number, c: number, k: number) =>
      x[first ? ((n * channels + k) * rows + r) * columns + c : ((n * rows + r) * columns + c) * channels + k]!;
    for (let n = 0; n < batch; n++)
      for (let r = 0; r < high; r++)
        for (let c = 0; c < broad; c++)
          for (let f = 0; f < filters; f++) {
            // Keras lays the bias out anew where the channels come first.
            let sum = bias[first ? (f * high + r) * broad + c : (r * broad + c) * filters + f]!;
            for (let i = 0; i < tall; i++)
              for (let j = 0; j < wide; j++)
                for (let k = 0; k < channels; k++) {
                  const feature = first ? (k * tall + i) * wide + j : (i * wide + j) * channels + k;
                  const weight = kernel[((r * broad + c) * tall * wide * channels + feature) * filters + f]!;
                  sum += input(n, r * down + i, c * right + j, k) * weight;
                }
            const at = first ? ((n * filters + f) * high + r) * broad + c : ((n * high + r) * broad + c) * filters + f;
            expect(y.data[at]).toBeCloseTo(Math.tanh(sum), 5);
          }
  },
);

it("multiplies each place of a sequence by a kernel of its own", async () => {
  const [steps, size, stride, places] = [11, 4, 3, 3];
  const config = { filters, kernel_size: [size], strides: [stride], use_bias: false };
  const weights = { kernel: [places, size * channels, filters] };
  const x = random(batch * steps * channels, 3);
  const layer = { op: "LocallyConnected1D", config, weights };
  const y = await graphOf([steps, channels], [layer], { dtype: "float32", shape: [batch, steps, channels], data: x });
  const kernel = numbers(weights.kernel, 1).data;
  for (let n = 0; n < batch; n++)
    for (let p = 0; p < places; p++)
      for (let f = 0; f < filters; f++) {
        let sum = 0;
        for (let i = 0; i < size * channels; i++)
          sum += x[(n * steps + p * stride) * channels + i]! * kernel[(p * size * channels + i) * filters + f]!;
        expect(y.data[(n * places + p) * filters + f]).toBeCloseTo(sum, 5);
      }
});

it.each([
  ["channels_last", "valid"],
  ["channels_first", "same"],
  ["channels_last", "same"],
] as const)("takes a kernel from every element to every element, %s, %s", async (data_format, padding) => {
  const first = data_format === "channels_first";
  const [rows, columns, tall, wide, down, right] = [5, 4, 3, 2, 2, 1];
  const [high, broad] = padding === "same" ? [3, 4] : [2, 3];
  const config = { filters, kernel_size: [tall, wide], strides: [down, right], data_format, padding, implementation: 2, use_bias: false }; // biome-ignore format: a row
  const kernelShape = first ? [channels, rows, columns, filters, high, broad] : [rows, columns, channels, high, broad, filters];
  const shape = first ? [batch, channels, rows, columns] : [batch, rows, columns, channels];
  const x = random(batch * rows * columns * channels, 3);
  const layer = { op: "LocallyConnected2D", config, weights: { kernel: kernelShape } };
  const y = await graphOf(shape.slice(1), [layer], { dtype: "float32", shape, data: x });
  const kernel = numbers(kernelShape, 1).data;
  const input = (r: number, c: number, k: number) => (first ? (k * rows + r) * columns + c : (r * columns + c) * channels + k);
  const output = (r: number, c: number, f: number) => (first ? (f * high + r) * broad + c : (r * broad + c) * filters + f);
  const [ins, outs] = [rows * columns * channels, high * broad * filters];
  // Where the window begins; beyond the edges there is nothing.
  const [top, left] = padding === "same" ? [-Math.floor(tall / 2), -Math.floor(wide / 2)] : [0, 0];
  for (let n = 0; n < batch; n++)
    for (let r = 0; r < high; r++)
      for (let c = 0; c < broad; c++)
        for (let f = 0; f < filters; f++) {
          let sum = 0;
          for (let i = r * down + top; i < r * down + top + tall; i++)
            for (let j = c * right + left; j < c * right + left + wide; j++)
              if (i >= 0 && i < rows && j >= 0 && j < columns)
                for (let k = 0; k < channels; k++)
                  sum += x[n * ins + input(i, j, k)]! * kernel[input(i, j, k) * outs + output(r, c, f)]!;
          expect(y.data[n * outs + output(r, c, f)]).toBeCloseTo(sum, 4);
        }
});

it("refuses a kernel that is stored as a list", async () => {
  const layer = { op: "LocallyConnected1D", config: { filters, kernel_size: [2], implementation: 3 }, weights: { kernel: [60] } };
  const fed = { dtype: "float32" as const, shape: [1, 5, channels], data: random(15, 3) };
  await expect(graphOf([5, channels], [layer], fed)).rejects.toThrow(/list of what is not zero/);
});
