import { expect, test } from "vitest";
import { decodeUtf8, strictUtf8 } from "../../src/base/utf8.ts";

test("text of any script", () => {
  const text = "conv1/重み:0 \u{1f600} \ufeff";
  expect(decodeUtf8(new TextEncoder().encode(text))).toBe(text);
});

test("different broken names stay different", () => {
  expect(decodeUtf8(Uint8Array.of(0x77, 0xff))).toBe("w\\xff");
  expect(decodeUtf8(Uint8Array.of(0x77, 0xfe))).toBe("w\\xfe");
  expect(strictUtf8(Uint8Array.of(0x77, 0xfe))).toBeUndefined();
});
