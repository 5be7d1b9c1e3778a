import { describe, expect, it } from "vitest";
import type { DType } from "../../src/base/dtype.ts";
import { chooseShapes, seededTensor } from "../../src/parity/inputs.ts";
import type { ValueSpec } from "../../src/runtime/run.ts";

const spec = (name: string, shape: ValueSpec["shape"], dtype: DType = "float32"): ValueSpec => ({ name, dtype, shape });

it("inputs of many open axes get small sizes", () => {
  const deep: ValueSpec = { name: "x", dtype: "float32", shape: Array.from({ length: 9 }, (_, i) => `d${i}`) };
  const { shapes } = chooseShapes([deep], [], "varied");
  expect(shapes.get("x")).toEqual([2, 3, 2, 4, 3, 2, 4, 3, 2]);
});

describe("sizes for unset dims", () => {
  const specs = [spec("image", ["N", 3, "h", "w"]), spec("mask", [null, null, "h"]), spec("ids", ["batch_size", "seq"])];

  it("are 2 for a batch, then 5, 7, 11 by symbol", () => {
    const { shapes, dims } = chooseShapes(specs, [], "varied");
    expect(Object.fromEntries(shapes)).toEqual({ image: [2, 3, 5, 7], mask: [2, 11, 5], ids: [2, 13] });
    expect(dims).toEqual({ N: 2, h: 5, w: 7, "axis 0": 2, "axis 1": 11, batch_size: 2, seq: 13 });
  });

  it("are all 1 for a source that refuses those", () => {
    const { shapes, dims } = chooseShapes(specs, [], "ones");
    expect(Object.fromEntries(shapes)).toEqual({ image: [1, 3, 1, 1], mask: [1, 1, 1], ids: [1, 1] });
    expect(new Set(Object.values(dims))).toEqual(new Set([1]));
  });

  it("follow what the conversion has bound, wherever the symbol occurs", () => {
    const { shapes, dims } = chooseShapes(specs, [spec("image", [4, 3, 224, null])], "varied");
    expect(Object.fromEntries(shapes)).toEqual({ image: [4, 3, 224, 5], mask: [2, 7, 224], ids: [2, 11] });
    expect(dims).toMatchObject({ N: 4, h: 224, w: 5 });
  });

  it("come from the other side where the rank is unknown", () => {
    expect(chooseShapes([spec("x", undefined)], [spec("x", [null, 3])], "varied").shapes.get("x")).toEqual([2, 3]);
    expect(chooseShapes([spec("x", undefined)], [], "varied").shapes.get("x")).toEqual([]);
  });
});

describe("seeded inputs", () => {
  const draw = (dtype: DType, bound?: number, seed = 0, name = "x") =>
    seededTensor(spec(name, [], dtype), [20, 50], seed, bound).data;

  it("repeat by seed and name, and differ by either", () => {
    expect(draw("float32")).toEqual(draw("float32"));
    expect(draw("float32", undefined, 1)).not.toEqual(draw("float32"));
    expect(draw("float32", undefined, 0, "y")).not.toEqual(draw("float32"));
  });

  it("are normal and off centre for floats", () => {
    const values = [...(draw("float32") as Float32Array)];
    const mean = values.reduce((a, b) => a + b) / values.length;
    const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length;
    expect(Math.abs(mean - 0.25)).toBeLessThan(0.1);
    expect(Math.abs(variance - 1)).toBeLessThan(0.15);
    expect(new Set(values).size).toBeGreaterThan(990);
  });

  it("are values of the dtype itself", () => {
    expect(draw("float16")).toBeInstanceOf(Float32Array);
    for (const value of draw("float16") as Float32Array) expect(Math.abs(value % 2 ** -24)).toBe(0);
    expect(draw("float64")).toBeInstanceOf(Float64Array);
    expect(draw("bool")).toBeInstanceOf(Uint8Array);
    expect(draw("int8")).toBeInstanceOf(Int8Array);
    expect(new Set(draw("string") as string[]).size).toBeGreaterThan(300);
  });

  it("are 0 or 1 for integers, or below what they index", () => {
    expect(new Set(draw("int64") as BigInt64Array)).toEqual(new Set([0n, 1n]));
    const ids = [...(draw("int32", 17) as Int32Array)];
    expect([Math.min(...ids), Math.max(...ids)]).toEqual([0, 16]);
  });

  it("are refused for what is no tensor", () => {
    expect(() => seededTensor({ name: "m", dtype: undefined, shape: undefined }, [], 0)).toThrowError(
      /m: only tensors can be fed/,
    );
  });
});
