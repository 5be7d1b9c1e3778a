/** Operators against their definitions, computed here in doubles. */
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
const int = (shape: readonly number[], values: ArrayLike<number>, dtype: DType = "int32"): Tensor =>
  tensorOf(dtype, shape, values);
const bools = (shape: readonly number[], values: readonly boolean[]): Tensor => ({
  dtype: "bool",
  shape,
  data: Uint8Array.from(values, Number),
});
const data = (tensor: Tensor): number[] => Array.from(tensor.data as Float32Array, Number);
const scalar = (value: number, dtype: DType = "int32"): Tensor => tensorOf(dtype, [], [value]);

type Attrs = Readonly<Record<string, Attribute>>;
/** Constants are the inputs at these places; all others are fed. */
const one = (
  op: string,
  inputs: readonly Tensor[],
  expected: readonly (Tensor | undefined)[],
  attrs: Attrs = {},
  constants: readonly number[] = [],
) =>
  runner.check({
    nodes: [
      ...inputs.flatMap((tensor, i) => (constants.includes(i) ? [constant(`in_${i}`, tensor)] : [])),
      { name: "y", op, inputs: inputs.map((_, i) => `in_${i}`), attrs },
    ],
    feeds: Object.fromEntries(inputs.flatMap((tensor, i) => (constants.includes(i) ? [] : [[`in_${i}`, tensor] as const]))),
    expected: Object.fromEntries(expected.flatMap((tensor, i) => (tensor ? [[i === 0 ? "y" : `y:${i}`, tensor] as const] : []))),
  });

/** The series and the continued fraction of the error function, to double precision. */
function erf(x: number): number {
  if (Math.abs(x) > 2.5) {
    let f = 0;
    for (let k = 60; k > 0; k--) f = k / 2 / (Math.abs(x) + f);
    return Math.sign(x) * (1 - Math.exp(-x * x) / ((Math.abs(x) + f) * Math.sqrt(Math.PI)));
  }
  let [sum, term] = [x, x];
  for (let n = 1; n < 60; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

/** The x of which f gives y, by halving. */
function inverse(f: (x: number) => number, y: number): number {
  let [low, high] = [-8, 8];
  for (let i = 0; i < 200; i++) {
    const middle = (low + high) / 2;
    if (f(middle) < y) low = middle;
    else high = middle;
  }
  return low;
}

const x = float([3, 5], random(15));
const y = float([3, 5], random(15, 9));
const unit = float(
  [3, 5],
  Array.from(random(15), (v) => (v + 1.7) / 4.2 + 0.02),
);
const signed = float(
  [3, 5],
  Array.from(random(15), (v) => v / 2.6),
);

describe("of one operand", () => {
  const trials: Readonly<Record<string, readonly [Tensor, (v: number) => number]>> = {
    Ceil: [x, Math.ceil],
    Floor: [x, Math.floor],
    Cos: [x, Math.cos],
    Sin: [x, Math.sin],
    Sinh: [x, Math.sinh],
    Expm1: [x, Math.expm1],
    Erf: [x, erf],
    Erfc: [x, (v) => 1 - erf(v)],
    Erfinv: [signed, (v) => inverse(erf, v)],
    Ndtri: [unit, (v) => inverse((z) => (1 + erf(z / Math.SQRT2)) / 2, v)],
    Inv: [x, (v) => 1 / v],
  };
  for (const [op, [given, f]] of Object.entries(trials)) it(op, () => one(op, [given], [float([3, 5], data(given).map(f))]));

  const passing = [
    ...["Snapshot", "OptimizationBarrier", "PreventGradient", "Copy", "CopyHost", "DebugIdentity", "DebugIdentityV2", "Print"],
    ...["DisableCopyOnRead", "CheckNumericsV2", "EnsureShape", "RefIdentity", "PlaceholderWithDefault", "IdentityN"],
  ];
  for (const op of passing)
    it(`${op} hands its operand on`, () => one(op, [x], [x], op === "IdentityN" ? { T: { types: ["float32"] } } : {}));
});

describe("of two operands", () => {
  const zeroes = float(
    [3, 5],
    data(y).map((v, i) => (i % 4 === 0 ? 0 : v)),
  );
  const positive = float(
    [3, 5],
    data(unit).map((v) => v + 0.1),
  );
  const trials: Readonly<Record<string, readonly [Tensor, Tensor, (a: number, b: number) => number]>> = {
    MulNoNan: [x, zeroes, (a, b) => a * b],
    Xdivy: [zeroes, y, (a, b) => (a === 0 ? 0 : a / b)],
    Xlogy: [zeroes, positive, (a, b) => (a === 0 ? 0 : a * Math.log(b))],
    Xlog1py: [zeroes, positive, (a, b) => (a === 0 ? 0 : a * Math.log1p(b))],
    SigmoidGrad: [unit, x, (a, b) => b * a * (1 - a)],
    TanhGrad: [unit, x, (a, b) => b * (1 - a * a)],
    ReluGrad: [y, x, (a, b) => (b > 0 ? a : 0)],
    SqrtGrad: [positive, x, (a, b) => (b * 0.5) / a],
    RsqrtGrad: [positive, x, (a, b) => b * -0.5 * a ** 3],
    ReciprocalGrad: [x, y, (a, b) => -b * a * a],
  };
  for (const [op, [a, b, f]] of Object.entries(trials))
    it(op, () =>
      one(
        op,
        [a, b],
        [
          float(
            [3, 5],
            data(a).map((v, i) => f(v, data(b)[i]!)),
          ),
        ],
      ),
    );

  it("infinite by nothing is nothing", () =>
    one("MulNoNan", [float([2], [Number.POSITIVE_INFINITY, 2]), float([2], [0, 3])], [float([2], [0, 6])]));
  it("about equal", () =>
    one("ApproximateEqual", [float([3], [1, 2, 3]), float([3], [1.05, 2.2, 3])], [bools([3], [true, false, true])], {
      tolerance: { f: 0.1 },
    }));
  it("Cross", () => {
    const [p, q] = [float([2, 3], random(6)), float([2, 3], random(6, 5))];
    const at = (t: Tensor, row: number, i: number) => data(t)[row * 3 + (i % 3)]!;
    const product = [0, 1].flatMap((row) =>
      [0, 1, 2].map((i) => at(p, row, i + 1) * at(q, row, i + 2) - at(p, row, i + 2) * at(q, row, i + 1)),
    );
    return one("Cross", [p, q], [float([2, 3], product)]);
  });
});

describe("choices and bounds", () => {
  it("ClipByValue", () => one("ClipByValue", [x, scalar(-0.5, "float32"), scalar(1.1, "float32")], [float([3, 5], data(x).map((v) => Math.min(Math.max(v, -0.5), 1.1)))])); // biome-ignore format: one line
  it("SelectV2, broadcast", () => {
    const row = bools([5], [true, false, false, true, false]);
    return one(
      "SelectV2",
      [row, x, y],
      [
        float(
          [3, 5],
          data(x).map((v, i) => (i % 5 === 0 || i % 5 === 3 ? v : data(y)[i]!)),
        ),
      ],
    );
  });
  it("Bucketize", () => one("Bucketize", [x], [int([3, 5], data(x).map((v) => [-1, 0.25, 2].filter((bound) => v >= bound).length))], { boundaries: { floats: [-1, 0.25, 2] } })); // biome-ignore format: one line
  it("LowerBound and UpperBound", async () => {
    const sorted = float([2, 4], [1, 2, 2, 5, -3, 0, 4, 4]);
    const sought = float([2, 3], [2, 0, 9, 4, -3, 1]);
    const count = (less: (a: number, b: number) => boolean) =>
      int([2, 3], data(sought).map((v, i) => data(sorted).slice(4 * Math.floor(i / 3), 4 * Math.floor(i / 3) + 4).filter((s) => less(s, v)).length)); // biome-ignore format: one line
    await one("LowerBound", [sorted, sought], [count((a, b) => a < b)]);
    await one("UpperBound", [sorted, sought], [count((a, b) => a <= b)]);
  });
  it("TopK and InTopK", async () => {
    const order = [0, 1, 2].map((row) =>
      [0, 1, 2, 3, 4].sort((p, q) => data(x)[row * 5 + q]! - data(x)[row * 5 + p]!).slice(0, 2),
    );
    await one("TopK", [x], [float([3, 2], order.flatMap((ids, row) => ids.map((id) => data(x)[row * 5 + id]!))), int([3, 2], order.flat())], { k: { i: 2 } }); // biome-ignore format: one line
    const targets = [order[0]![1]!, (order[1]![0]! + 1) % 5, order[2]![0]!];
    await one(
      "InTopK",
      [x, int([3], targets)],
      [
        bools(
          [3],
          targets.map((id, row) => order[row]!.includes(id)),
        ),
      ],
      { k: { i: 2 } },
    );
  });
  it("UniqueV2 and UniqueWithCountsV2", async () => {
    const v = int([6], [5, 3, 5, 9, 3, 5]);
    const found = [int([3], [5, 3, 9]), int([6], [0, 1, 0, 2, 1, 0])];
    await one("UniqueV2", [v, int([0], [])], found, {}, [1]);
    await one("UniqueWithCountsV2", [v, int([0], [])], [...found, int([3], [3, 2, 1])], {}, [1]);
  });
});

describe("places", () => {
  it("InvertPermutation, UnravelIndex", async () => {
    await one("InvertPermutation", [int([5], [3, 4, 0, 2, 1])], [int([5], [2, 4, 3, 0, 1])]);
    await one("UnravelIndex", [int([3], [22, 41, 37]), int([2], [7, 6])], [int([2, 3], [3, 6, 6, 4, 5, 1])], {}, [1]);
  });
  it("Reverse, ReverseSequence", async () => {
    await one("Reverse", [x, bools([2], [false, true])], [float([3, 5], data(x).map((_, i) => data(x)[i - (i % 5) + 4 - (i % 5)]!))], {}, [1]); // biome-ignore format: one line
    const lengths = [2, 5, 1];
    const turned = data(x).map((v, i) => {
      const [row, k] = [Math.floor(i / 5), i % 5];
      return k < lengths[row]! ? data(x)[row * 5 + lengths[row]! - 1 - k]! : v;
    });
    await one("ReverseSequence", [x, int([3], lengths, "int64")], [float([3, 5], turned)], {
      seq_dim: { i: 1 },
      batch_dim: { i: 0 },
    });
  });
  it("Concat, ConcatOffset", async () => {
    await one("Concat", [scalar(0), x, y], [float([6, 5], [...data(x), ...data(y)])], {}, [0]);
    const shapes = [
      [2, 3, 7],
      [2, 5, 7],
      [2, 1, 7],
    ].map((dims) => int([3], dims));
    await one(
      "ConcatOffset",
      [scalar(1), ...shapes],
      [int([3], [0, 0, 0]), int([3], [0, 3, 0]), int([3], [0, 8, 0])],
      { N: { i: 3 } },
      [0],
    );
  });
  it("of layouts", async () => {
    await one("DataFormatDimMap", [int([3], [1, -1, 0])], [int([3], [2, 1, 0])]);
    await one("DataFormatVecPermute", [int([4], [2, 11, 13, 3])], [int([4], [2, 3, 11, 13])]);
    await one("DataFormatVecPermute", [int([2], [11, 13])], [int([2], [11, 13])]);
  });
  it("BroadcastGradientArgs", () =>
    one("BroadcastGradientArgs", [int([3], [2, 1, 5]), int([2], [3, 1])], [int([1], [1]), int([2], [0, 2])], {}, [0, 1]));
  it("Pad, ResourceGather, ResourceGatherNd", async () => {
    const padded = Array.from({ length: 4 * 8 }, (_, at) => {
      const [i, j] = [Math.floor(at / 8) - 1, (at % 8) - 2];
      return i >= 0 && i < 3 && j >= 0 && j < 5 ? data(x)[i * 5 + j]! : 0;
    });
    await one("Pad", [x, int([2, 2], [1, 0, 2, 1])], [float([4, 8], padded)], {}, [1]);
    await one("ResourceGather", [x, int([2], [2, 0])], [float([2, 5], [...data(x).slice(10), ...data(x).slice(0, 5)])]);
    await one("ResourceGatherNd", [x, int([2, 2], [2, 1, 0, 4])], [float([2], [data(x)[11]!, data(x)[4]!])]);
  });
});

describe("elements put in", () => {
  const places = int([3, 1], [2, 0, 2]);
  const news = float([3, 5], random(15, 31));
  const combined = (f: (a: number, b: number) => number) => {
    const out = data(x);
    [2, 0, 2].forEach((row, k) => {
      for (let j = 0; j < 5; j++) out[row * 5 + j] = f(out[row * 5 + j]!, data(news)[k * 5 + j]!);
    });
    return float([3, 5], out);
  };
  const [add, sub] = [(a: number, b: number) => a + b, (a: number, b: number) => a - b];
  const trials: Readonly<Record<string, (a: number, b: number) => number>> = {
    TensorScatterAdd: add,
    TensorScatterSub: sub,
    TensorScatterMin: Math.min,
    TensorScatterMax: Math.max,
    ScatterNdAdd: add,
    ScatterNdSub: sub,
    ScatterNdMin: Math.min,
    ScatterNdMax: Math.max,
  };
  for (const [op, f] of Object.entries(trials)) it(op, () => one(op, [x, places, news], [combined(f)]));
  const byRow: Readonly<Record<string, (a: number, b: number) => number>> = {
    ScatterMul: (a, b) => a * b,
    ScatterDiv: (a, b) => a / b,
    ScatterMin: Math.min,
    ScatterMax: Math.max,
  };
  for (const [op, f] of Object.entries(byRow))
    it(`${op}, of a frozen variable`, () => one(op, [x, int([3], [2, 0, 2]), news], [combined(f)]));
  it("TensorScatterUpdate, ScatterNdNonAliasingAdd", async () => {
    const rows = int([2, 1], [2, 0]);
    const two = float([2, 5], data(news).slice(0, 10));
    await one("TensorScatterUpdate", [x, rows, two], [float([3, 5], [...data(two).slice(5), ...data(x).slice(5, 10), ...data(two).slice(0, 5)])]); // biome-ignore format: one line
    await one("ScatterNdNonAliasingAdd", [x, places, news], [combined((a, b) => a + b)]);
  });
  it("SparseToDense, SparseReshape, SparseTensorDenseMatMul", async () => {
    const where = int([3, 2], [0, 1, 1, 0, 1, 2], "int64");
    const values = float([3], [2, -3, 0.5]);
    const dense = [0, 2, 0, -3, 0, 0.5];
    await one("SparseToDense", [where, int([2], [2, 3], "int64"), values, scalar(7, "float32")], [float([2, 3], dense.map((v, i) => ([1, 3, 5].includes(i) ? v : 7)))], {}, [1]); // biome-ignore format: one line
    await one("SparseReshape", [where, int([2], [2, 3], "int64"), int([2], [3, -1], "int64")], [int([3, 2], [0, 1, 1, 1, 2, 1], "int64"), int([2], [3, 2], "int64")]); // biome-ignore format: one line
    const right = float([3, 4], random(12, 6));
    const product = Array.from({ length: 8 }, (_, at) =>
      [0, 1, 2].reduce((sum, k) => sum + dense[Math.floor(at / 4) * 3 + k]! * data(right)[k * 4 + (at % 4)]!, 0),
    );
    await one("SparseTensorDenseMatMul", [where, values, int([2], [2, 3], "int64"), right], [float([2, 4], product)], {}, [2]);
  });
});

describe("segments and counts", () => {
  const ids = int([4], [0, 0, 1, 3]);
  const rows = int([4], [2, 1, 1, 0]);
  const groups = [[2, 1], [1], [], [0]];
  const combined = (by: (count: number) => number) =>
    float([4, 5], groups.flatMap((own) => [0, 1, 2, 3, 4].map((j) => own.reduce((sum, row) => sum + data(x)[row * 5 + j]!, 0) * (own.length > 0 ? by(own.length) : 0)))); // biome-ignore format: one line
  const trials: Readonly<Record<string, (count: number) => number>> = {
    SparseSegmentSum: () => 1,
    SparseSegmentMean: (n) => 1 / n,
    SparseSegmentSumWithNumSegments: () => 1,
    SparseSegmentMeanWithNumSegments: (n) => 1 / n,
    SparseSegmentSqrtNWithNumSegments: (n) => 1 / Math.sqrt(n),
  };
  for (const [op, by] of Object.entries(trials))
    it(op, () => one(op, op.endsWith("Segments") ? [x, rows, ids, scalar(4)] : [x, rows, ids], [combined(by)], {}, [3]));
  it("DenseBincount", async () => {
    const v = int([2, 4], [0, 2, 2, 1, 3, 3, 9, 0]);
    const counts = [0, 1].flatMap((row) => [0, 1, 2, 3].map((bin) => data(v).slice(4 * row, 4 * row + 4).filter((each) => each === bin).length)); // biome-ignore format: one line
    await one("DenseBincount", [v, scalar(4), int([0], [])], [int([2, 4], counts)], {}, [1, 2]);
  });
});

describe("layers", () => {
  it("BiasAddV1, EuclideanNorm, BatchMatMulV3", async () => {
    const bias = float([5], random(5, 8));
    await one(
      "BiasAddV1",
      [x, bias],
      [
        float(
          [3, 5],
          data(x).map((v, i) => v + data(bias)[i % 5]!),
        ),
      ],
    );
    await one("EuclideanNorm", [x, int([1], [1])], [float([3], [0, 1, 2].map((row) => Math.hypot(...data(x).slice(5 * row, 5 * row + 5))))], {}, [1]); // biome-ignore format: one line
    const [p, q] = [float([2, 3, 4], random(24)), float([2, 5, 4], random(40, 3))];
    const product = Array.from({ length: 30 }, (_, at) => {
      const [batch, i, j] = [Math.floor(at / 15), Math.floor(at / 5) % 3, at % 5];
      return [0, 1, 2, 3].reduce((sum, k) => sum + data(p)[batch * 12 + i * 4 + k]! * data(q)[batch * 20 + j * 4 + k]!, 0);
    });
    await one("BatchMatMulV3", [p, q], [float([2, 3, 5], product)], { adj_y: { b: true } });
  });
  it("BatchNormWithGlobalNormalization, FusedBatchNormV2", async () => {
    const image = float([1, 2, 3, 2], random(12));
    const [mean, variance, beta, gamma] = [[0.1, -0.3], [0.5, 2], [1, -1], [0.7, 1.4]].map((values) => float([2], values)) as [Tensor, Tensor, Tensor, Tensor]; // biome-ignore format: one line
    const normal = data(image).map((v, i) => {
      const c = i % 2;
      return ((v - data(mean)[c]!) / Math.sqrt(data(variance)[c]! + 0.01)) * data(gamma)[c]! + data(beta)[c]!;
    });
    await one("BatchNormWithGlobalNormalization", [image, mean, variance, beta, gamma], [float([1, 2, 3, 2], normal)], { variance_epsilon: { f: 0.01 }, scale_after_normalization: { b: true } }); // biome-ignore format: one line
    await one("FusedBatchNormV2", [image, gamma, beta, mean, variance], [float([1, 2, 3, 2], normal)], { epsilon: { f: 0.01 }, is_training: { b: false } }); // biome-ignore format: one line
  });
  it("MaxPoolV2, Dilation2D", async () => {
    const image = float([1, 5, 4, 2], random(40));
    const at = (i: number, j: number, c: number) => data(image)[(i * 4 + j) * 2 + c]!;
    const cells = (rows: number, columns: number, f: (i: number, j: number, c: number) => number) =>
      float([1, rows, columns, 2], Array.from({ length: rows * columns * 2 }, (_, k) => f(Math.floor(k / (columns * 2)), Math.floor(k / 2) % columns, k % 2))); // biome-ignore format: one line
    const pooled = cells(2, 3, (i, j, c) => Math.max(...[0, 1].flatMap((p) => [0, 1].map((q) => at(2 * i + p, j + q, c)))));
    await one(
      "MaxPoolV2",
      [image, int([4], [1, 2, 2, 1]), int([4], [1, 2, 1, 1])],
      [pooled],
      { padding: { s: "VALID" } },
      [1, 2],
    );
    const filter = float([2, 2, 2], random(8, 4));
    const dilated = cells(4, 3, (i, j, c) => Math.max(...[0, 1].flatMap((p) => [0, 1].map((q) => at(i + p, j + q, c) + data(filter)[(p * 2 + q) * 2 + c]!)))); // biome-ignore format: one line
    await one("Dilation2D", [image, filter], [dilated], { strides: { ints: [1, 1, 1, 1] }, rates: { ints: [1, 1, 1, 1] }, padding: { s: "VALID" } }, [1]); // biome-ignore format: one line
  });
  it("SpaceToBatch, BatchToSpace", async () => {
    const image = float([1, 3, 4, 1], random(12));
    const at = (i: number, j: number) => (i < 3 && j < 4 ? data(image)[i * 4 + j]! : 0);
    const blocks = float([4, 2, 2, 1], Array.from({ length: 16 }, (_, k) => at(2 * (Math.floor(k / 2) % 2) + Math.floor(k / 8), 2 * (k % 2) + (Math.floor(k / 4) % 2)))); // biome-ignore format: one line
    const sides = int([2, 2], [0, 1, 0, 0]);
    await one("SpaceToBatch", [image, sides], [blocks], { block_size: { i: 2 } }, [1]);
    await one("BatchToSpace", [blocks, sides], [image], { block_size: { i: 2 } }, [1]);
  });
  it("CropAndResize", async () => {
    const image = float([2, 4, 5, 1], random(40));
    const boxes = [
      [0.1, 0, 0.8, 0.9],
      [0.5, 0.25, 1, 1],
    ];
    const crops = boxes.flatMap(([y1, x1, y2, x2], box) =>
      Array.from({ length: 6 }, (_, k) => {
        const [i, j] = [y1! * 3 + (Math.floor(k / 3) * (y2! - y1!) * 3) / 1, x1! * 4 + ((k % 3) * (x2! - x1!) * 4) / 2];
        const [p, q] = [Math.floor(i), Math.floor(j)];
        const v = (r: number, c: number) => data(image)[(1 - box) * 20 + Math.min(r, 3) * 5 + Math.min(c, 4)]!;
        const top = v(p, q) + (v(p, q + 1) - v(p, q)) * (j - q);
        const low = v(p + 1, q) + (v(p + 1, q + 1) - v(p + 1, q)) * (j - q);
        return top + (low - top) * (i - p);
      }),
    );
    await one(
      "CropAndResize",
      [image, float([2, 4], boxes.flat()), int([2], [1, 0]), int([2], [2, 3])],
      [float([2, 2, 3, 1], crops)],
      {},
      [3],
    );
  });
  it("codes back and forth", async () => {
    const range = [scalar(-1.2, "float32"), scalar(1.5, "float32")] as const;
    const scale = Math.min(-128 / Math.fround(-1.2), 127 / 1.5);
    const codes = data(x).map((v) => Math.round(Math.min(Math.max(v, -128 / scale), 127 / scale) * scale) / scale);
    const attrs = { range_given: { b: true } } as const;
    await one("QuantizeAndDequantizeV2", [x, ...range], [float([3, 5], codes)], attrs, [1, 2]);
    await one("QuantizeAndDequantizeV3", [x, ...range, scalar(8)], [float([3, 5], codes)], attrs, [1, 2, 3]);
  });
});

describe("matrices and images", () => {
  const part = float([3], [10, 20, 30]);
  const onDiagonal = (size: number, k: number) =>
    Array.from({ length: size * size }, (_, at) => {
      const [i, j] = [Math.floor(at / size), at % size];
      return j - i === k ? data(part)[i]! : -1;
    });
  it("MatrixDiagV2, MatrixDiagV3", async () => {
    for (const op of ["MatrixDiagV2", "MatrixDiagV3"]) {
      const rest = scalar(-1, "float32");
      await one(op, [part, scalar(0), scalar(3), scalar(3), rest], [float([3, 3], onDiagonal(3, 0))], {}, [1, 2, 3, 4]);
      await one(op, [part, scalar(1), scalar(-1), scalar(-1), rest], [float([4, 4], onDiagonal(4, 1))], {}, [1, 2, 3, 4]);
    }
  });
  it("MatrixDiagPartV2, MatrixSetDiagV2", async () => {
    const taken = [0, 1, 2].map((i) => data(x)[i * 5 + i + 2]!);
    await one("MatrixDiagPartV2", [x, scalar(2), scalar(0, "float32")], [float([3], taken)], {}, [1, 2]);
    const set = data(x).map((v, at) => ((at % 5) - Math.floor(at / 5) === 2 ? data(part)[Math.floor(at / 5)]! : v));
    await one("MatrixSetDiagV2", [x, part, scalar(2)], [float([3, 5], set)], {}, [2]);
  });
  it("ImageProjectiveTransformV2, ImageProjectiveTransformV3", async () => {
    const image = float([1, 3, 4, 1], random(12));
    const at = (i: number, j: number, fill: number) => (i >= 0 && i < 3 && j >= 0 && j < 4 ? data(image)[i * 4 + j]! : fill);
    const moved = (fill: number) =>
      float(
        [1, 3, 4, 1],
        Array.from({ length: 12 }, (_, k) => at(Math.floor(k / 4) - 1, (k % 4) + 2, fill)),
      );
    const shift = float([1, 8], [1, 0, 2, 0, 1, -1, 0, 0]);
    const attrs = { interpolation: { s: "NEAREST" }, fill_mode: { s: "CONSTANT" } };
    await one("ImageProjectiveTransformV2", [image, shift, int([2], [3, 4])], [moved(0)], attrs, [2]);
    const given = [image, shift, int([2], [3, 4]), scalar(-9, "float32")];
    await one("ImageProjectiveTransformV3", given, [moved(-9)], attrs, [2, 3]);
  });
  it("NonMaxSuppression", async () => {
    const boxes = float([4, 4], [0, 0, 1, 1, 0, 0.05, 1, 1.05, 0, 3, 1, 4, 2, 2, 3, 3]);
    const given = [boxes, float([4], [0.5, 0.9, 0.2, 0.7]), scalar(3)];
    await one("NonMaxSuppression", given, [int([3], [1, 3, 2])], { iou_threshold: { f: 0.5 } }, [2]);
  });
  it("Conv3DBackpropInput", async () => {
    const dims = [1, 2, 3, 4, 1];
    const [image, filter] = [float(dims, new Array(24).fill(0)), float([1, 2, 2, 1, 1], random(4))];
    const dy = float([1, 2, 2, 3, 1], random(12, 8));
    const back = Array.from({ length: 24 }, (_, at) => {
      const [d, i, j] = [Math.floor(at / 12), Math.floor(at / 4) % 3, at % 4];
      let sum = 0;
      for (let p = 0; p < 2; p++)
        for (let q = 0; q < 2; q++)
          if (i - p >= 0 && i - p < 2 && j - q >= 0 && j - q < 3)
            sum += data(filter)[p * 2 + q]! * data(dy)[(d * 2 + i - p) * 3 + j - q]!;
      return sum;
    });
    const attrs = { strides: { ints: [1, 1, 1, 1, 1] }, padding: { s: "VALID" } };
    await one("Conv3DBackpropInput", [image, filter, dy], [float(dims, back)], attrs, [1]);
  });
  it("Angle, Conj", async () => {
    const nodes = [
      { name: "c", op: "Complex", inputs: ["re", "im"] },
      { name: "turned", op: "Conj", inputs: ["c"] },
      { name: "angle", op: "Angle", inputs: ["turned"] },
      { name: "imaginary", op: "Imag", inputs: ["turned"] },
    ];
    const angles = data(x).map((v, i) => Math.atan2(-data(y)[i]!, v));
    const negative = data(y).map((v) => -v);
    const expected = { angle: float([3, 5], angles), imaginary: float([3, 5], negative) };
    await runner.check({ nodes, feeds: { re: x, im: y }, expected });
  });
  it("StringToNumber, RegexFullMatch, Empty", async () => {
    const words: Tensor = { dtype: "string", shape: [3], data: ["2.5", "-7", "1e3"] };
    const pattern: Tensor = { dtype: "string", shape: [], data: ["-?\\d"] };
    await one("StringToNumber", [words], [float([3], [2.5, -7, 1000])]);
    await one("RegexFullMatch", [words, pattern], [bools([3], [false, true, false])], {}, [1]);
  });
});

describe("numbers drawn", () => {
  it("lie where they are said to, with the mean of their distribution", async () => {
    const { converted } = await import("./run.ts");
    const { TfjsWorker } = await import("../../../src/runtime/tfjs.ts");
    const n = 20000;
    const attrs = { dtype: { type: "float32" as const } };
    const ordered = int(
      [n],
      Array.from({ length: n }, (_, i) => i),
    );
    const nodes = [
      constant("shape", int([1], [n])),
      constant("low", scalar(-3)),
      constant("high", scalar(8)),
      constant("count", scalar(n)),
      { name: "uniform", op: "RandomUniform", inputs: ["shape"], attrs },
      { name: "normal", op: "RandomStandardNormal", inputs: ["shape"], attrs },
      { name: "truncated", op: "TruncatedNormal", inputs: ["shape"], attrs },
      { name: "whole", op: "RandomUniformInt", inputs: ["shape", "low", "high"] },
      { name: "mixed", op: "RandomShuffle", inputs: ["ordered"] },
      { name: "drawn", op: "Multinomial", inputs: ["logits", "count"], attrs: { output_dtype: { type: "int32" as const } } },
    ];
    const feeds = { ordered, logits: float([1, 3], [0, Math.log(3), Number.NEGATIVE_INFINITY]) };
    const names = ["uniform", "normal", "truncated", "whole", "mixed", "drawn"];
    const { sink, refused } = await converted({
      nodes,
      feeds,
      expected: Object.fromEntries(names.map((name) => [name, ordered])),
    });
    expect(refused).toEqual([]);
    const worker = await TfjsWorker.start("cpu");
    const found = await worker.run(await worker.load(sink.files), new Map(Object.entries(feeds)), names);
    await worker.close();
    const of = (name: string) => data(found.get(name)!);
    const mean = (values: readonly number[]) => values.reduce((sum, v) => sum + v, 0) / values.length;
    const near = (name: string, expected: number, spread: number) =>
      expect(Math.abs(mean(of(name)) - expected)).toBeLessThan((6 * spread) / Math.sqrt(n));
    near("uniform", 0.5, 0.29);
    expect(of("uniform").every((v) => v >= 0 && v < 1)).toBe(true);
    near("normal", 0, 1);
    expect(Math.abs(mean(of("normal").map((v) => v * v)) - 1)).toBeLessThan(0.06);
    near("truncated", 0, 0.88);
    expect(of("truncated").every((v) => Math.abs(v) <= 2)).toBe(true);
    near("whole", 2, 3.2);
    expect([...new Set(of("whole"))].sort((a, b) => a - b)).toEqual([-3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7]);
    expect(of("mixed").toSorted((a, b) => a - b)).toEqual(data(ordered));
    expect(of("mixed").filter((v, i) => v === i).length).toBeLessThan(20);
    near("drawn", 0.75, 0.44);
  });
});
