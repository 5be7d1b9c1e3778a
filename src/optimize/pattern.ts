/** Patterns over values: a small tree of ops, whose names become the typed keys of what was found. */
import type { Node, Value } from "../graph/graph.ts";

type Found = Readonly<Record<string, Value | Node>>;

/** Matches values; `M` is what it binds. */
export interface Pattern<M> {
  /** Ops a matching value may come from; undefined: any. */
  readonly ops?: readonly string[];
  /** What was bound before and is bound here, or undefined: no match. */
  readonly match: (value: Value, found: Found) => Found | undefined;
  /** Only a type. */
  readonly binds?: M;
}

type Bound<P> = P extends Pattern<infer M> ? M : never;
/** The bindings of a tuple of patterns together. */
export type Together<P extends readonly unknown[]> = P extends readonly [infer First, ...infer Rest]
  ? Bound<First> & Together<Rest>
  : unknown;

/** A repeated name means the same value. */
function bind(found: Found, name: string | undefined, what: Value | Node): Found | undefined {
  if (name === undefined) return found;
  const known = found[name];
  if (known) return known === what ? found : undefined;
  return { ...found, [name]: what };
}

/** Any value. */
export const any = <const N extends string>(name: N): Pattern<Record<N, Value>> => ({
  match: (value, found) => bind(found, name, value),
});

/** A constant: stored, in memory, or an expression over constants. */
export const constant = <const N extends string>(name: N): Pattern<Record<N, Value>> => ({
  match: (value, found) => (value.node.constant ? bind(found, name, value) : undefined),
});

type Named<N extends string> = [N] extends [never] ? unknown : Record<N, Node>;

/** The output of a single-output op with just these inputs; `name` binds the node. */
export function op<const P extends readonly Pattern<unknown>[], const N extends string = never>(
  ops: string | readonly string[],
  inputs: P,
  name?: N,
): Pattern<Together<P> & Named<N>> {
  return shaped(ops, name, (node, found) => matchAll(inputs, node.inputs, found));
}

/** As `op`, of two inputs in either order. */
export function either<A, B, const N extends string = never>(
  ops: string | readonly string[],
  first: Pattern<A>,
  second: Pattern<B>,
  name?: N,
): Pattern<A & B & Named<N>> {
  return shaped(ops, name, (node, found) => {
    const [x, y] = node.inputs;
    return matchAll([first, second], [x!, y!], found) ?? matchAll([first, second], [y!, x!], found);
  });
}

function shaped<M>(
  ops: string | readonly string[],
  name: string | undefined,
  inside: (node: Node, found: Found) => Found | undefined,
): Pattern<M> {
  const names = typeof ops === "string" ? [ops] : ops;
  return {
    ops: names,
    match: (value, found) => {
      const { node } = value;
      if (!names.includes(node.op) || node.outputs.length !== 1) return undefined;
      const here = bind(found, name, node);
      return here && inside(node, here);
    },
  };
}

function matchAll(patterns: readonly Pattern<unknown>[], values: readonly Value[], found: Found): Found | undefined {
  if (patterns.length !== values.length) return undefined;
  let all: Found | undefined = found;
  for (let i = 0; i < patterns.length && all; i++) all = patterns[i]!.match(values[i]!, all);
  return all;
}
