/** Scalar functions that Math lacks. */

/** Half to even, as TensorFlow's Round and ONNX's. */
export function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const diff = x - floor;
  if (diff < 0.5) return floor;
  if (diff > 0.5) return floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

export const sigmoid = (x: number): number => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)));

export const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

const seluAlpha = 1.6732632423543772;
const seluScale = 1.0507009873554805;
export const selu = (x: number): number => seluScale * (x < 0 ? seluAlpha * Math.expm1(x) : x);

/** Sign of the divisor, as TensorFlow's FloorMod and Python's %. */
export function floorMod(x: number, y: number): number {
  const r = x % y;
  return r !== 0 && r < 0 !== y < 0 ? r + y : r;
}

/** C's pow: 1 to any power and anything to the power 0 are 1, NaN included. */
export const power = (x: number, y: number): number => (x === 1 || y === 0 ? 1 : x ** y);

/** Error function to about 1e-15: a series near 0, a continued fraction (Lentz) further out. */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (Number.isNaN(x)) return x;
  if (a > 6) return Math.sign(x);
  if (a < 2.5) {
    let term = a;
    let sum = a;
    for (let n = 1; Math.abs(term) > 1e-17 * sum; n++) {
      term *= (-a * a) / n;
      sum += term / (2 * n + 1);
      if (n > 200) break;
    }
    return Math.sign(x) * (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = a;
  for (let k = 60; k > 0; k--) fraction = a + k / 2 / fraction;
  return Math.sign(x) * (1 - Math.exp(-a * a) / (Math.sqrt(Math.PI) * fraction));
}
