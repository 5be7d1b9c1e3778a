import { expect, test } from "vitest";
import { fillLast } from "../../../src/optimize/rules/uniform.ts";
import { counted, float, graphOf, rewritten } from "../run.ts";

test("the logarithm of a filled tensor is filled", async () => {
  const graph = graphOf((b) =>
    b.op("Log", [b.op("Fill", [b.op("Shape", [float(b, "x", ["n", 3, 5])]), b.scalar("float32", 0.7)])]),
  );
  expect(await rewritten(graph, [fillLast])).toMatchObject({ ops: { Shape: 1, Fill: 1 }, fired: { "fill-last": 1 } });
});

test("not where the element is computed", () => {
  const graph = graphOf((b) => {
    const x = float(b, "x", ["n", 3, 5]);
    return b.op("Log", [b.op("Fill", [b.op("Shape", [x]), b.reduce("Max", x, [0, 1, 2], false)])]);
  });
  expect(counted(graph, [fillLast]).fired).toEqual({});
});
