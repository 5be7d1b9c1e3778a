/** What ONNX asks of every graph, held before it is written: a breach is a fault of ours. */
import type { OnnxGraph, OnnxModel } from "../../graph/onnx-graph.ts";

/** An Error where a name is given twice in one scope, read before it is made, or an output is nowhere made. */
export function assertSound({ graph: top }: OnnxModel): void {
  const nodeNames = new Set<string>();
  const graphs: { readonly graph: OnnxGraph; readonly outer: Scope | undefined }[] = [{ graph: top, outer: undefined }];
  for (let next = graphs.pop(); next; next = graphs.pop()) {
    const { graph, outer } = next;
    const scope = new Scope(graph.name, outer);
    for (const { name } of [...graph.inputs, ...graph.initializers]) scope.add(name);
    for (const node of graph.nodes) {
      if (node.name !== "" && nodeNames.has(node.name)) throw new Error(`two nodes named ${node.name}`);
      nodeNames.add(node.name);
      for (const input of node.inputs) if (input !== "") scope.demand(input, node.name);
      // What a sub-graph sees is what is there where its node stands.
      for (const attr of Object.values(node.attrs))
        if (attr.kind === "graph") graphs.push({ graph: attr.value, outer: scope.frozen() });
      for (const output of node.outputs) if (output !== "") scope.add(output);
    }
    for (const { name } of graph.outputs) scope.demand(name, "the graph's outputs");
  }
}

class Scope {
  /** Order of making, by name. */
  private readonly made: Map<string, number>;

  constructor(
    private readonly graph: string,
    private readonly outer: Scope | undefined,
    made?: Map<string, number>,
    private readonly until = Number.POSITIVE_INFINITY,
  ) {
    this.made = made ?? new Map();
  }

  /** The same names as far as they are there now, without a copy. */
  frozen(): Scope {
    return new Scope(this.graph, this.outer, this.made, this.made.size);
  }

  add(name: string): void {
    if (this.has(name)) throw new Error(`${this.graph}: two values named ${name}`);
    this.made.set(name, this.made.size);
  }

  demand(name: string, by: string): void {
    if (!this.has(name)) throw new Error(`${this.graph}: ${by} wants ${name}, which nothing before it makes`);
  }

  private has(name: string): boolean {
    for (let scope: Scope | undefined = this; scope; scope = scope.outer)
      if ((scope.made.get(name) ?? Number.POSITIVE_INFINITY) < scope.until) return true;
    return false;
  }
}
