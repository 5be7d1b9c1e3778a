/** Normalisations that TF.js's layers do not have, against their definitions. */
import "@tensorflow/tfjs-backend-cpu";
import { beforeAll, expect, it } from "vitest";
import { numbers } from "../../build/keras.ts";
import { random } from "../../build/random.ts";
import { core, graphOf } from "./tfjs.ts";

beforeAll(async () => {
  core.enableProdMode();
  await core.setBackend("cpu");
});

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

it("by the root of the mean square", async () => {
  const [batch, steps, width] = [2, 3, 5];
  const x = random(batch * steps * width, 3);
  const layer = { op: "RMSNormalization", config: { axis: -1, epsilon: 0.01 }, weights: { scale: [width] } };
  const y = await graphOf([steps, width], [layer], { dtype: "float32", shape: [batch, steps, width], data: x });
  const scale = numbers([width], 1).data;
  for (let row = 0; row < batch * steps; row++) {
    const values = Array.from(x.slice(row * width, (row + 1) * width));
    const root = Math.sqrt(mean(values.map((each) => each * each)) + 0.01);
    for (let i = 0; i < width; i++) expect(y.data[row * width + i]).toBeCloseTo((values[i]! / root) * scale[i]!, 5);
  }
});

it.each([-1, 1])("by groups of channels on axis %i", async (axis) => {
  const [batch, rows, columns, channels, groups] = [2, 3, 5, 6, 2];
  const first = axis === 1;
  const shape = first ? [batch, channels, rows, columns] : [batch, rows, columns, channels];
  const x = random(batch * rows * columns * channels, 3);
  const layer = {
    op: "GroupNormalization",
    config: { axis, groups, epsilon: 0.01 },
    weights: { gamma: [channels], beta: [channels] },
  };
  const y = await graphOf(shape.slice(1), [layer], { dtype: "float32", shape, data: x });
  const at = (n: number, r: number, c: number, k: number) =>
    first ? ((n * channels + k) * rows + r) * columns + c : ((n * rows + r) * columns + c) * channels + k;
  const [gamma, beta] = [numbers([channels], 1).data.map((each) => Math.abs(each) + 0.5), numbers([channels], 2).data];
  for (let n = 0; n < batch; n++)
    for (let g = 0; g < groups; g++) {
      const places: (readonly [number, number])[] = [];
      for (let r = 0; r < rows; r++)
        for (let c = 0; c < columns; c++) for (let k = 3 * g; k < 3 * g + 3; k++) places.push([at(n, r, c, k), k]);
      const middle = mean(places.map(([place]) => x[place]!));
      const deviation = Math.sqrt(mean(places.map(([place]) => (x[place]! - middle) ** 2)) + 0.01);
      for (const [place, k] of places)
        expect(y.data[place]).toBeCloseTo(((x[place]! - middle) / deviation) * gamma[k]! + beta[k]!, 4);
    }
});

it("to unit length", async () => {
  const [batch, width] = [3, 5];
  const x = random(batch * width, 3);
  const y = await graphOf([width], [{ op: "UnitNormalization" }], { dtype: "float32", shape: [batch, width], data: x });
  for (let n = 0; n < batch; n++) {
    const row = Array.from(x.slice(n * width, (n + 1) * width));
    const length = Math.sqrt(row.reduce((sum, each) => sum + each * each, 0));
    for (let i = 0; i < width; i++) expect(y.data[n * width + i]).toBeCloseTo(row[i]! / length, 5);
  }
});

it("by statistics that adapting has found, and back", async () => {
  const [batch, width] = [3, 4];
  const x = random(batch * width, 3);
  const [middle, variance] = [
    [0.5, -1, 2, 0.25],
    [4, 0.25, 1, 9],
  ] as const;
  for (const invert of [false, true]) {
    const config = { axis: [-1], mean: middle, variance, invert };
    const y = await graphOf([width], [{ op: "Normalization", config }], { dtype: "float32", shape: [batch, width], data: x });
    for (const [i, value] of x.entries()) {
      const [m, s] = [middle[i % width]!, Math.sqrt(variance[i % width]!)];
      expect(y.data[i]).toBeCloseTo(invert ? value * s + m : (value - m) / s, 5);
    }
  }
});

it("of a kernel's greatest singular value, which is done", async () => {
  const layer = {
    op: "SpectralNormalization",
    config: { power_iterations: 1, layer: { class_name: "Dense", config: { name: "inner", units: 2, use_bias: true } } },
    weights: { kernel: [5, 2], bias: [2], vector_u: [1, 2] },
  };
  const x = random(15, 3);
  const y = await graphOf([5], [layer], { dtype: "float32", shape: [3, 5], data: x });
  const [kernel, bias] = [numbers([5, 2], 1).data, numbers([2], 2).data];
  for (let n = 0; n < 3; n++)
    for (let u = 0; u < 2; u++) {
      let sum = bias[u]!;
      for (let i = 0; i < 5; i++) sum += x[n * 5 + i]! * kernel[i * 2 + u]!;
      expect(y.data[n * 2 + u]).toBeCloseTo(sum, 5);
    }
});
