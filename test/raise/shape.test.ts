import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DType } from "../../src/base/dtype.ts";
import type { Shape, Value } from "../../src/graph/graph.ts";
import { elementCount, type Tensor, tensorOf } from "../../src/graph/tensor.ts";
import type { Builder } from "../../src/tf/build.ts";
import { random, randomInts } from "../build/random.ts";
import { graphOf } from "../optimize/run.ts";
import { AgainstOnnxruntime, opsOf, raised } from "./against-onnxruntime.ts";

let ort: AgainstOnnxruntime;
beforeAll(async () => {
  ort = await AgainstOnnxruntime.start();
});
afterAll(() => ort.close());

const shape = [2, 3, 7];
const floats = (dims: readonly number[], seed = 1): Tensor => tensorOf("float32", dims, random(elementCount(dims), seed));
const input = (b: Builder, dims: Shape = shape, dtype: DType = "float32"): Value => b.input("x", { dtype, shape: dims });
const vector = (b: Builder, name: string, length: number, dtype: DType = "int32"): Value =>
  b.input(name, { dtype, shape: [length] });
const int32 = (values: readonly number[]): Tensor => tensorOf("int32", [values.length], values);

const same = (make: (b: Builder) => Value | readonly Value[], feeds: Record<string, Tensor> = { x: floats(shape) }, trial = {}) =>
  ort.differences(graphOf(make), feeds, trial);

describe("reshaping", () => {
  it("to what is known, to what is open, to what is computed", async () => {
    expect(await same((b) => b.reshape(input(b), [7, 6]))).toEqual([]);
    expect(await same((b) => b.reshape(input(b, ["n", 3, 7]), [-1, 7, 3]))).toEqual([]);
    const feeds = { x: floats(shape), dims: int32([3, -1]) };
    expect(await same((b) => b.op("Reshape", [input(b), vector(b, "dims", 2)]), feeds)).toEqual([]);
  });

  it("dims of 0 are nothing, not copies", async () => {
    const feeds = { x: tensorOf("float32", [0, 3, 4], []), dims: int32([3, 4, 0]) };
    expect(await same((b) => b.op("Reshape", [input(b, [0, 3, 4]), vector(b, "dims", 3)]), feeds)).toEqual([]);
  });

  it("Squeeze, ExpandDims, Transpose", async () => {
    expect(await same((b) => b.squeeze(input(b, [2, 1, 7]), [-2]), { x: floats([2, 1, 7]) })).toEqual([]);
    expect(await same((b) => b.op("ExpandDims", [input(b), b.scalar("int32", -1)]))).toEqual([]);
    expect(await same((b) => b.transpose(input(b), [2, 0, 1]))).toEqual([]);
  });

  it("Shape, Size and Rank of open dims", async () => {
    const make = (b: Builder) => {
      const x = input(b, ["n", 3, undefined]);
      return [b.op("Shape", [x]), b.op("Shape", [x], { out_type: "int64" }), b.op("Size", [x]), b.op("Rank", [x])];
    };
    const expected = [int32(shape), tensorOf("int64", [3], shape), tensorOf("int32", [], [42]), tensorOf("int32", [], [3])];
    expect(await same(make, undefined, { expected })).toEqual([]);
  });
});

describe("slices", () => {
  it("Slice, by numbers and by what is computed", async () => {
    expect(await same((b) => b.slice(input(b), [1, 0, 2], [1, -1, 3]))).toEqual([]);
    const make = (b: Builder) => b.op("Slice", [input(b), vector(b, "begin", 3), vector(b, "size", 3)]);
    expect(await same(make, { x: floats(shape), begin: int32([0, 1, 2]), size: int32([-1, 2, 4]) })).toEqual([]);
  });

  const masks = { begin_mask: 0, end_mask: 0, ellipsis_mask: 0, new_axis_mask: 0, shrink_axis_mask: 0 };
  it.each<[string, number[], number[], number[], object]>([
    ["x[1, :, 5:1:-2]", [1, 0, 5], [2, 0, 1], [1, 1, -2], { begin_mask: 2, end_mask: 2, shrink_axis_mask: 1 }],
    ["x[..., -1]", [0, -1], [0, 0], [1, 1], { ellipsis_mask: 1, shrink_axis_mask: 2 }],
    ["x[:, new, ::-1]", [0, 0, 0], [0, 0, 0], [1, 1, -1], { begin_mask: 5, end_mask: 5, new_axis_mask: 2 }],
    ["x[-9:9, new, 1:-1, new]", [-9, 0, 1, 0], [9, 0, -1, 0], [1, 1, 1, 1], { new_axis_mask: 10 }],
    [
      "x[new, ..., 2, new]",
      [0, 0, 2, 0],
      [0, 0, 3, 0],
      [1, 1, 1, 1],
      { new_axis_mask: 9, ellipsis_mask: 2, shrink_axis_mask: 4 },
    ],
  ])("%s", async (_, begin, end, steps, given) => {
    const attrs = { ...masks, ...given };
    const make = (b: Builder) => b.op("StridedSlice", [input(b), b.ints(begin), b.ints(end), b.ints(steps)], attrs);
    expect(await same(make)).toEqual([]);
    const computed = (b: Builder) =>
      b.op("StridedSlice", [input(b), vector(b, "begin", begin.length), vector(b, "end", end.length), b.ints(steps)], attrs);
    const feeds = { x: floats(shape), begin: int32(begin), end: int32(end) };
    expect(await same(computed, feeds)).toEqual([]);
  });

  it.each([
    [0, -1],
    [2, -3],
    [3, -3],
    [4, -3],
    [2, -5],
  ])("backwards over %i elements, from %i", async (size, from) => {
    const [begin, end, by] = [[from], [0], [-1]];
    const attrs = { ...masks, end_mask: 1 };
    const x = floats([size, 3]);
    const rows = Array.from({ length: size }, (_, i) => i)
      .slice(0, Math.max(from + size + 1, 0))
      .reverse();
    const data = rows.flatMap((row) => Array.from((x.data as Float32Array).subarray(row * 3, row * 3 + 3)));
    const expected = [tensorOf("float32", [rows.length, 3], data)];
    for (const dims of [
      [size, 3],
      ["n", 3],
    ]) {
      const make = (b: Builder) => b.op("StridedSlice", [input(b, dims), b.ints(begin), b.ints(end), b.ints(by)], attrs);
      expect(await same(make, { x }, { expected })).toEqual([]);
    }
    const computed = (b: Builder) =>
      b.op("StridedSlice", [input(b, ["n", 3]), vector(b, "begin", 1), b.ints(end), b.ints(by)], attrs);
    expect(await same(computed, { x, begin: int32(begin) }, { expected })).toEqual([]);
    const strides = (b: Builder) =>
      b.op("StridedSlice", [input(b, ["n", 3]), vector(b, "begin", 1), vector(b, "end", 1), vector(b, "by", 1)], masks);
    const feeds = { x, begin: int32(begin), end: int32([-9]), by: int32(by) };
    expect(await same(strides, feeds, { expected })).toEqual([]);
  });

  it("ReverseV2 of nothing", async () => {
    const expected = [tensorOf("float32", [0, 3], [])];
    expect(await same((b) => b.op("ReverseV2", [input(b, ["n", 3]), b.ints([0])]), { x: floats([0, 3]) }, { expected })).toEqual(
      [],
    );
  });

  it("Split, SplitV, Unpack, ReverseV2", async () => {
    const axis = (b: Builder, at: number) => b.scalar("int32", at);
    expect(
      await same((b) => b.ops("Split", [axis(b, -1), input(b, [2, 3, 6])], { num_split: 3 }), { x: floats([2, 3, 6]) }),
    ).toEqual([]);
    expect(await same((b) => b.ops("SplitV", [input(b), b.ints([2, -1, 4]), axis(b, 2)], { num_split: 3 }))).toEqual([]);
    expect(await same((b) => b.ops("Unpack", [input(b)], { num: 3, axis: 1 }))).toEqual([]);
    expect(await same((b) => b.op("ReverseV2", [input(b), b.ints([0, -1])]))).toEqual([]);
  });

  it.each([13, 18])("Split of what is open, opset %i", async (opset) => {
    const open = (b: Builder) => b.ops("Split", [b.scalar("int32", 1), input(b, [2, "n", 5])], { num_split: 3 });
    const parts = [0, 1, 2].map((k) => ({ k, x: floats([2, 6, 5], 8) }));
    const expected = parts.map(({ k, x }) => {
      const data = [0, 1].flatMap((i) =>
        Array.from((x.data as Float32Array).subarray((i * 6 + 2 * k) * 5, (i * 6 + 2 * k + 2) * 5)),
      );
      return tensorOf("float32", [2, 2, 5], data);
    });
    expect(await same(open, { x: floats([2, 6, 5], 8) }, { opset, expected })).toEqual([]);
  });
});

describe("joining and filling", () => {
  it("ConcatV2, Pack, Tile", async () => {
    const make = (b: Builder) => {
      const x = input(b);
      return [
        b.concat([x, b.op("Neg", [x])], -1),
        b.op("Pack", [x, b.op("Abs", [x])], { axis: 2 }),
        b.op("Tile", [x, b.ints([2, 1, 3])]),
      ];
    };
    expect(await same(make)).toEqual([]);
  });

  it.each(["float32", "int32", "bool", "int8"] as const)("PadV2 of %s", async (dtype) => {
    const x = tensorOf(dtype, shape, dtype === "bool" ? randomInts(42, 0, 1) : randomInts(42, -9, 9));
    const value = (b: Builder) => (dtype === "bool" ? b.cast(b.scalar("int32", 1), "bool") : b.scalar(dtype, 3));
    const rows = (b: Builder) => b.reshape(b.ints([0, 1, 2, 0, 3, 4]), [3, 2]);
    expect(await same((b) => b.op("PadV2", [input(b, shape, dtype), rows(b), value(b)]), { x })).toEqual([]);
  });

  it.each(["REFLECT", "SYMMETRIC"])("MirrorPad, %s", async (mode) => {
    const make = (b: Builder) => b.op("MirrorPad", [input(b), b.reshape(b.ints([0, 0, 2, 1, 1, 3]), [3, 2])], { mode });
    expect(await same(make)).toEqual([]);
  });

  it("Fill, BroadcastTo and Range of what is computed", async () => {
    const make = (b: Builder) => {
      const dims = vector(b, "dims", 3);
      return [b.op("Fill", [dims, b.scalar("float32", 2.5)]), b.op("BroadcastTo", [input(b, [3, 1]), dims])];
    };
    const expected = [
      tensorOf("float32", shape, new Array(42).fill(2.5)),
      tensorOf(
        "float32",
        shape,
        Array.from({ length: 42 }, (_, i) => Number(floats([3, 1]).data[Math.floor(i / 7) % 3])),
      ),
    ];
    expect(await same(make, { x: floats([3, 1]), dims: int32(shape) }, { expected })).toEqual([]);
    const range = (b: Builder) => b.op("Range", [b.scalar("int32", 3), b.reshape(vector(b, "x", 1), []), b.scalar("int32", 4)]);
    expect(await same(range, { x: int32([17]) }, { expected: [int32([3, 7, 11, 15])] })).toEqual([]);
  });

  it("BroadcastArgs of different ranks", async () => {
    const make = (b: Builder) => b.op("BroadcastArgs", [vector(b, "x", 3), vector(b, "y", 2)]);
    expect(await same(make, { x: int32([2, 1, 7]), y: int32([5, 1]) }, { expected: [int32([2, 5, 7])] })).toEqual([]);
  });

  it("SpaceToBatchND and BatchToSpaceND", async () => {
    const x = floats([2, 4, 5, 3]);
    const pads = (b: Builder) => b.reshape(b.ints([1, 1, 0, 1]), [2, 2]);
    const there = (b: Builder, dims: Shape) => b.op("SpaceToBatchND", [input(b, dims), b.ints([3, 2]), pads(b)]);
    expect(await same((b) => there(b, [2, 4, 5, 3]), { x })).toEqual([]);
    const back = (b: Builder) => b.op("BatchToSpaceND", [there(b, ["n", "h", 5, 3]), b.ints([3, 2]), pads(b)]);
    expect(await same(back, { x }, { expected: [x] })).toEqual([]);
  });

  it.each([
    [2, 1, 3],
    [0, 2, 7],
    [2, 0, 2],
  ])("ReverseSequence along axis %d, of each slice of axis %d", async (time, batch, longest) => {
    const dims = [2, 3, 7];
    const make = (b: Builder) =>
      b.op("ReverseSequence", [b.input("x", { dtype: "float32", shape: dims }), vector(b, "lengths", dims[batch]!)], {
        seq_dim: time,
        batch_dim: batch,
      });
    const lengths = Array.from({ length: dims[batch]! }, (_, i) => Math.min(1 + (i % longest), dims[time]!));
    expect(await same(make, { x: floats(dims), lengths: int32(lengths) })).toEqual([]);
  });

  it("ReverseSequence", async () => {
    const make = (b: Builder) => b.op("ReverseSequence", [input(b), vector(b, "lengths", 2)], { seq_dim: 1, batch_dim: 0 });
    expect(await same(make, { x: floats(shape), lengths: int32([2, 3]) })).toEqual([]);
  });
});

it("a permutation that is computed is refused, and says so", () => {
  const { problems } = raised(graphOf((b) => b.op("Transpose", [input(b), vector(b, "perm", 3)])));
  expect(problems).toMatchObject([{ severity: "error", op: "Transpose", reason: "a permutation that is computed" }]);
});

it("nothing is left of arithmetic over dims that are known", () => {
  const make = (b: Builder) => b.op("Reshape", [input(b), b.gather(b.op("Shape", [input(b)]), b.ints([2, 0, 1]), 0)]);
  expect(opsOf(raised(graphOf(make)).model)).toEqual({ Reshape: 1 });
});
