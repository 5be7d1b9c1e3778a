/** Ragged and sparse tensors, decoding, boxes: numbers worked out by hand or by their definition. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DType } from "../../../src/base/dtype.ts";
import { type Tensor, tensorOf } from "../../../src/graph/tensor.ts";
import { random } from "../../build/random.ts";
import { type Attribute, constant } from "../../build/tensorflow.ts";
import { Runner } from "./run.ts";

let runner: Runner;
beforeAll(async () => {
  runner = await Runner.start();
});
afterAll(() => runner.close());

const float = (shape: readonly number[], values: ArrayLike<number>): Tensor => tensorOf("float32", shape, values);
const int = (shape: readonly number[], values: ArrayLike<number>, dtype: DType = "int64"): Tensor =>
  tensorOf(dtype, shape, values);
const bool = (...values: number[]): Tensor => ({ dtype: "bool", shape: [values.length], data: Uint8Array.from(values) });
const data = (tensor: Tensor): number[] => Array.from(tensor.data as Float32Array, Number);

type Given = readonly (readonly [Tensor, "fed" | "constant"])[];

const one = (op: string, inputs: Given, expected: readonly Tensor[], attrs: Readonly<Record<string, Attribute>> = {}) =>
  runner.check({
    nodes: [
      ...inputs.flatMap(([tensor, how], i) => (how === "constant" ? [constant(`in_${i}`, tensor)] : [])),
      { name: "y", op, inputs: inputs.map((_, i) => `in_${i}`), attrs },
    ],
    feeds: Object.fromEntries(inputs.flatMap(([tensor, how], i) => (how === "fed" ? [[`in_${i}`, tensor] as const] : []))),
    expected: Object.fromEntries(expected.map((tensor, i) => [i === 0 ? "y" : `y:${i}`, tensor])),
  });

const fed = (...tensors: Tensor[]): Given => tensors.map((tensor) => [tensor, "fed"] as const);

describe("ragged tensors", () => {
  it("made dense by row splits, cut and filled", async () => {
    const values = float([6], [3, 1, 4, 1, 5, 9]);
    const splits = int([4], [0, 2, 2, 6]);
    await one(
      "RaggedTensorToTensor",
      [
        [int([], [-1]), "constant"],
        [values, "fed"],
        [float([], [-7]), "constant"],
        [splits, "fed"],
      ],
      [float([3, 4], [3, 1, -7, -7, -7, -7, -7, -7, 4, 1, 5, 9])],
      { row_partition_types: { strings: ["ROW_SPLITS"] } },
    );
    await one(
      "RaggedTensorToTensor",
      [
        [int([2], [4, 3]), "constant"],
        [values, "fed"],
        [float([], [-7]), "constant"],
        [splits, "fed"],
      ],
      [float([4, 3], [3, 1, -7, -7, -7, -7, 4, 1, 5, -7, -7, -7])],
      { row_partition_types: { strings: ["ROW_SPLITS"] } },
    );
  });

  it("made dense by the rows of values, two levels deep, with inner dims", async () => {
    // [[[a, b], []], [], [[c]]] where each is a pair.
    const values = float([3, 2], [1, 2, 3, 4, 5, 6]);
    await one(
      "RaggedTensorToTensor",
      [
        [int([4], [-1, -1, -1, 2]), "constant"],
        [values, "fed"],
        [float([], [0]), "constant"],
        [int([], [3]), "fed"],
        [int([3], [0, 0, 2]), "fed"],
        [int([3], [0, 0, 2]), "fed"],
      ],
      [float([3, 2, 2, 2], [1, 2, 3, 4, ...new Array(4).fill(0), ...new Array(8).fill(0), 5, 6, ...new Array(6).fill(0)])],
      { row_partition_types: { strings: ["FIRST_DIM_SIZE", "VALUE_ROWIDS", "VALUE_ROWIDS"] } },
    );
  });

  it("made dense of texts", async () => {
    await one(
      "RaggedTensorToTensor",
      [
        [int([], [-1]), "constant"],
        [{ dtype: "string", shape: [3], data: ["a", "b", "c"] }, "fed"],
        [{ dtype: "string", shape: [], data: [""] }, "constant"],
        [int([3], [0, 1, 3]), "fed"],
      ],
      [{ dtype: "string", shape: [2, 2], data: ["a", "", "b", "c"] }],
      { row_partition_types: { strings: ["ROW_SPLITS"] } },
    );
  });

  it("gathered by rows", async () => {
    const given = fed(int([4], [0, 2, 2, 6]), float([6], [3, 1, 4, 1, 5, 9]), int([2, 2], [2, 0, 1, 2]));
    await one(
      "RaggedGather",
      given,
      [int([3], [0, 2, 4]), int([5], [0, 4, 6, 6, 10]), float([10], [4, 1, 5, 9, 3, 1, 4, 1, 5, 9])],
      { PARAMS_RAGGED_RANK: { i: 1 }, OUTPUT_RAGGED_RANK: { i: 2 } },
    );
  });
});

describe("sparse tensors", () => {
  const places = int([4, 2], [0, 1, 2, 0, 2, 3, 3, 1]);
  const values = float([4], [5, -2, 7, 0.5]);
  const shape = int([2], [5, 4]);

  it("get a value into each empty row", async () => {
    await one("SparseFillEmptyRows", fed(places, values, shape, float([], [9])), [
      int([6, 2], [0, 1, 1, 0, 2, 0, 2, 3, 3, 1, 4, 0]),
      float([6], [5, 9, -2, 7, 0.5, 9]),
      bool(0, 1, 0, 0, 1),
      int([4], [0, 2, 3, 4]),
    ]);
  });

  it("are sorted, cut and joined", async () => {
    const mixed = int([4, 2], [3, 1, 2, 3, 0, 1, 2, 0]);
    await one("SparseReorder", fed(mixed, float([4], [0.5, 7, 5, -2]), shape), [places, values]);
    await one("SparseSlice", fed(places, values, shape, int([2], [1, 0]), int([2], [3, 3])), [
      int([2, 2], [1, 0, 2, 1]),
      float([2], [-2, 0.5]),
      int([2], [3, 3]),
    ]);
    const other = int([2, 2], [1, 1, 4, 0]);
    await one(
      "SparseConcat",
      fed(places, other, values, float([2], [11, 13]), shape, int([2], [5, 2])),
      [int([6, 2], [0, 1, 1, 5, 2, 0, 2, 3, 3, 1, 4, 4]), float([6], [5, 11, -2, 7, 0.5, 13]), int([2], [5, 6])],
      { concat_dim: { i: 1 }, N: { i: 2 } },
    );
  });

  it("are summed along an axis", async () => {
    await one(
      "SparseReduceSum",
      [...fed(places, values), [shape, "constant"], [int([1], [0], "int32"), "constant"]],
      [float([4], [-2, 5.5, 0, 7])],
    );
  });

  it("look rows up, over the root of their number", async () => {
    const table = float([5, 3], random(15));
    const rows = [4, 1, 1];
    const sums = [0, 1, 2].map((k) => rows.reduce((sum, row) => sum + data(table)[row * 3 + k]!, 0) / Math.sqrt(3));
    const first = [0, 1, 2].map((k) => data(table)[6 + k]!);
    const given = [
      [table, "fed"],
      [int([4], [2, 4, 1, 1]), "fed"],
      [int([4], [0, 1, 1, 1], "int32"), "fed"],
    ] as const;
    await one("SparseSegmentSqrtN", given, [float([2, 3], [...first, ...sums])]);
  });
});

describe("greedy decoding", () => {
  it("merges repeats and leaves blanks out, up to each length", async () => {
    const best = [
      [1, 1, 3, 1, 0],
      [3, 2, 2, 0, 0],
    ];
    const lengths = [5, 3];
    const scores = Array.from({ length: 5 * 2 * 4 }, (_, at) => {
      const [t, batch, k] = [Math.floor(at / 8), Math.floor(at / 4) % 2, at % 4];
      return best[batch]![t] === k ? 2 + t / 8 + batch : -k;
    });
    const sum = (batch: number) =>
      -Array.from({ length: lengths[batch]! }, (_, t) => 2 + t / 8 + batch).reduce((a, v) => a + v, 0);
    const expected = (merge: boolean) =>
      merge
        ? [int([4, 2], [0, 0, 0, 1, 0, 2, 1, 0]), int([4], [1, 1, 0, 2]), int([2], [2, 3])]
        : [int([6, 2], [0, 0, 0, 1, 0, 2, 0, 3, 1, 0, 1, 1]), int([6], [1, 1, 1, 0, 2, 2]), int([2], [2, 4])];
    for (const merge of [true, false])
      await one(
        "CTCGreedyDecoder",
        fed(float([5, 2, 4], scores), int([2], lengths, "int32")),
        [...expected(merge), float([2, 1], [sum(0), sum(1)])],
        { merge_repeated: { b: merge } },
      );
  });
});

describe("boxes of all classes", () => {
  it("suppressed class by class, the best of them together", async () => {
    const boxes = float([1, 4, 1, 4], [0, 0, 0.5, 0.5, 0.05, 0, 0.55, 0.5, 0.5, 0.5, 1.25, 1, 0, 0.6, 0.2, 0.9]);
    const scores = float([1, 4, 2], [0.9, 0.2, 0.8, 0.6, 0.3, 0.7, 0.75, 0.05]);
    const limits = [int([], [2], "int32"), int([], [4], "int32"), float([], [0.5]), float([], [0.1])];
    const constants = limits.map((each) => [each, "constant"] as const);
    await one(
      "CombinedNonMaxSuppression",
      [[boxes, "fed"], [scores, "fed"], ...constants],
      [
        float([1, 4, 4], [0, 0, 0.5, 0.5, 0, 0.6, 0.2, 0.9, 0.5, 0.5, 1, 1, 0.05, 0, 0.55, 0.5]),
        float([1, 4], [0.9, 0.75, 0.7, 0.6]),
        float([1, 4], [0, 0, 1, 1]),
        int([1], [4], "int32"),
      ],
    );
  });
});

describe("bits", () => {
  it("of narrower and wider types", async () => {
    const x = float([2], [1, -2.5]);
    await one("Bitcast", fed(x), [int([2, 4], [0, 0, 128, 63, 0, 0, 32, 192], "uint8")], { type: { type: "uint8" } });
    await one("Bitcast", fed(int([2, 2], [0, 0x3f80, 0, -16352], "int16")), [x], { type: { type: "float32" } });
    const halves = tensorOf("float16", [5], [1, -0.333251953125, 65504, 2 ** -24, -0]);
    await one("Bitcast", fed(halves), [int([5], [15360, 46421, 31743, 1, 32768], "uint16")], { type: { type: "uint16" } });
  });
});

describe("numbers drawn", () => {
  it("have the mean and the variance of their distribution", async () => {
    const { converted } = await import("./run.ts");
    const nodes = [
      constant("shape", int([1], [20000], "int32")),
      { name: "g", op: "RandomGamma", inputs: ["shape", "a"] },
      { name: "p", op: "RandomPoissonV2", inputs: ["shape", "a"], attrs: { dtype: { type: "float32" as const } } },
    ];
    const parameters = [0.5, 3, 80];
    const { sink, refused } = await converted({
      nodes,
      feeds: { a: float([3], parameters) },
      expected: { g: float([1], [0]), p: float([1], [0]) },
    });
    expect(refused).toEqual([]);
    const { TfjsWorker } = await import("../../../src/runtime/tfjs.ts");
    const worker = await TfjsWorker.start("cpu");
    const found = await worker.run(await worker.load(sink.files), new Map([["a", float([3], parameters)]]), ["g", "p"]);
    await worker.close();
    for (const name of ["g", "p"])
      parameters.forEach((mean, k) => {
        const own = data(found.get(name)!).filter((_, i) => i % 3 === k);
        const average = own.reduce((a, v) => a + v, 0) / own.length;
        const spread = own.reduce((a, v) => a + (v - average) ** 2, 0) / own.length;
        // Both have variance = mean; 20 000 of them stray by six standard errors in one of 10⁹ runs.
        expect(Math.abs(average - mean)).toBeLessThan(6 * Math.sqrt(mean / own.length));
        expect(spread / mean).toBeGreaterThan(0.85);
        expect(spread / mean).toBeLessThan(1.2);
      });
  });
});
