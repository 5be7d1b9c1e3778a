/** Einsum's equations made explicit: no ellipsis, no blanks, an output. */
import type { At } from "./rule.ts";

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** `...ij,jk` → `abij,jk->abik`: labels that the equation does not use stand for the dims of the ellipsis. */
export function explicitEquation(equation: string, ranks: readonly number[], at: At): string {
  const [left = "", right] = equation.replace(/\s+/g, "").split("->");
  const terms = left.split(",");
  if (terms.length !== ranks.length)
    throw at.invalid(`an equation of ${terms.length} terms over ${ranks.length} inputs: ${equation}`);
  const free = [...letters].filter((letter) => !equation.includes(letter));
  const spans = terms.map((term, i) => (term.includes("...") ? ranks[i]! - (term.length - 3) : 0));
  const widest = Math.max(0, ...spans);
  if (spans.some((span) => span < 0) || widest > free.length)
    throw at.invalid(`an equation that does not fit its inputs: ${equation}`);
  const ellipsis = free.slice(0, widest).join("");
  const inputs = terms.map((term, i) => term.replace("...", ellipsis.slice(widest - spans[i]!)));
  const output = right === undefined ? ellipsis + alone(terms) : right.replace("...", ellipsis);
  const known = new Set(inputs.join(""));
  if (
    /[^a-zA-Z]/.test(inputs.join("") + output) ||
    [...output].some((label) => !known.has(label)) ||
    inputs.some((term, i) => term.length !== ranks[i])
  )
    throw at.invalid(`an equation that does not fit its inputs: ${equation}`);
  return `${inputs.join(",")}->${output}`;
}

/** The labels that occur once, in alphabetical order: the output that is meant where none is written. */
function alone(terms: readonly string[]): string {
  const all = [...terms.join("").replaceAll(".", "")];
  return all
    .filter((label) => all.indexOf(label) === all.lastIndexOf(label))
    .sort()
    .join("");
}
