/** Graphs that random ones have shrunk to: each went wrong once. */
import { expect, it } from "vitest";
import { type NodeSpec, node, onnxModel, type TensorSpec, tensor, untyped, value } from "./build/onnx.ts";
import { random } from "./build/random.ts";
import { againstOrt } from "./lower/onnx/against-ort.ts";

const ort = againstOrt();

const noise = (name: string, ...shape: number[]): TensorSpec =>
  tensor(
    name,
    "float32",
    shape,
    random(
      shape.reduce((a, b) => a * b, 1),
      name.length + shape.length,
    ),
  );
const ints = (name: string, ...values: number[]): TensorSpec => tensor(name, "int64", [values.length], values);

async function agree(
  fed: readonly TensorSpec[],
  stored: readonly TensorSpec[],
  nodes: readonly NodeSpec[],
  outputs: readonly string[],
  open = false,
): Promise<void> {
  const bytes = onnxModel({
    ir: 8,
    opsets: { "": 18 },
    graph: {
      inputs: fed.map(({ name, dtype, shape }) => value(name, dtype, open ? shape.map((_, i) => `${name}${i}`) : [...shape])),
      outputs: outputs.map(untyped),
      initializers: stored,
      nodes,
    },
  });
  expect(await ort.modelDifferences(bytes, fed, outputs)).toEqual([]);
}

it("a right operand in two shapes: wasm finds what it packed by address", () =>
  agree(
    [noise("x", 1, 5)],
    [],
    [
      node("Transpose", ["x"], ["t"], { perm: [1, 0] }),
      node("MatMul", ["x", "t"], ["inner"]),
      node("MatMul", ["t", "x"], ["outer"]),
    ],
    ["inner", "outer"],
  ));

it("two scatters into one value: each into a copy of its own", () =>
  agree(
    [noise("x", 5, 3)],
    [tensor("rows", "int64", [2, 1], [3, 1]), noise("u", 2, 3), noise("uu", 2, 3)],
    [
      node("Relu", ["x"], ["a"]),
      node("ScatterND", ["a", "rows", "u"], ["y"]),
      node("ScatterND", ["a", "rows", "uu"], ["z"]),
      node("Neg", ["a"], ["n"]),
    ],
    ["y", "z", "n"],
  ));

it("two scatters into one weight", () =>
  agree(
    [noise("u", 2, 3), noise("uu", 2, 3)],
    [tensor("rows", "int64", [2, 1], [3, 1]), noise("w", 5, 3)],
    [node("ScatterND", ["w", "rows", "u"], ["y"]), node("ScatterND", ["w", "rows", "uu"], ["z"])],
    ["y", "z"],
  ));

it("a scatter of weights into a weight that others read", () =>
  agree(
    [noise("x", 5, 3)],
    [tensor("rows", "int64", [2, 1], [3, 1]), noise("w", 5, 3), noise("u", 2, 3)],
    [node("ScatterND", ["w", "rows", "u"], ["y"]), node("Add", ["w", "x"], ["z"])],
    ["y", "z"],
  ));

it("floats that were bools, scattered into", () =>
  agree(
    [tensor("x", "bool", [5, 3], [1, 0, 1, 1, 0, 1, 0, 1, 1, 0, 1, 1, 1, 0, 0])],
    [tensor("rows", "int64", [2, 3], [3, 1, 0, 2, 4, 1]), noise("u", 2, 3)],
    [
      node("Cast", ["x"], ["f"], { to: 1 }),
      node("ScatterElements", ["f", "rows", "u"], ["y"], { reduction: "mul" }),
      node("ScatterElements", ["f", "rows", "u"], ["z"]),
    ],
    ["y", "z"],
  ));

it("axes of size 1 between axes that broadcast differently", () =>
  agree(
    [noise("x", 1, 3, 1, 1, 5)],
    [noise("row", 1, 5), noise("whole", 1, 3, 1, 1, 5), tensor("zero", "float32", [], [0])],
    [node("Greater", ["x", "zero"], ["test"]), node("Where", ["test", "row", "whole"], ["y"])],
    ["y"],
  ));

it("Transposes of nothing but axes of size 1 come to rest", () =>
  agree(
    [noise("x", 1, 2, 1, 1)],
    [tensor("sizes", "int64", [4], [1, 2, 1, 2]), noise("w", 2, 2, 1, 1), noise("p", 1, 1, 1, 1)],
    [
      node("Resize", ["x", "", "", "sizes"], ["r"], { mode: "nearest", coordinate_transformation_mode: "half_pixel" }),
      node("Relu", ["r"], ["a"]),
      node("Sub", ["x", "a"], ["s"]),
      node("Conv", ["x", "w"], ["c"]),
      node("Concat", ["x", "c"], ["y"], { axis: 0 }),
      node("Max", ["a", "p"], ["m"]),
    ],
    ["s", "y", "m"],
  ));

it("a slice backwards to the very start, of an axis whose size is not known", () =>
  agree(
    [noise("x", 5, 3)],
    [ints("from", 3, 2), ints("to", -(2 ** 53), 1), ints("axes", 0, 1), ints("steps", -2, 1)],
    [node("Slice", ["x", "from", "to", "axes", "steps"], ["y"])],
    ["y"],
    true,
  ));

it("blocks of depth whose channels are not known", () =>
  agree(
    [noise("x", 2, 8, 4, 6)],
    [],
    [
      node("DepthToSpace", ["x"], ["y"], { blocksize: 2, mode: "CRD" }),
      node("DepthToSpace", ["x"], ["z"], { blocksize: 2 }),
      node("SpaceToDepth", ["x"], ["w"], { blocksize: 2 }),
    ],
    ["y", "z", "w"],
    true,
  ));
