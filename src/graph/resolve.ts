/** Where the value of a source is found in the target: itself, or a live value that dead Transposes and Reshapes were over. */
import type { Node, Shape, Value } from "./graph.ts";
import { isStored, numbersOf, type StoredTensor, type Tensor } from "./tensor.ts";
import { isView } from "./views.ts";

export interface Resolved {
  readonly value: Value;
  /** What was asked for = transpose(value, perm). */
  readonly perm?: readonly number[];
  /** What was asked for has the elements in the same order under another shape. */
  readonly reshaped: boolean;
  /** False: a cast lies between, or both a transposition and a reshape. */
  readonly exact: boolean;
}

/** Undefined where the value was computed by nodes that are gone. */
export function resolveView(value: Value, live: ReadonlySet<Node>): Resolved | undefined {
  let at = value;
  let perm: readonly number[] | undefined;
  let reshaped = false;
  let exact = true;
  while (!live.has(at.node)) {
    if (!isView(at.node)) return undefined;
    const x = at.node.inputs[0]!;
    if (at.node.op === "Cast") exact = false;
    else if (at.node.op !== "Identity") {
      const step = at.node.op === "Transpose" ? permOf(at.node) : onesMoved(x.type.shape, at.type.shape);
      if (step) perm = isIdentity(step) ? perm : perm ? perm.map((axis) => step[axis]!) : step;
      else reshaped = true;
    }
    at = x;
  }
  if (!perm || isIdentity(perm)) return { value: at, reshaped, exact };
  return reshaped ? { value: at, reshaped: false, exact: false } : { value: at, perm, reshaped, exact };
}

const isIdentity = (perm: readonly number[]): boolean => perm.every((axis, i) => axis === i);

function permOf(node: Node): readonly number[] | undefined {
  const tensor = node.inputs[1]!.node.attrs["value"] as Tensor | StoredTensor | undefined;
  return tensor && !isStored(tensor) ? numbersOf(tensor) : undefined;
}

/** The permutation that a Reshape amounts to where only axes of size 1 have moved. */
function onesMoved(from: Shape | undefined, to: Shape | undefined): readonly number[] | undefined {
  if (!from || !to || from.length !== to.length) return undefined;
  const axes = (shape: Shape, one: boolean) => shape.flatMap((dim, axis) => ((dim === 1) === one ? [axis] : []));
  const [kept, ones] = [axes(from, false), axes(from, true)];
  if (axes(to, false).length !== kept.length) return undefined;
  let [k, o] = [0, 0];
  const perm = to.map((dim) => (dim === 1 ? ones[o++]! : kept[k++]!));
  return perm.every((axis, i) => from[axis] !== undefined && from[axis] === to[i]) ? perm : undefined;
}
