import { describe, expect, test } from "vitest";
import { memorySource } from "../../../src/base/memory.ts";
import { carriedCopy } from "../../../src/formats/tflite/carried.ts";
import { loadTensor } from "../../../src/graph/decode.ts";
import type { SourceGraph, ValueId } from "../../../src/graph/source.ts";
import { tensorsOf } from "../../../src/graph/verify.ts";
import { constant, openTflite, operator, tfliteModel, value } from "../../build/tflite.ts";
import { specimen } from "./specimen.ts";

const copyOf = async (file: Uint8Array, outputs?: readonly ValueId[]) =>
  openTflite(await carriedCopy(memorySource("model.tflite", file), outputs));
const typesOf = ({ values }: SourceGraph, ids: readonly ValueId[]) => ids.map((id) => [values[id]!.name, values[id]!.type.dtype]);
const opsOf = ({ nodes }: SourceGraph) => nodes.map(({ op }) => op);

const codes = { scale: [0.25], zero: [-3] };
const file = tfliteModel({
  tensors: [
    value("x", "int8", [2, 3], codes),
    constant("c", "int8", [3], [4, -9, 100], codes),
    value("sum", "int8", [2, 3], codes),
    value("real", "float32", [2, 3]),
    constant("axis", "int32", [], [1]),
    value("best", "int64", [2]),
  ],
  inputs: ["x"],
  outputs: ["best"],
  operators: [
    operator("ADD", ["x", "c"], ["sum"], "AddOptions"),
    operator("DEQUANTIZE", ["sum"], ["real"]),
    operator("ARG_MAX", ["real", "axis"], ["best"], "ArgMaxOptions", { output_type: "INT64" }),
  ],
});

describe("what LiteRT.js does not carry is cast", () => {
  test("behind the inputs and in front of the outputs", async () => {
    const { model } = await copyOf(file);
    const [main] = model.graphs;
    expect(model.problems).toEqual([]);
    expect(typesOf(main!, main!.inputs)).toEqual([["x!", "int32"]]);
    expect(typesOf(main!, main!.outputs)).toEqual([["best!", "int32"]]);
    expect(opsOf(main!)).toEqual(["CAST", "ADD", "DEQUANTIZE", "ARG_MAX", "CAST"]);
  });

  test("of any values of the main graph", async () => {
    const { model: own } = await openTflite(file);
    const id = (name: string) => own.graphs[0]!.values.find((each) => each.name === name)!.id;
    const { model } = await copyOf(file, [id("real"), id("sum")]);
    const [main] = model.graphs;
    expect(typesOf(main!, main!.outputs)).toEqual([
      ["real", "float32"],
      ["sum!", "int32"],
    ]);
  });

  test("but words are not", async () => {
    const words = tfliteModel({
      tensors: [value("x", "string", [2]), value("y", "string", [2])],
      inputs: ["x"],
      outputs: ["y"],
      operators: [operator("RESHAPE", ["x"], ["y"])],
    });
    await expect(copyOf(words)).rejects.toThrow("LiteRT.js takes no value of type string");
  });
});

test("all else is as it was: values, constants, options, sub-graphs", async () => {
  const sound = specimen();
  const [before, after] = await Promise.all([openTflite(sound), copyOf(sound)]);
  expect(after.model.graphs.length).toBe(before.model.graphs.length);
  const [main, ...others] = after.model.graphs;
  expect(others.map((graph) => graph.nodes)).toEqual(before.model.graphs.slice(1).map((graph) => graph.nodes));
  const own = main!.nodes.filter(
    ({ inputs, outputs, op }) => op !== "CAST" || ![...inputs, ...outputs].some((id) => isTwin(main!, id)),
  );
  expect(own.map(({ op, attrs, inputs, outputs }) => ({ op, attrs, inputs, outputs }))).toEqual(
    before.model.graphs[0]!.nodes.map(({ op, attrs, inputs, outputs }) => ({ op, attrs, inputs, outputs })),
  );
  for (const [i, graph] of before.model.graphs.entries()) {
    const copies = [...tensorsOf(after.model.graphs[i]!)];
    for (const [at, { tensor }] of [...tensorsOf(graph)].entries()) {
      const load = ({ files }: typeof before, stored: typeof tensor) =>
        loadTensor({ dtype: stored.dtype, shape: stored.shape, stored, files });
      expect(await load(after, copies[at]!.tensor)).toEqual(await load(before, tensor));
    }
  }
});

const isTwin = ({ values }: SourceGraph, id: ValueId | undefined) => id !== undefined && values[id]!.name.endsWith("!");
