/** LiteRT.js has no Flex operators: TensorFlow's definitions, computed here. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { flexOperator } from "../../build/flex.ts";
import { value } from "../../build/tflite.ts";
import { InTfjs } from "./in-tfjs.ts";
import { floats, ints, vector } from "./values.ts";

let tfjs: InTfjs;
beforeAll(async () => {
  tfjs = await InTfjs.start();
});
afterAll(() => tfjs.close());

const x = floats([2, 3], 6);
const expectNear = (found: readonly number[], wanted: readonly number[]) => {
  expect(found.length).toBe(wanted.length);
  for (const [i, each] of wanted.entries()) expect(found[i], `[${i}]`).toBeCloseTo(each, 5);
};

test.each<[string, Parameters<typeof flexOperator>[3], (x: number) => number]>([
  ["Softplus", { T: { type: "float32" } }, (v) => Math.log1p(Math.exp(v))],
  ["LeakyRelu", { T: { type: "float32" }, alpha: { f: 0.3 } }, (v) => (v < 0 ? 0.3 * v : v)],
  ["Expm1", { T: { type: "float32" } }, Math.expm1],
])("Flex%s", async (op, attrs, fn) => {
  const found = await tfjs.run(
    {
      tensors: [value("x", "float32", [2, 3]), value("y", "float32", [2, 3])],
      inputs: ["x"],
      outputs: ["y"],
      operators: [flexOperator(op, ["x"], ["y"], attrs)],
    },
    { x },
  );
  expectNear(found["y"]!.data, Array.from(x.data, fn));
});

test("several inputs, constants among them", async () => {
  const table = floats([4, 3], 8);
  const found = await tfjs.run(
    {
      tensors: [value("x", "float32", [4, 3]), value("i", "int32", [2]), vector("axis", [0]), value("y", "float32", [2, 3])],
      inputs: ["x", "i"],
      outputs: ["y"],
      operators: [
        flexOperator("GatherV2", ["x", "i", "axis"], ["y"], {
          Tparams: { type: "float32" },
          Tindices: { type: "int32" },
          Taxis: { type: "int32" },
          batch_dims: { i: 0 },
        }),
      ],
    },
    { x: table, i: { ...ints([2], 0, 0), data: [3, 1] } },
  );
  expect(found["y"]!.data).toEqual([9, 10, 11, 3, 4, 5].map((i) => table.data[i]));
});

test("what has no row is refused by its name", async () => {
  const model = {
    tensors: [value("x", "float32", [2, 3]), value("y", "float32", [2, 3])],
    inputs: ["x"],
    outputs: ["y"],
    operators: [flexOperator("PyFunc", ["x"], ["y"])],
  };
  await expect(tfjs.run(model, { x })).rejects.toThrow("FlexPyFunc");
});
