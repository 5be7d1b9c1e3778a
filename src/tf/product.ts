/**
 * Dims that are products: `7·batch·seq` is a symbol like any other, and it is taken apart again where a tensor that was flattened gets
 * its axes back. The dot is no character of ONNX's dim_param expressions, which stay opaque.
 */
import type { Dim, Shape } from "../graph/graph.ts";

interface Product {
  readonly count: number;
  readonly symbols: readonly string[];
}

const separator = "·";

function factors(dim: Dim): Product | undefined {
  if (dim === undefined) return undefined;
  if (typeof dim === "number") return { count: dim, symbols: [] };
  const [first, ...rest] = dim.split(separator);
  return rest.length > 0 && /^\d+$/.test(first!)
    ? { count: Number(first), symbols: rest }
    : { count: 1, symbols: [first!, ...rest] };
}

function toDim({ count, symbols }: Product): Dim {
  if (count === 0 || symbols.length === 0) return count;
  return [...(count === 1 ? [] : [count]), ...[...symbols].sort()].join(separator);
}

/** The product of dims; undefined where one is unknown. */
export function productOf(dims: Shape): Dim {
  const all = dims.map(factors);
  if (!all.every((each) => each !== undefined)) return undefined;
  return toDim({ count: all.reduce((product, { count }) => product * count, 1), symbols: all.flatMap(({ symbols }) => symbols) });
}

/** `of` without the factors of `by`: a number, a symbol, or undefined where that cannot be told; NaN or a fraction as a number is. */
export function quotientOf(of: Shape, by: Shape): Dim {
  const [whole, part] = [factors(productOf(of)), factors(productOf(by))];
  if (!whole || !part) return undefined;
  const symbols = [...whole.symbols];
  for (const symbol of part.symbols) {
    const at = symbols.indexOf(symbol);
    if (at < 0) return undefined;
    symbols.splice(at, 1);
  }
  const count = whole.count / part.count;
  if (symbols.length === 0) return count;
  return Number.isInteger(count) && count > 0 ? toDim({ count, symbols }) : undefined;
}
