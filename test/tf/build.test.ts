import { describe, expect, it } from "vitest";
import { ModelError } from "../../src/base/problem.ts";
import type { Shape, Value } from "../../src/graph/graph.ts";
import { numbersOf, tensorOf } from "../../src/graph/tensor.ts";
import { Builder } from "../../src/tf/build.ts";
import { constantOf, dimsOf } from "../../src/tf/op.ts";
import "../../src/tf/all.ts";
import { random } from "../build/random.ts";

const b = new Builder();
const input = (shape: Shape | undefined, dtype: "float32" | "int64" = "float32"): Value => b.input("x", { dtype, shape });
const known = (value: Value): number[] => numbersOf(constantOf(value)!);

describe("Builder", () => {
  it("folds shape arithmetic as it is built: Shape, Gather, Concat, Reshape vanish", () => {
    const x = input([2, 3, 7, 5]);
    const shape = b.op("Shape", [x], { out_type: "int64" });
    const batch = b.gather(shape, b.constant(tensorOf("int64", [1], [0])), 0);
    const target = b.concat([batch, b.constant(tensorOf("int64", [1], [-1]))], 0);
    expect(known(target)).toEqual([2, -1]);
    expect(b.op("Reshape", [x, target]).shape).toEqual([2, 105]);
  });

  it("tracks a shape vector element by element where a dim is a symbol", () => {
    const x = input(["batch", 12, "seq", 5]);
    const shape = b.op("Shape", [x]);
    expect(dimsOf(shape)).toEqual(["batch", 12, "seq", 5]);
    const picked = b.gather(shape, b.ints([2, 0]), 0);
    expect(dimsOf(picked)).toEqual(["seq", "batch"]);
    const doubled = b.op("Mul", [b.slice(shape, [1], [1]), b.ints([5])]);
    expect(known(doubled)).toEqual([60]);
    expect(dimsOf(b.op("Mul", [b.slice(shape, [0], [1]), b.ints([5])]))).toEqual(["5·batch"]);
  });

  it("refuses what no file means: millions of axes or outputs, groups without filters", () => {
    expect(() => b.op("Reshape", [input([2, 3]), input([15_335_426], "int64")])).toThrow("a tensor of 15335426 axes");
    expect(() => b.op("Sum", [input([2, 3]), input([5], "int64")])).toThrow("a tensor of -3 axes");
    expect(() => b.op("Unpack", [input(undefined)], { num: 2 ** 31 })).toThrow("a node of 2147483648 outputs");
    const attrs = { strides: [1, 1, 1, 1], padding: "SAME" };
    expect(() => b.op("Conv2D", [input([1, 9, 7, 1_912_602_627]), input([3, 3, 3, 5])], attrs)).toThrow(
      "1912602627 channels into",
    );
    expect(() => b.op("MaxPool", [input([1, 9, 7, 3])], { ...attrs, ksize: [1, 2, 2, 1], strides: [1, 0, 0, 1] })).toThrow(
      "a stride of 0",
    );
    const picked = (index: number) =>
      b.op("StridedSlice", [input([4, 5]), b.ints([index]), b.ints([index + 1]), b.ints([1])], { shrink_axis_mask: 1 });
    expect(picked(-4).shape).toEqual([5]);
    for (const index of [4, -5]) expect(() => picked(index)).toThrow(`index ${index} of a dim of 4`);
    expect(() => b.op("StridedSlice", [input([4, 5]), b.ints([0, 1]), b.ints([2]), b.ints([1, 1])])).toThrow("2 places to 1");
    const many = input([40], "int64");
    expect(() => b.op("StridedSlice", [input([4, 5]), many, many, many])).toThrow("40 places");
    const back = (sizes: number[], x: Shape) =>
      b.op("Conv2DBackpropInput", [b.ints(sizes), input([2, 2, 5, 3]), input(x)], attrs);
    expect(back([2, 9, 7, 5], [2, 9, 7, 3]).shape).toEqual([2, 9, 7, 5]);
    for (const [sizes, x] of [
      [
        [1, 9, 7, 5],
        [2, 9, 7, 3],
      ],
      [
        [2, 9, 7, 5],
        [2, 9, 7, 4],
      ],
      [
        [2, 9, 7, 6],
        [2, 9, 7, 3],
      ],
    ] as const)
      expect(() => back([...sizes], x)).toThrow("through a filter of");
    expect(b.op("Conv2D", [input([1, 9, 7, 6]), input([3, 3, 3, 4])], attrs).shape).toEqual([1, 9, 7, 4]);
  });

  it("knows that a size is never below 0", () => {
    const ends = b.concat([b.ints([1]), b.op("Shape", [input(["seq"])])], 0);
    const below = b.op("Less", [ends, b.ints([0])]);
    const size = b.op("SelectV2", [below, b.op("AddV2", [ends, b.ints([1, 512])]), ends]);
    expect([dimsOf(below), dimsOf(size)]).toEqual([
      [0, 0],
      [1, "seq"],
    ]);
    expect(dimsOf(b.op("Maximum", [size, b.ints([0])]))).toEqual([1, "seq"]);
    expect(dimsOf(b.op("Minimum", [size, b.ints([1, 512])]))).toEqual([1, undefined]);
    expect(dimsOf(b.op("GreaterEqual", [size, b.ints([2, -3])]))).toEqual([0, 1]);
    expect(dimsOf(b.op("Greater", [size, b.ints([0, 0])]))).toEqual([1, undefined]);
  });

  it.each<[Shape, Shape, Shape]>([
    [
      ["batch", 3, 4],
      [-1, 12],
      ["batch", 12],
    ],
    [
      ["batch", 3, 4],
      ["batch", -1],
      ["batch", 12],
    ],
    [
      ["batch", "seq", 8],
      [-1, 8],
      ["batch·seq", 8],
    ],
    [
      [2, 3, 35],
      [6, -1, 5],
      [6, 7, 5],
    ],
    [
      ["n", 6],
      [-1, 2, 3],
      ["n", 2, 3],
    ],
  ])("infers the open dim of a reshape: %j to %j", (from, to, expected) => {
    const dims = to.map((dim) => (typeof dim === "number" ? b.ints([dim]) : b.dim(input(from), from.indexOf(dim))));
    expect(b.op("Reshape", [input(from), b.concat(dims, 0)]).shape).toEqual(expected);
  });

  it("refuses what does not fit, with a reason", () => {
    const x = input([2, 3]);
    expect(() => b.reshape(x, [4, 2])).toThrow(ModelError);
    expect(() => b.op("AddV2", [x, input([2, 5])])).toThrow("dims 3 and 5 do not broadcast");
    expect(() => b.op("AddV2", [x, input([2, 3], "int64")])).toThrow("AddV2 of float32 and int64");
    expect(() => b.op("MatMul", [x, input([4, 5])])).toThrow("MatMul of 2×3 and 4×5");
    expect(() => input(undefined).rank).toThrow("needs the rank of an input");
  });

  it("keeps a large constant as an expression", () => {
    const large = b.constant({ dtype: "float32", shape: [100, 70], data: random(7000) });
    const turned = b.transpose(large, [1, 0]);
    expect(turned.node.op).toBe("Transpose");
    expect(turned.node.constant).toBe(true);
    expect(turned.shape).toEqual([70, 100]);
  });

  it("broadcasts symbols only with themselves, 1 and numbers", () => {
    const add = (p: Shape, q: Shape) => b.op("AddV2", [input(p), input(q)]).shape;
    expect(add(["n", 1], [1, "m"])).toEqual(["n", "m"]);
    expect(add(["n", 3], ["n", 3])).toEqual(["n", 3]);
    expect(add(["n"], ["m"])).toEqual([undefined]);
    expect(add(["n"], [7])).toEqual([7]);
  });
});

describe("folding", () => {
  const fold = (op: string, values: readonly Value[], attrs = {}): Value => b.op(op, values, attrs);
  const floats = (shape: readonly number[], values: ArrayLike<number>) => b.constant(tensorOf("float32", shape, values));
  const int64 = (...values: number[]) => b.constant(tensorOf("int64", [values.length], values));

  it("divides integers as the op says", () => {
    const [x, y] = [int64(7, -7, 7, -7), int64(2, 2, -2, -2)];
    expect(known(fold("TruncateDiv", [x, y]))).toEqual([3, -3, -3, 3]);
    expect(known(fold("FloorDiv", [x, y]))).toEqual([3, -4, -4, 3]);
    expect(known(fold("FloorMod", [x, y]))).toEqual([1, 1, -1, -1]);
    expect(known(fold("TruncateMod", [x, y]))).toEqual([1, -1, 1, -1]);
    expect(() => fold("FloorDiv", [x, int64(1, 0, 1, 1)])).toThrow("integer division by zero");
  });

  it("wraps and truncates in casts", () => {
    expect(known(fold("Cast", [int64(300, -1, 128)], { DstT: "uint8" }))).toEqual([44, 255, 128]);
    expect(known(fold("Cast", [int64(300, -1, 128)], { DstT: "int8" }))).toEqual([44, -1, -128]);
    expect(known(fold("Cast", [floats([4], [2.9, -2.9, 1e30, Number.NaN])], { DstT: "int32" }))).toEqual([
      2, -2, 2147483647, -2147483648,
    ]);
    expect(known(fold("Cast", [floats([3], [0.2, 0, -0.1])], { DstT: "bool" }))).toEqual([1, 0, 1]);
    const half = fold("Cast", [floats([3], [1.0009765625, 65519, 65520])], { DstT: "float16" });
    expect(known(half)).toEqual([1.0009765625, 65504, Number.POSITIVE_INFINITY]);
  });

  it("slices with steps, masks and negative bounds as NumPy does", () => {
    const x = floats(
      [3, 5],
      Float32Array.from({ length: 15 }, (_, i) => i),
    );
    const strided = (begin: number[], end: number[], step: number[], masks = {}) =>
      known(fold("StridedSlice", [x, b.ints(begin), b.ints(end), b.ints(step)], masks));
    expect(strided([0, -1], [3, -6], [2, -2])).toEqual([4, 2, 0, 14, 12, 10]);
    expect(strided([1, 1], [2, 4], [1, 1], { shrink_axis_mask: 1 })).toEqual([6, 7, 8]);
    expect(strided([0, 0], [0, 0], [1, 3], { end_mask: 3 })).toEqual([0, 3, 5, 8, 10, 13]);
  });

  it("computes erf to double precision", () => {
    const x = [-3, -2.4, -0.7, 0, 1e-8, 0.5, 1, 2.6, 5.9];
    // Abramowitz and Stegun, table 7.1, and the Maclaurin series for the small ones.
    const expected = [
      -0.9999779095030014, -0.999311486103355, -0.677801193837418, 0, 1.1283791670955126e-8, 0.5204998778130465,
      0.8427007929497149, 0.9997639655834707, 1,
    ];
    const erf = numbersOf(constantOf(b.op("Erf", [b.constant(tensorOf("float64", [x.length], x))]))!);
    for (const [i, value] of erf.entries()) expect(value).toBeCloseTo(expected[i]!, 14);
  });

  it("moves elements as their definitions say", () => {
    const x = floats([2, 3, 5], random(30, 5));
    const turned = constantOf(b.transpose(x, [2, 0, 1]))!;
    const data = constantOf(x)!.data as Float32Array;
    for (let k = 0; k < 5; k++)
      for (let i = 0; i < 2; i++)
        for (let j = 0; j < 3; j++) expect(turned.data[(k * 2 + i) * 3 + j]).toBe(data[(i * 3 + j) * 5 + k]);
    const padded = constantOf(
      fold("PadV2", [x, b.constant(tensorOf("int32", [3, 2], [0, 0, 1, 2, 2, 0])), b.scalar("float32", 9)]),
    )!;
    expect(padded.shape).toEqual([2, 6, 7]);
    expect(padded.data[(1 * 6 + 2) * 7 + 4]).toBe(data[(1 * 3 + 1) * 5 + 2]);
    expect(padded.data[0]).toBe(9);
  });
});
