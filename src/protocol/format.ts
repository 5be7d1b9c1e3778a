/** Numbers, sizes and shapes in words, alike in the webview, the extension and the text. UI.md, "Words". */
import type { SourceDim } from "../graph/source.ts";
import type { TypeView } from "./views.ts";

const thin = "\u2009";
const minus = "\u2212";

/** `1 235 496` */
export function integer(value: number): string {
  const digits = Math.abs(Math.round(value)).toString();
  const groups = digits.replace(/\B(?=(\d{3})+$)/g, thin);
  return value <= -0.5 ? minus + groups : groups;
}

/** `1.24 M`: at most `figures` significant figures, never fewer than the whole part has. */
export function count(value: number, figures = 3): string {
  return scaled(value, figures, ["", "k", "M", "G", "T"], "");
}

/** `4.94 MB`, powers of 1000. */
export function bytes(value: number, figures = 3): string {
  return scaled(value, figures, ["", "k", "M", "G", "T"], "B");
}

function scaled(value: number, figures: number, prefixes: readonly string[], unit: string): string {
  let power = 0;
  let rest = Math.abs(value);
  // 999.9 k would round to 1000 k.
  while (power < prefixes.length - 1 && Number(rest.toFixed(decimals(rest, figures))) >= 1000) {
    rest /= 1000;
    power++;
  }
  const number = power === 0 ? integer(rest) : rest.toFixed(decimals(rest, figures));
  const suffix = `${prefixes[power]}${unit}`;
  return (value < 0 ? minus : "") + (suffix ? `${number} ${suffix}` : number);
}

const decimals = (value: number, figures: number): number => Math.max(0, figures - (value < 10 ? 1 : value < 100 ? 2 : 3));

/** `0.117`, `2.1e-6`, `NaN`: three significant figures unless told, no trailing zeros. */
export function decimal(value: number, figures = 3): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : `${minus}∞`;
  if (value === 0) return "0";
  const size = Math.abs(value);
  const text = size < 1e-3 || size >= 1e6 ? size.toExponential(figures - 1) : size.toPrecision(figures);
  const [mantissa, exponent] = text.includes("e") ? (text.split("e") as [string, string]) : [text, undefined];
  const short = mantissa.includes(".") ? mantissa.replace(/\.?0+$/, "") : mantissa;
  const power = exponent === undefined ? "" : `e${exponent.replace("+", "")}`;
  return (value < 0 ? minus : "") + short + power;
}

/** A float32 in as few digits as name it: an epsilon is `1e-5`, not 0.000009999999747378752. */
export function float(value: number): string {
  for (let figures = 6; figures <= 9; figures++) {
    const short = Number(value.toPrecision(figures));
    if (Math.fround(short) === Math.fround(value)) return String(short);
  }
  return String(value);
}

/** `1×3×224×224`, `batch×3×?`; `scalar` for rank 0. */
export function shape(dims: readonly SourceDim[]): string {
  return dims.length === 0 ? "scalar" : dims.map((dim) => dim ?? "?").join("×");
}

/** What an edge says: the shape, or what else is known; empty for nothing. */
export function edgeLabel(type: TypeView): string {
  return type.shape ? shape(type.shape) : (type.other ?? "");
}

/** `1 node`, `66 nodes` */
export function plural(value: number, noun: string, nouns = `${noun}s`): string {
  return `${integer(value)} ${value === 1 ? noun : nouns}`;
}

/** A share as `41.4 %`; `< 0.1 %` rather than nothing. */
export function percent(share: number): string {
  const value = share * 100;
  if (value > 0 && value < 0.1) return "< 0.1 %";
  return `${value.toFixed(value >= 99.95 || value === 0 ? 0 : 1)} %`;
}
