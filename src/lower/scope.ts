/** Where names are looked up while a source graph is lowered. */
import type { Value } from "../graph/graph.ts";
import type { GraphId, SourceAttr, SourceGraph, SourceModel, SourceNode, ValueId } from "../graph/source.ts";
import type { Builder } from "../tf/build.ts";
import { constantOf } from "../tf/op.ts";
import { isGroup, regrouped } from "./group.ts";

/** Values of one source graph; a sub-graph sees those of the graph around it. */
export interface Scope {
  readonly graph: SourceGraph;
  readonly values: Map<ValueId, Value>;
  readonly parent: Scope | undefined;
  /** Set in a function's body, and in the sub-graphs within it. */
  readonly call: Call | undefined;
  /** Set in the body of an If or While: outer values come in through placeholders. */
  readonly captures: Captures | undefined;
}

/** A call of a model-local function. */
export interface Call {
  readonly attrs: Readonly<Record<string, SourceAttr>>;
  readonly opsets: Readonly<Record<string, number>>;
  /** The functions around, outermost first, this one included. */
  readonly chain: readonly GraphId[];
  /** Parameters for which the call gives nothing. */
  readonly absent: ReadonlySet<ValueId>;
}

/** Outer values that a body reads, each with the placeholder that stands for it inside. */
export type Captures = Map<Value, Value>;

/** The sub-graph of an If, Loop or Scan, lowered on its own. */
export interface Body {
  /** Its own placeholders, captures aside. */
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  /** In the order of their first use. */
  readonly captures: Captures;
}

/** An outer value as a body sees it. Small constants are simply there; weights and what is computed come in as inputs. */
export function captured(b: Builder, captures: Captures, outer: Value, name: string): Value {
  if (constantOf(outer)) return outer;
  if (isGroup(outer))
    return regrouped(
      outer,
      outer.node.inputs.map((each, i) => captured(b, captures, each, `${name}_${i}`)),
    );
  let inner = captures.get(outer);
  if (!inner) {
    inner = b.input(name, outer.type);
    captures.set(outer, inner);
  }
  return inner;
}

/** A node of a function's body with the attributes of the call in the places that refer to them; absent where the call sets none. */
export function withCallAttributes(node: SourceNode, call: Call | undefined): SourceNode {
  if (!call || !Object.values(node.attrs).some((attr) => attr.kind === "ref")) return node;
  const attrs: Record<string, SourceAttr> = {};
  for (const [name, attr] of Object.entries(node.attrs)) {
    const value = attr.kind === "ref" ? call.attrs[attr.value] : attr;
    if (value) attrs[name] = value;
  }
  return { ...node, attrs };
}

/** Model-local functions by `domain:op`. */
export function functionsOf(model: SourceModel): ReadonlyMap<string, SourceGraph> {
  const found = new Map<string, SourceGraph>();
  for (const graph of model.graphs)
    if (graph.role === "function") found.set(`${plainDomain(graph.domain ?? "")}:${graph.name}`, graph);
  return found;
}

export const plainDomain = (domain: string): string => (domain === "ai.onnx" ? "" : domain);
