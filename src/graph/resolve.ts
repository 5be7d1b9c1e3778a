/** Where the value of a source is found in the target: itself, or a live value that dead Transposes and Reshapes were over. */
import type { Node, Shape, Value } from "./graph.ts";
import { isStored, numbersOf, type StoredTensor, type Tensor } from "./tensor.ts";
import { isView } from "./views.ts";

export interface Resolved {
  readonly value: Value;
  /** What was asked for = transpose(value, perm), before it is reshaped. */
  readonly perm?: readonly number[];
  /** What was asked for has the elements, once transposed, in the same order under another shape. */
  readonly reshaped: boolean;
  /** False: a cast lies between, or a transposition of what was reshaped. */
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
      if (step) perm = perm ? perm.map((axis) => step[axis]!) : step;
      else if (perm && !isIdentity(perm)) {
        const inner = beforeReshape(at, perm);
        if (inner) [perm, reshaped] = [inner, true];
        else exact = false;
      } else [perm, reshaped] = [undefined, true];
    }
    at = x;
  }
  if (!exact) return { value: at, reshaped: false, exact };
  return !perm || isIdentity(perm) ? { value: at, reshaped, exact } : { value: at, perm, reshaped, exact };
}

/** The permutation before a Reshape that adds or drops only axes of size 1; what it dropped goes to the end, where it changes nothing. */
function beforeReshape({ node, type }: Value, perm: readonly number[]): readonly number[] | undefined {
  const from = node.inputs[0]!.type.shape;
  const origins = from && type.shape && (squeezed(node, from.length) ?? axisOrigins(from, type.shape));
  if (!origins) return undefined;
  const kept = perm.map((axis) => origins[axis]).filter((axis) => axis !== undefined);
  return [...kept, ...from.map((_, axis) => axis).filter((axis) => !kept.includes(axis))];
}

/** For each axis that a Squeeze leaves the one it was, whatever its size. */
function squeezed({ op, attrs }: Node, rank: number): readonly number[] | undefined {
  const dropped = op === "Squeeze" ? (attrs["squeeze_dims"] as readonly number[] | undefined) : undefined;
  if (!dropped?.length) return undefined;
  const gone = dropped.map((axis) => (axis < 0 ? axis + rank : axis));
  return Array.from({ length: rank }, (_, axis) => axis).filter((axis) => !gone.includes(axis));
}

/** For each axis of `to` the one of `from` it was, undefined for an added 1; nothing where other axes changed too. */
function axisOrigins(from: Shape, to: Shape): readonly (number | undefined)[] | undefined {
  const [old, now] = [from, to].map((shape) => shape.flatMap((dim, axis) => (dim === 1 ? [] : [axis]))) as [number[], number[]];
  const alike = old.length === now.length && old.every((axis, i) => from[axis] !== undefined && from[axis] === to[now[i]!]);
  return alike ? to.map((_, axis) => old[now.indexOf(axis)]) : undefined;
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
