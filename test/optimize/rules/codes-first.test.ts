import { expect, test } from "vitest";
import type { Value } from "../../../src/graph/graph.ts";
import { tensorOf } from "../../../src/graph/tensor.ts";
import { codesFirst } from "../../../src/optimize/rules/codes-first.ts";
import type { Builder } from "../../../src/tf/build.ts";
import { counted, float, graphOf, rewritten } from "../run.ts";

const coded = (b: Builder, x: Value, scale: Value) =>
  b.op("Quantize", [x, scale, b.constant(tensorOf("int8", scale.staticShape!, new Array(scale.rank ? 7 : 1).fill(-9)))], {
    dtype: "int8",
    saturate: true,
  });
const decoded = (b: Builder, q: Value) => b.op("Dequantize", [q, ...q.node.inputs.slice(1)]);
const perm = [0, 3, 1, 2];

test.each<[string, (b: Builder, x: Value) => Value]>([
  ["Transpose", (b, x) => b.transpose(x, perm)],
  ["Reshape", (b, x) => b.reshape(x, [6, 5, 7])],
  ["Squeeze", (b, x) => b.squeeze(x, [0])],
  ["ExpandDims", (b, x) => b.op("ExpandDims", [x, b.scalar("int32", 2)])],
])("%s moves codes, in front of what decodes and behind what codes", async (op, move) => {
  const shape = op === "Squeeze" ? [1, 3, 5, 7] : [2, 3, 5, 7];
  const before = graphOf((b) => move(b, decoded(b, coded(b, float(b, "x", shape), b.scalar("float32", 0.01)))));
  const first = await rewritten(before, codesFirst, ["cpu", "wasm"]);
  expect([first.fired, first.graph.outputs[0]!.value.node.op]).toEqual([{ "codes-first": 1 }, "Dequantize"]);
  const behind = graphOf((b) => decoded(b, coded(b, move(b, float(b, "x", shape)), b.scalar("float32", 0.01))));
  const { fired, graph } = await rewritten(behind, codesFirst, ["cpu", "wasm"]);
  expect(fired).toEqual({ "quantize-first": 1 });
  expect(graph.outputs[0]!.value.node.inputs[0]!.node.op).toBe(op);
});

test("not where each channel has a scale, nor where something else reads what is moved", () => {
  const channels = (b: Builder) => b.constant(tensorOf("float32", [7], [0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07]));
  const perChannel = graphOf((b) => b.transpose(decoded(b, coded(b, float(b, "x", [2, 3, 5, 7]), channels(b))), perm));
  expect(counted(perChannel, codesFirst).fired).toEqual({});
  const shared = graphOf((b) => {
    const moved = b.transpose(float(b, "x", [2, 3, 5, 7]), perm);
    return [decoded(b, coded(b, moved, b.scalar("float32", 0.01))), b.op("Relu", [moved])];
  });
  expect(counted(shared, codesFirst).fired).toEqual({});
});
