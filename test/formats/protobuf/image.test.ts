import { expect, test } from "vitest";
import type { ByteSource } from "../../../src/base/bytes.ts";
import { memorySource } from "../../../src/base/memory.ts";
import { ModelError } from "../../../src/base/problem.ts";
import { Fields } from "../../../src/formats/protobuf/fields.ts";
import { readImage, type Shape } from "../../../src/formats/protobuf/image.ts";
import { bytes, concat, int, join, message, text } from "../../build/protobuf.ts";
import { randomInts } from "../../build/random.ts";

const noise = (length: number, seed = 1): Uint8Array => Uint8Array.from(randomInts(length, 0, 255, seed));

/** 1: bulk, 2: text, 3: the message itself. */
const shape: Record<number, Shape[number]> = { 1: "bulk", 2: "leaf" };
shape[3] = shape;

function counting(file: Uint8Array): { source: ByteSource; read: () => number } {
  const inner = memorySource("m", file);
  let total = 0;
  return {
    source: {
      ...inner,
      read: (offset, length) => {
        total += length;
        return inner.read(offset, length);
      },
    },
    read: () => total,
  };
}

test("bulk is left in the file, and its place is right", async () => {
  const payloads = Array.from({ length: 40 }, (_, i) => noise(100_003 + i, i));
  const file = join(
    payloads.flatMap((payload, i) => [text(2, `n${i}`), message(3, [text(2, "inner"), bytes(1, payload), int(7, i)])]),
  );
  const { source, read } = counting(file);
  const image = await readImage(source, shape);
  expect(image.bytes.length).toBeLessThan(2000);
  expect(read()).toBeLessThan(40 * 4200 + 8192);
  const f = new Fields(image);
  for (const [i, payload] of payloads.entries()) {
    expect([f.next(), f.field, f.string()]).toEqual([true, 2, `n${i}`]);
    f.next();
    const inner = f.message();
    expect([inner.next(), inner.string()]).toEqual([true, "inner"]);
    expect([inner.next(), inner.field, inner.elided, inner.length]).toEqual([true, 1, true, payload.length]);
    expect(Buffer.compare(file.subarray(inner.start, inner.start + inner.length), payload)).toBe(0);
    expect([inner.next(), inner.int(), inner.next()]).toEqual([true, i, false]);
  }
  expect(f.next()).toBe(false);
});

test("structure is kept byte for byte, whatever the windows cut", async () => {
  const texts = Array.from({ length: 700 }, (_, i) => "ä".repeat((i * 37) % 500) + i);
  const long = "x".repeat(200_000);
  const file = join([...texts.map((t) => message(3, [text(2, t)])), text(2, long), text(2, "end")]);
  const image = await readImage(memorySource("m", file), shape);
  expect(Buffer.compare(image.bytes, file)).toBe(0);
  const f = new Fields(image);
  for (const t of texts) {
    f.next();
    const inner = f.message();
    inner.next();
    expect(inner.text()).toBe(t);
  }
  expect([f.next(), f.text(), f.next(), f.text()]).toEqual([true, long, true, "end"]);
});

test("large fields that the schema does not know are left out", async () => {
  const file = join([bytes(9, noise(50_000)), text(2, "after")]);
  const image = await readImage(memorySource("m", file), shape);
  expect(image.bytes.length).toBeLessThan(20);
  expect(image.holes).toEqual([{ at: file.length - 50_007, length: 50_000 }]);
});

async function fault(file: Uint8Array): Promise<ModelError["problem"]> {
  const error = await readImage(memorySource("m", file), shape).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ModelError)) throw new Error(`no ModelError but ${error}`);
  return error.problem;
}

test("faults have their offset", async () => {
  const good = text(2, "abc");
  expect(await fault(join([good, bytes(1, noise(9000))]).subarray(0, 3000))).toMatchObject({ code: "truncated", offset: 8 });
  expect(await fault(concat([join([good]), Uint8Array.of(0x13)]))).toMatchObject({
    code: "malformed",
    offset: 5,
    reason: "wire type 3",
  });
  expect(await fault(concat([join([good]), Uint8Array.of(0x02, 0x00)]))).toMatchObject({ code: "malformed", offset: 5 });
  const tooLong = concat([Uint8Array.of(0x1a, 0xd0, 0x0f), join([bytes(1, noise(3000))])]);
  expect(await fault(tooLong)).toMatchObject({ code: "malformed", offset: 6 });
});

test("messages within messages stop somewhere", async () => {
  let inner = join([bytes(1, noise(2000))]);
  for (let depth = 0; depth < 300; depth++) inner = join([message(3, [[inner]])]);
  expect(await fault(inner)).toMatchObject({ code: "too-deep" });
});
