import { expect, test } from "vitest";
import { clipToRelu } from "../../../src/optimize/rules/activations.ts";
import { counted, float, graphOf, rewritten } from "../run.ts";

const clip = (low: number, high: number) =>
  graphOf((b) =>
    b.op("ClipByValue", [
      b.op("Mul", [float(b, "x", ["n", 3, 5]), b.scalar("float32", 9)]),
      b.scalar("float32", low),
      b.scalar("float32", high),
    ]),
  );

test("bounds of 0 and 6 are a Relu6", async () => {
  expect(await rewritten(clip(0, 6), [clipToRelu])).toMatchObject({ ops: { Mul: 1, Relu6: 1 }, fired: { "clip-to-relu": 1 } });
});

test("a bound of 0 alone is a Relu", async () => {
  expect((await rewritten(clip(0, Number.POSITIVE_INFINITY), [clipToRelu])).ops).toEqual({ Mul: 1, Relu: 1 });
});

test("other bounds are not", () => {
  for (const [low, high] of [
    [-1, 6],
    [0, 5],
    [0, 3.4e38],
  ])
    expect(counted(clip(low!, high!), [clipToRelu]).fired).toEqual({});
});
