/**
 * Which element types onnxruntime's CPU kernels take, where that is less than ONNX allows: what is missing is computed in a wider type.
 * float16 is not listed: onnxruntime brings such nodes to float32 by itself, so the file keeps the type, but where ONNX itself has none.
 */
import type { DType } from "../base/dtype.ts";
import { modelError } from "../base/problem.ts";

interface Kernel {
  readonly dtypes: ReadonlySet<DType>;
  /** Inputs that have the type; undefined: all of them. */
  readonly inputs?: readonly number[];
}

const row = (dtypes: string, ...inputs: readonly number[]): Kernel => ({
  dtypes: new Set(dtypes.split(" ") as DType[]),
  ...(inputs.length > 0 && { inputs }),
});

const numbers = "float32 float64 int32 int64";
const floats = "float32 float64";
const single = "float32";

const rows: Readonly<Record<string, Kernel>> = {
  Add: row(numbers),
  Sub: row(numbers),
  Mul: row(numbers),
  Div: row(numbers),
  Pow: row(numbers),
  Neg: row(`${numbers} int8`),
  Max: row(numbers),
  Min: row(numbers),
  Equal: row(`${numbers} bool`),
  Less: row(numbers),
  LessOrEqual: row(numbers),
  Greater: row(numbers),
  GreaterOrEqual: row(numbers),
  Where: row(`${numbers} string uint8`, 1, 2),
  Relu: row(floats),
  Clip: row(`${numbers} int8 uint8`),
  Floor: row(floats),
  Ceil: row(floats),
  Round: row(floats),
  Exp: row(floats),
  Log: row(floats),
  Sqrt: row(floats),
  Reciprocal: row(floats),
  Sigmoid: row(floats),
  Tanh: row(floats),
  Sin: row(floats),
  Cos: row(single),
  Tan: row(single),
  Asin: row(single),
  Acos: row(single),
  Atan: row(single),
  Sinh: row(single),
  Cosh: row(single),
  Asinh: row(single),
  Acosh: row(single),
  Atanh: row(single),
  Erf: row(single),
  Elu: row(single),
  Selu: row(single),
  Softplus: row(single),
  LeakyRelu: row(single),
  PRelu: row(single),
  IsNaN: row(floats),
  IsInf: row(floats),
  ReduceSum: row(numbers, 0),
  ReduceMean: row("float32 float64 int32", 0),
  ReduceProd: row("float32 int32 int64", 0),
  // Of 64-bit integers they compare the lower halves.
  ReduceMax: row("float32 float64 int32 int8 uint8", 0),
  ReduceMin: row("float32 float64 int32 int8 uint8", 0),
  ArgMax: row("float32 float64 int32 int8 uint8", 0),
  ArgMin: row("float32 float64 int32 int8 uint8 int64", 0),
  CumSum: row(numbers, 0),
  CumProd: row(numbers, 0),
  TopK: row(numbers, 0),
  Softmax: row(floats),
  LogSoftmax: row(floats),
  MatMul: row(`${numbers} uint32 uint64`),
  Gemm: row(floats),
  Einsum: row(numbers),
  Conv: row(single),
  ConvTranspose: row(single),
  MaxPool: row("float32 float64 int8 uint8"),
  AveragePool: row(single),
  BatchNormalization: row(floats),
  LRN: row(single),
  Resize: row("float32 int32 int8 uint8", 0),
  DepthToSpace: row(floats),
  SpaceToDepth: row(floats),
  Pad: row(`${numbers} int8 uint8 uint32 uint64 bool`, 0, 2),
  Range: row(numbers),
  NonZero: row("float32 int32 int64 uint8 bool"),
  Unique: row("float32 float64 int64 int8 string", 0),
  Det: row(single),
  MaxRoiPool: row(single),
  RoiAlign: row(single, 0, 1),
  NonMaxSuppression: row(single, 0, 1, 3, 4),
};

/** ONNX's own definitions leave float16 out. */
const withoutHalf: ReadonlySet<string> = new Set(["IsInf", "Range", "NonMaxSuppression"]);

/** Where values of a type go that a kernel lacks, best first; each holds them exactly but the last of float64 and uint64. */
const wider: Partial<Record<DType, readonly DType[]>> = {
  bool: ["uint8", "int32", "float32"],
  int8: ["int32", "float32"],
  uint8: ["int32", "float32"],
  int16: ["int32", "float32"],
  uint16: ["int32", "float32"],
  int32: ["int64", "float64", "float32"],
  uint32: ["int64", "float64"],
  int64: ["float64", "int32"],
  uint64: ["int64"],
  float64: ["float32"],
  float16: ["float32"],
};

/** The type an op computes in for operands of `dtype`; `dtype` itself where nothing is known against it, a `ModelError` for strings. */
export function computeType(op: string, dtype: DType): DType {
  const kernel = rows[op];
  if (!kernel || kernel.dtypes.has(dtype) || (dtype === "float16" && !withoutHalf.has(op))) return dtype;
  if (dtype === "string") throw modelError("unsupported-type", `ONNX's ${op} takes no strings`);
  return wider[dtype]?.find((each) => kernel.dtypes.has(each)) ?? dtype;
}

/** Does the op's row govern this input? */
export const isTyped = (op: string, input: number): boolean => {
  const kernel = rows[op];
  return kernel !== undefined && (kernel.inputs?.includes(input) ?? true);
};
