/** Rows whose meaning TF.js does not share, or has no op for: numbers worked out here. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DType } from "../../../src/base/dtype.ts";
import { type Tensor, tensorOf } from "../../../src/graph/tensor.ts";
import { random, randomInts } from "../../build/random.ts";
import { type Attribute, constant, type NodeSpec } from "../../build/tensorflow.ts";
import { converted, Runner } from "./run.ts";

let runner: Runner;
beforeAll(async () => {
  runner = await Runner.start();
});
afterAll(() => runner.close());

const float = (shape: readonly number[], values: ArrayLike<number>): Tensor => tensorOf("float32", shape, values);
const int = (shape: readonly number[], values: ArrayLike<number>, dtype: DType = "int32"): Tensor =>
  tensorOf(dtype, shape, values);
const data = (tensor: Tensor): number[] => Array.from(tensor.data as Float32Array, Number);

/** One node over what is fed and what is constant, in the order of `inputs`. */
async function one(
  op: string,
  inputs: readonly (readonly [Tensor, "fed" | "constant"])[],
  expected: readonly Tensor[],
  attrs: Readonly<Record<string, Attribute>> = {},
): Promise<string[]> {
  const names = inputs.map((_, i) => `in_${i}`);
  const constants = inputs.flatMap(([tensor, how], i) => (how === "constant" ? [constant(`in_${i}`, tensor)] : []));
  const node: NodeSpec = { name: "y", op, inputs: names, attrs };
  const feeds = Object.fromEntries(inputs.flatMap(([tensor, how], i) => (how === "fed" ? [[`in_${i}`, tensor] as const] : [])));
  const outputs = Object.fromEntries(expected.map((tensor, i) => [i === 0 ? "y" : `y:${i}`, tensor]));
  return runner.check({ nodes: [...constants, node], feeds, expected: outputs });
}

const x35 = float([3, 5], random(15));

describe("arithmetic", () => {
  const p = int([2, 3], [7, -7, 8, -8, 1, 0]);
  const q = int([3], [2, -3, 5]);
  const pairs = data(p).map((value, i) => [value, data(q)[i % 3]!] as const);
  const each = (f: (a: number, b: number) => number) =>
    int(
      [2, 3],
      pairs.map(([a, b]) => f(a, b)),
    );

  it("divides integers as C does, or as Python does", async () => {
    const given = [
      [p, "fed"],
      [q, "fed"],
    ] as const;
    await one("Div", given, [each((a, b) => Math.trunc(a / b))]);
    await one("FloorDiv", given, [each((a, b) => Math.floor(a / b))]);
    await one("Mod", given, [each((a, b) => a % b)]);
    await one("FloorMod", given, [each((a, b) => a - b * Math.floor(a / b))]);
  });

  it("floors quotients of floats and keeps their type", async () => {
    const y = float([5], [0.7, -0.9, 1.1, 2, -0.3]);
    await one("FloorDiv", [[x35, "fed"], [y, "fed"]], [float([3, 5], data(x35).map((v, i) => Math.floor(v / data(y)[i % 5]!)))]); // biome-ignore format: pairs
  });

  it("accumulates along a negative axis", async () => {
    const sums = data(x35).map((_, at) =>
      data(x35)
        .slice(at + 1, at - (at % 5) + 5)
        .reduce((sum, v) => sum + v, 0),
    );
    await one("Cumsum", [[x35, "fed"], [int([], [-1]), "constant"]], [float([3, 5], sums)], { exclusive: { b: true }, reverse: { b: true } }); // biome-ignore format: pairs
  });

  it("rounds to the steps of a quantised type", async () => {
    const [min, max] = [-0.6, 1.3].map(Math.fround) as [number, number];
    const scale = (max - min) / 15;
    const zero = Math.round(-min / scale);
    const fake = data(x35).map((v) => {
      const bounded = Math.min(Math.max(v, -zero * scale), (15 - zero) * scale);
      return (Math.floor((bounded + zero * scale) / scale + 0.5) - zero) * scale;
    });
    await one("FakeQuantWithMinMaxVars", [[x35, "fed"], [float([], [min]), "constant"], [float([], [max]), "fed"]], [float([3, 5], fake)], { num_bits: { i: 4 } }); // biome-ignore format: pairs
  });
});

describe("selection", () => {
  it("of whole rows by a vector", async () => {
    const y35 = float([3, 5], random(15, 4));
    const rows: Tensor = { dtype: "bool", shape: [3], data: Uint8Array.of(1, 0, 1) };
    const mixed = data(x35).map((v, i) => (Math.floor(i / 5) === 1 ? data(y35)[i]! : v));
    await one("Select", [[rows, "fed"], [x35, "fed"], [y35, "fed"]], [float([3, 5], mixed)]); // biome-ignore format: pairs
  });

  it("one-hot along an axis", async () => {
    const ids = int([2, 3], [0, 2, 5, -1, 1, 3]);
    const hot = Array.from({ length: 2 * 4 * 3 }, (_, at) => {
      const [i, k, j] = [Math.floor(at / 12), Math.floor(at / 3) % 4, at % 3];
      return data(ids)[i * 3 + j] === k ? 2.5 : -1;
    });
    await one("OneHot", [[ids, "fed"], [int([], [4]), "constant"], [float([], [2.5]), "constant"], [float([], [-1]), "fed"]], [float([2, 4, 3], hot)], { axis: { i: 1 } }); // biome-ignore format: pairs
  });

  it("the values of each, in the order in which they come, and how often", async () => {
    const v = int([7], [4, 9, 4, 2, 9, 9, -1]);
    await one(
      "UniqueWithCounts",
      [[v, "fed"]],
      [int([4], [4, 9, 2, -1]), int([7], [0, 1, 0, 2, 1, 1, 3]), int([4], [2, 3, 1, 1])],
    );
  });
});

describe("segments", () => {
  const ids = int([5], [2, 0, -1, 2, 3]);
  const v = float([5, 3], random(15, 7));
  const rows = (group: number) => data(ids).flatMap((id, i) => (id === group ? [data(v).slice(3 * i, 3 * i + 3)] : []));
  const combine = (start: number, f: (a: number, b: number) => number) =>
    float(
      [4, 3],
      [0, 1, 2, 3].flatMap((group) => rows(group).reduce((a, b) => a.map((p, k) => f(p, b[k]!)), [start, start, start])),
    );

  it("of unsorted numbers, none of them below 0", async () => {
    const given = [
      [v, "fed"],
      [ids, "fed"],
      [int([], [4]), "constant"],
    ] as const;
    await one("UnsortedSegmentSum", given, [combine(0, (a, b) => a + b)]);
    await one("UnsortedSegmentProd", given, [combine(1, (a, b) => a * b)]);
    await one("UnsortedSegmentMax", given, [combine(-3.4028234663852886e38, Math.max)]);
  });

  it("taken apart and put together", async () => {
    const parts = int([5], [1, 0, 1, 2, 0]);
    const pick = (group: number) => data(parts).flatMap((id, i) => (id === group ? data(v).slice(3 * i, 3 * i + 3) : []));
    const expected = [0, 1, 2].map((group) => float([pick(group).length / 3, 3], pick(group)));
    await one(
      "DynamicPartition",
      [
        [v, "fed"],
        [parts, "fed"],
      ],
      expected,
      { num_partitions: { i: 3 } },
    );
    const [a, b] = [int([2], [4, 1]), int([3], [0, 3, 2])];
    const [p, q] = [float([2, 3], random(6, 2)), float([3, 3], random(9, 3))];
    const all = [...data(p), ...data(q)];
    const stitched = [2, 1, 4, 3, 0].flatMap((row) => all.slice(3 * row, 3 * row + 3));
    await one("DynamicStitch", [[a, "fed"], [b, "fed"], [p, "fed"], [q, "fed"]], [float([5, 3], stitched)]); // biome-ignore format: pairs
  });
});

describe("layouts", () => {
  const image = float([1, 3, 5, 4], random(60, 5));
  const at = (c: number, h: number, w: number) => (h < 0 || w < 0 || h >= 5 || w >= 4 ? 0 : data(image)[(c * 5 + h) * 4 + w]!);

  it("channels first: a convolution of even padding", async () => {
    const filter = float([3, 2, 3, 7], random(126, 6));
    const f = (h: number, w: number, c: number, k: number) => data(filter)[((h * 2 + w) * 3 + c) * 7 + k]!;
    // SAME with stride 2: rows padded by one on either side, columns not at all.
    const out = Array.from({ length: 7 * 3 * 2 }, (_, i) => {
      const [k, h, w] = [Math.floor(i / 6), Math.floor(i / 2) % 3, i % 2];
      let sum = 0;
      for (let c = 0; c < 3; c++)
        for (let dh = 0; dh < 3; dh++) for (let dw = 0; dw < 2; dw++) sum += at(c, 2 * h - 1 + dh, 2 * w + dw) * f(dh, dw, c, k);
      return sum;
    });
    await one("Conv2D", [[image, "fed"], [filter, "constant"]], [float([1, 7, 3, 2], out)], { data_format: { s: "NCHW" }, strides: { ints: [1, 1, 2, 2] }, padding: { s: "SAME" } }); // biome-ignore format: pairs
  });

  it("channels first: a pool, and a bias", async () => {
    const pooled = Array.from({ length: 3 * 2 * 2 }, (_, i) => {
      const [c, h, w] = [Math.floor(i / 4), Math.floor(i / 2) % 2, i % 2];
      return Math.max(...[0, 1].flatMap((dh) => [0, 1].map((dw) => at(c, 2 * h + dh, 2 * w + dw))));
    });
    await one("MaxPool", [[image, "fed"]], [float([1, 3, 2, 2], pooled)], { data_format: { s: "NCHW" }, ksize: { ints: [1, 1, 2, 2] }, strides: { ints: [1, 1, 2, 2] }, padding: { s: "VALID" } }); // biome-ignore format: pairs
    const bias = float([3], [0.5, -2, 7]);
    const moved = data(image).map((v, i) => v + data(bias)[Math.floor(i / 20)]!);
    await one(
      "BiasAdd",
      [
        [image, "fed"],
        [bias, "fed"],
      ],
      [float([1, 3, 5, 4], moved)],
      { data_format: { s: "NCHW" } },
    );
  });

  it("normalises a batch with its own statistics", async () => {
    const v = float([2, 3, 1, 5], random(30, 8));
    const channel = (c: number) => data(v).filter((_, i) => i % 5 === c);
    const mean = [0, 1, 2, 3, 4].map((c) => channel(c).reduce((a, b) => a + b, 0) / 6);
    const variance = mean.map((m, c) => channel(c).reduce((sum, b) => sum + (b - m) ** 2, 0) / 6);
    const [scale, offset] = [float([5], random(5, 9)), float([5], random(5, 10))];
    const y = data(v).map(
      (b, i) => ((b - mean[i % 5]!) / Math.sqrt(variance[i % 5]! + 0.01)) * data(scale)[i % 5]! + data(offset)[i % 5]!,
    );
    const empty = float([0], []);
    await one(
      "FusedBatchNormV3",
      [[v, "fed"], [scale, "fed"], [offset, "constant"], [empty, "constant"], [empty, "constant"]], // biome-ignore format: pairs
      [
        float([2, 3, 1, 5], y),
        float([5], mean),
        float(
          [5],
          variance.map((b) => (b * 6) / 5),
        ),
      ],
      { epsilon: { f: 0.01 }, is_training: { b: true }, data_format: { s: "NHWC" } },
    );
  });

  it("patches, shifts, and blocks of space", async () => {
    const small = float([1, 4, 3, 2], random(24, 11));
    const rolled = data(small).map((_, i) => {
      const [h, w, c] = [Math.floor(i / 6), Math.floor(i / 2) % 3, i % 2];
      return data(small)[(((h + 4 - 1) % 4) * 3 + ((w + 3 + 2) % 3)) * 2 + c]!;
    });
    await one("Roll", [[small, "fed"], [int([2], [1, -2]), "fed"], [int([2], [1, -2]), "constant"]], [float([1, 4, 3, 2], rolled)]); // biome-ignore format: pairs
    const patches = Array.from({ length: 3 * 8 }, (_, i) => {
      const [row, k] = [Math.floor(i / 8), i % 8];
      const [dh, dw, c] = [Math.floor(k / 4), Math.floor(k / 2) % 2, k % 2];
      return data(small)[((row + dh) * 3 + 2 * dw) * 2 + c]!;
    });
    await one("ExtractImagePatches", [[small, "fed"]], [float([1, 3, 1, 8], patches)], { ksizes: { ints: [1, 2, 2, 1] }, strides: { ints: [1, 1, 1, 1] }, rates: { ints: [1, 1, 2, 1] }, padding: { s: "VALID" } }); // biome-ignore format: pairs
  });
});

describe("matrices", () => {
  it("diagonals set and taken, beside the main one too", async () => {
    const k = 1;
    const part = [0, 1, 2].map((i) => data(x35)[i * 5 + i + k]!);
    await one("MatrixDiagPartV3", [[x35, "fed"], [int([], [k]), "constant"], [float([], [0]), "constant"]], [float([3], part)]); // biome-ignore format: pairs
    const fresh = float([3], [10, 20, 30]);
    const set = data(x35).map((v, i) => ((i % 5) - Math.floor(i / 5) === k ? data(fresh)[Math.floor(i / 5)]! : v));
    await one("MatrixSetDiagV3", [[x35, "fed"], [fresh, "fed"], [int([], [k]), "constant"]], [float([3, 5], set)]); // biome-ignore format: pairs
    const banded = data(x35).map((v, i) => ((i % 5) - Math.floor(i / 5) <= 2 && Math.floor(i / 5) - (i % 5) <= 0 ? v : 0));
    await one("MatrixBandPart", [[x35, "fed"], [int([], [0], "int64"), "fed"], [int([], [2], "int64"), "constant"]], [float([3, 5], banded)]); // biome-ignore format: pairs
  });

  it("singular values, and no singular vectors", async () => {
    // diag(3, 2) turned by a rotation on either side.
    const [c, s] = [Math.cos(0.7), Math.sin(0.7)];
    const turned = float([2, 2], [3 * c, -2 * s, 3 * s, 2 * c]);
    await one("Svd", [[turned, "fed"]], [float([2], [3, 2])], { compute_uv: { b: false } });
    const nodes = [{ name: "y", op: "Svd", inputs: ["x"], attrs: { compute_uv: { b: true } } }];
    const { refused } = await converted({ nodes, feeds: { x: turned }, expected: { "y:1": turned } });
    expect(refused).toEqual(["singular vectors, whose signs every implementation chooses itself"]);
  });

  it("gives products of shapes that only the run knows their axes", async () => {
    // Flatten as Keras writes it: the batch is not known, the rest is one axis.
    const v = float([2, 3, 7], random(42, 12));
    const strided = { begin_mask: { i: 0 }, end_mask: { i: 0 }, shrink_axis_mask: { i: 1 } };
    const nodes: NodeSpec[] = [
      { name: "shape", op: "Shape", inputs: ["v"], attrs: { out_type: { type: "int32" } } },
      constant("from", int([1], [0])),
      constant("to", int([1], [1])),
      constant("by", int([1], [1])),
      { name: "batch", op: "StridedSlice", inputs: ["shape", "from", "to", "by"], attrs: strided },
      constant("rest", int([], [-1])),
      { name: "dims", op: "Pack", inputs: ["batch", "rest"], attrs: { axis: { i: 0 } } },
      { name: "y", op: "Reshape", inputs: ["v", "dims"] },
    ];
    const ops = await runner.check({ nodes, feeds: { v }, shapes: { v: [-1, 3, 7] }, expected: { y: float([2, 21], data(v)) } });
    expect(ops).toEqual(["Reshape"]);
  });

  it("counts", async () => {
    const v = int([11], randomInts(11, 0, 6));
    const counts = [0, 1, 2, 3, 4].map((bin) => data(v).filter((each) => each === bin).length);
    await one("Bincount", [[v, "fed"], [int([], [5]), "constant"], [int([0], []), "constant"]], [int([5], counts)]); // biome-ignore format: pairs
  });
});

describe("what newer graphs hold", () => {
  it("products whose equations have an ellipsis", async () => {
    const w = float([5, 2], random(10, 21));
    const v = float([2, 3, 5], random(30, 22));
    const product = Array.from({ length: 12 }, (_, at) => {
      const [row, j] = [Math.floor(at / 2), at % 2];
      return [0, 1, 2, 3, 4].reduce((sum, k) => sum + data(v)[row * 5 + k]! * data(w)[k * 2 + j]!, 0);
    });
    await one("Einsum", [[v, "fed"], [w, "constant"]], [float([2, 3, 2], product)], { equation: { s: "...x,xy->...y" } }); // biome-ignore format: pairs
  });

  it("codes with a range for each slice, or rounded upwards", async () => {
    const ranges = [float([5], [-1, -0.5, -2, -0.3, -1.5]), float([5], [1, 0.8, 1, 0.2, 1.6])] as const;
    const codes = (v: number, low: number, high: number, round: (x: number) => number) => {
      const scale = Math.min(low < 0 ? -128 / low : Infinity, 127 / high);
      return round(Math.min(Math.max(v, -128 / scale), 127 / scale) * scale) / scale;
    };
    const each = data(x35).map((v, i) => codes(v, data(ranges[0])[i % 5]!, data(ranges[1])[i % 5]!, Math.round));
    const attrs = { range_given: { b: true }, axis: { i: 1 }, round_mode: { s: "HALF_UP" } };
    await one("QuantizeAndDequantizeV4", [[x35, "fed"], [ranges[0], "constant"], [ranges[1], "constant"]], [float([3, 5], each)], attrs); // biome-ignore format: pairs
  });

  it("weights held as codes", async () => {
    const codes = int([4], [0, 90, 128, 255], "uint8");
    const [min, max] = [float([], [-1.3]), float([], [2.1])];
    const step = 3.4 / 255;
    const given = [[codes, "fed"], [min, "constant"], [max, "constant"]] as const; // biome-ignore format: pairs
    await one(
      "Dequantize",
      given,
      [
        float(
          [4],
          data(codes).map((c) => c * step - 1.3),
        ),
      ],
      { mode: { s: "MIN_COMBINED" } },
    );
    const start = Math.round(-1.3 / step) * step;
    await one(
      "Dequantize",
      given,
      [
        float(
          [4],
          data(codes).map((c) => c * step + start),
        ),
      ],
      { mode: { s: "MIN_FIRST" } },
    );
    const signed = int([3], [-128, 3, 127], "int8");
    const scale = Math.max(1.3 / 128, 2.1 / 127);
    await one("Dequantize", [[signed, "fed"], [min, "constant"], [max, "constant"]], [float([3], data(signed).map((c) => c * scale))], { mode: { s: "SCALED" } }); // biome-ignore format: pairs
  });

  it("shapes that the graph is sure of, where the input tells none", async () => {
    const nodes = [
      { name: "sure", op: "EnsureShape", inputs: ["x"], attrs: { shape: { shape: [-1, 5] } } },
      { name: "y", op: "Softmax", inputs: ["sure"] },
    ];
    const sums = [0, 1, 2].map((row) => data(x35).slice(5 * row, 5 * row + 5).reduce((sum, v) => sum + Math.exp(v), 0)); // biome-ignore format: one line
    const y = float([3, 5], data(x35).map((v, i) => Math.exp(v) / sums[Math.floor(i / 5)]!)); // biome-ignore format: one line
    await runner.check({ nodes, feeds: { x: x35 }, shapes: { x: undefined }, expected: { y } });
  });
});
