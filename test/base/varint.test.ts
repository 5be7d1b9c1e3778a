import { expect, test } from "vitest";
import { ModelError } from "../../src/base/problem.ts";
import { readVarint, signed64 } from "../../src/base/varint.ts";
import fc from "../build/properties.ts";
import { varint } from "../build/protobuf.ts";

function read(bytes: Uint8Array, at = 0) {
  const cursor = { at, lo: 0, hi: 0 };
  readVarint(bytes, bytes.length, cursor, 1000);
  return cursor;
}

test("every 64-bit number comes back", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
      const { lo, hi, at } = read(varint(value));
      expect(BigInt.asIntN(64, (BigInt(hi) << 32n) | BigInt(lo))).toBe(value);
      expect(BigInt(signed64(lo, hi))).toBe(value);
      expect(at).toBe(varint(value).length);
    }),
  );
});

test.each([0n, -1n, 2n ** 28n, 2n ** 31n, 2n ** 32n, 2n ** 35n, 2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n)])(
  "%s comes back",
  (value) => {
    const { lo, hi } = read(varint(value));
    expect(BigInt(signed64(lo, hi))).toBe(value);
  },
);

test("numbers past 2^53 are decimal text", () => {
  expect(signed64(1, 2 ** 21)).toBe("9007199254740993");
  expect(signed64(0xffffffff, 0xffffffff)).toBe(-1);
});

test.each([
  ["a number that runs past the end", [0x80, 0x80], "truncated", 1002],
  ["an eleventh byte", new Array(11).fill(0x80), "malformed", 1000],
])("%s is an error with its offset", (_, bytes, code, offset) => {
  let thrown: unknown;
  try {
    read(Uint8Array.from(bytes));
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(ModelError);
  expect((thrown as ModelError).problem).toMatchObject({ code, offset });
});
