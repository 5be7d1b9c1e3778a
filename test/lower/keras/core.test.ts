/** Layers of products and joins against their definitions. */
import "@tensorflow/tfjs-backend-cpu";
import { beforeAll, expect, it } from "vitest";
import { kerasFile, numbers } from "../../build/keras.ts";
import { random } from "../../build/random.ts";
import { core, graphOf, graphOutputs, readModel } from "./tfjs.ts";

beforeAll(async () => {
  core.enableProdMode();
  await core.setBackend("cpu");
});

it.each([
  ["abc,cd->abd", "d", [5], 3],
  ["...x,xy->...y", "y", [5], 3],
])("multiplies by the equation %s", async (equation, bias_axes, bias, rank) => {
  const [batch, steps, inputs, outputs] = [2, 3, 4, 5];
  const layer = {
    op: "EinsumDense",
    config: { equation, bias_axes, activation: "tanh" },
    weights: { kernel: [inputs, outputs], bias },
  };
  const x = random(batch * steps * inputs, 3);
  const y = await graphOf([steps, inputs], [layer], { dtype: "float32", shape: [batch, steps, inputs], data: x });
  expect(y.shape).toHaveLength(rank);
  const [kernel, offset] = [numbers([inputs, outputs], 1).data, numbers(bias, 2).data];
  for (let row = 0; row < batch * steps; row++)
    for (let o = 0; o < outputs; o++) {
      let sum = offset[o]!;
      for (let i = 0; i < inputs; i++) sum += x[row * inputs + i]! * kernel[i * outputs + o]!;
      expect(y.data[row * outputs + o]).toBeCloseTo(Math.tanh(sum), 5);
    }
});

/** A layer of two inputs. */
async function joined(op: string, config: object, shapes: readonly (readonly number[])[]) {
  const names = ["a", "b"];
  const inputs = names.map((name, i) => ({
    class_name: "InputLayer",
    name,
    config: { name, batch_input_shape: [null, ...shapes[i]!.slice(1)], dtype: "float32" },
    inbound_nodes: [],
  }));
  const layer = {
    class_name: op,
    name: "j",
    config: { name: "j", ...config },
    inbound_nodes: [names.map((name) => [name, 0, 0, {}])],
  };
  const model = {
    name: "m",
    layers: [...inputs, layer],
    input_layers: names.map((name) => [name, 0, 0]),
    output_layers: [["j", 0, 0]],
  };
  const opened = await readModel(kerasFile({ class_name: "Functional", config: model }, []));
  const data = shapes.map((shape, i) =>
    random(
      shape.reduce((p, dim) => p * dim, 1),
      i + 5,
    ),
  );
  const [y] = await graphOutputs(
    opened,
    data.map((each, i) => ({ dtype: "float32", shape: shapes[i]!, data: each })),
  );
  return { shape: y!.shape, y: y!.data as Float32Array, a: data[0]!, b: data[1]! };
}

const batch = 2;

it.each([false, true])("multiplies steps with steps, normalised: %s", async (normalize) => {
  const [p, q, width] = [3, 5, 4];
  const { shape, y, a, b } = await joined("Dot", { axes: [2, 1], normalize }, [[batch, p, width], [batch, width, q]]); // biome-ignore format: a row
  expect(shape).toEqual([batch, p, q]);
  for (let n = 0; n < batch; n++)
    for (let i = 0; i < p; i++)
      for (let j = 0; j < q; j++) {
        const left = Array.from({ length: width }, (_, k) => a[(n * p + i) * width + k]!);
        const right = Array.from({ length: width }, (_, k) => b[(n * width + k) * q + j]!);
        const length = (list: readonly number[]) => Math.sqrt(list.reduce((sum, each) => sum + each * each, 0));
        const product = left.reduce((sum, each, k) => sum + each * right[k]!, 0);
        expect(y[(n * p + i) * q + j]).toBeCloseTo(normalize ? product / length(left) / length(right) : product, 5);
      }
});

it("multiplies a row with steps", async () => {
  const [q, width] = [5, 4];
  const { shape, y, a, b } = await joined("Dot", { axes: [1, 2] }, [[batch, width], [batch, q, width]]); // biome-ignore format: a row
  expect(shape).toEqual([batch, q]);
  for (let n = 0; n < batch; n++)
    for (let j = 0; j < q; j++) {
      let sum = 0;
      for (let k = 0; k < width; k++) sum += a[n * width + k]! * b[(n * q + j) * width + k]!;
      expect(y[n * q + j]).toBeCloseTo(sum, 5);
    }
});

const merges: Readonly<Record<string, (x: number, y: number) => number>> = {
  Add: (x, y) => x + y,
  Subtract: (x, y) => x - y,
  Multiply: (x, y) => x * y,
  Average: (x, y) => (x + y) / 2,
  Maximum: Math.max,
  Minimum: Math.min,
};

it.each(Object.entries(merges))("%s, of different ranks", async (op, fn) => {
  const [steps, width] = [3, 4];
  const { shape, y, a, b } = await joined(op, {}, [[batch, steps, width], [batch, width]]); // biome-ignore format: a row
  expect(shape).toEqual([batch, steps, width]);
  for (let n = 0; n < batch; n++)
    for (let t = 0; t < steps; t++)
      for (let k = 0; k < width; k++)
        expect(y[(n * steps + t) * width + k]).toBeCloseTo(fn(a[(n * steps + t) * width + k]!, b[n * width + k]!), 5);
});
