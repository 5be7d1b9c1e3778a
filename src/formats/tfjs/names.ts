/** Names for the nodes of a written model: legal in TensorFlow, and unique over the graph and all its functions. */
import type { Graph, Node, Value } from "../../graph/graph.ts";
import { nodesOf } from "../../graph/order.ts";

export class Names {
  private readonly taken = new Set<string>();
  private readonly names = new Map<Node, string>();
  private readonly counts = new Map<string, number>();

  /** Gives every node of the graph a name, the wanted ones first. */
  constructor(graph: Graph, wanted: ReadonlyMap<Node, string>) {
    // An output may be called as a tap would be, `pred:0`: no node is called `pred` then, so that it is clear which is meant.
    for (const { name } of graph.outputs) {
      const tapped = /^(.*):\d+$/.exec(name)?.[1];
      if (tapped !== undefined) this.taken.add(tapped);
    }
    for (const input of graph.inputs) this.name(input.node, input.node.attrs["name"] as string);
    for (const { name, value } of graph.outputs) if (!this.names.has(value.node)) this.name(value.node, name);
    for (const [node, name] of wanted) if (!this.names.has(node)) this.name(node, name);
    this.rest(graph);
    for (const body of graph.functions.values()) this.rest(body);
  }

  of(node: Node): string {
    const name = this.names.get(node);
    if (name === undefined) throw new Error(`${node.op} has no name`);
    return name;
  }

  /** `node:port`, as a map or a signature has it. */
  tensor(value: Value): string {
    return `${this.of(value.node)}:${value.port}`;
  }

  /** A name that nothing has yet. */
  fresh(base: string): string {
    const legal = legalName(base);
    let name = legal;
    for (let i = this.counts.get(legal) ?? 1; this.taken.has(name); i++) {
      name = `${legal}_${i}`;
      this.counts.set(legal, i + 1);
    }
    this.taken.add(name);
    return name;
  }

  /** For nodes that the writer adds. */
  add(node: Node): void {
    this.name(node, node.op);
  }

  private name(node: Node, base: string): void {
    this.names.set(node, this.fresh(base));
  }

  private rest(graph: Graph): void {
    for (const node of nodesOf(graph)) {
      if (this.names.has(node)) continue;
      const [source] = node.origin.nodes;
      this.name(node, source === undefined ? node.op : `${source.slice(source.indexOf("/") + 1)}/${node.op}`);
    }
  }
}

/**
 * What TensorFlow accepts: a letter, digit or dot, then also `_ - /`. A colon would be read as a port, and TF.js looks names up in plain
 * objects, where `constructor` is something else.
 */
export function legalName(name: string): string {
  const legal = name.replace(/[^A-Za-z0-9_./-]/g, "_").replace(/^[^A-Za-z0-9.]+/, "") || "node";
  return legal in Object.prototype ? `${legal}_` : legal;
}
