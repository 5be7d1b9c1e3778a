import { expect, it } from "vitest";
import { ModelError, modelError } from "../../src/base/problem.ts";
import type { SourceMap } from "../../src/graph/map.ts";
import type { Tensor } from "../../src/graph/tensor.ts";
import { compareLayers, type LayerPair, layerPairs, type Taps } from "../../src/parity/layers.ts";
import { toleranceFor } from "../../src/parity/tolerance.ts";
import { node, onnxModel, openOnnx, tensor, value } from "../build/onnx.ts";

const options = { tolerance: toleranceFor("float32") };
const pairs = (count: number): LayerPair[] =>
  Array.from({ length: count }, (_, i) => ({ source: `g/v${i}`, value: `v${i}`, target: `n${i}:0`, node: `n${i}`, op: "Relu" }));

/** Value `i` is [i, 2i + 1]; `batches` records what was asked. */
function taps(batches: number[], fail: (name: string) => Error | undefined = () => undefined): Taps {
  return async (names) => {
    batches.push(names.length);
    for (const name of names) {
      const error = fail(name);
      if (error) throw error;
    }
    return new Map(
      names.map((name) => {
        const i = Number(/\d+/.exec(name)![0]);
        return [name, { dtype: "float32", shape: [2], data: Float32Array.of(i, 2 * i + 1) } satisfies Tensor];
      }),
    );
  };
}

it("pairs values of the main graph that nodes make, producers first", async () => {
  const { model } = await openOnnx(
    onnxModel({
      graph: {
        name: "a/b",
        inputs: [value("x", "float32", [2])],
        outputs: [value("y", "float32", [2])],
        initializers: [tensor("w", "float32", [2], [3, 5])],
        // Out of order: "last" reads what the two after it make.
        nodes: [
          node("Add", ["p", "q"], ["y"], {}, "last"),
          node("Mul", ["p", "w"], ["q"], {}, "middle"),
          node("Neg", ["x"], ["p"], {}, "first"),
        ],
      },
    }),
  );
  const entry = (name: string, exact = true) => ({ source: `a/b/${name}`, target: `${name}:0`, exact });
  const map: SourceMap = {
    version: 1,
    values: [entry("y"), entry("q"), entry("p"), entry("x"), entry("w"), entry("none"), { ...entry("q"), target: "again:0" }],
    nodes: [],
  };
  const found = layerPairs(map, model);
  expect(found.map(({ value, target, node, op }) => [value, target, node, op])).toEqual([
    ["p", "p:0", "first", "Neg"],
    ["q", "q:0", "middle", "Mul"],
    ["y", "y:0", "last", "Add"],
  ]);
  const inexact = { ...map, values: [entry("y"), entry("p", false)] };
  expect(layerPairs(inexact, model).map(({ value }) => value)).toEqual(["y"]);
});

it("runs few batches of small values and asks both sides for the same", async () => {
  const reference: number[] = [];
  const target: number[] = [];
  const progress: number[] = [];
  const layers = await compareLayers(pairs(100), taps(reference), taps(target), {
    ...options,
    progress: (done) => progress.push(done),
  });
  expect(layers.map(({ verdict, source }) => [verdict, source])).toEqual(pairs(100).map(({ source }) => ["equal", source]));
  expect(reference).toEqual([8, 64, 28]);
  expect(target).toEqual(reference);
  expect(progress).toEqual([8, 72, 100]);
});

it("keeps what it holds at a time within 512 MiB", async () => {
  const big = new Float32Array((12 * 2 ** 20) / 4);
  const asked: number[] = [];
  const large: Taps = async (names) => {
    asked.push(names.length);
    return new Map(names.map((name) => [name, { dtype: "float32", shape: [big.length], data: big }]));
  };
  await compareLayers(pairs(30), large, large, options);
  // A pair is 24 MiB: 21 of them fit.
  expect(asked).toEqual([8, 8, 21, 21, 1, 1]);
});

it("finds the one value that cannot be had, and compares the rest", async () => {
  const asked: number[] = [];
  const refuse = (name: string) => (name === "v13" ? modelError("reference-refused", "no such thing") : undefined);
  const layers = await compareLayers(pairs(40), taps(asked, refuse), taps([]), options);
  expect(layers.filter(({ verdict }) => verdict !== "equal")).toEqual([
    { source: "g/v13", target: "n13:0", node: "n13", op: "Relu", verdict: "not-compared", note: "no such thing" },
  ]);
  expect(asked.length).toBeLessThan(12);
});

it("stops asking a target that fails at every later layer", async () => {
  const asked: number[] = [];
  const fail = (name: string) => (Number(/\d+/.exec(name)![0]) >= 20 ? modelError("run-failed", "no kernel") : undefined);
  const layers = await compareLayers(pairs(1000), taps([]), taps(asked, fail), options);
  expect(layers.length).toBe(1000);
  expect(layers.findIndex(({ verdict }) => verdict === "not-compared")).toBe(20);
  expect(asked.length).toBeLessThan(30);
});

it("hands on what is no fault of one value", async () => {
  const dead = (error: Error) =>
    compareLayers(
      pairs(3),
      taps([]),
      taps([], () => error),
      options,
    );
  await expect(dead(modelError("runtime-crashed", "gone"))).rejects.toBeInstanceOf(ModelError);
  await expect(dead(new Error("a bug"))).rejects.toThrow("a bug");
  const abort = new AbortController();
  abort.abort();
  await expect(compareLayers(pairs(3), taps([]), taps([]), { ...options, signal: abort.signal })).rejects.toThrow("cancelled");
});
