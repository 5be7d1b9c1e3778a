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
