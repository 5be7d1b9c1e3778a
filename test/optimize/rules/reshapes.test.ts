import { expect, test } from "vitest";
import { addToBias } from "../../../src/optimize/rules/bias.ts";
import { dropReshape, mergeReshapes, sinkReshape, staticReshape } from "../../../src/optimize/rules/reshapes.ts";
import { counted, float, graphOf, rewritten, weights } from "../run.ts";

test("a Reshape to the same shape vanishes, a symbol in it or not", async () => {
  const graph = graphOf((b) => b.op("Relu", [b.op("Reshape", [float(b, "x", ["n", 3, 5]), b.ints([-1, 3, 5])])]));
  expect(await rewritten(graph, [dropReshape])).toMatchObject({ ops: { Relu: 1 }, fired: { "drop-reshape": 1 } });
});

test("one that moves elements between axes does not", () => {
  const graph = graphOf((b) => b.op("Reshape", [float(b, "x", [3, 5]), b.ints([5, 3])]));
  expect(counted(graph, [dropReshape]).fired).toEqual({});
});

test("Reshapes, Squeezes and ExpandDims in a row become one", async () => {
  const graph = graphOf((b) => {
    const x = b.reshape(float(b, "x", ["n", 3, 1, 10]), [-1, 1, 30]);
    return b.op("ExpandDims", [b.squeeze(x, [1]), b.scalar("int32", 2)]);
  });
  const { ops, fired } = await rewritten(graph, [mergeReshapes]);
  expect(Object.values(ops)).toEqual([1]);
  expect(fired["merge-reshapes"]).toBe(2);
});

test("a Reshape over arithmetic is not merged", () => {
  const graph = graphOf((b) => b.reshape(b.op("Relu", [b.reshape(float(b, "x", [3, 5]), [15])]), [5, 3]));
  expect(counted(graph, [mergeReshapes]).fired).toEqual({});
});

test("computed dims of which one is open become constant", async () => {
  const graph = graphOf((b) => {
    const x = float(b, "x", ["n", 7, 6]);
    return b.op("Reshape", [x, b.shapeVector(["n", 7, 2, 3], [[x, 0]])]);
  });
  expect(await rewritten(graph, [staticReshape])).toMatchObject({ ops: { Reshape: 1 }, fired: { "static-reshape": 1 } });
});

test("dims of which two are open stay computed", () => {
  const graph = graphOf((b) => {
    const x = float(b, "x", ["n", "m", 6]);
    const vector = b.shapeVector(
      ["n", "m", 2, 3],
      [
        [x, 0],
        [x, 1],
      ],
    );
    return b.op("Reshape", [x, vector]);
  });
  expect(counted(graph, [staticReshape]).fired).toEqual({});
});

test("a flattened batch keeps its symbol when its axes come back", async () => {
  const graph = graphOf((b) => {
    const x = float(b, "x", ["n", 7, 6]);
    return b.op("Reshape", [b.op("Relu", [b.reshape(x, [-1, 6])]), b.shapeVector(["n", 7, 6], [[x, 0]])]);
  });
  const { ops, graph: after } = await rewritten(graph, [staticReshape]);
  expect(ops).toEqual({ Relu: 1, Reshape: 2 });
  expect(after.outputs[0]!.value.shape).toEqual(["n", 7, 6]);
});

test("bias and activation go below the Reshape after a matrix product", async () => {
  const graph = graphOf((b) => {
    const product = b.op("MatMul", [float(b, "x", [6, 7]), weights(b, [7, 5])]);
    return b.op("Relu", [b.op("AddV2", [b.reshape(product, [2, 3, 5]), weights(b, [5])])]);
  });
  const { ops, fired } = await rewritten(graph, [sinkReshape, addToBias]);
  expect(ops).toEqual({ MatMul: 1, BiasAdd: 1, Relu: 1, Reshape: 1 });
  expect(fired).toEqual({ "sink-reshape": 2, "add-to-bias": 1 });
});

test("nothing goes below a Reshape that splits the last axis, or that is read twice", () => {
  const split = graphOf((b) => {
    const product = b.op("MatMul", [float(b, "x", ["n", 6]), weights(b, [6, 10])]);
    return b.op("AddV2", [b.reshape(product, [-1, 2, 5]), weights(b, [5])]);
  });
  const shared = graphOf((b) => {
    const view = b.reshape(b.op("MatMul", [float(b, "x", ["n", 6]), weights(b, [6, 10])]), [-1, 3, 10]);
    return [view, b.op("Relu", [view])];
  });
  expect([counted(split, [sinkReshape]).fired, counted(shared, [sinkReshape]).fired]).toEqual([{}, {}]);
});
