import { afterAll, beforeAll, expect, it } from "vitest";
import { tensor } from "../../build/onnx.ts";
import { random, randomInts } from "../../build/random.ts";
import { AgainstOrt } from "./against-ort.ts";

let ort: AgainstOrt;
beforeAll(async () => {
  ort = await AgainstOrt.start();
});
afterAll(() => ort.close());

const size = (shape: readonly number[]) => shape.reduce((n, dim) => n * dim, 1);

it.each(["mean", "sum", "none"])("losses, %s, with and without weights and an ignored class", async (reduction) => {
  for (const rest of [[], [7], [3, 2]]) {
    const scores = tensor("x", "float32", [3, 5, ...rest], random(3 * 5 * size(rest)));
    const target = tensor("target", "int64", [3, ...rest], randomInts(3 * size(rest), 0, 4));
    const weight = tensor("weight", "float32", [5], random(5, 4).map(Math.abs));
    for (const inputs of [
      [scores, target],
      [scores, target, weight],
    ])
      for (const attrs of [{ reduction }, { reduction, ignore_index: 2 }]) {
        expect(await ort.differences({ op: "NegativeLogLikelihoodLoss", opset: 13, inputs, attrs, fed: 2 })).toEqual([]);
        expect(await ort.differences({ op: "SoftmaxCrossEntropyLoss", opset: 13, inputs, attrs, fed: 2, outputs: 2 })).toEqual(
          [],
        );
      }
  }
});
