/** The second step to ONNX: a decomposed hub graph, node by node, into ONNX nodes. */
import { throwIfCancelled } from "../base/cancel.ts";
import { ModelError, type Problem } from "../base/problem.ts";
import type { Graph, Node, Value } from "../graph/graph.ts";
import { movingOps } from "../graph/moving.ts";
import { countUses, nodesOf, topological } from "../graph/order.ts";
import { located } from "../graph/place.ts";
import { bytesOf, eagerBytes } from "../tf/build.ts";
import { opDef } from "../tf/op.ts";
import { onnxAttrs } from "./attrs.ts";
import { OnnxBuilder, Ref, Scope } from "./build.ts";
import { emitRules } from "./emit/rules.ts";
import { type Finished, finish } from "./finish.ts";
import { type Emit, EmitAt, Incomplete, type Nesting } from "./rule.ts";

export interface EmitOptions {
  readonly opset: number;
  /** What values are called in the source, as far as they have names. */
  readonly names?: ReadonlyMap<Value, string>;
  readonly signal?: AbortSignal | undefined;
}

export interface Emitted extends Finished {
  readonly nameOf: (value: Value) => string | undefined;
  readonly problems: readonly Problem[];
  /** The least opset that has what the faulty nodes want. */
  readonly least: number;
}

/** Faults are collected a node each; a model with error problems is not for writing. */
export function emit(graph: Graph, options: EmitOptions): Emitted {
  return new Emission(graph, options).run();
}

/** Refs of the values of one graph, or of one copy of a function's body. */
type Bound = Map<Value, Ref>;

class Emission implements Nesting {
  readonly o: OnnxBuilder;
  private readonly main: Scope;
  /** Computed from initializers alone: ahead of everything, so that nested graphs see it too. */
  private readonly prologue: Scope;
  private readonly constants = new Map<Value, Ref>();
  /** Bytes of what constants are made of. */
  private readonly leafBytes = new Map<Node, number>();
  private readonly grown = new Map<Node, boolean>();
  private readonly values: Bound = new Map();
  private readonly problems: Problem[] = [];
  private uses: ReadonlyMap<Value, number> = new Map();
  private least: number;

  constructor(
    private readonly graph: Graph,
    private readonly options: EmitOptions,
  ) {
    this.least = options.opset;
    this.main = new Scope(graph.name, undefined);
    this.prologue = new Scope(graph.name, undefined);
    this.o = new OnnxBuilder(this.main, options.opset, (value) => this.constant(value));
  }

  run(): Emitted {
    const { graph, options } = this;
    this.main.inputs = graph.inputs.map((input) => {
      const ref = new Ref(input.dtype, input.type.shape, undefined);
      ref.name = input.node.attrs["name"] as string;
      this.values.set(input, ref);
      return ref;
    });
    const outputs = this.body(graph, this.values);
    this.main.nodes.unshift(...this.prologue.nodes);
    for (const [value, ref] of this.values) ref.hint ??= options.names?.get(value);
    const finished = finish(this.main, graph, outputs, this.o);
    return { ...finished, nameOf: (value) => this.values.get(value)?.name, problems: this.problems, least: this.least };
  }

  inline(name: string, inputs: readonly Ref[]): readonly Ref[] {
    const body = this.function(name);
    const { uses } = this;
    const bound: Bound = new Map(body.inputs.map((input, i) => [input, inputs[i]!]));
    const outputs = this.body(body, bound);
    this.uses = uses;
    if (!outputs.every((output) => output !== undefined)) throw new Incomplete();
    return outputs;
  }

  function(name: string): Graph {
    const body = this.graph.functions.get(name);
    if (!body) throw new Error(`no function ${name}`);
    return body;
  }

  /** Undefined: the output's node failed, and that was recorded. */
  private body(graph: Graph, bound: Bound): readonly (Ref | undefined)[] {
    this.uses = countUses(nodesOf(graph), graph);
    let count = 0;
    for (const node of topological(graph.outputs.map((output) => output.value))) {
      if ((count++ & 1023) === 0) throwIfCancelled(this.options.signal);
      if (!node.constant && node.op !== "Placeholder") this.node(node, bound);
    }
    return graph.outputs.map(({ value }) => bound.get(value) ?? (value.node.constant ? this.constant(value) : undefined));
  }

  private node(node: Node, bound: Bound): void {
    const inputs = node.inputs.map((input) => bound.get(input) ?? (input.node.constant ? this.constant(input) : undefined));
    if (!inputs.every((input) => input !== undefined)) return;
    this.o.origin = node.origin;
    const at = this.at(node);
    try {
      const outputs = ruleOf(node, at)(this.o, inputs, at);
      for (const value of at.fused) bound.delete(value);
      node.outputs.forEach((output, i) => {
        const ref = outputs[i];
        if (!ref) throw new Error(`emitting ${node.op} gave ${outputs.length} outputs`);
        // A handle of a list is a scalar in the hub.
        if (!ref.sequence) ref.shape ??= output.type.shape;
        bound.set(output, ref);
      });
    } catch (error) {
      if (error instanceof Incomplete) return;
      if (!(error instanceof ModelError)) throw error;
      this.least = Math.max(this.least, at.least);
      this.problems.push(located(error, node));
    }
  }

  private at(node: Node): EmitAt {
    return new EmitAt(node, onnxAttrs(node.attrs), this.options.opset, this, (value) => this.uses.get(value) ?? 0);
  }

  /** An initializer; a node where the tensor is larger than what the file holds of it: 8-bit weights, a Fill, a Tile. */
  private constant(value: Value): Ref {
    const known = this.constants.get(value);
    if (known) return known;
    for (const node of topological([value])) this.measure(node);
    const ref = this.grown.get(value.node) ? this.computed(value) : new Ref(value.dtype, value.type.shape, value);
    this.constants.set(value, ref);
    return ref;
  }

  private measure(node: Node): void {
    if (this.grown.has(node)) return;
    const bytes = node.outputs.reduce((total, each) => total + (bytesOf(each.type) ?? 0), 0);
    const leaves = node.inputs.reduce((total, input) => total + this.leafBytes.get(input.node)!, 0);
    this.leafBytes.set(node, node.op === "Const" ? bytes : leaves);
    // Weights and biases that are codes stay what they are, however few.
    const isWide = node.op !== "Const" && bytes > eagerBytes && bytes > leaves && emitRules.has(node.op);
    const moves = movingOps.has(node.op) && node.op !== "Cast" && this.grown.get(node.inputs[0]!.node)!;
    this.grown.set(node, moves || isWide || node.op === "Dequantize");
  }

  private computed(value: Value): Ref {
    const { scope, origin, spelling } = this.o;
    // Moved before they are widened: what is stored stays small, and the widening is what is read.
    const node = moveInside(value.node, this.o);
    if (node !== value.node) return this.constant(node.outputs[value.port]!);
    const inputs = node.inputs.map((input) => this.constant(input));
    this.o.scope = this.prologue;
    this.o.origin = node.origin;
    this.o.spelling = true;
    // A cast of a constant is a constant for the rules: here it is the node that makes it.
    const at = this.at(node);
    const outputs = node.op === "Cast" ? [this.o.castNode(inputs[0]!, value.dtype)] : ruleOf(node, at)(this.o, inputs, at);
    this.o.scope = scope;
    this.o.origin = origin;
    this.o.spelling = spelling;
    for (const [i, output] of node.outputs.entries()) outputs[i]!.shape ??= output.type.shape;
    const made = outputs[value.port]!;
    made.expression ??= value;
    return made;
  }
}

/** Transpose(Cast(w)) → Cast(Transpose(w)), and so through all that does the same to every element; the node itself where nothing moves. */
function moveInside(node: Node, { b }: OnnxBuilder): Node {
  const [x, ...rest] = node.inputs;
  if (!x || !movingOps.has(node.op) || node.op === "Cast") return node;
  const { op, inputs, attrs } = x.node;
  if (op !== "Dequantize" && opDef(op).elementwise !== true) return node;
  const rank = x.type.shape?.length;
  const moves = (input: Value) =>
    input.type.shape?.length === 0 || (node.op === "Transpose" && input.type.shape?.length === rank);
  if (!inputs.slice(1).every(moves)) return node;
  const moved = (input: Value, i: number) => (i > 0 && input.rank === 0 ? input : b.op(node.op, [input, ...rest], node.attrs));
  return b.kept(op, inputs.map(moved), attrs).node;
}

function ruleOf(node: Node, at: EmitAt): Emit {
  const rule = emitRules.get(node.op);
  if (!rule) throw at.unsupported(`ONNX has no ${node.op}`);
  return rule;
}
