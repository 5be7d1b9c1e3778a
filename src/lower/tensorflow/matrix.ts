/** Diagonals and bands of matrices, and what linear algebra makes of them. */
import type { Dim, Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import type { At, Rule } from "../rule.ts";
import { string } from "../schema.ts";
import { dtype, flag, same, tfRule } from "./attrs.ts";
import { zeroOf } from "./shape.ts";

const upTo = (b: Builder, count: Value): Value =>
  b.op("Range", [b.scalar("int32", 0), b.reshape(count, []), b.scalar("int32", 1)]);

/** column − row at every place of the last two axes of `x`. */
function offsets(b: Builder, x: Value): Value {
  const [rows, columns] = [2, 1].map((back) => upTo(b, b.dim(x, x.rank - back)));
  return b.op("Sub", [columns!, b.op("ExpandDims", [rows!, b.scalar("int32", 1)])]);
}

/** Zero outside `lower` diagonals below the main one and `upper` above; below 0: all of them. */
function band(b: Builder, x: Value, lower: Value, upper: Value): Value {
  const zero = b.scalar("int32", 0);
  const away = offsets(b, x);
  const within = (limit: Value, distance: Value) => {
    const bound = b.cast(limit, "int32");
    return b.op("LogicalOr", [b.op("Less", [bound, zero]), b.op("LessEqual", [distance, bound])]);
  };
  const inside = b.op("LogicalAnd", [within(lower, b.op("Neg", [away])), within(upper, away)]);
  return b.op("SelectV2", [inside, x, zeroOf(b, x.dtype)]);
}

/** One diagonal of the second and third version: which one; several at once are refused. */
function diagonalOf(k: Value | undefined, at: At): number {
  const numbers = k ? at.numbers(k, "the diagonal") : [0];
  if (numbers.length > 1 && numbers[0] !== numbers[1]) throw at.unsupported(`several diagonals at once: ${numbers.join(" to ")}`);
  return numbers[0] ?? 0;
}

const sizeOf = (dim: Dim, at: At): number => {
  if (typeof dim !== "number")
    throw at.unsupported("a diagonal of a matrix of unknown size", "give the input's shape with --input");
  return dim;
};

/** A vector a row spread over the columns of a matrix of that size, each element at its place on the diagonal and beside it. */
function spread(b: Builder, diagonal: Value, rows: number, k: number, at: At): Value {
  const length = sizeOf(diagonal.shape[diagonal.rank - 1], at);
  const before = Math.max(0, -k);
  const pads = [...diagonal.shape.slice(0, -1).flatMap(() => [0, 0]), before, Math.max(0, rows - length - before)];
  const padded = b.op("PadV2", [diagonal, b.reshape(b.ints(pads), [diagonal.rank, 2]), zeroOf(b, diagonal.dtype)]);
  const all = b.slice(
    padded,
    diagonal.shape.map(() => 0),
    diagonal.shape.map((_, i) => (i === diagonal.rank - 1 ? rows : -1)),
  );
  return b.op("ExpandDims", [all, b.scalar("int32", -1)]);
}

function setDiagonal(b: Builder, x: Value, diagonal: Value, k: number, at: At): Value {
  const on = b.op("Equal", [offsets(b, x), b.scalar("int32", k)]);
  return b.op("SelectV2", [on, spread(b, diagonal, sizeOf(x.shape[x.rank - 2], at), k, at), x]);
}

function fromDiagonal(b: Builder, diagonal: Value, k: number, sizes: readonly [number, number], padding: Value, at: At): Value {
  const length = sizeOf(diagonal.shape[diagonal.rank - 1], at);
  const least = length + Math.abs(k);
  const [given, wide] = sizes;
  const rows = given > 0 ? given : wide > 0 && k < 0 ? least : k < 0 ? least : given === -1 && wide > 0 ? length : least;
  const columns = wide > 0 ? wide : given > 0 ? length + Math.max(0, k) : least;
  const away = b.op("Sub", [upTo(b, b.ints([columns])), b.op("ExpandDims", [upTo(b, b.ints([rows])), b.scalar("int32", 1)])]);
  const on = b.op("Equal", [away, b.scalar("int32", k)]);
  return b.op("SelectV2", [on, spread(b, diagonal, rows, k, at), padding]);
}

/** Elements (i, i + k), taken from the last two axes as one. */
function diagonalPart(b: Builder, x: Value, k: number, at: At): Value {
  const [rows, columns] = [x.shape[x.rank - 2], x.shape[x.rank - 1]].map((dim) => sizeOf(dim, at)) as [number, number];
  const first = Math.max(0, -k);
  const count = Math.max(0, Math.min(rows - first, columns - Math.max(0, k)));
  const places = Array.from({ length: count }, (_, i) => (first + i) * columns + first + i + k);
  const lead = x.shape.slice(0, -2);
  const flat = b.reshapeTo(
    x,
    [...lead, rows * columns],
    lead.map((_, i) => [x, i] as const),
  );
  return b.gather(flat, b.ints(places), flat.rank - 1);
}

/** Any rank: [n] → [n, n], [n, m] → [n, m, n, m]. */
function diag(b: Builder, x: Value, at: At): Value {
  const shape = x.shape.map((dim) => sizeOf(dim, at));
  const size = shape.reduce((product, dim) => product * dim, 1);
  return b.reshape(fromDiagonal(b, b.reshape(x, [size]), 0, [-1, -1], zeroOf(b, x.dtype), at), [...shape, ...shape]);
}

function diagPart(b: Builder, x: Value, at: At): Value {
  const shape = x.shape.slice(0, x.rank / 2).map((dim) => sizeOf(dim, at));
  const size = shape.reduce((product, dim) => product * dim, 1);
  return b.reshape(diagonalPart(b, b.reshape(x, [size, size]), 0, at), shape);
}

const align = { align: string("RIGHT_LEFT") };
const versions = ["V2", "V3"] as const;

/** x with A x = b: through the inverse, which is of our own making as well. */
function solve(b: Builder, matrix: Value, right: Value, adjoint: boolean): Value {
  return b.op("BatchMatMulV2", [b.op("MatrixInverse", [matrix]), right], { adj_x: adjoint, adj_y: false });
}

/** Only one triangle is looked at. */
function triangularSolve(b: Builder, matrix: Value, right: Value, lower: boolean, adjoint: boolean): Value {
  const all = b.scalar("int32", -1);
  const none = b.scalar("int32", 0);
  return solve(b, lower ? band(b, matrix, all, none) : band(b, matrix, none, all), right, adjoint);
}

/** Both halves of x = L · Lᵀ and of x[p] = L · U. */
const factors: readonly Rule[] = [
  same("Cholesky", 1),
  tfRule("Lu", [1, 1], { output_idx_type: dtype("int32") }, (b, [x], a) => {
    const [both, order] = b.ops("Lu", [x]);
    return [both, b.cast(order!, a.output_idx_type)];
  }),
  tfRule("Qr", [1, 1], { full_matrices: flag(false) }, (b, [x], a) => b.ops("Qr", [x], a)),
  // The signs of singular vectors are an implementation's own: no two agree.
  tfRule("Svd", [1, 1], { compute_uv: flag(true) }, (b, [x], a, at) => {
    if (a.compute_uv && (at.used(1) || at.used(2)))
      throw at.unsupported("singular vectors, whose signs every implementation chooses itself");
    return [b.op("SingularValues", [x])];
  }),
];

export const matrices: readonly Rule[] = [
  ...factors,
  tfRule("MatrixBandPart", [3, 3], {}, (b, [x, lower, upper]) => [band(b, x, lower, upper)]),
  tfRule("MatrixDiag", [1, 1], {}, (b, [x], _, at) => [fromDiagonal(b, x, 0, [-1, -1], zeroOf(b, x.dtype), at)]),
  tfRule("MatrixDiagPart", [1, 1], {}, (b, [x], _, at) => [diagonalPart(b, x, 0, at)]),
  tfRule("MatrixSetDiag", [2, 2], {}, (b, [x, diagonal], _, at) => [setDiagonal(b, x, diagonal, 0, at)]),
  ...versions.flatMap((version) => [
    tfRule(
      `MatrixDiag${version}`,
      [5, 5],
      align,
      (b, [x, k, rows, columns, padding], _, at) => {
        const sizes = [rows, columns].map((each) => at.numbers(each, "the size")[0] ?? -1) as [number, number];
        return [fromDiagonal(b, x, diagonalOf(k, at), sizes, padding, at)];
      },
      { parameters: [1, 2, 3] },
    ),
    tfRule(`MatrixDiagPart${version}`, [3, 3], align, (b, [x, k], _, at) => [diagonalPart(b, x, diagonalOf(k, at), at)], {
      parameters: [1],
    }),
    tfRule(
      `MatrixSetDiag${version}`,
      [3, 3],
      align,
      (b, [x, diagonal, k], _, at) => [setDiagonal(b, x, diagonal, diagonalOf(k, at), at)],
      {
        parameters: [2],
      },
    ),
  ]),
  tfRule("Diag", [1, 1], {}, (b, [x], _, at) => [diag(b, x, at)]),
  tfRule("DiagPart", [1, 1], {}, (b, [x], _, at) => [diagPart(b, x, at)]),
  same("MatrixDeterminant", 1),
  tfRule("MatrixInverse", [1, 1], { adjoint: flag(false) }, (b, [x], a) => {
    const inverse = b.op("MatrixInverse", [x]);
    const axes = x.shape.map((_, i) => i);
    return [a.adjoint ? b.transpose(inverse, [...axes.slice(0, -2), x.rank - 1, x.rank - 2]) : inverse];
  }),
  tfRule("LogMatrixDeterminant", [1, 1], {}, (b, [x]) => {
    const determinant = b.op("MatrixDeterminant", [x]);
    return [b.op("Sign", [determinant]), b.op("Log", [b.op("Abs", [determinant])])];
  }),
  tfRule("MatrixSolve", [2, 2], { adjoint: flag(false) }, (b, [matrix, right], a) => [solve(b, matrix, right, a.adjoint)]),
  tfRule("MatrixTriangularSolve", [2, 2], { lower: flag(true), adjoint: flag(false) }, (b, [matrix, right], a) => [
    triangularSolve(b, matrix, right, a.lower, a.adjoint),
  ]),
];
