import { expect, it } from "vitest";
import { float, floats, node, onnxModel, sparse, tensor, untyped, value } from "../../build/onnx.ts";
import { random } from "../../build/random.ts";
import { againstOrt } from "./against-ort.ts";

const ort = againstOrt();

it("Constant in its forms", async () => {
  const forms = [
    { value: tensor("v", "float32", [2, 3], random(6)) },
    { value_float: float(1.25) },
    { value_floats: floats([1, -2.5]) },
    { value_int: -7 },
    { value_ints: [3, -4, 5] },
  ];
  for (const attrs of forms) expect(await ort.differences({ op: "Constant", inputs: [], attrs })).toEqual([]);
});

it("a sparse Constant, by flat and by full indices", async () => {
  const values = tensor("v", "float32", [3], [1.5, -2, 4]);
  const flat = sparse(values, tensor("i", "int64", [3], [1, 7, 14]), [3, 5]);
  const full = sparse(values, tensor("i", "int64", [3, 2], [0, 1, 1, 2, 2, 4]), [3, 5]);
  const places = tensor("places", "int64", [2], [2, 0]);
  for (const sparse_value of [flat, full]) {
    const nodes = [node("Constant", [], ["c"], { sparse_value }), node("Gather", ["c", "places"], ["y"])];
    const graph = { inputs: [value("places", "int64", [2])], outputs: [untyped("y")], nodes };
    expect(await ort.modelDifferences(onnxModel({ ir: 8, graph }), [places], ["y"])).toEqual([]);
  }
});

it("of several constants of one name the last counts, a node's before an initializer", async () => {
  const x = tensor("x", "float32", [3], random(3, 8));
  const made = (number: number) => node("Constant", [], ["c"], { value_float: float(number) });
  const sums = [node("Add", ["x", "c"], ["y"], {}, "sum")];
  const io = { inputs: [value("x", "float32", [3])], outputs: [untyped("y")] };
  const stored = tensor("c", "float32", [], [5.5]);
  for (const graph of [
    { ...io, nodes: [made(2), made(-3), ...sums] },
    { ...io, nodes: [made(2), ...sums], initializers: [stored] },
  ])
    expect(await ort.modelDifferences(onnxModel({ ir: 8, opsets: { "": 17 }, graph }), [x], ["y"])).toEqual([]);
});

it("ConstantOfShape, known and computed", async () => {
  const shape = tensor("shape", "int64", [3], [2, 5, 3]);
  for (const fed of [0, 1]) {
    expect(await ort.differences({ op: "ConstantOfShape", inputs: [shape], fed })).toEqual([]);
    expect(
      await ort.differences({ op: "ConstantOfShape", inputs: [shape], attrs: { value: tensor("v", "int64", [1], [-3]) }, fed }),
    ).toEqual([]);
  }
});

it("Range, known and computed", async () => {
  const inputs = (values: number[], dtype: "float32" | "int64") =>
    ["start", "limit", "delta"].map((name, i) => tensor(name, dtype, [], [values[i]!]));
  for (const fed of [0, 3]) {
    expect(await ort.differences({ op: "Range", inputs: inputs([2, 11, 2], "int64"), fed })).toEqual([]);
    expect(await ort.differences({ op: "Range", inputs: inputs([9, -4, -3], "int64"), fed })).toEqual([]);
    expect(await ort.differences({ op: "Range", inputs: inputs([0.5, 4, 0.75], "float32"), fed })).toEqual([]);
  }
});

it("EyeLike and Trilu", async () => {
  const x = tensor("x", "float32", [5, 7], random(35));
  for (const k of [0, 2, -3]) {
    for (const open of [false, true]) {
      expect(await ort.differences({ op: "EyeLike", inputs: [x], attrs: { k }, open })).toEqual([]);
      for (const upper of [0, 1])
        expect(
          await ort.differences({
            op: "Trilu",
            inputs: [tensor("x", "float32", [2, 5, 7], random(70)), tensor("k", "int64", [], [k])],
            attrs: { upper },
            open,
            fed: open ? 2 : 1,
          }),
        ).toEqual([]);
    }
  }
});
