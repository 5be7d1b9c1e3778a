/** Tensor lists: what Keras' and TensorFlow's own loops write into and read from. */
import { afterAll, beforeAll, describe, it } from "vitest";
import { type Tensor, tensorOf } from "../../../src/graph/tensor.ts";
import { random } from "../../build/random.ts";
import { constant, type FunctionSpec, type NodeSpec } from "../../build/tensorflow.ts";
import { Runner } from "./run.ts";

let runner: Runner;
beforeAll(async () => {
  runner = await Runner.start();
});
afterAll(() => runner.close());

const x = tensorOf("float32", [3, 5], random(15));
const row = (i: number): number[] => Array.from((x.data as Float32Array).subarray(5 * i, 5 * i + 5));
const float = (shape: readonly number[], values: readonly number[]): Tensor => tensorOf("float32", shape, values);
const ints = (name: string, values: readonly number[], shape: readonly number[] = [values.length]): NodeSpec =>
  constant(name, tensorOf("int32", shape, values));
const op = (name: string, kind: string, inputs: readonly string[], attrs: NodeSpec["attrs"] = {}): NodeSpec => ({
  name,
  op: kind,
  inputs,
  attrs: { element_dtype: { type: "float32" }, ...attrs },
});

const places = ints("places", [2, 0, 1]);
const element = ints("element", [5]);
const scattered = Array.from({ length: 3 }, (_, i) => row([1, 2, 0][i]!)).flat();

describe("tensor lists", () => {
  it("are scattered and stacked", async () => {
    for (const extra of [[], ["count"]])
      await runner.check({
        nodes: [
          places,
          element,
          ints("count", [3], []),
          op("list", extra.length > 0 ? "TensorListScatterV2" : "TensorListScatter", ["x", "places", "element", ...extra]),
          op("y", "TensorListStack", ["list", "element"]),
          op("shape", "TensorListElementShape", ["list"], { shape_type: { type: "int32" } }),
        ],
        feeds: { x },
        expected: { y: float([3, 5], scattered), shape: tensorOf("int32", [1], [5]) },
      });
  });

  it("are resized, joined, and written over at several places", async () => {
    await runner.check({
      nodes: [
        places,
        element,
        ints("some", [1, 0]),
        ints("two", [2], []),
        ints("starts", [0, 0]),
        ints("sizes", [2, 5]),
        op("list", "TensorListScatter", ["x", "places", "element"]),
        op("shorter", "TensorListResize", ["list", "two"]),
        op("head", "Slice", ["x", "starts", "sizes"]),
        op("over", "TensorListScatterIntoExistingList", ["shorter", "head", "some"]),
        op("both", "TensorListConcatLists", ["over", "list"]),
        op("y", "TensorListStack", ["both", "element"]),
        op("length", "TensorListLength", ["both"]),
        op("flat", "TensorListConcat", ["shorter"]),
      ],
      feeds: { x },
      expected: {
        y: float([5, 5], [...row(1), ...row(0), ...scattered]),
        length: tensorOf("int32", [], [5]),
        flat: float([10], scattered.slice(0, 10)),
        "flat:1": tensorOf("int64", [2], [5, 5]),
      },
    });
  });

  it("grow in a loop by as many elements as the run asks for", async () => {
    const variant = 21;
    const inputs: FunctionSpec["inputs"] = [
      ["i", "int32"],
      ["n", "int32"],
      ["h", "float32"],
      ["rows", variant],
    ];
    const test: FunctionSpec = {
      name: "test",
      inputs,
      outputs: [["goes", "bool", "less:z:0"]],
      nodes: [op("less", "Less", ["i", "n"])],
    };
    const step: FunctionSpec = {
      name: "step",
      inputs,
      outputs: [
        ["i_out", "int32", "more:z:0"],
        ["n_out", "int32", "n"],
        ["h_out", "float32", "half:z:0"],
        ["rows_out", variant, "pushed:output_handle:0"],
      ],
      nodes: [
        constant("one", tensorOf("int32", [], [1])),
        constant("by", tensorOf("float32", [], [0.5])),
        op("more", "AddV2", ["i", "one:output:0"]),
        op("half", "Mul", ["h", "by:output:0"]),
        op("pushed", "TensorListPushBack", ["rows", "half:z:0"]),
      ],
    };
    const halves = (rounds: number) =>
      Array.from({ length: rounds }, (_, i) => Array.from(x.data as Float32Array, (value) => value * 0.5 ** (i + 1))).flat();
    for (const rounds of [0, 1, 7]) {
      await runner.check({
        nodes: [
          ints("zero", [0], []),
          ints("any", [-1]),
          ints("most", [-1], []),
          op("empty", "EmptyTensorList", ["any", "most"]),
          op("loop", "While", ["zero", "limit", "x", "empty"], { cond: { func: "test" }, body: { func: "step" } }),
          op("y", "TensorListStack", ["loop:3", "any"]),
        ],
        functions: [test, step],
        feeds: { x, limit: tensorOf("int32", [], [rounds]) },
        shapes: { x: [-1, 5] },
        expected: { y: float([rounds, 3, 5], halves(rounds)) },
      });
    }
  });

  it("grow and shrink, are gathered, split and joined", async () => {
    await runner.check({
      nodes: [
        element,
        ints("none", [0], []),
        ints("second", [1], []),
        ints("some", [1, 0, 1]),
        constant("lengths", tensorOf("int64", [2], [1, 2])),
        ints("starts", [1, 0]),
        ints("sizes", [1, -1]),
        op("empty", "EmptyTensorList", ["element", "none"]),
        op("one", "Slice", ["x", "starts", "sizes"]),
        op("flat_one", "Reshape", ["one", "element"]),
        op("pushed", "TensorListPushBack", ["empty", "flat_one"]),
        op("twice", "TensorListPushBack", ["pushed", "flat_one"]),
        op("popped", "TensorListPopBack", ["twice", "element"]),
        op("stacked", "TensorListStack", ["popped", "element"]),
        op("parts", "TensorListSplit", ["x", "element", "lengths"]),
        op("part", "TensorListGetItem", ["parts", "second", "element"]),
        op("joined", "TensorListConcatV2", ["parts", "element", "lengths"]),
        op("rows", "TensorListFromTensor", ["x", "element"]),
        op("gathered", "TensorListGather", ["rows", "some", "element"]),
      ],
      feeds: { x },
      expected: {
        stacked: float([1, 5], row(1)),
        "popped:1": float([5], row(1)),
        part: float([2, 5], [...row(1), ...row(2)]),
        joined: x,
        "joined:1": tensorOf("int64", [2], [1, 2]),
        gathered: float([3, 5], [...row(1), ...row(0), ...row(1)]),
      },
    });
  });
});
