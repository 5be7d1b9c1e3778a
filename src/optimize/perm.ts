/** Permutations of axes: axis i of the result is axis perm[i] of the input. */
import type { Node, Shape, Value } from "../graph/graph.ts";
import { numbersOf } from "../graph/tensor.ts";
import { constantOf } from "../tf/op.ts";

export type Perm = readonly number[];

/** The permutation of a Transpose; undefined where it is computed. */
export function permOf(node: Node): Perm | undefined {
  const tensor = node.op === "Transpose" ? constantOf(node.inputs[1]!) : undefined;
  return tensor && numbersOf(tensor);
}

/** What a transposed value is made of, and how. */
export function transposed(value: Value): { readonly x: Value; readonly perm: Perm } | undefined {
  const perm = permOf(value.node);
  return perm && { x: value.node.inputs[0]!, perm };
}

export const isIdentity = (perm: Perm): boolean => perm.every((axis, i) => axis === i);
export const samePerm = (a: Perm, b: Perm): boolean => a.length === b.length && a.every((axis, i) => axis === b[i]);
/** First `inner`, then `outer`. */
export const compose = (inner: Perm, outer: Perm): Perm => outer.map((axis) => inner[axis]!);

export function inverse(perm: Perm): Perm {
  const back = new Array<number>(perm.length);
  perm.forEach((axis, i) => {
    back[axis] = i;
  });
  return back;
}

/** Does the permutation leave the order of all axes that are not of size 1? Then it only reshapes. */
export function onlyMovesOnes(perm: Perm, shape: Shape): boolean {
  const moved = perm.filter((axis) => shape[axis] !== 1);
  return moved.every((axis, i) => i === 0 || axis > moved[i - 1]!);
}

/** The permutation that is left when result axes are taken away, and with them the input axes behind them. */
export function without(perm: Perm, axes: readonly number[]): Perm {
  const gone = new Set(axes);
  const kept = perm.filter((_, i) => !gone.has(i));
  const rank = [...kept].sort((a, b) => a - b);
  return kept.map((axis) => rank.indexOf(axis));
}
