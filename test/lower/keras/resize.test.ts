import "@tensorflow/tfjs-backend-cpu";
import { beforeAll, expect, it } from "vitest";
import { random } from "../../build/random.ts";
import { core, graphOf } from "./tfjs.ts";

beforeAll(async () => {
  core.enableProdMode();
  await core.setBackend("cpu");
});

const [batch, rows, columns, channels] = [2, 5, 7, 3];
const x = random(batch * rows * columns * channels, 3);
const fed = { dtype: "float32", shape: [batch, rows, columns, channels], data: x } as const;
const input = (n: number, r: number, c: number, k: number) => x[((n * rows + r) * columns + c) * channels + k]!;

/** What of input `j` of `size` goes into output `i` of `count`, by the kernel's own definition; outside of the image nothing counts. */
function share(kernel: (x: number) => number, i: number, count: number, j: number, size: number): number {
  const centre = ((i + 0.5) * size) / count - 0.5;
  const all = Array.from({ length: size }, (_, k) => kernel(k - centre));
  return all[j]! / all.reduce((sum, each) => sum + each, 0);
}

const sinc = (t: number) => (t === 0 ? 1 : Math.sin(Math.PI * t) / (Math.PI * t));
const cubic = (given: number) => {
  const t = Math.abs(given);
  if (t >= 2) return 0;
  return t < 1 ? 1.5 * t ** 3 - 2.5 * t ** 2 + 1 : -0.5 * t ** 3 + 2.5 * t ** 2 - 4 * t + 2;
};
const kernels: readonly (readonly [string, (t: number) => number])[] = [
  ["nearest", (t) => (t > -0.5 && t <= 0.5 ? 1 : 0)],
  ["bilinear", (t) => Math.max(0, 1 - Math.abs(t))],
  ["bicubic", cubic],
  ["lanczos3", (t) => (Math.abs(t) < 3 ? sinc(t) * sinc(t / 3) : 0)],
  ["lanczos5", (t) => (Math.abs(t) < 5 ? sinc(t) * sinc(t / 5) : 0)],
  ["gaussian", (t) => (Math.abs(t) < 1.5 ? Math.exp(-2 * t * t) : 0)],
];

async function expectResized(op: string, config: object, tall: number, wide: number, kernel: (t: number) => number) {
  const y = await graphOf([rows, columns, channels], [{ op, config: { ...config } }], fed);
  expect(y.shape).toEqual([batch, tall, wide, channels]);
  for (let n = 0; n < batch; n++)
    for (let r = 0; r < tall; r++)
      for (let c = 0; c < wide; c++)
        for (let k = 0; k < channels; k++) {
          let sum = 0;
          for (let i = 0; i < rows; i++)
            for (let j = 0; j < columns; j++)
              sum += share(kernel, r, tall, i, rows) * share(kernel, c, wide, j, columns) * input(n, i, j, k);
          // TensorFlow reads the cubic kernel from a table of 1024 steps.
          expect(y.data[((n * tall + r) * wide + c) * channels + k]).toBeCloseTo(sum, kernel === cubic ? 2 : 5);
        }
}

it.each(kernels)("enlarges by %s", (interpolation, kernel) =>
  expectResized("UpSampling2D", { size: [3, 2], interpolation }, 3 * rows, 2 * columns, kernel),
);

it.each(kernels.slice(1))("resizes by %s", (interpolation, kernel) =>
  expectResized("Resizing", { height: 8, width: 11, interpolation }, 8, 11, kernel),
);

it("crops to the proportions first", async () => {
  const config = { height: 4, width: 4, interpolation: "bilinear", crop_to_aspect_ratio: true };
  const y = await graphOf([rows, columns, channels], [{ op: "Resizing", config }], fed);
  const bilinear = kernels[1]![1];
  for (let n = 0; n < batch; n++)
    for (let r = 0; r < 4; r++)
      for (let c = 0; c < 4; c++)
        for (let k = 0; k < channels; k++) {
          let sum = 0;
          for (let i = 0; i < 5; i++)
            for (let j = 0; j < 5; j++) sum += share(bilinear, r, 4, i, 5) * share(bilinear, c, 4, j, 5) * input(n, i, j + 1, k);
          expect(y.data[((n * 4 + r) * 4 + c) * channels + k]).toBeCloseTo(sum, 5);
        }
});

it("takes the middle", async () => {
  const y = await graphOf([rows, columns, channels], [{ op: "CenterCrop", config: { height: 2, width: 4 } }], fed);
  expect(y.shape).toEqual([batch, 2, 4, channels]);
  for (let n = 0; n < batch; n++)
    for (let r = 0; r < 2; r++)
      for (let c = 0; c < 4; c++)
        for (let k = 0; k < channels; k++) expect(y.data[((n * 2 + r) * 4 + c) * channels + k]).toBe(input(n, r + 1, c + 1, k));
});

it("resizes what is too small for its middle", () =>
  expectResized("CenterCrop", { height: 10, width: 14 }, 10, 14, kernels[1]![1]));
