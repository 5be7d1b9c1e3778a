/**
 * TensorFlow's first control flow (Switch, Merge, Enter, Exit, NextIteration) made functional. No node is copied: the body of a loop is the same
 * graph seen from other inputs to other outputs, and the values of its Exits get a While node for their producer; likewise Merge and If.
 */
import {
  nodeLabel,
  type SourceAttr,
  type SourceGraph,
  type SourceModel,
  type SourceNode,
  type SourceValue,
  type ValueId,
} from "../../graph/source.ts";
import { Conditions } from "./conditions.ts";
import { loopsOf } from "./frames.ts";

const flow = new Set(["Merge", "RefMerge", "Enter", "RefEnter"]);

/** The model itself where it has no such nodes. */
export function functionalize(model: SourceModel): SourceModel {
  if (!model.graphs.some(({ nodes }) => nodes.some(({ op }) => flow.has(op)))) return model;
  const views: SourceGraph[] = [];
  const graphs = model.graphs.map((graph) => new Rewriting(graph, model.graphs.length, views).run());
  return { ...model, graphs: [...graphs, ...views] };
}

/** Nodes and values of one graph while nodes are put in the places of others. */
export class Rewriting {
  readonly nodes: SourceNode[];
  readonly values: SourceValue[];

  constructor(
    private readonly graph: SourceGraph,
    private readonly firstView: number,
    private readonly views: SourceGraph[],
  ) {
    this.nodes = [...graph.nodes];
    this.values = [...graph.values];
  }

  run(): SourceGraph {
    for (const { names, cond, body, inputs, outputs } of loopsOf(this))
      this.replace(names, "While", inputs, outputs, {
        cond: this.view(cond.inputs, cond.outputs),
        body: this.view(body.inputs, body.outputs),
      });
    new Conditions(this).run();
    return { ...this.graph, nodes: this.nodes, values: this.values };
  }

  producer(value: ValueId): SourceNode | undefined {
    const id = this.values[value]!.producer;
    return id === undefined ? undefined : this.nodes[id];
  }

  /** The same graph from `inputs` to `outputs`. It has the name of the whole, so that problems name the user's own nodes. */
  view(inputs: readonly ValueId[], outputs: readonly ValueId[]): SourceAttr {
    const id = this.firstView + this.views.length;
    const { name } = this.graph;
    this.views.push({
      id,
      name,
      role: "subgraph",
      parent: this.graph.id,
      nodes: this.nodes,
      values: this.values,
      inputs,
      outputs,
    });
    return { kind: "graph", value: id };
  }

  /** A node that gives the values `outputs` from now on; it goes by the name of `stands`. */
  replace(
    stands: SourceNode,
    op: string,
    inputs: readonly ValueId[],
    outputs: readonly (ValueId | undefined)[],
    attrs: Readonly<Record<string, SourceAttr>>,
  ): void {
    const id = this.nodes.length;
    this.nodes.push({ id, name: nodeLabel(this.graph, stands), op, domain: "", inputs, outputs, attrs, captures: [] });
    for (const output of outputs) if (output !== undefined) this.values[output] = { ...this.values[output]!, producer: id };
  }
}
