import { afterAll, beforeAll, expect, test } from "vitest";
import { randomInts } from "../../build/random.ts";
import { constant, operator, type TensorSpec, value } from "../../build/tflite.ts";
import { InTfjs } from "./in-tfjs.ts";
import { floats } from "./values.ts";

let tfjs: InTfjs;
beforeAll(async () => {
  tfjs = await InTfjs.start();
});
afterAll(() => tfjs.close());

const [rows, inputs, outputs] = [2, 12, 5];

/** Tensor 1 is of codes, whose scales are tensor 2 and zero points tensor 3. */
function weightsOf(dims: readonly number[], size: number, zero: boolean): TensorSpec {
  const details = ["BlockwiseQuantization", { scales: 2, zero_points: zero ? 3 : -1, block_size: size }] as const;
  const codes = constant("w", "int8", dims, randomInts(dims[0]! * dims[1]!, -127, 127, 4));
  return { ...codes, more: { quantization: { details: [...details] } } };
}

const read = ({ bytes, dtype }: TensorSpec): number[] => {
  const { buffer } = bytes!.slice();
  return Array.from(dtype === "int8" ? new Int8Array(buffer) : new Float32Array(buffer));
};

test.each<[string, readonly number[], boolean]>([
  ["along the last axis", [outputs, inputs / 4], false],
  ["with zero points", [outputs, inputs / 4], true],
])("weights in blocks of 4 %s", async (_, counts, hasZero) => {
  const n = counts[0]! * counts[1]!;
  const w = weightsOf([outputs, inputs], 4, hasZero);
  const scales = constant(
    "s",
    "float32",
    counts,
    Array.from({ length: n }, (_, i) => 0.01 + 0.003 * i),
  );
  const zeros = constant("z", "int8", counts, randomInts(n, -9, 9, 7));
  const x = floats([rows, inputs], 3);
  const found = await tfjs.run(
    {
      tensors: [value("x", "float32", [rows, inputs]), w, scales, zeros, value("y", "float32", [rows, outputs])],
      inputs: ["x"],
      outputs: ["y"],
      operators: [operator("FULLY_CONNECTED", ["x", "w", ""], ["y"], "FullyConnectedOptions")],
    },
    { x },
  );
  const [codes, scale, zero] = [read(w), read(scales), hasZero ? read(zeros) : new Array<number>(n).fill(0)];
  for (let r = 0; r < rows; r++)
    for (let o = 0; o < outputs; o++) {
      let sum = 0;
      for (let k = 0; k < inputs; k++) {
        const block = o * (inputs / 4) + Math.floor(k / 4);
        sum += x.data[r * inputs + k]! * (codes[o * inputs + k]! - zero[block]!) * scale[block]!;
      }
      expect(found["y"]!.data[r * outputs + o], `[${r},${o}]`).toBeCloseTo(sum, 4);
    }
});

test("scales that fit no blocks are refused", async () => {
  const model = {
    tensors: [
      value("x", "float32", [rows, inputs]),
      weightsOf([outputs, inputs], 5, false),
      constant("s", "float32", [outputs, 3], new Array<number>(15).fill(1)),
      value("y", "float32", [rows, outputs]),
    ],
    inputs: ["x"],
    outputs: ["y"],
    operators: [operator("FULLY_CONNECTED", ["x", "w", ""], ["y"], "FullyConnectedOptions")],
  };
  await expect(tfjs.run(model, { x: floats([rows, inputs]) })).rejects.toThrow("scales of 5×3 for blocks of 5 in 5×12");
});
