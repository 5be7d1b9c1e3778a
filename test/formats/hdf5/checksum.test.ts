import { expect, it } from "vitest";
import { adler32, fletcher32, lookup3 } from "../../../src/formats/hdf5/checksum.ts";

/** The vectors of HDF5's own tests. */
const bytes = [23, 187, 98, 217];

it.each([
  [1, 0x17001700, 0xa209c931],
  [2, 0x17bb17bb, 0x8ba7a6c9],
  [3, 0x917679bb, 0xcebdf4f0],
  [4, 0x924f7a94, 0x2c88bb51],
])("%i bytes", (length, fletcher, jenkins) => {
  const part = Uint8Array.from(bytes.slice(0, length));
  expect(fletcher32(part)).toBe(fletcher);
  expect(lookup3(part)).toBe(jenkins);
});

it("of zlib", () => {
  expect(adler32(new TextEncoder().encode("Wikipedia"))).toBe(0x11e60398);
  // Long enough for the sums to be reduced on the way.
  expect(adler32(new Uint8Array(1_000_003).fill(255))).toBe(adlerOf(1_000_003, 255));
});

function adlerOf(count: number, value: number): number {
  let [a, b] = [1n, 0n];
  for (let i = 0; i < count; i++) {
    a += BigInt(value);
    b += a;
  }
  return Number(((b % 65521n) << 16n) | (a % 65521n));
}
