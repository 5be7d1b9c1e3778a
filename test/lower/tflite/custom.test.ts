import { afterAll, beforeAll, expect, test } from "vitest";
import { custom, operator, value } from "../../build/tflite.ts";
import { InTfjs } from "./in-tfjs.ts";
import { floats, vector, weights } from "./values.ts";

let tfjs: InTfjs;
beforeAll(async () => {
  tfjs = await InTfjs.start();
});
afterAll(() => tfjs.close());

const struct = (...numbers: number[]): Uint8Array => new Uint8Array(Int32Array.from(numbers).buffer);

test("Convolution2DTransposeBias is TRANSPOSE_CONV of twice the size", async () => {
  const [w, bias] = [weights("w", [3, 3, 3, 2]), weights("bias", [3], 4)];
  const x = floats([1, 4, 5, 2]);
  const mine = await tfjs.run(
    {
      tensors: [value("x", "float32", [1, 4, 5, 2]), w, bias, value("y", "float32", [1, 8, 10, 3])],
      inputs: ["x"],
      outputs: ["y"],
      operators: [custom("Convolution2DTransposeBias", ["x", "w", "bias"], ["y"], struct(1, 2, 2))],
    },
    { x },
  );
  const builtin = await tfjs.run(
    {
      tensors: [value("x", "float32", [1, 4, 5, 2]), w, bias, vector("s", [1, 8, 10, 3]), value("y", "float32", [1, 8, 10, 3])],
      inputs: ["x"],
      outputs: ["y"],
      operators: [
        operator("TRANSPOSE_CONV", ["s", "w", "x", "bias"], ["y"], "TransposeConvOptions", {
          padding: "SAME",
          stride_w: 2,
          stride_h: 2,
        }),
      ],
    },
    { x },
  );
  expect(mine).toEqual(builtin);
});

test("MaxPoolingWithArgmax2D and MaxUnpooling2D: values, places within their windows, and back", async () => {
  const [rows, columns, channels] = [4, 6, 3];
  const x = floats([1, rows, columns, channels]);
  const window = [1, 2, 2, 2, 2, 0, 0, 0];
  const found = await tfjs.run(
    {
      tensors: [
        value("x", "float32", [1, rows, columns, channels]),
        value("y", "float32", [1, 2, 3, channels]),
        value("places", "float32", [1, 2, 3, channels]),
        value("back", "float32", [1, rows, columns, channels]),
      ],
      inputs: ["x"],
      outputs: ["y", "places", "back"],
      operators: [
        custom("MaxPoolingWithArgmax2D", ["x"], ["y", "places"], struct(...window)),
        custom("MaxUnpooling2D", ["y", "places"], ["back"], struct(...window)),
      ],
    },
    { x },
  );
  const at = (r: number, k: number, c: number) => x.data[(r * columns + k) * channels + c]!;
  const [values, places]: [number[], number[]] = [[], []];
  const back = new Array<number>(rows * columns * channels).fill(0);
  for (let r = 0; r < 2; r++)
    for (let k = 0; k < 3; k++)
      for (let c = 0; c < channels; c++) {
        const four = [0, 1, 2, 3].map((i) => at(2 * r + (i >> 1), 2 * k + (i & 1), c));
        const best = four.indexOf(Math.max(...four));
        values.push(four[best]!);
        places.push(Math.fround(best + 0.1));
        back[((2 * r + (best >> 1)) * columns + 2 * k + (best & 1)) * channels + c] = four[best]!;
      }
  expect(found["y"]!.data).toEqual(values);
  expect(found["places"]!.data.map(Math.fround)).toEqual(places);
  expect(found["back"]!.data).toEqual(back);
});

test.each([
  ["edgetpu-custom-op", "compiled for the Edge TPU"],
  ["DISPATCH_OP", "compiled for an NPU"],
  ["Homemade", "the operator Homemade is not known here"],
])("%s is refused by name", async (op, reason) => {
  const spec = {
    tensors: [value("x", "float32", [2]), value("y", "float32", [2])],
    inputs: ["x"],
    outputs: ["y"],
    operators: [custom(op, ["x"], ["y"])],
  };
  await expect(tfjs.run(spec, { x: floats([2]) })).rejects.toThrow(reason);
});

test("a composite is what its sub-graph spells out", async () => {
  const x = floats([2, 3]);
  const found = await tfjs.run(
    {
      tensors: [value("x", "float32", [2, 3]), value("y", "float32", [2, 3])],
      inputs: ["x"],
      outputs: ["y"],
      operators: [
        operator("STABLEHLO_COMPOSITE", ["x"], ["y"], "StableHLOCompositeOptions", {
          name: "my.op",
          decomposition_subgraph_index: 1,
          version: 1,
        }),
      ],
      subgraphs: [
        {
          tensors: [value("a", "float32", [2, 3]), value("m", "float32", [2, 3]), value("r", "float32", [2, 3])],
          inputs: ["a"],
          outputs: ["r"],
          operators: [operator("NEG", ["a"], ["m"]), operator("RELU", ["m"], ["r"])],
        },
      ],
    },
    { x },
  );
  expect(found["y"]!.data).toEqual(Array.from(x.data, (v) => Math.max(0, -v)));
});
