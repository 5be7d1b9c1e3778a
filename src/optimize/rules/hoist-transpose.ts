/** A Transpose moves up through elementwise ops where it meets its inverse there: f(T⁻¹(a), b) → T becomes f(a, T(b)). */
import type { Node, Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { isElementwise } from "../elementwise.ts";
import { inverse, type Perm, permOf, transposed } from "../perm.ts";
import { type Rewrite, rewriteAt, type Site } from "../rewrite.ts";
import { movesOnes, untransposed } from "./sink-elementwise.ts";

/** Ops looked at above one Transpose; keeps a sweep linear. */
const maxRegion = 64;

/** Elementwise ops that only the Transpose reads, in the end; readers before producers. */
function regionAbove(value: Value, rank: number, site: Site): readonly Node[] {
  const region: Node[] = [];
  const stack = [value];
  for (let at = stack.pop(); at && region.length < maxRegion; at = stack.pop()) {
    if (!isElementwise(at.node) || at.node.constant || at.type.shape?.length !== rank || site.uses(at) !== 1) continue;
    region.push(at.node);
    stack.push(...at.node.inputs);
  }
  return region;
}

/** Fires only where fewer Transposes are left, so it comes to rest. */
export const hoistTranspose: Rewrite = rewriteAt("hoist-transpose", ["Transpose"], (node, b, site) => {
  const perm = permOf(node);
  if (!perm || !node.inputs[0]!.type.shape || movesOnes(node.outputs[0]!)) return undefined;
  const region = regionAbove(node.inputs[0]!, perm.length, site);
  if (region.length === 0) return undefined;
  const inside = new Set(region);
  const back = inverse(perm);
  const leaves = new Map<Value, Value>();
  let cost = -1;
  let meets = false;
  for (const leaf of new Set(region.flatMap((each) => each.inputs))) {
    if (inside.has(leaf.node)) continue;
    const free = untransposed(b, leaf, back);
    if (free) {
      const known = transposed(leaf);
      if (known) meets = true;
      if (known && site.uses(leaf) === 1) cost--;
      // Moving axes of size 1 is a Transpose all the same, until the target makes a Reshape of it.
      if (!known && free !== leaf && !leaf.node.constant) cost++;
      leaves.set(leaf, free);
    } else {
      if (leaf.type.shape?.length !== perm.length) return undefined;
      cost++;
    }
  }
  if (cost >= 0 || !meets) return undefined;
  return [rebuilt(b, node, region, leaves, perm)];
});

function rebuilt(b: Builder, root: Node, region: readonly Node[], leaves: Map<Value, Value>, perm: Perm): Value {
  const values = leaves;
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
