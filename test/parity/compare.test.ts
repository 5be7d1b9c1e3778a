import { describe, expect, it } from "vitest";
import type { DType } from "../../src/base/dtype.ts";
import { type Tensor, tensorOf } from "../../src/graph/tensor.ts";
import { compare } from "../../src/parity/compare.ts";
import { toleranceFor } from "../../src/parity/tolerance.ts";
import { random } from "../build/random.ts";

const tolerance = toleranceFor("float32");
const tensor = (dtype: DType, shape: number[], values: ArrayLike<number>): Tensor => tensorOf(dtype, shape, values);

/** transpose(x, perm), by its definition. */
function transpose(x: Tensor, perm: readonly number[]): Tensor {
  const shape = perm.map((axis) => x.shape[axis]!);
  const strides = x.shape.map((_, axis) => x.shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  const data = new Float32Array(x.data.length);
  const index = shape.map(() => 0);
  for (let i = 0; i < data.length; i++) {
    data[i] = Number(x.data[index.reduce((sum, at, d) => sum + at * strides[perm[d]!]!, 0)]);
    for (let d = shape.length - 1; d >= 0; d--) {
      index[d] = index[d]! + 1;
      if (index[d]! < shape[d]!) break;
      index[d] = 0;
    }
  }
  return { dtype: "float32", shape, data };
}

describe("float32", () => {
  const shape = [2, 3, 7, 5];
  const reference = tensor("float32", shape, random(210, 5));
  const scale = Math.max(...[...(reference.data as Float32Array)].map(Math.abs));
  const withChange = (at: number, by: number): Tensor => {
    const data = Float32Array.from(reference.data as Float32Array);
    data[at] = data[at]! + by;
    return { ...reference, data };
  };

  it("is equal to itself, with every figure at its best", () => {
    const same = compare(reference, reference, { tolerance });
    expect(same).toEqual({ verdict: "equal", maxAbs: 0, maxRel: 0, rmse: 0, cosine: expect.closeTo(1, 12), bad: 0 });
  });

  it("takes atol + rtol of the greatest reference as the limit for every element", () => {
    const limit = 1e-5 + 1e-4 * scale;
    expect(compare(reference, withChange(101, limit * 0.98), { tolerance })).toMatchObject({ verdict: "within", bad: 0 });
    const bad = compare(reference, withChange(101, limit * 1.02), { tolerance });
    expect(bad).toMatchObject({ verdict: "different", bad: 1 });
    // 101 = 0·105 + 2·35 + 6·5 + 1
    expect(bad.firstBad).toEqual({ index: [0, 2, 6, 1], reference: reference.data[101], actual: expect.any(Number) });
    expect(bad.maxAbs).toBeCloseTo(limit * 1.02, 6);
    expect(bad.rmse).toBeCloseTo((limit * 1.02) / Math.sqrt(210), 7);
    expect(bad.maxRel).toBeCloseTo((limit * 1.02) / Math.abs(Number(reference.data[101])), 6);
  });

  it("says how far two unlike tensors are, as numbers computed by hand", () => {
    const found = compare(tensor("float32", [3], [3, -4, 0]), tensor("float32", [3], [4, -2, 2]), { tolerance });
    expect(found).toMatchObject({
      verdict: "different",
      maxAbs: 2,
      maxRel: 0.5,
      bad: 3,
      firstBad: { index: [0], reference: 3, actual: 4 },
    });
    expect(found.rmse).toBeCloseTo(Math.sqrt((1 + 4 + 4) / 3), 12);
    expect(found.cosine).toBeCloseTo((12 + 8) / (5 * Math.sqrt(24)), 12);
  });

  it.each([[[0, 3, 1, 2]], [[0, 2, 3, 1]], [[3, 2, 1, 0]], [[1, 0, 3, 2]]])(
    "walks the other tensor through the permutation %j",
    (perm) => {
      const actual = tensor("float32", shape, random(210, 8));
      const source = transpose(actual, perm);
      expect(compare(source, actual, { tolerance, perm })).toMatchObject({ verdict: "equal", bad: 0 });
      const changed = Float32Array.from(source.data as Float32Array);
      changed[37] = 9;
      const found = compare({ ...source, data: changed }, actual, { tolerance, perm });
      expect(found).toMatchObject({ verdict: "different", bad: 1, firstBad: { reference: 9, actual: source.data[37] } });
      const at = found.firstBad!.index.reduce((sum, i, d) => sum * source.shape[d]! + i, 0);
      expect(at).toBe(37);
    },
  );

  it("refuses a permutation that does not fit instead of looking for one that does", () => {
    const actual = transpose(reference, [0, 2, 3, 1]);
    expect(compare(reference, actual, { tolerance })).toMatchObject({
      verdict: "different",
      note: "shape [2,7,5,3] where the reference has [2,3,7,5]",
    });
    expect(compare(reference, actual, { tolerance, perm: [0, 1, 3, 2] }).verdict).toBe("different");
    expect(compare(reference, actual, { tolerance, perm: [0, 3, 1, 2] }).verdict).toBe("equal");
  });
});

it("transposes first, then takes the shape of the reference", () => {
  const actual = tensorOf("float32", [2, 1, 5, 3], random(30));
  const source = { ...transpose(actual, [0, 3, 1, 2]), shape: [2, 15] };
  expect(compare(source, actual, { tolerance, perm: [0, 3, 1, 2], reshaped: true }).verdict).toBe("equal");
  const changed = Float32Array.from(source.data as Float32Array);
  changed[17] = 9;
  const found = compare({ ...source, data: changed }, actual, { tolerance, perm: [0, 3, 1, 2], reshaped: true });
  expect(found).toMatchObject({ bad: 1, firstBad: { index: [1, 2], reference: 9 } });
});

describe("what is not finite", () => {
  const compareValues = (a: number[], b: number[]) =>
    compare(tensor("float32", [a.length], a), tensor("float32", [b.length], b), { tolerance });

  it("takes NaN for NaN and infinities by sign", () => {
    const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
    expect(compareValues([1, nan, inf, -inf], [1, nan, inf, -inf])).toMatchObject({ verdict: "equal", bad: 0 });
    for (const other of [
      [nan, 1],
      [inf, 1],
      [inf, -inf],
      [1, nan],
      [nan, inf],
      [3e38, inf],
    ]) {
      const found = compareValues([2, other[0]!], [2, other[1]!]);
      expect(found).toMatchObject({ verdict: "different", bad: 1, maxAbs: inf, firstBad: { index: [1] } });
    }
  });

  it("does not let an infinity widen the tolerance", () => {
    const inf = Number.POSITIVE_INFINITY;
    expect(compareValues([inf, 1], [inf, 1.01])).toMatchObject({ verdict: "different", firstBad: { index: [1] } });
  });

  it("skips no value for being small", () => {
    expect(compareValues([1e-4, 0], [2e-4, 0])).toMatchObject({ verdict: "different", bad: 1 });
    expect(compareValues([0, 0], [0, 2e-5])).toMatchObject({ verdict: "different", maxRel: 0, cosine: 0 });
    expect(compareValues([0, -0], [-0, 0])).toMatchObject({ verdict: "equal", cosine: 1 });
  });
});

describe("integers, bools, strings", () => {
  it("are exact, across the type in which TF.js carries them", () => {
    const reference: Tensor = { dtype: "int64", shape: [2, 2], data: BigInt64Array.of(5n, -3n, 2n ** 31n - 1n, 0n) };
    const carried = (last: number) => tensor("int32", [2, 2], [5, -3, 2 ** 31 - 1, last]);
    expect(compare(reference, carried(0), { tolerance })).toMatchObject({ verdict: "equal", note: "int64 carried as int32" });
    expect(compare(reference, carried(1), { tolerance })).toMatchObject({
      verdict: "different",
      maxAbs: 1,
      firstBad: { index: [1, 1], reference: 0n, actual: 1 },
    });
    expect(compare(reference, tensor("float32", [2, 2], [5, -3, 0, 0]), { tolerance })).toMatchObject({
      verdict: "different",
      note: "dtype float32 where the reference has int64",
    });
  });

  it("tell apart what doubles cannot", () => {
    const big = (low: bigint): Tensor => ({ dtype: "int64", shape: [1], data: BigInt64Array.of(2n ** 60n + low) });
    expect(compare(big(0n), big(1n), { tolerance })).toMatchObject({ verdict: "different", maxAbs: 1, bad: 1 });
    expect(compare(big(1n), big(1n), { tolerance })).toMatchObject({ verdict: "equal" });
  });

  it("may be off by the steps of a quantised model", () => {
    const codes = (...values: number[]) => tensor("uint8", [3], values);
    expect(compare(codes(7, 8, 9), codes(7, 9, 9), { tolerance })).toMatchObject({ verdict: "different" });
    const steps = { ...tolerance, steps: 1 };
    expect(compare(codes(7, 8, 9), codes(7, 9, 9), { tolerance: steps })).toMatchObject({ verdict: "within", maxAbs: 1 });
    expect(compare(codes(7, 8, 9), codes(7, 10, 9), { tolerance: steps })).toMatchObject({ verdict: "different" });
  });

  it("compare bools and strings exactly", () => {
    const bools = (...values: number[]) => tensor("bool", [2], values);
    expect(compare(bools(1, 0), bools(1, 0), { tolerance: { ...tolerance, steps: 1 } }).verdict).toBe("equal");
    expect(compare(bools(1, 0), bools(1, 1), { tolerance: { ...tolerance, steps: 1 } }).verdict).toBe("different");
    const words = (...data: string[]): Tensor => ({ dtype: "string", shape: [2], data });
    expect(compare(words("a", "é"), words("a", "é"), { tolerance })).toEqual({ verdict: "equal", bad: 0 });
    expect(compare(words("a", "b"), words("a", "c"), { tolerance })).toEqual({
      verdict: "different",
      bad: 1,
      firstBad: { index: [1], reference: "b", actual: "c" },
    });
  });
});

it("compares scalars, empty tensors and complex numbers", () => {
  expect(compare(tensor("float32", [], [2]), tensor("float32", [], [3]), { tolerance })).toMatchObject({
    verdict: "different",
    firstBad: { index: [], reference: 2, actual: 3 },
  });
  expect(compare(tensor("float32", [0, 3], []), tensor("float32", [0, 3], []), { tolerance }).verdict).toBe("equal");
  expect(compare(tensor("float32", [0, 3], []), tensor("float32", [3, 0], []), { tolerance }).verdict).toBe("different");
  const complex = (shape: number[], ...data: number[]): Tensor => ({ dtype: "complex64", shape, data: Float32Array.from(data) });
  const found = compare(complex([2, 1], 1, 2, 3, 4), complex([1, 2], 1, 2, 3, 5), { tolerance, perm: [1, 0] });
  expect(found).toMatchObject({ verdict: "different", bad: 1, firstBad: { index: [1, 0], reference: 4, actual: 5 } });
});

it("is wider for models in half precision", () => {
  const a = tensor("float32", [2], [1, 100]);
  const b = tensor("float32", [2], [1, 100.19]);
  expect(compare(a, b, { tolerance }).verdict).toBe("different");
  expect(compare(a, b, { tolerance: toleranceFor("float16") }).verdict).toBe("within");
  expect(toleranceFor("float16", { atol: 1, rtol: 2 })).toEqual({ atol: 1, rtol: 2, steps: 0 });
});
