import { expect, it } from "vitest";
import { tensorOf } from "../../src/graph/tensor.ts";
import { Builder } from "../../src/tf/build.ts";
import { evaluate } from "../../src/tf/evaluate.ts";
import "../../src/tf/all.ts";

it("constants are computed when they are asked for, but none that no machine holds", async () => {
  const b = new Builder();
  const filled = (count: number) => b.op("Fill", [b.ints([count, 7]), b.scalar("float32", 2.5)]);
  expect(await evaluate(filled(1000))).toEqual(tensorOf("float32", [1000, 7], new Array(7000).fill(2.5)));
  await expect(evaluate(filled(2 ** 30))).rejects.toMatchObject({ problem: { code: "too-large" } });
});
