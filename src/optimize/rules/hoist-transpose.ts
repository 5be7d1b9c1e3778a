/** A Transpose moves up through elementwise ops where it meets its inverse there: f(T⁻¹(a), b) → T becomes f(a, T(b)). */
import type { Node, Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { isElementwise } from "../elementwise.ts";
import { inverse, type Perm, permOf, samePerm, transposed } from "../perm.ts";
import { type Rewrite, rewriteAt, type Site } from "../rewrite.ts";
import { movesOnes, untransposed } from "./sink-elementwise.ts";

/** A region of more ops is left alone; keeps a sweep linear. */
const maxRegion = 16;

interface Region {
  /** Elementwise ops that only the Transpose reads, in the end; readers before producers. */
  readonly nodes: readonly Node[];
  /** What they read from outside. */
  readonly leaves: ReadonlySet<Value>;
}

/** The region above `value` if one of its leaves is transposed by `back`. */
function regionAbove(value: Value, back: Perm, site: Site): Region | undefined {
  const nodes: Node[] = [];
  const leaves = new Set<Value>();
  let meets = false;
  const stack = [value];
  for (let at = stack.pop(); at; at = stack.pop()) {
    const inside = site.uses(at) === 1 && !at.node.constant && at.type.shape?.length === back.length && isElementwise(at.node);
    if (inside) {
      if (nodes.length === maxRegion) return undefined;
      nodes.push(at.node);
      stack.push(...at.node.inputs);
    } else {
      leaves.add(at);
      const known = transposed(at);
      // One that only moves axes of size 1 would be made anew by sinking.
      meets ||= known !== undefined && samePerm(known.perm, back) && !movesOnes(at);
    }
  }
  return meets && nodes.length > 0 ? { nodes, leaves } : undefined;
}

/** Fires only where fewer Transposes are left, so it comes to rest. */
export const hoistTranspose: Rewrite = rewriteAt("hoist-transpose", ["Transpose"], (node, b, site) => {
  const perm = permOf(node);
  if (!perm || !node.inputs[0]!.type.shape || movesOnes(node.outputs[0]!)) return undefined;
  const back = inverse(perm);
  const region = regionAbove(node.inputs[0]!, back, site);
  if (!region) return undefined;
  const values = new Map<Value, Value>();
  let cost = -1;
  for (const leaf of region.leaves) {
    const free = untransposed(b, leaf, back);
    if (free) {
      values.set(leaf, free);
      if (transposed(leaf)) cost -= site.uses(leaf) === 1 && !movesOnes(leaf) ? 1 : 0;
      // Moving axes of size 1 is a Transpose all the same, until the target makes a Reshape of it.
      else if (free !== leaf && !leaf.node.constant) cost++;
    } else if (leaf.type.shape?.length === perm.length) cost++;
    else return undefined;
  }
  return cost < 0 ? [rebuilt(b, node, region.nodes, values, perm)] : undefined;
});

/** The region over untransposed leaves; those that are not in `values` yet are transposed now. */
function rebuilt(b: Builder, root: Node, region: readonly Node[], values: Map<Value, Value>, perm: Perm): Value {
  for (const node of [...region].reverse()) {
    const inputs = node.inputs.map((input) => {
      const known = values.get(input);
      if (known) return known;
      b.origin = root.origin;
      const moved = b.transpose(input, perm);
      values.set(input, moved);
      return moved;
    });
    b.origin = node.origin;
    values.set(node.outputs[0]!, b.op(node.op, inputs, node.attrs));
  }
  return values.get(root.inputs[0]!)!;
}
