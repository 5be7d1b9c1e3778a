import { expect, test } from "vitest";
import { philox, seededNumbers, wideProduct } from "../../src/base/philox.ts";

test("products of 32-bit words", () => {
  for (const [a, b] of [
    [0xffffffff, 0xffffffff],
    [0xd2511f53, 0x80000001],
    [0xcd9e8d57, 0x0000ffff],
    [1, 0],
  ] as const) {
    const product = BigInt(a) * BigInt(b);
    expect(wideProduct(a, b)).toEqual([Number(product >> 32n), Number(product & 0xffffffffn)]);
  }
});

test("Random123's own vectors", () => {
  expect(philox([0, 0, 0, 0], [0, 0])).toEqual([0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
  const ones = 0xffffffff;
  expect(philox([ones, ones, ones, ones], [ones, ones])).toEqual([0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]);
});

test("what TensorFlow's guide prints for the seed [1, 2]", () => {
  const printed = [0.5441101, 0.20738031, 0.07356433, 0.04643455, -1.30159, -0.95385665];
  for (const [i, x] of seededNumbers([1, 0, 2, 0], 6, 1).entries()) expect(x).toBeCloseTo(printed[i]!, 6);
});

test("within two deviations, from 256 blocks for every four", () => {
  const numbers = seededNumbers([7, 0, 11, 0], 999, 2);
  expect(numbers.every((x) => Math.abs(x) < 2)).toBe(true);
  const plain = seededNumbers([7, 0, 11, 0], 4 * 257 + 12, 1);
  const kept = (from: number) =>
    plain
      .slice(from)
      .filter((x) => Math.abs(x) < 2)
      .slice(0, 4);
  expect(numbers.slice(0, 8)).toEqual([...kept(0), ...kept(4 * 256)]);
});
