import { describe, expect, test } from "vitest";
import { decodeMiniFloat, encodeMiniFloat, type MiniFloat, type MiniFloatName, miniFloats } from "../../src/base/minifloat.ts";
import fc from "../build/properties.ts";

const formats = Object.entries(miniFloats) as [MiniFloatName, MiniFloat][];

/** Finite values of the format without a sign, in order; index = code. */
function magnitudes(format: MiniFloat): number[] {
  return Array.from({ length: format.maxCode + 1 }, (_, code) => decodeMiniFloat(format, code));
}

describe.each(formats)("%s", (name, format) => {
  const all = magnitudes(format);

  test("codes of finite values rise", () => {
    expect(all.findIndex((value, code) => code > 0 && value <= all[code - 1]!)).toBe(-1);
  });

  test("every code survives decoding and encoding, its sign included", () => {
    const changed = Array.from({ length: 2 ** format.bits }, (_, code) => code).filter((code) => {
      const back = encodeMiniFloat(format, decodeMiniFloat(format, code));
      return format.isNaN(code) ? !format.isNaN(back) : back !== code;
    });
    expect(changed).toEqual([]);
  });

  test("between two values the nearer is taken, and the even code at the middle", () => {
    const wrong: number[] = [];
    const check = (value: number, code: number) => encodeMiniFloat(format, value) === code || wrong.push(value);
    for (let code = 0; code + 1 < all.length; code++) {
      const [low, high] = [all[code]!, all[code + 1]!];
      const middle = low + (high - low) / 2;
      // e8m0 has no mantissa whose parity could decide: its middle rounds up, as 1.5 goes to the even 2.
      const even = name === "float8e8m0" ? code + 1 : code + (code % 2);
      check(middle, even);
      check(middle - (high - low) / 16, code);
      check(middle + (high - low) / 16, code + 1);
      if (format.signed && code > 0) check(-middle, even | (1 << (format.bits - 1)));
    }
    expect(wrong).toEqual([]);
  });

  test("past the greatest value: infinity, else NaN, else the greatest; saturating: the greatest", () => {
    const past = format.infinity ?? format.nan ?? format.maxCode;
    expect(encodeMiniFloat(format, 2 * all.at(-1)!)).toBe(past);
    expect(encodeMiniFloat(format, Number.POSITIVE_INFINITY)).toBe(past);
    expect(encodeMiniFloat(format, 2 * all.at(-1)!, true)).toBe(format.maxCode);
  });

  test("any number goes to the nearest value", () => {
    const top = all.at(-1)!;
    fc.assert(
      fc.property(fc.double({ min: all[0]!, max: top, noNaN: true }), (x) => {
        const got = decodeMiniFloat(format, encodeMiniFloat(format, x));
        const code = encodeMiniFloat(format, x);
        const neighbours = [all[code - 1], all[code + 1]].filter((v) => v !== undefined);
        for (const other of neighbours) expect(Math.abs(x - got)).toBeLessThanOrEqual(Math.abs(x - other));
      }),
    );
  });
});

/** From the tables of the papers and of onnx's documentation, not from our formula. */
test.each([
  ["float16", 0x3c00, 1],
  ["float16", 0x0001, 2 ** -24],
  ["float16", 0x03ff, 1023 * 2 ** -24],
  ["float16", 0x7bff, 65504],
  ["float16", 0xfc00, Number.NEGATIVE_INFINITY],
  ["bfloat16", 0x3f80, 1],
  ["bfloat16", 0x4049, 3.140625],
  ["float8e4m3fn", 0x7e, 448],
  ["float8e4m3fn", 0x01, 2 ** -9],
  ["float8e4m3fn", 0xb8, -1],
  ["float8e4m3fnuz", 0x7f, 240],
  ["float8e4m3fnuz", 0x01, 2 ** -10],
  ["float8e5m2", 0x7b, 57344],
  ["float8e5m2", 0x01, 2 ** -16],
  ["float8e5m2", 0x7c, Number.POSITIVE_INFINITY],
  ["float8e5m2fnuz", 0x7f, 57344],
  ["float8e5m2fnuz", 0x01, 2 ** -17],
  ["float8e8m0", 0x7f, 1],
  ["float8e8m0", 0x00, 2 ** -127],
  ["float8e8m0", 0xfe, 2 ** 127],
  ["float4e2m1", 0x1, 0.5],
  ["float4e2m1", 0x7, 6],
  ["float4e2m1", 0xd, -3],
] as const)("%s 0x%s is %d", (name, code, value) => {
  expect(decodeMiniFloat(miniFloats[name], code)).toBe(value);
});

test("NaN where the format has none is an error", () => {
  expect(() => encodeMiniFloat(miniFloats.float4e2m1, Number.NaN)).toThrow(RangeError);
});
