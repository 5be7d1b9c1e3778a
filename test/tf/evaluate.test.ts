import { expect, it } from "vitest";
import { elementCount, tensorOf } from "../../src/graph/tensor.ts";
import { Builder } from "../../src/tf/build.ts";
import { evaluate } from "../../src/tf/evaluate.ts";
import "../../src/tf/all.ts";

it("constants are computed when they are asked for, but none that no machine holds", async () => {
  const b = new Builder();
  const filled = (count: number) => b.op("Fill", [b.ints([count, 7]), b.scalar("float32", 2.5)]);
  expect(await evaluate(filled(1000))).toEqual(tensorOf("float32", [1000, 7], new Array(7000).fill(2.5)));
  await expect(evaluate(filled(2 ** 30))).rejects.toMatchObject({ problem: { code: "too-large" } });
  expect(() => filled(-5)).toThrow("Fill of a negative size: -5×7");
});

it("what grows past the bound on the way is refused before anything is computed", async () => {
  const b = new Builder();
  let doubled = b.constant(ramp([4099], 0.5));
  for (let i = 0; i < 60; i++) doubled = b.concat([doubled, doubled], 0);
  const started = performance.now();
  await expect(evaluate(b.reduce("Sum", doubled, [0], false))).rejects.toMatchObject({ problem: { code: "too-large" } });
  expect(performance.now() - started).toBeLessThan(1000);
});

/** Values of which a float32 holds every one. */
const ramp = (shape: readonly number[], step: number) =>
  tensorOf(
    "float32",
    shape,
    Array.from({ length: elementCount(shape) }, (_, i) => i * step - 3),
  );

it("no operand is written over that something else still reads", async () => {
  const b = new Builder();
  const shape = [37, 131];
  const stored = ramp(shape, 0.25);
  const kept = Float32Array.from(stored.data as Float32Array);
  const x = b.constant(stored);
  const bias = b.constant(ramp([131], 0.5));
  const turned = b.op("Transpose", [b.op("Transpose", [x, b.ints([1, 0])]), b.ints([1, 0])]);
  const same = b.reshape(b.reshape(turned, [37 * 131]), [...shape]);
  const doubled = b.op("Mul", [b.op("AddV2", [turned, bias]), b.scalar("float32", 2)]);
  const all = b.op("AddV2", [b.op("Sub", [same, b.op("Mul", [doubled, doubled])]), same]);
  const row = ramp([131], 0.5).data as Float32Array;
  const expected = kept.map((v, i) => Math.fround(v - Math.fround(((v + row[i % 131]!) * 2) ** 2)) + v);
  expect((await evaluate(all)).data).toEqual(expected);
  expect((await evaluate(b.op("Neg", [x]))).data).toEqual(kept.map((v) => -v));
  expect(stored.data).toEqual(kept);
});
