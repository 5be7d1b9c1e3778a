import { expect, test } from "vitest";
import { compose, inverse, isIdentity, onlyMovesOnes, without } from "../../src/optimize/perm.ts";

/** The dims of a transposed tensor. */
const moved = (dims: readonly number[], perm: readonly number[]): number[] => perm.map((axis) => dims[axis]!);

test("composing is transposing twice", () => {
  const [inner, outer] = [
    [2, 0, 3, 1],
    [1, 3, 0, 2],
  ];
  expect(moved([2, 3, 5, 7], compose(inner, outer))).toEqual(moved(moved([2, 3, 5, 7], inner), outer));
});

test("the inverse undoes", () => {
  expect(isIdentity(compose([2, 0, 3, 1], inverse([2, 0, 3, 1])))).toBe(true);
});

test("axes taken away keep the order of the others", () => {
  // [2, 3, 5, 7] seen as [7, 2, 5, 3]; without the first and third of those [2, 3] is seen as [2, 3].
  expect(without([3, 0, 2, 1], [0, 2])).toEqual([0, 1]);
  expect(without([3, 0, 2, 1], [1])).toEqual([2, 1, 0]);
});

test("only axes of size 1 move where the others keep their order", () => {
  expect(onlyMovesOnes([0, 3, 1, 2], ["n", 1, 1, 7])).toBe(true);
  expect(onlyMovesOnes([0, 3, 1, 2], ["n", 1, 5, 7])).toBe(false);
  expect(onlyMovesOnes([0, 3, 1, 2], ["n", 1, undefined, 7])).toBe(false);
});
