import { expect, it } from "vitest";
import { readConstants } from "../../src/lower/constants.ts";
import { lower } from "../../src/lower/lower.ts";
import { onnxRules } from "../../src/lower/onnx/rules.ts";
import "../../src/tf/all.ts";
import { type FunctionSpec, type GraphSpec, type NodeSpec, node, onnxModel, openOnnx, untyped, value } from "../build/onnx.ts";

const calling = (name: string, callee: string): FunctionSpec => ({
  name,
  domain: "mine",
  inputs: ["a"],
  outputs: ["b"],
  opsets: { "": 17, mine: 1 },
  nodes: [node(callee, ["a"], ["b"], {}, "inner", callee === "Neg" ? {} : { domain: "mine" })],
});

async function lowered(nodes: readonly NodeSpec[], functions: readonly FunctionSpec[] = []) {
  const graph: GraphSpec = { inputs: [value("x", "float32", [2, 3])], outputs: [untyped("y")], nodes };
  const { model, files } = await openOnnx(onnxModel({ ir: 9, opsets: { "": 17, mine: 1 }, functions, graph }));
  return lower(model, files, await readConstants(model, files), onnxRules);
}

it("names the call that closes a circle of functions", async () => {
  const { problems } = await lowered(
    [node("F", ["x"], ["y"], {}, "start", { domain: "mine" })],
    [calling("F", "G"), calling("G", "F")],
  );
  expect(problems).toMatchObject([{ code: "recursion", graph: "G", node: "inner", reason: "the function calls itself: F" }]);
});

it("goes no deeper than its limit", async () => {
  const chain = Array.from({ length: 40 }, (_, i) => calling(`F${i}`, i < 39 ? `F${i + 1}` : "Neg"));
  const { problems } = await lowered([node("F0", ["x"], ["y"], {}, "start", { domain: "mine" })], chain);
  expect(problems).toMatchObject([{ code: "too-deep" }]);
  const { problems: none, graph } = await lowered([node("F20", ["x"], ["y"], {}, "start", { domain: "mine" })], chain);
  expect(none).toEqual([]);
  expect(graph.outputs[0]!.value.node.op).toBe("Neg");
});

it("refuses arguments that a function does not take", async () => {
  const { problems } = await lowered([node("F", ["x", "x"], ["y"], {}, "start", { domain: "mine" })], [calling("F", "Neg")]);
  expect(problems).toMatchObject([{ code: "invalid-model", node: "start", reason: "2 inputs where the function takes 1" }]);
});
