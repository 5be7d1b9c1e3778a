import { expect, test } from "vitest";
import { areHalves, decodeBfloat16, decodeHalf, encodeBfloat16, encodeHalf } from "../../src/base/half.ts";
import { decodeMiniFloat, encodeMiniFloat, miniFloats } from "../../src/base/minifloat.ts";
import { random } from "../build/random.ts";

const codes = Uint16Array.from({ length: 0x10000 }, (_, code) => code);

/** Every value of the format, the middles between neighbours, their neighbours among the float32, and noise over all exponents. */
function probes(decoded: Float32Array): Float32Array {
  const bits = new Uint32Array(4 * decoded.length);
  const own = new Uint32Array(decoded.buffer);
  for (let i = 0; i < decoded.length; i++) {
    const next = own[Math.min(i + 1, own.length - 1)]!;
    const middle = own[i]! + Math.floor((next - own[i]!) / 2);
    bits.set([own[i]!, middle, middle + 1, middle - 1], 4 * i);
  }
  const noise = Float32Array.from(random(20_000), (x, i) => x * 2 ** ((i % 250) - 125));
  return Float32Array.from([...new Float32Array(bits.buffer), ...noise, 65519.996, 65520, -65536, 3.4028235e38]);
}

test.each([
  ["float16", decodeHalf, encodeHalf, miniFloats.float16],
  ["bfloat16", decodeBfloat16, encodeBfloat16, miniFloats.bfloat16],
] as const)("%s in bulk agrees with its definition on every code and on every tie", (_, decode, encode, format) => {
  const decoded = decode(codes);
  let wrong = 0;
  for (const code of codes) if (!Object.is(decoded[code], decodeMiniFloat(format, code))) wrong++;
  const values = probes(decoded);
  const encoded = encode(values);
  for (const [i, value] of values.entries()) {
    const expected = encodeMiniFloat(format, value);
    const same = Number.isNaN(value) ? format.isNaN(encoded[i]!) : encoded[i] === expected;
    if (!same) wrong++;
  }
  expect(wrong).toBe(0);
});

test("what float16 holds as it is, is told from what it rounds", () => {
  const decoded = decodeHalf(codes).filter(Number.isFinite);
  expect(areHalves(decoded)).toBe(true);
  const wrong = probes(decoded).filter((value) => {
    const one = new Float32Array([value]);
    const kept = Number.isFinite(value) && decodeHalf(encodeHalf(one))[0] === value;
    return areHalves(new Float32Array([1.5, value, -0])) !== kept;
  });
  expect([...wrong]).toEqual([]);
});
