import { zipSync } from "fflate";
import { expect, test } from "vitest";
import { memorySource } from "../../../src/base/memory.ts";
import { ModelError } from "../../../src/base/problem.ts";
import { readZip } from "../../../src/formats/zip/read.ts";
import { randomInts } from "../../build/random.ts";

const noise = Uint8Array.from(randomInts(5003, 0, 255));
const text = new TextEncoder().encode("the same again and again ".repeat(300));

const entriesOf = (bytes: Uint8Array) => readZip(memorySource("a.zip", bytes));

test("stored and deflated entries, names of any script", async () => {
  const entries = await entriesOf(
    zipSync({ "a/noise.bin": [noise, { level: 0 }], "täxt.txt": [text, { level: 9 }], empty: new Uint8Array(0) }),
  );
  expect(entries.map(({ name, size }) => [name, size])).toEqual([
    ["a/noise.bin", 5003],
    ["täxt.txt", text.length],
    ["empty", 0],
  ]);
  expect(Buffer.compare(await entries[0]!.read(), noise)).toBe(0);
  expect(Buffer.compare(await entries[1]!.read(), text)).toBe(0);
  expect(await entries[2]!.read()).toHaveLength(0);
});

test("only the directory and what is asked for is read", async () => {
  const file = zipSync({ big: [new Uint8Array(2_000_000), { level: 0 }], noise: [noise, { level: 0 }] });
  const inner = memorySource("a.zip", file);
  let read = 0;
  const entries = await readZip({
    ...inner,
    read: (offset, length) => {
      read += length;
      return inner.read(offset, length);
    },
  });
  await entries[1]!.read();
  expect(read).toBeLessThan(80_000);
});

test("a comment after the end", async () => {
  const file = zipSync({ noise });
  const long = new Uint8Array(file.length + 500);
  long.set(file);
  new DataView(long.buffer).setUint16(file.length - 2, 500, true);
  expect((await entriesOf(long)).map(({ name }) => name)).toEqual(["noise"]);
});

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "";
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    return error.problem.code;
  }
}

test("damage is found out", async () => {
  const file = zipSync({ noise: [noise, { level: 0 }], text: [text, { level: 9 }] });
  const spoilt = file.slice();
  spoilt[200]! ^= 4;
  const [first] = await entriesOf(spoilt);
  expect(await codeOf(first!.read())).toBe("malformed");
  expect(await codeOf(entriesOf(file.subarray(0, file.length - 30)))).toBe("not-a-zip");
  for (let at = 0; at < file.length; at += 61) {
    const changed = file.slice();
    changed[at]! ^= 0xff;
    await codeOf(entriesOf(changed).then((entries) => Promise.all(entries.map((entry) => entry.read()))));
  }
});

test("an entry that promises more than deflate can hold is not unpacked", async () => {
  const file = zipSync({ text: [text, { level: 9 }] });
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const directory = view.getUint32(file.length - 6, true);
  view.setUint32(directory + 24, 2 ** 31, true);
  const [entry] = await entriesOf(file);
  expect(await codeOf(entry!.read())).toBe("malformed");
});
