import { expect, it } from "vitest";
import { elementCount } from "../../../src/graph/tensor.ts";
import { tensor } from "../../build/onnx.ts";
import { random, randomInts } from "../../build/random.ts";
import { againstOrt } from "./against-ort.ts";

const ort = againstOrt();

it.each(["mean", "sum", "none"])("losses, %s, with and without weights and an ignored class", async (reduction) => {
  for (const rest of [[], [7], [3, 2]]) {
    const scores = tensor("x", "float32", [3, 5, ...rest], random(3 * 5 * elementCount(rest)));
    const target = tensor("target", "int64", [3, ...rest], randomInts(3 * elementCount(rest), 0, 4));
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
