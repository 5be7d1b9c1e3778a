/** Transposes move down through Reshapes that split or join only axes that stay beside each other, and out of the way of Shape. */
import type { Dim, Shape, Value } from "../../graph/graph.ts";
import { productOf, quotientOf } from "../../tf/product.ts";
import { any, op } from "../pattern.ts";
import { permOf, transposed } from "../perm.ts";
import { openDims } from "../reshape.ts";
import { type Rewrite, rewrite, rewriteAt } from "../rewrite.ts";

/** Neighbouring axes before and after a Reshape that hold the same elements: [from, to) of each. */
interface Block {
  readonly before: readonly [number, number];
  readonly after: readonly [number, number];
}

const divides = (by: Dim): boolean => by !== undefined && (typeof by === "string" || Number.isInteger(by));

/** The smallest such blocks; undefined where unknown dims leave it open. */
function blocksOf(before: Shape, after: Shape): Block[] | undefined {
  const blocks: Block[] = [];
  let [i, j] = [0, 0];
  while (i < before.length && j < after.length) {
    let [m, n] = [i + 1, j + 1];
    for (;;) {
      const [held, wanted] = [before.slice(i, m), after.slice(j, n)];
      const product = productOf(held);
      if (product === undefined || product === 0) return undefined;
      if (product === productOf(wanted)) break;
      if (divides(quotientOf(held, wanted)) && n < after.length) n++;
      else if (divides(quotientOf(wanted, held)) && m < before.length) m++;
      else return undefined;
    }
    blocks.push({ before: [i, m], after: [j, n] });
    [i, j] = [m, n];
  }
  // What is left over is of size 1; it would need a block of its own.
  return i === before.length && j === after.length ? blocks : undefined;
}

const indices = ([from, to]: readonly [number, number]): number[] => Array.from({ length: to - from }, (_, i) => from + i);

/** Reshape(T(x)) → T′(Reshape(x)), where each block of axes is one in `x` too. */
export const sinkThroughReshape: Rewrite = rewriteAt("sink-transpose-reshape", ["Reshape"], (node, b) => {
  const [moved, vector] = node.inputs as [Value, Value];
  const found = transposed(moved);
  const out = node.outputs[0]!.type.shape;
  const blocks = found && moved.type.shape && out && blocksOf(moved.type.shape, out);
  if (!blocks) return undefined;
  const { x, perm } = found;
  const together = blocks.every(({ before }) => indices(before).every((axis, k, all) => perm[axis] === perm[all[0]!]! + k));
  if (!together) return undefined;
  const order = [...blocks].sort((p, q) => perm[p.before[0]]! - perm[q.before[0]]!).flatMap(({ after }) => indices(after));
  const shape = order.map((axis) => out[axis]);
  if (openDims(shape) > 1 && vector.type.shape?.[0] !== out.length) return undefined;
  const reshaped = openDims(shape) > 1 ? b.op("Reshape", [x, b.gather(vector, b.ints(order), 0)]) : b.reshapeTo(x, shape);
  b.origin = moved.node.origin;
  return [
    b.transpose(
      reshaped,
      out.map((_, axis) => order.indexOf(axis)),
    ),
  ];
});

/** Shape(T(x)) → Shape(x), reordered: a handful of numbers instead of the tensor. */
export const shapeOfTranspose: Rewrite = rewrite(
  "shape-of-transpose",
  op("Shape", [op("Transpose", [any("x"), any("p")], "moved")], "node"),
  ({ x, moved, node }, b) => {
    const perm = permOf(moved);
    return perm && b.gather(b.op("Shape", [x], node.attrs), b.ints(perm), 0);
  },
);
