import { expect, test } from "vitest";
import { confinedPath } from "../../src/base/path.ts";

test.each([
  ["weights.bin", "weights.bin"],
  ["./data//w.bin", "data/w.bin"],
  ["a/../b", "b"],
  ["data\\w.bin", "data/w.bin"],
  ["..", undefined],
  ["a/../../b", undefined],
  ["..\\w", undefined],
  ["/etc/passwd", undefined],
  ["\\\\host\\share", undefined],
  ["C:\\w.bin", undefined],
  ["c:w.bin", undefined],
  ["w\0.bin", undefined],
  ["", undefined],
  [".", undefined],
])("%j becomes %j", (path, plain) => {
  expect(confinedPath(path)).toBe(plain);
});
