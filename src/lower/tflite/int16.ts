/**
 * Functions of 16-bit codes, which TFLite's kernels look up in tables of lines: further from the function than a step of such codes is wide.
 * All that is computed here are whole numbers in float32, as good as exact.
 */
import type { Value } from "../../graph/graph.ts";
import { tensorOf } from "../../graph/tensor.ts";
import type { Builder } from "../../tf/build.ts";
import { constantOf } from "../../tf/op.ts";
import type { At } from "../rule.ts";
import { fixedLogistic, fixedTanh } from "./fixed-point.ts";
import { quantizationOf, scaled } from "./quantized.ts";

const least = -(2 ** 15);
const greatest = 2 ** 15 - 1;
/** Codes between two knots of a table. */
const width = 128;
const knots = 2 ** 16 / width;

/** Codes of a symmetric 16-bit input as whole numbers, and the scales of input and output; undefined for anything else, and in floats. */
export interface Codes16 {
  readonly codes: Value;
  readonly input: number;
  readonly output: number;
}

export function codes16(b: Builder, x: Value, at: At): Codes16 | undefined {
  const [input, output] = [at.given(0), at.declared()];
  const [from, to] = [quantizationOf(input), quantizationOf(output)];
  if (at.quantized === "float" || !from || !to || input?.dtype !== "int16" || output?.dtype !== "int16") return undefined;
  if ([from, to].some(({ scale, zeroPoint }) => scale.length !== 1 || zeroPoint[0] !== 0)) return undefined;
  const { value, scale } = scaled(b, x);
  return scale && constantOf(scale)
    ? { codes: value, input: Math.fround(from.scale[0]!), output: Math.fround(to.scale[0]!) }
    : undefined;
}

const number = (b: Builder, value: number): Value => b.scalar("float32", value);
const plus = (b: Builder, x: Value, value: number): Value => b.op("AddV2", [x, number(b, value)]);
const times = (b: Builder, x: Value, value: number): Value => b.op("Mul", [x, number(b, value)]);
const floor = (b: Builder, x: Value): Value => b.op("Floor", [x]);
const within = (b: Builder, x: Value): Value => b.op("ClipByValue", [x, number(b, least), number(b, greatest)]);

/** Half away from 0, as C rounds. */
const round = (x: number): number => Math.sign(x) * Math.floor(Math.abs(x) + 0.5);
const kept = (x: number): number => Math.min(Math.max(x, least), greatest);
const wrapped = (x: number): number => (x << 16) >> 16;

/** Knots that halve the error in the middle between them. `zero`: the code of 0. In float32, as TFLite makes them. */
function tableOf(input: number, zero: number, output: number, of: (x: number) => number): number[] {
  const f = Math.fround;
  const first = f(input * (least - zero));
  const last = f(input * (greatest - zero));
  const step = f(f(last - first) / knots);
  const inverse = f(2 ** 16 / f(f(output * greatest) - f(output * least)));
  const at = (x: number) => f(f(of(f(x))) * inverse);
  const table = Array.from({ length: knots }, (_, i) => {
    const from = f(first + f(i * step));
    const value = round(at(from));
    const middle = round((at(f(first + f((i + 1) * step))) + value) / 2) - round(at(f(from + step / 2)));
    return kept(value - round(middle / 2));
  });
  return [...table, kept(round(at(last)))];
}

/** On the line between the two knots that a code lies between. */
function lookedUp(b: Builder, codes: Value, table: readonly number[]): Value {
  const slopes = table.slice(1).map((knot, i) => wrapped(knot - table[i]!));
  const moved = plus(b, codes, -least);
  const place = floor(b, times(b, moved, 1 / width));
  const index = b.cast(place, "int32");
  const pick = (list: readonly number[]) => b.gather(b.constant(tensorOf("float32", [list.length], list)), index, 0);
  const offset = b.op("Sub", [moved, times(b, place, width)]);
  const rise = b.op("Mul", [pick(slopes), offset]);
  return b.op("AddV2", [pick(table.slice(0, knots)), floor(b, times(b, plus(b, rise, width / 2), 1 / width))]);
}

/** A function of one number, as LOG and EXP are. */
export function function16(b: Builder, { codes, input, output }: Codes16, of: (x: number, least: number) => number): Value {
  const lowest = output * least;
  return times(
    b,
    lookedUp(
      b,
      codes,
      tableOf(input, 0, output, (x) => of(x, lowest)),
    ),
    output,
  );
}

/** Codes in the table of the logistic function for 1/24, of which tanh(x) = 2σ(2x) − 1 takes two. */
const perUnit = 48;
const sigmoidKnots = 256;

/** How far a scale is above 2^−12, for which there are kernels in fixed point, in powers of two; a little off, as the kernels take it. */
function stepsAbove(input: number): number | undefined {
  const power = Math.log2(input);
  return Math.abs(power - Math.round(power)) < 1e-3 ? Math.round(power) + 12 : undefined;
}

/** What a kernel in fixed point makes of the size of each code; −2^15 is as far as its neighbour. */
function fixed(b: Builder, size: Value, of: (code: number) => number): Value {
  const table = Array.from({ length: greatest + 1 }, (_, code) => of(code));
  const numbers = b.cast(b.constant(tensorOf("int16", [table.length], table)), "float32");
  return b.gather(numbers, b.cast(b.op("Minimum", [size, number(b, greatest)]), "int32"), 0);
}

export function logistic16(b: Builder, { codes, input, output }: Codes16): Value | undefined {
  if (stepsAbove(input) !== 0) return undefined;
  const value = fixed(b, b.op("Abs", [codes]), fixedLogistic);
  const below = b.op("Sub", [number(b, greatest), value]);
  return times(b, b.op("SelectV2", [b.op("Less", [codes, number(b, 0)]), below, value]), output);
}

export function tanh16(b: Builder, known: Codes16): Value {
  const { codes, input, output } = known;
  const steps = stepsAbove(input);
  if (steps !== 0 && steps !== 1) return interpolatedTanh(b, known);
  const value = fixed(b, times(b, b.op("Abs", [codes]), 2 ** steps), fixedTanh);
  return times(b, b.op("Mul", [b.op("Sign", [codes]), value]), output);
}

/** By a table of the logistic function. */
function interpolatedTanh(b: Builder, { codes, input, output }: Codes16): Value {
  let [factor, shift] = [input * perUnit * sigmoidKnots, 0];
  for (; factor <= greatest / 2 && shift <= 30; shift++) factor *= 2;
  const table = Array.from({ length: sigmoidKnots + 1 }, (_, i) =>
    i >= sigmoidKnots - 1 ? 2 ** 16 - 1 : Math.round(2 ** 16 / (1 + Math.exp(-i / 24))),
  );
  const turned = floor(b, plus(b, times(b, codes, Math.trunc(factor) / 2 ** shift), 0.5));
  const size = b.op("Minimum", [b.op("Abs", [turned]), number(b, sigmoidKnots * (sigmoidKnots - 1))]);
  const place = floor(b, times(b, size, 1 / sigmoidKnots));
  const index = b.cast(place, "int32");
  const pick = (list: readonly number[]) => b.gather(b.constant(tensorOf("float32", [list.length], list)), index, 0);
  const rise = b.op("Mul", [
    pick(table.slice(1).map((knot, i) => knot - table[i]!)),
    b.op("Sub", [size, times(b, place, sigmoidKnots)]),
  ]);
  const height = b.op("AddV2", [times(b, pick(table.slice(0, sigmoidKnots)), sigmoidKnots), rise]);
  const half = floor(b, times(b, plus(b, height, sigmoidKnots / 2 - 2 ** 23), 1 / sigmoidKnots));
  return times(b, b.op("Mul", [b.op("Sign", [turned]), half]), output);
}

/** exp over [−10, 0] and 1 / (1 + x) over [0, 1] by tables; sums and their reciprocals in as many bits as the kernel has. */
export function softmax16(b: Builder, { codes, input, output }: Codes16, beta: number): Value {
  const range = 2 ** 16 - 1;
  const exponentials = tableOf(Math.fround(10 / range), greatest, Math.fround(2 / range), Math.exp);
  const reciprocals = tableOf(Math.fround(1 / range), least, Math.fround(2 / range), (x) => Math.fround(1 / (1 + x)));
  const last = [codes.rank - 1];
  const below = b.op("Sub", [codes, b.reduce("Max", codes, last, true)]);
  const places = b.op("Round", [times(b, below, (input * beta * range) / 10)]);
  const powers = lookedUp(b, within(b, plus(b, places, greatest)), exponentials);
  const sum = b.reduce("Sum", powers, last, true);
  // How many bits the sum has beyond 15.
  const limits = Array.from({ length: 16 }, (_, i) => 2 ** (15 + i));
  const reached = b.op("GreaterEqual", [sum, b.constant(tensorOf("float32", [limits.length], limits))]);
  const bits = b.cast(b.reduce("Sum", b.cast(reached, "int32"), last, true), "int32");
  const pick = (list: readonly number[]) => b.gather(b.constant(tensorOf("float32", [list.length], list)), bits, 0);
  const exponents = [...limits.keys(), limits.length];
  const filled = floor(b, plus(b, b.op("Mul", [sum, pick(exponents.map((bit) => 2 ** (2 - bit)))]), 0.5));
  const reciprocal = lookedUp(b, within(b, plus(b, filled, -(2 ** 15 + 2 ** 16))), reciprocals);
  const product = b.op("Mul", [b.op("Mul", [powers, reciprocal]), pick(exponents.map((bit) => 2 ** -(14 + bit)))]);
  return times(b, b.op("ClipByValue", [floor(b, plus(b, product, 0.5)), number(b, 0), number(b, greatest)]), output);
}
