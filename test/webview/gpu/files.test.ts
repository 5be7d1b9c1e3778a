import { expect, test } from "vitest";
import { ReceivedFiles } from "../../../webview/gpu/files.ts";

test("pieces in any order make the file", () => {
  const files = new ReceivedFiles();
  files.announce("a.bin", 7);
  files.put("a.bin", 4, Uint8Array.of(5, 6, 7));
  files.put("a.bin", 0, Uint8Array.of(1, 2, 3, 4));
  expect([...new Uint8Array(files.take("a.bin"))]).toEqual([1, 2, 3, 4, 5, 6, 7]);
});

test("an empty file is whole at once", () => {
  const files = new ReceivedFiles();
  files.announce("empty.bin", 0);
  expect(files.take("empty.bin").byteLength).toBe(0);
});

test("a file that is missing or not whole is not given out", () => {
  const files = new ReceivedFiles();
  expect(() => files.take("model.json")).toThrow("no such file: model.json");
  files.announce("a.bin", 3);
  files.put("a.bin", 0, Uint8Array.of(1, 2));
  expect(() => files.take("a.bin")).toThrow("2 of 3 bytes");
});

test("a piece outside its file is refused", () => {
  const files = new ReceivedFiles();
  files.announce("a.bin", 3);
  expect(() => files.put("a.bin", 2, Uint8Array.of(1, 2))).toThrow();
  expect(() => files.put("b.bin", 0, Uint8Array.of(1))).toThrow();
});
