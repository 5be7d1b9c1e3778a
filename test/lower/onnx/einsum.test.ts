import { expect, it } from "vitest";
import { elementCount } from "../../../src/graph/tensor.ts";
import { tensor } from "../../build/onnx.ts";
import { random, randomInts } from "../../build/random.ts";
import { againstOrt } from "./against-ort.ts";

const ort = againstOrt();

const sizes: Readonly<Record<string, number>> = { a: 2, b: 3, i: 5, j: 7, k: 4, l: 6, A: 2, z: 3 };

it.each([
  "ij,jk->ik",
  "ij,kj->ik",
  "bij,bjk->bik",
  "aibj,akbj->abik",
  "ij->ji",
  "ij->",
  "ij->j",
  "ii->i",
  "bii->bi",
  "ij,ij->i",
  "ij,j",
  "i,j->ij",
  "ij,jk,kl->il",
  "abij,abjk->abik",
  "aij,j->ai",
  "ijk,k,ij->j",
  "zAi,zAj->zij",
  "ai,bi->ab",
])("%s", async (equation) => {
  const terms = equation.split("->")[0]!.split(",");
  const inputs = terms.map((term, n) => {
    const shape = [...term].map((label) => sizes[label]!);
    return tensor(
      `x${n}`,
      "float32",
      shape,
      random(
        shape.reduce((product, dim) => product * dim, 1),
        n + 1,
      ),
    );
  });
  for (const open of [false, true]) {
    if (open && /([a-z])\1/.test(equation)) continue; // a diagonal wants its size
    expect(await ort.differences({ op: "Einsum", inputs, attrs: { equation }, fed: inputs.length, open })).toEqual([]);
  }
});

it.each<[string, number[], number[]]>([
  ["...ij,...jk->...ik", [2, 3, 5, 4], [2, 3, 4, 7]],
  ["...ij,jk", [2, 3, 5, 4], [4, 7]],
  ["i...,j...->ij...", [5, 2, 3], [4, 2, 3]],
])("%s of [%s] and [%s]", async (equation, p, q) => {
  const make = (name: string, shape: number[], seed: number) => tensor(name, "float32", shape, random(elementCount(shape), seed));
  expect(
    await ort.differences({ op: "Einsum", inputs: [make("p", p, 1), make("q", q, 2)], attrs: { equation }, fed: 2 }),
  ).toEqual([]);
});

it("of integers", async () => {
  const inputs = [tensor("p", "int64", [3, 5], randomInts(15, -9, 9)), tensor("q", "int64", [5, 2], randomInts(10, -9, 9, 2))];
  expect(await ort.differences({ op: "Einsum", inputs, attrs: { equation: "ij,jk->ik" }, fed: 2 })).toEqual([]);
});
