import { describe, expect, test } from "vitest";
import { bytes, count, decimal, edgeLabel, float, integer, percent, plural, shape } from "../../src/protocol/format.ts";
import fc from "../build/properties.ts";

describe("numbers in words", () => {
  test("integers have thin spaces in thousands", () => {
    expect(integer(0)).toBe("0");
    expect(integer(999)).toBe("999");
    expect(integer(9280)).toBe("9\u2009280");
    expect(integer(1235496)).toBe("1\u2009235\u2009496");
    expect(integer(-1500)).toBe("\u22121\u2009500");
  });

  test("counts and sizes keep three significant figures", () => {
    expect(count(1235496)).toBe("1.24 M");
    expect(count(1792)).toBe("1.79 k");
    expect(count(349_000_000)).toBe("349 M");
    expect(count(66)).toBe("66");
    expect(bytes(4_941_984)).toBe("4.94 MB");
    expect(bytes(4_941_984, 2)).toBe("4.9 MB");
    expect(bytes(438_000_000, 2)).toBe("438 MB");
    expect(bytes(37_120)).toBe("37.1 kB");
    expect(bytes(12)).toBe("12 B");
  });

  test("what rounds up to a thousand takes the next unit", () => {
    expect(count(999_950)).toBe("1.00 M");
    expect(bytes(999_600)).toBe("1.00 MB");
  });

  test("a count never shows more than three digits before its unit", () => {
    fc.assert(
      fc.property(fc.nat({ max: 2 ** 52 }), (value) => {
        expect(count(value)).toMatch(/^\d{1,3}(\.\d+)?( [kMGT])?$|T$/);
      }),
    );
  });

  test("decimals", () => {
    expect(decimal(0.1171)).toBe("0.117");
    expect(decimal(2.1e-6)).toBe("2.1e-6");
    expect(decimal(-0.684)).toBe("\u22120.684");
    expect(decimal(0.5)).toBe("0.5");
    expect(decimal(0)).toBe("0");
    expect(decimal(100)).toBe("100");
    expect(decimal(1234567)).toBe("1.23e6");
    expect(decimal(Number.NaN)).toBe("NaN");
    expect(decimal(Number.NEGATIVE_INFINITY)).toBe("\u2212∞");
  });

  test("a float32 has as few digits as name it", () => {
    expect(float(Math.fround(1e-5))).toBe("0.00001");
    expect(float(Math.fround(0.1))).toBe("0.1");
    expect(float(1)).toBe("1");
    fc.assert(
      fc.property(fc.float({ noNaN: true }), (value) => {
        expect(Math.fround(Number(float(value)))).toBe(Math.fround(value) + 0);
      }),
    );
  });

  test("shapes", () => {
    expect(shape([1, 3, 224, 224])).toBe("1×3×224×224");
    expect(shape(["batch", null, 7])).toBe("batch×?×7");
    expect(shape([])).toBe("scalar");
    expect(edgeLabel({})).toBe("");
    expect(edgeLabel({ other: "sequence(tensor(float32))" })).toBe("sequence(tensor(float32))");
    expect(edgeLabel({ dtype: "float32", shape: [2, 3] })).toBe("2×3");
  });

  test("plurals and shares", () => {
    expect(plural(1, "node")).toBe("1 node");
    expect(plural(3836, "node")).toBe("3\u2009836 nodes");
    expect(percent(0.4138)).toBe("41.4 %");
    expect(percent(0.0004)).toBe("< 0.1 %");
    expect(percent(1)).toBe("100 %");
    expect(percent(0)).toBe("0 %");
  });
});
