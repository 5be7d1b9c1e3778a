/** Transposes that meet, and those that move nothing. */
import type { Node, Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { any, op } from "../pattern.ts";
import { compose, isIdentity, onlyMovesOnes, permOf } from "../perm.ts";
import { isReshape } from "../reshape.ts";
import { everywhere, merged, rewrite } from "../rewrite.ts";

const perms = (...nodes: readonly Node[]) => {
  const all = nodes.map(permOf);
  return all.every((perm) => perm) ? (all as (readonly number[])[]) : undefined;
};

/** Transpose(Transpose(x)) → Transpose(x), or x itself when the two undo each other. */
export const mergeTransposes = everywhere(
  rewrite(
    "merge-transposes",
    op("Transpose", [op("Transpose", [any("x"), any("p")], "inner"), any("q")], "outer"),
    ({ x, inner, outer }, b) => {
      const [first, second] = perms(inner, outer) ?? [];
      if (!first || !second) return undefined;
      b.origin = merged(outer.origin.how, outer, inner);
      return b.transpose(x, compose(first, second));
    },
  ),
);

/** A Transpose that moves only axes of size 1 → Reshape, which costs nothing; or x itself. */
function asReshape(b: Builder, x: Value, node: Node): Value | undefined {
  const perm = permOf(node);
  const shape = x.type.shape;
  if (!perm || !shape || !onlyMovesOnes(perm, shape)) return undefined;
  if (isIdentity(perm)) return x;
  const dims = perm.map((axis) => shape[axis]);
  return dims.filter((dim) => typeof dim !== "number").length > 1 ? undefined : b.reshapeTo(x, dims);
}

/** For the target: until then such Transposes travel with their like and cancel. */
export const transposeToReshape = everywhere(
  rewrite("transpose-to-reshape", op("Transpose", [any("x"), any("p")], "node"), ({ x, node }, b) => asReshape(b, x, node)),
);

/** The same over a Reshape, with which it merges. */
export const transposeOfReshape = everywhere(
  rewrite("transpose-of-reshape", op("Transpose", [any("x"), any("p")], "node"), ({ x, node }, b) =>
    isReshape(x) ? asReshape(b, x, node) : undefined,
  ),
);
