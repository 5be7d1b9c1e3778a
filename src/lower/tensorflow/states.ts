/**
 * Variables that a run assigns, as values: each read gets what the assignment before it left, in the order that data and control edges
 * say. A function that assigns an argument gives its last value back as one more result; a loop has it among its state anyway. What the
 * main graph leaves in a variable becomes a state, taken and handed on by each run. States are zero before the first run: where the
 * checkpoint has another value, a flag among the states tells the first run from later ones.
 */
import {
  type GraphId,
  nodeLabel,
  type SourceGraph,
  type SourceModel,
  type SourceNode,
  type SourceValue,
  type ValueId,
} from "../../graph/source.ts";
import { numbersOf } from "../../graph/tensor.ts";
import type { Constants } from "../lower.ts";
import type { Rule } from "../rule.ts";
import { frozen } from "./assignment.ts";
import { tfRule } from "./attrs.ts";
import { controlsOf } from "./controls.ts";

/** Operators of no file: a variable at the start of a run; what a run leaves in it; the flag; and an assignment that cannot be followed. */
const begins = "^StateBegins";
const leaves = "^StateLeft";
const over = "^FirstRunIsOver";
const lost = "^StateLost";
/** The state that tells a later run from the first. */
const started = "started";

const writing =
  /^(Assign|AssignAdd|AssignSub|Assign(Add|Sub)?VariableOp|(Resource)?Scatter(Nd)?(Add|Sub|Mul|Div|Min|Max|Update))$/;
const variables = /^(VarHandleOp|Variable|VariableV2)$/;
const flow = /^(Ref)?(Merge|Enter|NextIteration|Switch)$/;

const isWrite = ({ op, attrs }: SourceNode): boolean => writing.test(op) && attrs[frozen] === undefined;
/** The rest change a copy that their name says nothing of. */
const givesReference = ({ op }: SourceNode): boolean => !/VariableOp$|^Resource/.test(op);

/** A graph that a node runs, and where its arguments begin among the node's inputs. */
interface Run {
  readonly graph: GraphId;
  readonly first: number;
  readonly kind: "call" | "choice" | "body" | "cond";
}

function runsOf({ attrs }: SourceNode): Run[] {
  const run = (name: string, first: number, kind: Run["kind"]): Run[] => {
    const attr = attrs[name];
    if (attr?.kind === "graphs") return attr.value.map((graph) => ({ graph, first, kind }));
    return attr?.kind === "graph" ? [{ graph: attr.value, first, kind }] : [];
  };
  const choices = ["then_branch", "else_branch", "branches"].flatMap((name) => run(name, 1, "choice"));
  return [...run("f", 0, "call"), ...choices, ...run("body", 0, "body"), ...run("cond", 0, "cond")];
}

/** The model itself where nothing that `outputs` (none: all of them) need assigns a variable. */
export function withStates(model: SourceModel, constants: Constants, outputs?: readonly string[]): SourceModel {
  const main = model.graphs[0]!;
  if (!main.nodes.some(({ op }) => variables.test(op))) return model;
  const wanted = outputs ? main.values.filter(({ name }) => outputs.includes(name)).map(({ id }) => id) : main.outputs;
  const needed = inOrder(main, wanted);
  const reached = graphsOf(model, needed);
  const hasWrite = [...needed, ...reached.flatMap(({ nodes }) => nodes)].some(isWrite);
  return hasWrite ? new States(model, constants, needed, reached, outputs !== undefined).model() : model;
}

/** Nodes of a graph that run before its results are there, producers and what control edges ask for first; all, where no results are told. */
function inOrder(graph: SourceGraph, wanted?: readonly ValueId[]): SourceNode[] {
  const byName = new Map(graph.nodes.map((node) => [node.name, node]));
  const given = new Set(graph.inputs);
  const producer = (id: ValueId | undefined) => {
    const made = id === undefined || given.has(id) ? undefined : graph.values[id]!.producer;
    return made === undefined ? [] : [graph.nodes[made]!];
  };
  const before = (node: SourceNode) => [
    ...node.inputs.flatMap(producer),
    ...controlsOf(node).flatMap((name) => byName.get(name) ?? []),
  ];
  const order: SourceNode[] = [];
  const seen = new Set<SourceNode>();
  for (const start of wanted ? wanted.flatMap(producer) : graph.nodes) {
    const stack = seen.has(start) ? [] : [{ node: start, next: before(start) }];
    seen.add(start);
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const node = top.next.shift();
      if (!node) {
        order.push(top.node);
        stack.pop();
      } else if (!seen.has(node)) {
        seen.add(node);
        stack.push({ node, next: before(node) });
      }
    }
  }
  return order;
}

/** Functions that the nodes run, and those that they run. */
function graphsOf(model: SourceModel, nodes: readonly SourceNode[]): SourceGraph[] {
  const found = new Set<GraphId>();
  const stack = [...nodes];
  for (let node = stack.pop(); node; node = stack.pop())
    for (const { graph } of runsOf(node)) {
      if (found.has(graph)) continue;
      found.add(graph);
      stack.push(...model.graphs[graph]!.nodes);
    }
  return [...found].map((id) => model.graphs[id]!);
}

class States {
  /** Arguments that each function assigns. */
  private readonly written = new Map<GraphId, Set<number>>();
  private readonly bodies = new Set<GraphId>();

  constructor(
    private readonly source: SourceModel,
    private readonly constants: Constants,
    private readonly needed: readonly SourceNode[],
    private readonly reached: readonly SourceGraph[],
    /** Effects are not computed where the graph is cut at some value. */
    private readonly isCut: boolean,
  ) {
    for (const { id } of reached) this.written.set(id, new Set());
    for (const node of [...needed, ...reached.flatMap(({ nodes }) => nodes)])
      for (const { graph, kind } of runsOf(node)) if (kind === "body") this.bodies.add(graph);
    this.findWritten();
  }

  model(): SourceModel {
    const graphs = [...this.source.graphs];
    const [main] = graphs;
    for (const graph of this.reached) {
      const rewritten = new Rewriting(graph, this).run(inOrder(graph));
      if (typeof rewritten === "string") return this.lost(rewritten);
      graphs[graph.id] = rewritten;
    }
    const draft = new Rewriting(main!, this);
    const rewritten = draft.run(this.needed);
    if (typeof rewritten === "string") return this.lost(rewritten);
    graphs[0] = draft.withStates(rewritten, this.constants);
    return { ...this.source, graphs };
  }

  /** What a node assigns: inputs of its own, by the function that does. */
  writesOf(node: SourceNode): readonly { readonly input: number; readonly kind: Run["kind"] }[] {
    if (isWrite(node)) return [{ input: 0, kind: "call" }];
    const found = new Map<number, Run["kind"]>();
    for (const { graph, first, kind } of runsOf(node))
      for (const argument of this.written.get(graph) ?? []) found.set(argument + first, kind);
    return [...found].map(([input, kind]) => ({ input, kind })).sort((a, b) => a.input - b.input);
  }

  /** Arguments that a function gives back, in order. */
  resultsOf(graph: SourceGraph): readonly number[] {
    return this.bodies.has(graph.id) ? [] : [...(this.written.get(graph.id) ?? [])].sort((a, b) => a - b);
  }

  private findWritten(): void {
    for (let changed = true; changed; ) {
      changed = false;
      const add = (graph: GraphId, argument: number) => {
        const own = this.written.get(graph)!;
        changed ||= !own.has(argument);
        own.add(argument);
      };
      for (const graph of this.reached)
        for (const node of graph.nodes)
          for (const { input } of this.writesOf(node)) {
            const argument = graph.inputs.indexOf(rootOf(graph, node.inputs[input]) ?? -1);
            if (argument >= 0) add(graph.id, argument);
          }
      // Branches of one choice give the same results.
      for (const node of [...this.needed, ...this.reached.flatMap(({ nodes }) => nodes)]) {
        const choices = runsOf(node).filter(({ kind }) => kind === "choice");
        for (const { graph } of choices)
          for (const argument of this.written.get(graph)!) for (const other of choices) add(other.graph, argument);
      }
    }
  }

  /** The model with a node that says why its variables cannot be followed; each of them is asked for it. */
  private lost(where: string): SourceModel {
    const [whole, ...rest] = this.source.graphs;
    const spoilt = whole!.nodes.map((node) => (variables.test(node.op) ? { ...node, op: lost, name: where } : node));
    const main = { ...whole!, nodes: this.isCut ? spoilt : whole!.nodes };
    const values = [...main.values, { id: main.values.length, name: lost, type: untyped, producer: main.nodes.length }];
    const node = {
      ...plain,
      id: main.nodes.length,
      name: where,
      op: lost,
      inputs: [],
      outputs: [main.values.length],
      attrs: {},
    };
    const effects = [...(main.effects ?? []), main.values.length];
    return { ...this.source, graphs: [{ ...main, nodes: [...main.nodes, node], values, effects }, ...rest] };
  }
}

const untyped = { dtype: undefined, shape: undefined } as const;
const plain = { domain: "", captures: [] } as const;

/** The variable or argument that a value is a handle of. A ref is handed on by what assigns it; an Identity of one reads it. */
function rootOf(graph: SourceGraph, value: ValueId | undefined): ValueId | undefined {
  const given = new Set(graph.role === "main" ? [] : graph.inputs);
  let at = value;
  for (let steps = 0; at !== undefined && steps <= graph.nodes.length; steps++) {
    if (given.has(at)) return at;
    const { producer } = graph.values[at]!;
    const node = producer === undefined ? undefined : graph.nodes[producer]!;
    if (!node) return undefined;
    if (variables.test(node.op)) return at;
    const next = node.inputs[0];
    const isHandle = node.op === "Identity" && next !== undefined && isResource(graph, next);
    if (!isHandle && node.op !== "RefIdentity" && !(isWrite(node) && givesReference(node))) return undefined;
    at = next;
  }
  return undefined;
}

/** Handles have a type that no tensor has. */
function isResource(graph: SourceGraph, value: ValueId): boolean {
  const { producer, type } = graph.values[value]!;
  const node = producer === undefined ? undefined : graph.nodes[producer];
  return node ? node.op === "VarHandleOp" || node.op === "Identity" : type.dtype === undefined;
}

/** One graph while its assignments become values. */
class Rewriting {
  private readonly nodes: SourceNode[];
  private readonly values: SourceValue[];
  /** What each variable or argument holds by now. */
  private readonly current = new Map<ValueId, ValueId>();
  private readonly changed = new Set<ValueId>();

  constructor(
    private readonly graph: SourceGraph,
    private readonly states: States,
  ) {
    this.nodes = [...graph.nodes];
    this.values = [...graph.values];
  }

  /** The graph with its results; or the node that cannot be followed. */
  run(order: readonly SourceNode[]): SourceGraph | string {
    const { graph } = this;
    for (const node of order) for (const { input } of this.states.writesOf(node)) this.note(node, input);
    const hasFlow = order.some(({ op }) => flow.test(op));
    for (const node of order) {
      const writes = this.states.writesOf(node);
      const targets = writes.map(({ input }) => rootOf(graph, node.inputs[input]));
      const unknown = targets.includes(undefined) || new Set(targets).size < targets.length;
      // What only runs on one side of a condition of the first version is not told from the rest.
      if (writes.length > 0 && (unknown || hasFlow || writes.some(({ kind }) => kind === "cond"))) return nodeLabel(graph, node);
      const inputs = node.inputs.map((input) => this.now(input));
      if (writes.length === 0) {
        if (inputs.some((input, i) => input !== node.inputs[i])) this.nodes[node.id] = { ...node, inputs };
        continue;
      }
      const outputs = [...node.outputs];
      writes.forEach(({ input, kind }, i) => {
        const given = kind === "body" ? outputs[input] : isWrite(node) && givesReference(node) ? outputs[0] : undefined;
        const result = given ?? this.value(`${nodeLabel(graph, node)}!${i}`, targets[i]!, node.id);
        if (given === undefined) outputs.push(result);
        this.current.set(targets[i]!, result);
      });
      const attrs = isWrite(node) ? { ...node.attrs, [frozen]: { kind: "bool", value: true } as const } : node.attrs;
      this.nodes[node.id] = { ...node, inputs, outputs, attrs };
    }
    const results = this.states.resultsOf(graph).map((argument) => this.now(graph.inputs[argument]!)!);
    const outputs = [...graph.outputs.map((output) => this.now(output)!), ...(graph.role === "main" ? [] : results)];
    return { ...graph, nodes: this.nodes, values: this.values, outputs };
  }

  private note(node: SourceNode, input: number): void {
    const root = rootOf(this.graph, node.inputs[input]);
    if (root !== undefined) this.changed.add(root);
  }

  /** A handle as the value that its variable has here. */
  private now(value: ValueId | undefined): ValueId | undefined {
    const root = value === undefined || this.changed.size === 0 ? undefined : rootOf(this.graph, value);
    return root !== undefined && this.changed.has(root) ? (this.current.get(root) ?? root) : value;
  }

  private value(name: string, like: ValueId, producer?: number): ValueId {
    const id = this.values.length;
    const { type } = this.values[like]!;
    this.values.push({ id, name, type, ...(producer !== undefined && { producer }) });
    return id;
  }

  /** Variables of the main graph as states: a value that a run takes, and what it leaves. */
  withStates(graph: SourceGraph, constants: Constants): SourceGraph {
    const effects = [...(graph.effects ?? [])];
    let flag: ValueId | undefined;
    for (const root of this.changed) {
      const { name } = this.values[root]!;
      const state = this.value(name, root);
      this.values[state] = { ...this.values[state]!, type: this.typeOf(root), variable: true };
      this.values[root] = { ...this.values[root]!, name: `${name}!initial` };
      let start = state;
      if (!this.isZero(root, constants)) {
        if (flag === undefined) {
          flag = this.value(started, root);
          this.values[flag] = { id: flag, name: started, type: { dtype: "bool", shape: [] }, variable: true };
          effects.push(this.node(over, [flag], `${started}!`, flag));
        }
        start = this.node(begins, [flag, state, root], `${name}!start`, root);
      }
      this.replaceReads(root, start);
      effects.push(this.node(leaves, [state, this.current.get(root)!], `${name}!left`, root));
    }
    const outputs = graph.outputs.map((output) => (this.changed.has(output) ? this.starts.get(output)! : output));
    return { ...graph, nodes: this.nodes, values: this.values, outputs, effects };
  }

  private readonly starts = new Map<ValueId, ValueId>();

  /** Whatever read the variable itself, before any assignment, reads its value at the start. */
  private replaceReads(root: ValueId, start: ValueId): void {
    this.starts.set(root, start);
    for (const [i, node] of this.nodes.entries())
      if (node.op !== begins && node.inputs.includes(root))
        this.nodes[i] = { ...node, inputs: node.inputs.map((input) => (input === root ? start : input)) };
  }

  private node(op: string, inputs: readonly ValueId[], output: string, like: ValueId): ValueId {
    const id = this.nodes.length;
    const made = this.value(output, like, id);
    this.nodes.push({ ...plain, id, name: output, op, inputs, outputs: [made], attrs: {} });
    return made;
  }

  private typeOf(root: ValueId): SourceValue["type"] {
    const { type } = this.values[root]!;
    const stored = this.nodes[this.values[root]!.producer!]!.attrs["value"];
    if (stored?.kind !== "tensor") return type;
    return { dtype: stored.value.dtype, shape: stored.value.shape };
  }

  private isZero(root: ValueId, constants: Constants): boolean {
    const stored = this.nodes[this.values[root]!.producer!]!.attrs["value"];
    const known = stored?.kind === "tensor" ? constants.get(stored.value) : undefined;
    return known !== undefined && !Array.isArray(known.data) && numbersOf(known).every((x) => x === 0);
  }
}

export const stateRules: readonly Rule[] = [
  tfRule(begins, [3, 3], {}, (b, [flag, later, first]) => [b.op("SelectV2", [flag, later, first])]),
  tfRule(leaves, [2, 2], {}, (_, [, value], __, at) => {
    at.assign(0, value);
    return [value];
  }),
  tfRule(over, [1, 1], {}, (b, _, __, at) => {
    const isOver = b.scalar("bool", 1);
    at.assign(0, isOver);
    return [isOver];
  }),
  tfRule(lost, [0, 0], {}, (_, __, ___, at) => {
    throw at.unsupported(
      "a variable that is assigned as the model runs, where a condition or several names of it decide",
      "choose a signature that assigns none with --signature, or freeze the graph",
    );
  }),
];
