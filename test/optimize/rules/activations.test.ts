import { expect, test } from "vitest";
import type { Value } from "../../../src/graph/graph.ts";
import { clipToRelu, halfTanh, halfTanhTimes } from "../../../src/optimize/rules/activations.ts";
import type { Builder } from "../../../src/tf/build.ts";
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

/** √(2/π) (x + 0.044715 x³), with the factor on either side. */
const inner = (b: Builder, x: Value): Value =>
  b.op("Mul", [
    b.scalar("float32", 0.7978845608),
    b.op("AddV2", [x, b.op("Mul", [b.op("Mul", [x, b.op("Square", [x])]), b.scalar("float32", 0.044715)])]),
  ]);
const onePlus = (b: Builder, u: Value): Value => b.op("AddV2", [b.scalar("float32", 1), b.op("Tanh", [u])]);

test("Gelu's Tanh becomes a Sigmoid, however it is put together", async () => {
  const half = graphOf((b) => {
    const x = float(b, "x", ["n", 3, 5]);
    return b.op("Mul", [x, b.op("Mul", [b.scalar("float32", 0.5), onePlus(b, inner(b, x))])]);
  });
  const times = graphOf((b) => {
    const x = float(b, "x", ["n", 3, 5]);
    return b.op("Mul", [b.op("Mul", [x, b.scalar("float32", 0.5)]), onePlus(b, x)]);
  });
  expect((await rewritten(half, [halfTanh, halfTanhTimes])).fired).toEqual({ "half-tanh-to-sigmoid": 1 });
  expect((await rewritten(times, [halfTanh, halfTanhTimes])).fired).toEqual({ "half-tanh-times-to-sigmoid": 1 });
});

test("a Tanh with other numbers round it stays", () => {
  const graph = graphOf((b) => {
    const x = float(b, "x", [3]);
    return b.op("Mul", [b.scalar("float32", 0.25), onePlus(b, x)]);
  });
  expect(counted(graph, [halfTanh, halfTanhTimes]).fired).toEqual({});
});
