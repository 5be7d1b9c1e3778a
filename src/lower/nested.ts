/** Graphs within graphs: model-local functions and sub-graphs in the place of their nodes, and the bodies of If and While. */
import { modelError, type Place } from "../base/problem.ts";
import type { Graph, Value } from "../graph/graph.ts";
import type { GraphId, SourceGraph, SourceModel, SourceNode, ValueId } from "../graph/source.ts";
import type { Builder } from "../tf/build.ts";
import { type Body, type Call, type Captures, functionsOf, type Scope } from "./scope.ts";

/** Sub-graphs and functions within each other; deeper ones are taken for a fault of the file. */
const maxDepth = 32;
/** Sub-graphs and functions in all, each as often as it is put in some place: loops within loops are written out round by round. */
const maxPlaced = 200_000;

/** What is asked of the lowering of one graph. */
export interface Walk {
  nodes(scope: Scope, wanted: readonly ValueId[]): void;
  value(scope: Scope, id: ValueId): Value | undefined;
}

export class Nested {
  /** Functions of the hub graph, as If and While name them. */
  readonly bodies = new Map<string, Graph>();
  private readonly functions: ReadonlyMap<string, SourceGraph>;
  private depth = 0;
  private placed = 0;

  constructor(
    private readonly model: SourceModel,
    private readonly b: Builder,
    private readonly walk: Walk,
  ) {
    this.functions = functionsOf(model);
  }

  function(domain: string, op: string): SourceGraph | undefined {
    return this.functions.get(`${domain}:${op}`);
  }

  /** A function's body in the place of its call, with the call's attributes and the function's own opsets. */
  call(
    scope: Scope,
    graph: SourceGraph,
    node: SourceNode,
    inputs: readonly (Value | undefined)[],
    wanted: readonly ValueId[],
    place: Place,
  ): readonly (Value | undefined)[] {
    const chain = scope.call?.chain ?? [];
    if (chain.includes(graph.id)) throw modelError("recursion", `the function calls itself: ${graph.name}`, place);
    if (inputs.length > graph.inputs.length)
      throw modelError("invalid-model", `${inputs.length} inputs where the function takes ${graph.inputs.length}`, place);
    const call: Call = {
      attrs: { ...graph.attributeDefaults, ...node.attrs },
      opsets: graph.opsets ?? this.model.opsets,
      chain: [...chain, graph.id],
      absent: new Set(graph.inputs.filter((_, i) => !inputs[i])),
    };
    const values = new Map(graph.inputs.flatMap((input, i) => (inputs[i] ? [[input, inputs[i]] as const] : [])));
    const inner: Scope = { graph, values, parent: undefined, call, captures: undefined };
    this.within(inner, wanted);
    return graph.outputs.map((output) => (wanted.includes(output) ? this.walk.value(inner, output) : undefined));
  }

  /** A sub-graph in the place of its node. */
  inline(parent: Scope, id: GraphId, inputs: readonly Value[]): readonly Value[] {
    return this.results(this.scope(parent, id, inputs, undefined));
  }

  /** A sub-graph over `inputs`, which are made of the placeholders `own`; what it reads from outside becomes further ones. */
  body(parent: Scope, id: GraphId, inputs: readonly Value[], own: readonly Value[], captures: Captures): Body {
    return { inputs: own, outputs: this.results(this.scope(parent, id, inputs, captures)), captures };
  }

  /** Puts a function into the library, under this name or one like it, which is returned. */
  define(name: string, graph: Pick<Graph, "inputs" | "outputs">): string {
    const base = name.replace(/[^A-Za-z0-9_]/g, "_");
    let free = base;
    for (let i = 1; this.bodies.has(free); i++) free = `${base}_${i}`;
    this.bodies.set(free, { ...graph, name: free, functions: new Map() });
    return free;
  }

  private scope(parent: Scope, id: GraphId, inputs: readonly Value[], captures: Captures | undefined): Scope {
    const graph = this.model.graphs[id]!;
    if (inputs.length < graph.inputs.length)
      throw modelError("invalid-model", `${inputs.length} values for a sub-graph of ${graph.inputs.length} inputs`, {
        graph: graph.name,
      });
    for (let outer: Scope | undefined = parent; outer; outer = outer.parent)
      if (outer.graph === graph)
        throw modelError("recursion", `the sub-graph holds itself: ${graph.name}`, { graph: graph.name });
    const values = new Map(graph.inputs.map((input, i) => [input, inputs[i]!]));
    return { graph, values, parent, call: parent.call, captures };
  }

  private results(scope: Scope): readonly Value[] {
    const { graph } = scope;
    this.within(scope, graph.outputs);
    return graph.outputs.map((output) => {
      const value = this.walk.value(scope, output);
      const place = { graph: graph.name, tensor: graph.values[output]!.name };
      if (!value) throw modelError("dangling-output", "nothing computes this output", place);
      return value;
    });
  }

  private within(scope: Scope, wanted: readonly ValueId[]): void {
    const place = { graph: scope.graph.name };
    if (this.depth === maxDepth) throw modelError("too-deep", `more than ${maxDepth} sub-graphs within each other`, place);
    if (this.placed++ === maxPlaced) throw modelError("too-large", `more than ${maxPlaced} sub-graphs written out`, place);
    const { origin } = this.b;
    this.depth++;
    try {
      this.walk.nodes(scope, wanted);
    } finally {
      this.b.origin = origin;
      this.depth--;
    }
  }
}
