/** Where a value of a function's body comes from: through the calls of the function, and nodes that hand a value on. */
import type { SourceGraph, SourceModel, SourceNode, ValueId } from "./source.ts";

/** A value and the graph that it is of. */
export interface Place {
  readonly graph: SourceGraph;
  readonly value: ValueId;
}

/** A node that runs a graph, and the first of its inputs that is the graph's. */
interface Caller {
  readonly graph: SourceGraph;
  readonly node: SourceNode;
  readonly first: number;
}

/** Attributes that name graphs: of calls and loops all inputs are theirs, of choices those behind the condition. */
const running: Readonly<Record<string, number>> = { f: 0, body: 0, cond: 0, then_branch: 1, else_branch: 1, branches: 1 };

/** A handle passes a few functions on its way. */
const maxPlaces = 4096;

/** Answers for the graphs of one model. */
export class Behind {
  private readonly callers = new Map<number, Caller[]>();

  constructor(private readonly graphs: SourceModel["graphs"]) {
    const byName = new Map(graphs.filter(({ role }) => role === "function").map((graph) => [graph.name, graph.id]));
    for (const graph of graphs)
      for (const node of graph.nodes) {
        const own = byName.get(node.op);
        if (own !== undefined) this.add(own, { graph, node, first: 0 });
        for (const [name, first] of Object.entries(running)) {
          const attr = node.attrs[name];
          if (attr?.kind === "graph") this.add(attr.value, { graph, node, first });
          else if (attr?.kind === "graphs") for (const id of attr.value) this.add(id, { graph, node, first });
        }
      }
  }

  private add(id: number, caller: Caller): void {
    const known = this.callers.get(id);
    if (known) known.push(caller);
    else this.callers.set(id, [caller]);
  }

  /** The values that are neither arguments nor handed on, of any graph. */
  of(graph: SourceGraph, value: ValueId): Place[] {
    const found: Place[] = [];
    const seen = new Set<string>();
    const stack: Place[] = [{ graph, value }];
    for (let place = stack.pop(); place && seen.size < maxPlaces; place = stack.pop()) {
      const key = `${place.graph.id}/${place.value}`;
      if (seen.has(key)) continue;
      seen.add(key);
      const before = this.before(place);
      if (before) stack.push(...before);
      else found.push(place);
    }
    return found;
  }

  /** The node that makes each of those values, of the main graph or a function. */
  nodesOf(graph: SourceGraph, value: ValueId): SourceNode[] {
    return this.of(graph, value).flatMap((place) => {
      const { producer } = place.graph.values[place.value]!;
      return producer === undefined ? [] : [place.graph.nodes[producer]!];
    });
  }

  private before({ graph, value }: Place): Place[] | undefined {
    const argument = graph.role === "main" ? -1 : graph.inputs.indexOf(value);
    if (argument >= 0)
      return (this.callers.get(graph.id) ?? []).flatMap((caller) => {
        const given = caller.node.inputs[argument + caller.first];
        return given === undefined ? [] : [{ graph: caller.graph, value: given }];
      });
    const { producer } = graph.values[value]!;
    const node = producer === undefined ? undefined : graph.nodes[producer]!;
    if (node?.op === "Identity" && node.inputs[0] !== undefined) return [{ graph, value: node.inputs[0] }];
    const called = node?.attrs["f"];
    const callee = called?.kind === "graph" ? this.graphs[called.value] : undefined;
    const result = callee?.outputs[node!.outputs.indexOf(value)];
    return callee && result !== undefined ? [{ graph: callee, value: result }] : undefined;
  }
}
