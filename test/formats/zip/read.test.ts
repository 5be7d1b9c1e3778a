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

test("an entry too large for memory is not unpacked, however well it is packed", async () => {
  const file = zipSync({ zeros: [new Uint8Array(3_000_000), { level: 9 }] });
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const directory = view.getUint32(file.length - 6, true);
  view.setUint32(directory + 20, 2 ** 21, true);
  view.setUint32(directory + 24, 2 ** 30 + 1, true);
  const [entry] = await entriesOf(file);
  expect(await codeOf(entry!.read())).toBe("too-large");
  expect(await codeOf(entry!.open())).toBe("too-large");
});

test("every cut and every flipped bit: a located problem, or the very bytes", async () => {
  const contents = [noise.slice(0, 700), text.slice(0, 900)] as const;
  const file = zipSync({ noise: [contents[0], { level: 0 }], text: [contents[1], { level: 9 }] });
  const variants = [
    ...Array.from({ length: Math.ceil(file.length / 16) }, (_, i) => file.slice(0, 16 * i)),
    ...Array.from({ length: file.length }, (_, at) => file.map((byte, i) => (i === at ? byte ^ (1 << (at % 8)) : byte))),
  ];
  for (const bytes of variants) {
    const read = async () => Promise.all((await entriesOf(bytes)).map((entry) => entry.read()));
    const result = await read().catch((error: unknown) => error);
    if (result instanceof ModelError) expect(result.problem.offset).toBeGreaterThanOrEqual(0);
    // A flipped bit in a name or in a time is no damage of what is in the entry.
    else
      for (const found of result as Uint8Array[]) expect(contents.some((each) => Buffer.compare(each, found) === 0)).toBe(true);
  }
});
