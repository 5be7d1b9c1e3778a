/**
 * tanh and the logistic function in 16-bit fixed point, as TFLite computes them of inputs whose scale is 2^−12: an exponential by a Taylor
 * series and a chain of factors, a reciprocal by Newton's method, each rounded to 16 bits. They are up to 12 steps from the functions.
 *
 * Numbers are whole: n with i integer bits stands for n / 2^(15 − i).
 */

const one = 2 ** 15 - 1;
const kept = (x: number): number => Math.min(Math.max(x, -(2 ** 15)), one);
const wrapped = (x: number): number => (x << 16) >> 16;

/** A constant of 31 bits in 16. */
const constant = (x: number): number => Math.round(x / 2 ** 16);

/** The upper half of a doubled product, half away from 0. */
const times = (a: number, b: number): number => kept(Math.trunc((a * b + (a * b >= 0 ? 2 ** 14 : 1 - 2 ** 14)) / 2 ** 15));

/** Divided by a power of two, half away from 0. */
const shifted = (x: number, bits: number): number => Math.sign(x) * Math.floor((Math.abs(x) + 2 ** (bits - 1)) / 2 ** bits);

const raised = (x: number, bits: number): number => kept(x * 2 ** bits);

/** exp over [−1/4, 0), around −1/8; no integer bits. */
function exponentialNear0(a: number): number {
  const [middle, third] = [constant(1_895_147_668), constant(715_827_883)];
  const x = wrapped(a + 2 ** 12);
  const x2 = times(x, x);
  const x3 = times(x2, x);
  const x4 = times(x2, x2);
  const tail = shifted(wrapped(times(wrapped(shifted(x4, 2) + x3), third) + x2), 1);
  return kept(middle + times(middle, wrapped(x + tail)));
}

/** exp(−1/4), exp(−1/2), exp(−1), … in 31 bits. */
const factors = [1_672_461_947, 1_302_514_674, 790_015_084, 290_630_308, 39_332_535, 720_401];

/** exp of what is not above 0, of so many integer bits. */
function exponential(a: number, integerBits: number): number {
  if (a === 0) return one;
  const fraction = 15 - integerBits;
  const quarter = 2 ** (fraction - 2);
  const rest = (a & (quarter - 1)) - quarter;
  const whole = wrapped(rest - a);
  let result = exponentialNear0(raised(rest, integerBits));
  for (let i = 0; i < integerBits + 2; i++) if (whole & (quarter << i)) result = times(result, constant(factors[i]!));
  return result;
}

/** 2 / (1 + a) of a between 0 and 1; two integer bits. */
function reciprocal(a: number): number {
  const half = shifted(a + one, 1);
  let x = wrapped(constant(1_515_870_810) + times(half, constant(-1_010_580_540)));
  for (let i = 0; i < 3; i++) x = wrapped(x + raised(times(x, wrapped(2 ** 13 - times(half, x))), 2));
  return x;
}

/** tanh(code / 2^12) · 2^15. */
export function fixedTanh(code: number): number {
  if (code === 0) return 0;
  const size = raised(wrapped(reciprocal(exponential(-Math.abs(code), 4)) - 2 ** 13), 2);
  return code < 0 ? -size : size;
}

/** σ(code / 2^12) · 2^15. */
export function fixedLogistic(code: number): number {
  if (code === 0) return 2 ** 14;
  const value = raised(reciprocal(exponential(-Math.abs(code), 3)), 1);
  return code < 0 ? one - value : value;
}
