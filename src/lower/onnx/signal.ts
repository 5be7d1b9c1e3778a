/** Windows, DFT, STFT and MelWeightMatrix. A transform is a product with a constant matrix: exact for every length, on every backend. */
import { type DType, isFloat } from "../../base/dtype.ts";
import type { Value } from "../../graph/graph.ts";
import { tensorOf } from "../../graph/tensor.ts";
import type { Builder } from "../../tf/build.ts";
import { normalAxis } from "../../tf/op.ts";
import { type At, type Rule, rule } from "../rule.ts";
import { bool, int, onnxType } from "../schema.ts";
import { Arithmetic } from "./arithmetic.ts";
import { asScalar, knownNumbers } from "./axis.ts";
import { countTo, reshapeToSizes, type Size, sizeAt, sizeVector } from "./dims.ts";

/** Longest transform by matrices: they hold the square of this many numbers. */
const maxLength = 4096;

/** Σ ±aᵢ · cos(2πi·n / N) of `size` points; N is one less unless the window is periodic. */
function cosineWindow(coefficients: readonly number[]) {
  return (b: Builder, sizeInput: Value, periodic: boolean, dtype: DType): Value => {
    const m = new Arithmetic(b);
    const size = b.reshape(b.cast(sizeInput, "int32"), [1]);
    const period = periodic ? m.float(size) : m.sub(m.float(size), 1);
    const n = m.float(countTo(b, size));
    const terms = coefficients.map((a, i) =>
      i === 0 ? m.number(a) : m.mul(b.op("Cos", [m.mul(m.div(n, period), 2 * Math.PI * i)]), i % 2 === 0 ? a : -a),
    );
    return b.cast(
      terms.reduce((sum, term) => m.add(sum, term)),
      dtype,
    );
  };
}

/** Real and imaginary part of the transform of `length` points, of which `taken` are given: each [taken, kept]. */
function matrices(
  b: Builder,
  dtype: DType,
  taken: number,
  length: number,
  kept: number,
  inverse: boolean,
  window?: readonly number[],
): readonly [Value, Value] {
  const [real, imaginary] = [new Float32Array(taken * kept), new Float32Array(taken * kept)];
  const scale = inverse ? 1 / length : 1;
  for (let n = 0; n < taken; n++)
    for (let k = 0; k < kept; k++) {
      // The product is reduced first: the angle of a large one loses digits.
      const angle = (2 * Math.PI * ((n * k) % length)) / length;
      const size = scale * (window?.[n] ?? 1);
      real[n * kept + k] = size * Math.cos(angle);
      imaginary[n * kept + k] = size * (inverse ? Math.sin(angle) : -Math.sin(angle));
    }
  const constant = (data: Float32Array) => b.constant(tensorOf(dtype, [taken, kept], data));
  return [constant(real), constant(imaginary)];
}

/** x [..., taken] or its two parts times the matrices: [..., kept, 2]. */
function transform(b: Builder, parts: readonly Value[], [real, imaginary]: readonly [Value, Value]): Value {
  const [x, y] = parts as [Value, Value | undefined];
  const times = (value: Value, matrix: Value) => {
    const lead = value.shape.slice(0, -1).map((_, i) => sizeAt(b, value, i));
    const rows = b.reshape(value, [-1, matrix.shape[0] as number]);
    return reshapeToSizes(b, b.op("MatMul", [rows, matrix]), [...lead, matrix.shape[1] as number]);
  };
  const p = y ? b.op("Sub", [times(x, real), times(y, imaginary)]) : times(x, real);
  const q = y ? b.op("AddV2", [times(x, imaginary), times(y, real)]) : times(x, imaginary);
  return b.op("Pack", [p, q], { axis: p.rank, N: 2 });
}

/** The last axis holds the real and perhaps the imaginary part. */
function partsOf(b: Builder, x: Value, at: At): readonly Value[] {
  const parts = x.shape[x.rank - 1];
  if (typeof parts !== "number")
    throw at.unsupported("a signal of which nothing says whether it is complex", "give the input's shape with --input");
  if (parts !== 1 && parts !== 2) throw at.invalid(`a signal of ${parts} parts`);
  return b.ops("Unpack", [x], { num: parts, axis: x.rank - 1 });
}

interface DftAttrs {
  readonly inverse: boolean;
  readonly onesided: boolean;
}

/** What is known before the run becomes a product with matrices; the rest is computed point by point. */
function dft(b: Builder, x: Value, lengthInput: Value | undefined, axisInput: Value, a: DftAttrs, at: At): Value {
  const [axisGiven] = knownNumbers(axisInput) ?? [];
  const axis = axisGiven === undefined ? undefined : normalAxis(axisGiven, x.rank);
  if (axis === x.rank - 1) throw at.invalid(`a transform over the parts: axis ${axisGiven}`);
  const size = axis === undefined ? undefined : x.shape[axis];
  const length = lengthInput ? knownNumbers(lengthInput)?.[0] : size;
  const isKnown = axis !== undefined && typeof size === "number" && typeof length === "number";
  if (!isKnown || size > maxLength || length > maxLength) return fourier(b, x, lengthInput, axisInput, a);
  const parts = partsOf(b, x, at);
  if (a.onesided && a.inverse) return inverseOneSided(b, parts, axis, size, lengthInput ? length : 2 * (size - 1));
  const last = (value: Value) => toLast(b, value, axis);
  const kept = a.onesided ? Math.floor(length / 2) + 1 : length;
  const taken = Math.min(size, length);
  const cut = parts.map(last).map((part) =>
    taken < size
      ? b.slice(
          part,
          part.shape.map(() => 0),
          part.shape.map((_, i) => (i === part.rank - 1 ? taken : -1)),
        )
      : part,
  );
  return fromLast(b, transform(b, cut, matrices(b, x.dtype, taken, length, kept, a.inverse)), axis);
}

function fourier(b: Builder, x: Value, length: Value | undefined, axis: Value, { inverse, onesided }: DftAttrs): Value {
  const int = (value: Value) => b.cast(asScalar(b, value), "int32");
  const points = length ? int(length) : b.scalar("int32", 0);
  return b.cast(b.op("FourierAlong", [b.cast(x, "float32"), points, int(axis)], { inverse, onesided }), x.dtype);
}

/** Half a spectrum back to real numbers: the missing half is the conjugate of what is there. */
function inverseOneSided(b: Builder, parts: readonly Value[], axis: number, size: number, length: number): Value {
  const taken = Math.min(size, Math.floor(length / 2) + 1);
  const [real, imaginary] = [new Float32Array(taken * length), new Float32Array(taken * length)];
  for (let k = 0; k < taken; k++)
    for (let n = 0; n < length; n++) {
      const twice = k === 0 || 2 * k === length ? 1 : 2;
      const angle = (2 * Math.PI * ((n * k) % length)) / length;
      real[k * length + n] = (twice * Math.cos(angle)) / length;
      imaginary[k * length + n] = (-twice * Math.sin(angle)) / length;
    }
  const [x, y] = parts.map((part) => toLast(b, part, axis));
  const term = (value: Value, data: Float32Array) => {
    const rows =
      taken < size
        ? b.slice(
            value,
            value.shape.map(() => 0),
            value.shape.map((_, i) => (i === value.rank - 1 ? taken : -1)),
          )
        : value;
    const lead = rows.shape.slice(0, -1).map((_, i) => sizeAt(b, rows, i));
    const product = b.op("MatMul", [b.reshape(rows, [-1, taken]), b.constant(tensorOf(value.dtype, [taken, length], data))]);
    return reshapeToSizes(b, product, [...lead, length]);
  };
  const sum = y ? b.op("AddV2", [term(x!, real), term(y, imaginary)]) : term(x!, real);
  return fromLast(b, b.op("ExpandDims", [sum, b.scalar("int32", -1)]), axis);
}

/** Moves `axis` behind the others. */
function toLast(b: Builder, x: Value, axis: number): Value {
  return b.transpose(x, [...x.shape.map((_, i) => i).filter((i) => i !== axis), axis]);
}

/** Moves the last axis but one, the transformed one, back to `axis`. */
function fromLast(b: Builder, x: Value, axis: number): Value {
  const others = x.shape.map((_, i) => i).slice(0, -2);
  return b.transpose(x, [...others.slice(0, axis), x.rank - 2, ...others.slice(axis), x.rank - 1]);
}

function stft(
  b: Builder,
  signal: Value,
  stepInput: Value,
  windowInput: Value | undefined,
  lengthInput: Value | undefined,
  onesided: boolean,
  at: At,
): Value {
  if (!windowInput && !lengthInput) throw at.invalid("neither a window nor a frame_length");
  const size = sizeAt(b, signal, 1);
  const [step] = knownNumbers(stepInput) ?? [];
  const length = lengthInput ? knownNumbers(lengthInput)?.[0] : windowInput?.shape[0];
  const places =
    typeof size === "number" && step !== undefined && typeof length === "number"
      ? framesOf(b, size, step, length, at)
      : framesComputed(b, size, stepInput, lengthInput ?? b.op("Size", [windowInput!], { out_type: "int32" }));
  const whole = signal.rank === 2 ? b.op("ExpandDims", [signal, b.scalar("int32", 2)]) : signal;
  const parts = partsOf(b, whole, at).map((part) => b.gather(part, places, 1));
  const windowed = windowInput ? parts.map((part) => b.op("Mul", [part, b.cast(windowInput, part.dtype)])) : parts;
  if (typeof length !== "number" || length > maxLength) {
    const frames = b.op("Pack", windowed, { axis: 3, N: windowed.length });
    return fourier(b, frames, undefined, b.scalar("int32", 2), { inverse: false, onesided });
  }
  const kept = onesided ? Math.floor(length / 2) + 1 : length;
  return transform(b, windowed, matrices(b, signal.dtype, length, length, kept, false));
}

/** Places in the signal: [frames, length]. */
function framesOf(b: Builder, size: number, step: number, length: number, at: At): Value {
  const frames = Math.floor((size - length) / step) + 1;
  if (frames < 1) throw at.invalid(`frames of ${length} in a signal of ${size}`);
  const index = Array.from({ length: frames * length }, (_, i) => Math.floor(i / length) * step + (i % length));
  return b.constant(tensorOf("int32", [frames, length], index));
}

function framesComputed(b: Builder, size: Size, stepInput: Value, lengthInput: Value): Value {
  const vector = (value: Value) => b.reshape(b.cast(value, "int32"), [1]);
  const [step, length] = [vector(stepInput), vector(lengthInput)];
  const room = b.op("Sub", [sizeVector(b, size), length]);
  const frames = b.op("AddV2", [b.op("FloorDiv", [room, step]), b.ints([1])]);
  const starts = b.op("Mul", [countTo(b, frames), step]);
  return b.op("AddV2", [b.op("ExpandDims", [starts, b.scalar("int32", 1)]), countTo(b, length)]);
}

const mel = (hertz: number): number => 2595 * Math.log10(1 + hertz / 700);

/** Triangles over the spectrum, evenly spaced on the mel scale: [dft_length / 2 + 1, bins]. */
function melWeights(b: Builder, inputs: readonly Value[], dtype: DType, at: At): Value {
  const [bins, length, rate, lower, upper] = inputs.map((input) => at.numbers(input)[0]!) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const spectrum = Math.floor(length / 2) + 1;
  const [low, high] = [mel(lower), mel(upper)];
  const edges = Array.from({ length: bins + 2 }, (_, i) => {
    // ONNX divides by the number of edges, not of steps between them.
    const hertz = 700 * (10 ** ((low + (i * (high - low)) / (bins + 2)) / 2595) - 1);
    return Math.floor(((length + 1) * hertz) / rate);
  });
  const weights = new Float64Array(spectrum * bins);
  for (let i = 0; i < bins; i++) {
    const [start, peak, end] = edges.slice(i, i + 3) as [number, number, number];
    if (start === peak) weights[peak * bins + i] = 1;
    else for (let j = start; j <= peak && j < spectrum; j++) weights[j * bins + i] = (j - start) / (peak - start);
    if (peak !== end) for (let j = peak; j < end && j < spectrum; j++) weights[j * bins + i] = (end - j) / (end - peak);
  }
  return b.constant(tensorOf(dtype, [spectrum, bins], weights));
}

const windowRule = (op: string, coefficients: readonly number[]): Rule => {
  const make = cosineWindow(coefficients);
  return rule(
    op,
    { since: 17, arity: [1, 1], attrs: { output_datatype: onnxType("float32"), periodic: bool(true) } },
    (b, [size], a) => [make(b, size, a.periodic, a.output_datatype ?? "float32")],
  );
};

const dftAttrs = { inverse: bool(false), onesided: bool(false) };

export const signals: readonly Rule[] = [
  windowRule("HannWindow", [0.5, 0.5]),
  windowRule("HammingWindow", [25 / 46, 21 / 46]),
  windowRule("BlackmanWindow", [0.42, 0.5, 0.08]),
  rule("DFT", { since: 17, arity: [1, 2], attrs: { ...dftAttrs, axis: int(1) } }, (b, [x, length], a, at) => [
    dft(b, x, length, b.scalar("int32", a.axis), a, at),
  ]),
  rule("DFT", { since: 20, arity: [1, 3], attrs: dftAttrs }, (b, [x, length, axis], a, at) => [
    dft(b, x, length, axis ?? b.scalar("int32", -2), a, at),
  ]),
  rule("STFT", { since: 17, arity: [2, 4], attrs: { onesided: bool(true) } }, (b, [x, step, window, length], a, at) => [
    stft(b, x, step, window, length, a.onesided, at),
  ]),
  rule("MelWeightMatrix", { since: 17, arity: [5, 5], attrs: { output_datatype: onnxType("float32") } }, (b, inputs, a, at) => {
    const dtype = a.output_datatype ?? "float32";
    if (!isFloat(dtype)) throw at.unsupported(`a mel matrix of ${dtype}`);
    return [melWeights(b, inputs, dtype, at)];
  }),
];
