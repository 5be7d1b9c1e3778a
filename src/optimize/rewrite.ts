/** A rewrite is data: a name, the ops at its root, and a function from what was found to what stands in its place. */
import type { How, Node, Origin, Value } from "../graph/graph.ts";
import type { Builder } from "../tf/build.ts";
import type { Pattern } from "./pattern.ts";

/** What a rewrite may ask of the graph around it. */
export interface Site {
  /** Reads of a value by live nodes and by the graph's outputs. What is fused away must have one. */
  uses(value: Value): number;
}

/** Values for the node's outputs, one each, of the same types; undefined: did not fire. */
export type Fire = (node: Node, b: Builder, site: Site) => readonly Value[] | undefined;

export interface Rewrite {
  readonly name: string;
  /** Ops at the root; "any" is asked at every node. */
  readonly ops: readonly string[] | "any";
  /** Is it tried on constant expressions too? They are evaluated once, so most need not be. */
  readonly onConstants: boolean;
  /** Called for every sweep; a rewrite that keeps a table starts it here. */
  readonly start: () => Fire;
}

/** A rewrite with a pattern; it sees only single-output roots. New nodes take the root's origin unless the function says otherwise. */
export function rewrite<M>(
  name: string,
  pattern: Pattern<M>,
  make: (found: M, b: Builder, site: Site) => Value | undefined,
): Rewrite {
  if (!pattern.ops) throw new Error(`${name} has no op at its root`);
  return rewriteAt(name, pattern.ops, (node, b, site) => {
    if (node.outputs.length !== 1) return undefined;
    const found = pattern.match(node.outputs[0]!, {});
    const value = found && make(found as M, b, site);
    return value && [value];
  });
}

/** A rewrite whose root is too varied for a pattern. */
export function rewriteAt(name: string, ops: readonly string[] | "any", fire: Fire): Rewrite {
  return { name, ops, onConstants: false, start: () => fire };
}

/** As `rewriteAt`, tried on constant expressions too. */
export const everywhere = (rule: Rewrite): Rewrite => ({ ...rule, onConstants: true });

/** What one node made of several stands for. */
export function merged(how: How, ...nodes: readonly Node[]): Origin {
  return { nodes: [...new Set(nodes.flatMap((node) => node.origin.nodes))], how };
}
