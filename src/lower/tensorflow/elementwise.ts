/** Elementwise ops: most are the hub's own; the others are written as arithmetic. */
import { isInteger } from "../../base/dtype.ts";
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import type { At, Rule } from "../rule.ts";
import { float } from "../schema.ts";
import { dtype, flag, realOnly, same, tfRule } from "./attrs.ts";

type Unary = (b: Builder, x: Value) => Value;
type Binary = (b: Builder, x: Value, y: Value, at: At) => Value;

export const number = (b: Builder, like: Value, value: number): Value => b.scalar(like.dtype, value);

const unary = (op: string, each: Unary): Rule =>
  tfRule(op, [1, 1], {}, (b, [x], _, at) => {
    realOnly([x], at);
    return [each(b, x)];
  });

const binary = (op: string, each: Binary): Rule =>
  tfRule(op, [2, 2], {}, (b, [x, y], _, at) => {
    realOnly([x, y], at);
    return [each(b, x, y, at)];
  });

const softsign: Unary = (b, x) => b.op("RealDiv", [x, b.op("AddV2", [number(b, x, 1), b.op("Abs", [x])])]);

/** C's division: integers truncate, floats do not. */
const div: Binary = (b, x, y) => b.op(isInteger(x.dtype) ? "TruncateDiv" : "RealDiv", [x, y]);
const mod: Binary = (b, x, y) => b.op("TruncateMod", [x, y]);

/** The op's value where the guard is not 0, else 0, whatever the other operand is. */
const unlessZero =
  (guard: 0 | 1, each: (b: Builder, x: Value, y: Value) => Value): Binary =>
  (b, x, y) => {
    const by = guard === 0 ? x : y;
    return b.op("SelectV2", [b.op("Equal", [by, number(b, by, 0)]), number(b, x, 0), each(b, x, y)]);
  };

/** Sum of any number of operands of one shape. */
function addAll(b: Builder, values: readonly Value[]): Value {
  const [first, ...rest] = values;
  return rest.reduce((sum, value) => b.op("AddV2", [sum, value]), first!);
}

/** Gradients of activations, as functions of the activation's result `y` (or input) and what comes back. */
const gradients: readonly Rule[] = [
  binary("SigmoidGrad", (b, y, dy) => b.op("Mul", [dy, b.op("Mul", [y, b.op("Sub", [number(b, y, 1), y])])])),
  binary("TanhGrad", (b, y, dy) => b.op("Mul", [dy, b.op("Sub", [number(b, y, 1), b.op("Square", [y])])])),
  binary("ReluGrad", (b, dy, x) => b.op("SelectV2", [b.op("Greater", [x, number(b, x, 0)]), dy, b.op("ZerosLike", [dy])])),
  binary("SqrtGrad", (b, y, dy) => b.op("RealDiv", [b.op("Mul", [dy, number(b, dy, 0.5)]), y])),
  binary("RsqrtGrad", (b, y, dy) => b.op("Mul", [b.op("Mul", [dy, number(b, dy, -0.5)]), b.op("Mul", [b.op("Square", [y]), y])])),
  binary("ReciprocalGrad", (b, y, dy) => b.op("Neg", [b.op("Mul", [dy, b.op("Square", [y])])])),
];

/** Giles's approximation of the inverse error function, to float32's rounding. */
function erfinv(b: Builder, x: Value): Value {
  const n = (value: number) => number(b, x, value);
  const polynomial = (w: Value, terms: readonly number[]) =>
    terms.slice(1).reduce((sum, term) => b.op("AddV2", [b.op("Mul", [sum, w]), n(term)]), n(terms[0]!));
  const w = b.op("Neg", [b.op("Log", [b.op("Mul", [b.op("Sub", [n(1), x]), b.op("AddV2", [n(1), x])])])]);
  const near = polynomial(b.op("Sub", [w, n(2.5)]), [2.81022636e-8, 3.43273939e-7, -3.5233877e-6, -4.39150654e-6, 2.1858087e-4, -1.25372503e-3, -4.17768164e-3, 0.246640727, 1.50140941]); // biome-ignore format: terms
  const far = polynomial(b.op("Sub", [b.op("Sqrt", [w]), n(3)]), [-2.00214257e-4, 1.00950558e-4, 1.34934322e-3, -3.67342844e-3, 5.73950773e-3, -7.6224613e-3, 9.43887047e-3, 1.00167406, 2.83297682]); // biome-ignore format: terms
  const inner = b.op("Mul", [b.op("SelectV2", [b.op("Less", [w, n(5)]), near, far]), x]);
  const edge = b.op("Mul", [x, n(Number.POSITIVE_INFINITY)]);
  return b.op("SelectV2", [b.op("Equal", [b.op("Abs", [x]), n(1)]), edge, inner]);
}

/** a × b over the last axis, of three. */
function cross(b: Builder, x: Value, y: Value): Value {
  const [p, q] = [x, y].map((value) => b.ops("Split", [b.scalar("int32", -1), value], { num_split: 3 }));
  const term = (i: number, k: number) => b.op("Sub", [b.op("Mul", [p![i]!, q![k]!]), b.op("Mul", [p![k]!, q![i]!])]);
  return b.concat([term(1, 2), term(2, 0), term(0, 1)], x.rank - 1);
}

const names = (text: string): string[] => text.split(" ");

/** Old names of ops that are the hub's. */
const renamed: readonly (readonly [string, string, number])[] = [
  ["Add", "AddV2", 2],
  ["Inv", "Reciprocal", 1],
  ["Rint", "Round", 1],
];

export const elementwise: readonly Rule[] = [
  ...names("Abs Neg Sign Square Exp Expm1 Log Log1p Sqrt Rsqrt Reciprocal Sin Cos Tan Asin Acos Atan Sinh Cosh Tanh").map((op) =>
    same(op, 1),
  ),
  ...names("Asinh Acosh Atanh Erf Ceil Floor Round Sigmoid Relu Relu6 Elu Selu Softplus LogicalNot Invert").map((op) =>
    same(op, 1),
  ),
  ...names("OnesLike ZerosLike IsNan IsInf IsFinite").map((op) => same(op, 1)),
  ...names("AddV2 Sub Mul RealDiv TruncateDiv FloorDiv FloorMod TruncateMod DivNoNan Pow Maximum Minimum Atan2").map((op) =>
    same(op, 2),
  ),
  ...names("SquaredDifference BitwiseAnd BitwiseOr BitwiseXor LeftShift RightShift LogicalAnd LogicalOr").map((op) =>
    same(op, 2),
  ),
  ...names("Equal NotEqual Less LessEqual Greater GreaterEqual").map((op) => same(op, 2)),
  ...renamed.map(([op, hub, inputs]) => same(op, inputs, {}, { hub })),
  ...names("Lgamma Digamma").map((op) => same(op, 1)),
  ...names("Polygamma Zeta Igamma Igammac").map((op) => same(op, 2)),
  same("Betainc", 3),
  same("LeakyRelu", 1, { alpha: float(0.2) }),
  tfRule("ClipByValue", [3, 3], {}, (b, [x, low, high], _, at) => {
    realOnly([x], at);
    // The hub's own has one number for each bound.
    const plain = low.rank === 0 && high.rank === 0;
    return [plain ? b.op("ClipByValue", [x, low, high]) : b.op("Minimum", [b.op("Maximum", [x, low]), high])];
  }),
  unary("Softsign", softsign),
  unary("Erfc", (b, x) => b.op("Sub", [number(b, x, 1), b.op("Erf", [x])])),
  unary("Erfinv", erfinv),
  unary("Ndtri", (b, x) => {
    const doubled = b.op("Sub", [b.op("Mul", [x, number(b, x, 2)]), number(b, x, 1)]);
    return b.op("Mul", [erfinv(b, doubled), number(b, x, Math.SQRT2)]);
  }),
  binary("Cross", cross),
  binary("Div", div),
  binary("Mod", mod),
  binary(
    "MulNoNan",
    unlessZero(1, (b, x, y) => b.op("Mul", [x, y])),
  ),
  binary(
    "Xdivy",
    unlessZero(0, (b, x, y) => b.op("RealDiv", [x, y])),
  ),
  binary(
    "Xlogy",
    unlessZero(0, (b, x, y) => b.op("Mul", [x, b.op("Log", [y])])),
  ),
  binary(
    "Xlog1py",
    unlessZero(0, (b, x, y) => b.op("Mul", [x, b.op("Log1p", [y])])),
  ),
  tfRule("ApproximateEqual", [2, 2], { tolerance: float(1e-5) }, (b, [x, y], a) => [
    b.op("Less", [b.op("Abs", [b.op("Sub", [x, y])]), number(b, x, a.tolerance)]),
  ]),
  ...names("AddN AccumulateNV2").map((op) => tfRule(op, [1, Number.POSITIVE_INFINITY], {}, (b, values) => [addAll(b, values)])),
  tfRule("Cast", [1, 1], { DstT: dtype(), Truncate: flag(false) }, (b, [x], a, at) => {
    realOnly([x], at);
    return [b.wrappingCast(x, a.DstT)];
  }),
  tfRule("Bitcast", [1, 1], { type: dtype() }, (b, [x], a) => [x.dtype === a.type ? x : b.op("Bitcast", [x], { DstT: a.type })]),
  ...gradients,
];
