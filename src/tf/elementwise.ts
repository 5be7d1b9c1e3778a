/** Elementwise ops: unary, binary with broadcasting, comparisons, logic, Select. TensorFlow's semantics and dtypes. */
import { modelError } from "../base/problem.ts";
import type { Dim } from "../graph/graph.ts";
import { allocate, elementCount } from "../graph/tensor.ts";
import {
  type BigBinary,
  binary,
  bothNumbers,
  comparison,
  isLess,
  logical,
  not,
  predicate,
  sameType,
  store,
  times,
  told,
  unary,
} from "./elementwise-forms.ts";
import { broadcast, define, type OpDef } from "./op.ts";
import { productOf } from "./product.ts";
import * as math from "./scalar.ts";
import { broadcastStrides, walk } from "./walk.ts";

const abs = (x: bigint) => (x < 0n ? -x : x);
const floorDivBig: BigBinary = (x, y) => {
  if (y === 0n) throw modelError("division-by-zero", "integer division by zero in a constant");
  const q = x / y;
  return x % y !== 0n && x < 0n !== y < 0n ? q - 1n : q;
};
const truncDivBig: BigBinary = (x, y) => {
  if (y === 0n) throw modelError("division-by-zero", "integer division by zero in a constant");
  return x / y;
};

define(
  ...(["Identity", "StopGradient"] as const).map(
    (name): OpDef => ({ name, elementwise: true, infer: sameType, fold: ([x]) => [x!], elements: (call) => call.dims(0) }),
  ),
  unary("Abs", Math.abs, abs),
  unary(
    "Neg",
    (x) => -x,
    (x) => -x,
  ),
  unary("Sign", Math.sign, (x) => (x > 0n ? 1n : x < 0n ? -1n : 0n)),
  unary(
    "Square",
    (x) => x * x,
    (x) => x * x,
  ),
  unary("Exp", Math.exp),
  unary("Expm1", Math.expm1),
  unary("Log", Math.log),
  unary("Log1p", Math.log1p),
  unary("Sqrt", Math.sqrt),
  unary("Rsqrt", (x) => 1 / Math.sqrt(x)),
  unary("Reciprocal", (x) => 1 / x),
  unary("Sin", Math.sin),
  unary("Cos", Math.cos),
  unary("Tan", Math.tan),
  unary("Asin", Math.asin),
  unary("Acos", Math.acos),
  unary("Atan", Math.atan),
  unary("Sinh", Math.sinh),
  unary("Cosh", Math.cosh),
  unary("Tanh", Math.tanh),
  unary("Asinh", Math.asinh),
  unary("Acosh", Math.acosh),
  unary("Atanh", Math.atanh),
  unary("Erf", math.erf),
  unary("Ceil", Math.ceil),
  unary("Floor", Math.floor),
  unary("Round", math.roundHalfEven, (x) => x),
  unary("Sigmoid", math.sigmoid),
  unary(
    "Relu",
    (x) => (x < 0 ? 0 : x),
    (x) => (x < 0n ? 0n : x),
  ),
  unary("Relu6", (x) => (x < 0 ? 0 : x > 6 ? 6 : x)),
  unary("Elu", (x) => (x < 0 ? Math.expm1(x) : x)),
  unary("Selu", math.selu),
  unary("Softplus", math.softplus),
  unary("LogicalNot", (x) => (x ? 0 : 1)),
  unary(
    "OnesLike",
    () => 1,
    () => 1n,
  ),
  unary(
    "ZerosLike",
    () => 0,
    () => 0n,
  ),
  {
    ...unary("LeakyRelu", (x) => x),
    fold: ([x], attrs) => {
      const alpha = (attrs["alpha"] as number | undefined) ?? 0.2;
      const values = x!.data as Float32Array;
      return [{ ...x!, data: store(x!.dtype, values.length, (i) => (values[i]! < 0 ? alpha * values[i]! : values[i]!)) }];
    },
  },
  predicate("IsNan", Number.isNaN),
  predicate("IsInf", (x) => x === Number.POSITIVE_INFINITY || x === Number.NEGATIVE_INFINITY),
  predicate("IsFinite", Number.isFinite),
  binary(
    "AddV2",
    (x, y) => x + y,
    (x, y) => x + y,
    (a, b) => (a === 0 ? b : b === 0 ? a : bothNumbers((x, y) => x + y)(a, b)),
  ),
  binary(
    "Sub",
    (x, y) => x - y,
    (x, y) => x - y,
    (a, b) => (b === 0 ? a : bothNumbers((x, y) => x - y)(a, b)),
  ),
  binary(
    "Mul",
    times,
    (x, y) => x * y,
    (a, b) => (a === 0 || b === 0 ? 0 : productOf([a, b])),
  ),
  binary("RealDiv", (x, y) => x / y),
  binary(
    "TruncateDiv",
    (x, y) => Math.trunc(x / y),
    truncDivBig,
    (a, b) => (b === 1 ? a : b === 0 ? undefined : bothNumbers((x, y) => Math.trunc(x / y))(a, b)),
  ),
  binary(
    "FloorDiv",
    (x, y) => Math.floor(x / y),
    floorDivBig,
    (a, b) => (b === 1 ? a : b === 0 ? undefined : bothNumbers((x, y) => Math.floor(x / y))(a, b)),
  ),
  binary(
    "FloorMod",
    math.floorMod,
    (x, y) => x - floorDivBig(x, y) * y,
    (a, b) => (b === 0 ? undefined : bothNumbers(math.floorMod)(a, b)),
  ),
  binary(
    "TruncateMod",
    (x, y) => x % y,
    (x, y) => x - truncDivBig(x, y) * y,
  ),
  binary("DivNoNan", (x, y) => (y === 0 ? 0 : x / y)),
  binary("Pow", math.power, (x, y) => (y < 0n ? (x === 1n ? 1n : x === -1n ? (y % 2n === 0n ? 1n : -1n) : 0n) : x ** y)),
  binary(
    "Maximum",
    (x, y) => (Number.isNaN(x) || Number.isNaN(y) ? Number.NaN : Math.max(x, y)),
    (x, y) => (x > y ? x : y),
    (a, b) => (a === b || isLess(a, b) === false ? a : isLess(b, a) === false ? b : undefined),
  ),
  binary(
    "Minimum",
    (x, y) => (Number.isNaN(x) || Number.isNaN(y) ? Number.NaN : Math.min(x, y)),
    (x, y) => (x < y ? x : y),
    (a, b) => (a === b || isLess(b, a) === false ? a : isLess(a, b) === false ? b : undefined),
  ),
  binary(
    "SquaredDifference",
    (x, y) => (x - y) * (x - y),
    (x, y) => (x - y) * (x - y),
  ),
  binary("Atan2", Math.atan2),
  binary(
    "BitwiseAnd",
    (x, y) => x & y,
    (x, y) => x & y,
  ),
  binary(
    "BitwiseOr",
    (x, y) => x | y,
    (x, y) => x | y,
  ),
  binary(
    "BitwiseXor",
    (x, y) => x ^ y,
    (x, y) => x ^ y,
  ),
  binary(
    "LeftShift",
    (x, y) => x * 2 ** y,
    (x, y) => x << y,
  ),
  binary(
    "RightShift",
    (x, y) => Math.floor(x / 2 ** y),
    (x, y) => x >> y,
  ),
  unary(
    "Invert",
    (x) => -1 - x,
    (x) => -1n - x,
  ),
  comparison(
    "Equal",
    (order) => order === 0,
    (a, b) => (typeof a === "number" && typeof b === "number" ? Number(a === b) : dimNeverEquals(a, b) ? 0 : undefined),
  ),
  comparison("NotEqual", (order) => order !== 0),
  comparison("Less", (order) => order < 0, told(isLess)),
  comparison("LessEqual", (order) => order <= 0, told(not((a, b) => isLess(b, a)))),
  comparison(
    "Greater",
    (order) => order > 0,
    told((a, b) => isLess(b, a)),
  ),
  comparison("GreaterEqual", (order) => order >= 0, told(not(isLess))),
  logical("LogicalAnd", (x, y) => (x && y ? 1 : 0)),
  logical("LogicalOr", (x, y) => (x || y ? 1 : 0)),
  {
    name: "SelectV2",
    elementwise: true,
    infer: (call) => {
      if (call.dtype(1) !== call.dtype(2))
        throw modelError("dtype-mismatch", `SelectV2 of ${call.dtype(1)} and ${call.dtype(2)}`);
      return [{ dtype: call.dtype(1), shape: broadcast(call.shape(0), broadcast(call.shape(1), call.shape(2))) }];
    },
    fold: ([c, a, b], _, [type]) => {
      const shape = type!.shape as readonly number[];
      const data = allocate(type!.dtype, elementCount(shape));
      const strides = [c!, a!, b!].map((t) => broadcastStrides(t.shape, shape));
      walk(shape, strides, (at, [k, i, j]) => {
        data[at] = c!.data[k!] ? a!.data[i!]! : b!.data[j!]!;
      });
      return [{ dtype: type!.dtype, shape, data }];
    },
    elements: (call) => {
      if ((call.shape(1)?.length ?? 2) > 1 || (call.shape(2)?.length ?? 2) > 1) return undefined;
      const [c, a, b] = [call.dims(0), call.dims(1), call.dims(2)];
      if (!c || !a || !b) return undefined;
      const length = Math.max(c.length, a.length, b.length);
      const at = (dims: readonly Dim[], i: number) => dims[dims.length === 1 ? 0 : i];
      return Array.from({ length }, (_, i) => {
        const test = at(c, i);
        return test === undefined ? undefined : test ? at(a, i) : at(b, i);
      });
    },
  },
);

/** A dim is never negative, whatever its symbol stands for. */
function dimNeverEquals(a: Dim, b: Dim): boolean {
  return (typeof a === "string" && typeof b === "number" && b < 0) || (typeof b === "string" && typeof a === "number" && a < 0);
}
