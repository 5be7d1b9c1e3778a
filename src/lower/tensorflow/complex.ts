/**
 * Complex numbers. TF.js computes with few of them, and its wasm backend with none, so they are taken apart while lowering: a complex value
 * is a Complex node over its two parts, linear ops are done to each part, and Fourier transforms are products with constant matrices. Only
 * what leaves the graph as a complex tensor is put together.
 */
import type { DType } from "../../base/dtype.ts";
import { isComplex } from "../../base/dtype.ts";
import type { Value } from "../../graph/graph.ts";
import { tensorOf } from "../../graph/tensor.ts";
import type { Builder } from "../../tf/build.ts";
import type { At, Rule } from "../rule.ts";
import { dtype, tfRule } from "./attrs.ts";
import { number } from "./elementwise.ts";

type Pair = readonly [real: Value, imaginary: Value];

/** The parts of a complex value; a real one has an imaginary part of 0. */
function partsOf(b: Builder, x: Value): Pair {
  if (x.node.op === "Complex") return x.node.inputs as unknown as Pair;
  if (isComplex(x.dtype)) return [b.op("Real", [x]), b.op("Imag", [x])];
  return [x, b.op("ZerosLike", [x])];
}

const complex = (b: Builder, real: Value, imaginary: Value): Value => b.op("Complex", [real, imaginary]);

/** A row that means the same for each part: shapes, moves, sums. */
export function overParts(row: Rule): Rule {
  return {
    ...row,
    lower: (b, inputs, attrs, at) => {
      if (!inputs.some((input) => input && isComplex(input.dtype))) return row.lower(b, inputs, attrs, at);
      const pairs = inputs.map((input) => (input && isComplex(input.dtype) ? partsOf(b, input) : undefined));
      // What says how (axes, shapes) is the same for both; a real operand among complex ones has none of the imaginary part.
      const side = (part: 0 | 1) => inputs.map((input, i) => pairs[i]?.[part] ?? input);
      const [real, imaginary] = [row.lower(b, side(0), attrs, at), row.lower(b, side(1), attrs, at)];
      return real.map((value, i) => value && complex(b, value, imaginary[i]!));
    },
  };
}

/** Rows that `overParts` holds for. Those that add a constant (PadV2, Fill) are not among them. */
export const linear = new Set(
  (
    "Identity Snapshot StopGradient Reshape Transpose ExpandDims Squeeze Slice StridedSlice ConcatV2 Pack Unpack Split SplitV Gather GatherV2 " +
    "GatherNd Pad Tile ReverseV2 BroadcastTo Sum Mean Neg Add AddV2 AddN Sub Roll Select SelectV2 ZerosLike"
  ).split(" "),
);

function multiplied(b: Builder, [a, c]: Pair, [p, q]: Pair): Value {
  const product = (x: Value, y: Value) => b.op("Mul", [x, y]);
  return complex(b, b.op("Sub", [product(a, p), product(c, q)]), b.op("AddV2", [product(a, q), product(c, p)]));
}

function divided(b: Builder, x: Pair, [p, q]: Pair): Value {
  const size = b.op("AddV2", [b.op("Square", [p]), b.op("Square", [q])]);
  const [real, imaginary] = partsOf(b, multiplied(b, x, [p, b.op("Neg", [q])]));
  return complex(b, b.op("RealDiv", [real, size]), b.op("RealDiv", [imaginary, size]));
}

/** A row of arithmetic with a form for complex operands beside the real one. */
export function withComplex(row: Rule, each: (b: Builder, x: Pair, y: Pair) => Value): Rule {
  return {
    ...row,
    lower: (b, inputs, attrs, at) => {
      const [x, y] = inputs;
      if (!x || !y || !(isComplex(x.dtype) || isComplex(y.dtype))) return row.lower(b, inputs, attrs, at);
      return [each(b, partsOf(b, x), partsOf(b, y))];
    },
  };
}

export const complexForms: Readonly<Record<string, (b: Builder, x: Pair, y: Pair) => Value>> = {
  Mul: multiplied,
  RealDiv: divided,
  Div: divided,
};

/** Longest transform that is done as one product; a matrix of that many rows and columns. */
const maxLength = 4096;

/** cos and ±sin of 2π·i·k / n for `rows` times and `columns` frequencies, n the length. */
function waves(b: Builder, n: number, rows: number, columns: number, sign: 1 | -1, type: DType): Pair {
  const angle = (i: number, k: number) => (2 * Math.PI * ((i * k) % n)) / n;
  const table = (each: (angle: number) => number) =>
    b.constant(
      tensorOf(
        type,
        [rows, columns],
        Array.from({ length: rows * columns }, (_, at) => each(angle(Math.floor(at / columns), at % columns))),
      ),
    );
  return [table(Math.cos), table((each) => sign * Math.sin(each))];
}

const times = (b: Builder, x: Value, matrix: Value): Value => {
  const flat = b.op("Reshape", [x, b.concat([b.ints([-1]), b.dim(x, x.rank - 1)], 0)]);
  const product = b.op("MatMul", [flat, matrix], { transpose_a: false, transpose_b: false });
  const lead = x.shape.slice(0, -1).map((_, i) => b.dim(x, i));
  return b.op("Reshape", [product, b.concat([...lead, b.dim(matrix, 1)], 0)]);
};

/** The last axis cut or filled up with zeroes to `length`. */
function fitted(b: Builder, x: Value, length: number, at: At): Value {
  const last = x.shape[x.rank - 1];
  if (typeof last !== "number")
    throw at.unsupported("a Fourier transform over an axis of unknown length", "give the input's shape with --input");
  if (last === length) return x;
  const axis = x.rank - 1;
  if (last > length)
    return b.slice(
      x,
      x.shape.map(() => 0),
      x.shape.map((_, i) => (i === axis ? length : -1)),
    );
  const pads = x.shape.flatMap((_, i) => (i === axis ? [0, length - last] : [0, 0]));
  return b.op("PadV2", [x, b.reshape(b.ints(pads), [x.rank, 2]), number(b, x, 0)]);
}

function lengthOf(value: Value, at: At): number {
  const [length = 0] = at.numbers(value, "the length").slice(-1);
  if (length > maxLength) throw at.unsupported(`a Fourier transform of ${length} points, more than ${maxLength}`);
  return length;
}

/** Of real numbers: frequencies 0 … n / 2. */
function rfft(b: Builder, x: Value, length: number, at: At): Value {
  const signal = fitted(b, x, length, at);
  const [cosines, sines] = waves(b, length, length, Math.floor(length / 2) + 1, -1, x.dtype);
  return complex(b, times(b, signal, cosines), times(b, signal, sines));
}

/** Back to real numbers: every frequency but the first and the middle one stands for its mirror image too. */
function irfft(b: Builder, x: Value, length: number, at: At): Value {
  const half = Math.floor(length / 2) + 1;
  const [real, imaginary] = partsOf(b, x).map((part) => fitted(b, part, half, at)) as unknown as Pair;
  const weights = Array.from({ length: half }, (_, k) => (k === 0 || 2 * k === length ? 1 : 2) / length);
  const weigh = (part: Value) => b.op("Mul", [part, b.constant(tensorOf(part.dtype, [half], weights))]);
  const [cosines, sines] = waves(b, length, half, length, -1, real.dtype);
  return b.op("AddV2", [times(b, weigh(real), cosines), times(b, weigh(imaginary), sines)]);
}

/** Of complex numbers, or back. */
function fft(b: Builder, x: Value, sign: 1 | -1, at: At): Value {
  const length = x.shape[x.rank - 1];
  if (typeof length !== "number" || length > maxLength)
    throw at.unsupported(`a Fourier transform of ${typeof length === "number" ? length : "unknown"} points`);
  const [real, imaginary] = partsOf(b, x);
  const [cosines, sines] = waves(b, length, length, length, sign, real.dtype);
  const scale = (part: Value) => (sign === 1 ? b.op("Mul", [part, number(b, part, 1 / length)]) : part);
  const minus = b.op("Sub", [times(b, real, cosines), times(b, imaginary, sines)]);
  const plus = b.op("AddV2", [times(b, real, sines), times(b, imaginary, cosines)]);
  return complex(b, scale(minus), scale(plus));
}

const part = (op: string, of: (b: Builder, pair: Pair) => Value): Rule =>
  tfRule(op, [1, 1], { Tout: dtype("float32") }, (b, [x]) => [of(b, partsOf(b, x))]);

/** A transform over an axis of a length that an input tells. */
const sized = (op: string, each: (b: Builder, x: Value, length: number, at: At) => Value): Rule =>
  tfRule(op, [2, 2], {}, (b, [x, length], _, at) => [each(b, x, lengthOf(length, at), at)], { parameters: [1] });

/** The last two axes exchanged. */
const swapped = (rank: number): number[] => [...Array.from({ length: rank - 2 }, (_, i) => i), rank - 1, rank - 2];

/** A transform over the axis before the last. */
function alongRows(b: Builder, x: Value, each: (turned: Value) => Value): Value {
  const turn = (value: Value) => {
    const [real, imaginary] = partsOf(b, value);
    return complex(b, b.transpose(real, swapped(real.rank)), b.transpose(imaginary, swapped(real.rank)));
  };
  return turn(each(turn(x)));
}

type Size = readonly [rows: number, columns: number];

const sized2d = (op: string, each: (b: Builder, x: Value, size: Size, at: At) => Value): Rule =>
  tfRule(
    op,
    [2, 2],
    {},
    (b, [x, size], _, at) => {
      const sizes = at.numbers(size, "the lengths");
      if (sizes.length !== 2 || sizes.some((length) => length > maxLength))
        throw at.unsupported(`a Fourier transform of ${sizes.join("×")} points, more than ${maxLength} a side`);
      return [each(b, x, sizes as unknown as Size, at)];
    },
    { parameters: [1] },
  );

export const complexes: readonly Rule[] = [
  tfRule("Complex", [2, 2], {}, (b, [real, imaginary]) => [complex(b, real, imaginary)]),
  part("Real", (_, [real]) => real),
  part("Imag", (_, [, imaginary]) => imaginary),
  part("Angle", (b, [real, imaginary]) => b.op("Atan2", [imaginary, real])),
  part("ComplexAbs", (b, [real, imaginary]) =>
    b.op("Sqrt", [b.op("AddV2", [b.op("Square", [real]), b.op("Square", [imaginary])])]),
  ),
  tfRule("Conj", [1, 1], {}, (b, [x]) => {
    if (!isComplex(x.dtype)) return [x];
    const [real, imaginary] = partsOf(b, x);
    return [complex(b, real, b.op("Neg", [imaginary]))];
  }),
  sized("RFFT", rfft),
  sized("IRFFT", irfft),
  tfRule("FFT", [1, 1], {}, (b, [x], _, at) => [fft(b, x, -1, at)]),
  tfRule("IFFT", [1, 1], {}, (b, [x], _, at) => [fft(b, x, 1, at)]),
  tfRule("FFT2D", [1, 1], {}, (b, [x], _, at) => [alongRows(b, fft(b, x, -1, at), (turned) => fft(b, turned, -1, at))]),
  tfRule("IFFT2D", [1, 1], {}, (b, [x], _, at) => [alongRows(b, fft(b, x, 1, at), (turned) => fft(b, turned, 1, at))]),
  sized2d("RFFT2D", (b, x, [rows, columns], at) => {
    const sized = b.transpose(fitted(b, b.transpose(x, swapped(x.rank)), rows, at), swapped(x.rank));
    return alongRows(b, rfft(b, sized, columns, at), (turned) => fft(b, turned, -1, at));
  }),
  sized2d("IRFFT2D", (b, x, [rows, columns], at) => {
    const [real, imaginary] = partsOf(b, x).map((part) =>
      b.transpose(fitted(b, b.transpose(part, swapped(x.rank)), rows, at), swapped(x.rank)),
    ) as unknown as Pair;
    const inner = alongRows(b, complex(b, real, imaginary), (turned) => fft(b, turned, 1, at));
    return irfft(b, inner, columns, at);
  }),
];
