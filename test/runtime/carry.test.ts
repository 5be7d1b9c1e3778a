import { expect, it } from "vitest";
import type { DType } from "../../src/base/dtype.ts";
import { tensorOf } from "../../src/graph/tensor.ts";
import { carriedAs, carriedInOnnx, carry } from "../../src/runtime/carry.ts";

it("holds every dtype in one of TF.js's five, or in none", () => {
  const expected: Partial<Record<DType, DType | undefined>> = {
    float64: "float32",
    float16: "float32",
    bfloat16: "float32",
    int64: "int32",
    uint8: "int32",
    uint32: "int32",
    int4: "int32",
    bool: "bool",
    string: "string",
    complex64: "complex64",
    complex128: undefined,
  };
  for (const [dtype, carried] of Object.entries(expected)) expect(carriedAs(dtype as DType)).toBe(carried);
});

it("knows what ONNX models hold the types of less than 8 bits in", () => {
  expect((["int4", "uint4", "int2", "uint2", "int8", "float16"] as const).map(carriedInOnnx)).toEqual([
    ...["int8", "uint8", "int8", "uint8", undefined, undefined],
  ]);
});

it("keeps values, and refuses those that do not fit", () => {
  expect(carry(tensorOf("uint8", [2], [255, 3]), "x")).toEqual({ dtype: "int32", shape: [2], data: Int32Array.of(255, 3) });
  expect(carry(tensorOf("float64", [2], [0.1, -7]), "x")).toEqual({
    dtype: "float32",
    shape: [2],
    data: Float32Array.of(0.1, -7),
  });
  const int32 = tensorOf("int32", [1], [5]);
  expect(carry(int32, "x").data).toBe(int32.data);
  expect(() => carry(tensorOf("uint32", [1], [2 ** 31]), "ids")).toThrowError("ids: a value does not fit int32: 2147483648");
  expect(() => carry({ dtype: "int64", shape: [1], data: BigInt64Array.of(-(2n ** 31n) - 1n) }, "ids")).toThrowError(
    /-2147483649/,
  );
  expect(() => carry({ dtype: "complex128", shape: [1], data: new Float64Array(2) }, "z")).toThrowError(
    "z: TF.js carries no complex128",
  );
});
