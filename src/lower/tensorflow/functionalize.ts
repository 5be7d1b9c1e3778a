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
import { frozen } from "./assignment.ts";
import { Conditions } from "./conditions.ts";
import { loopsOf } from "./frames.ts";

const flow = new Set(["Merge", "RefMerge", "Enter", "RefEnter"]);
const assignments = /^(Assign|AssignAdd|AssignSub|Scatter(Nd)?(Add|Sub|Mul|Div|Min|Max|Update))$/;

/** The model itself where it has no such nodes. */
export function functionalize(model: SourceModel): SourceModel {
  if (!model.graphs.some(({ nodes }) => nodes.some(({ op }) => flow.has(op) || assignments.test(op)))) return model;
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
    this.freeze();
    return { ...this.graph, nodes: this.nodes, values: this.values };
  }

  /** Assignments to what is no variable any more, since the graph was frozen, give what the variable would have held. */
  private freeze(): void {
    for (const [i, node] of this.nodes.entries()) {
      if (!assignments.test(node.op) || this.isVariable(node.inputs[0])) continue;
      this.nodes[i] = { ...node, attrs: { ...node.attrs, [frozen]: { kind: "bool", value: true } } };
    }
  }

  private isVariable(value: ValueId | undefined): boolean {
    let at = value;
    for (let steps = 0; at !== undefined && steps < this.nodes.length; steps++) {
      const node = this.producer(at);
      if (!node) return this.graph.role === "function";
      if (/^(VarHandleOp|Variable|VariableV2)$/.test(node.op)) return true;
      if (!assignments.test(node.op) && !/^(Ref)?Identity$/.test(node.op)) return false;
      at = node.inputs[0];
    }
    return false;
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
