/** A hub graph made again for a target, node by node: the walk that legalize and raise share. What becomes of a node is the target's. */
import { throwIfCancelled } from "../base/cancel.ts";
import { ModelError, type Problem } from "../base/problem.ts";
import type { Graph, Node, Type, Value } from "../graph/graph.ts";
import { topological } from "../graph/order.ts";
import { located } from "../graph/place.ts";
import { Builder } from "./build.ts";

export interface Target {
  /** The type that an input has there; a `ModelError` where there is none. */
  input(type: Type): Type;
  /** The form of a constant there. */
  constant(b: Builder, value: Value): Value;
  /** Whether a constant is made again as a node, rather than taken as it is; told of producers first. */
  isNode(constant: Node): boolean;
  /** What the outputs of a node become, given what its inputs have become; a `ModelError` is recorded at the node. */
  node(b: Builder, node: Node, inputs: readonly Value[]): readonly Value[];
}

export interface Retargeted {
  readonly graph: Graph;
  /** Hub value → what it has become, for all that have. */
  readonly values: ReadonlyMap<Value, Value>;
  readonly problems: readonly Problem[];
}

export interface RetargetOptions {
  /** Hub values that are not part of the graph any more but tell how a source value looks (the source map); carried where possible. */
  readonly tracked?: Iterable<Value> | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Faults are collected a node each; a graph with error problems is not for writing. Functions are made again as the graph is. */
export function retarget(graph: Graph, target: Target, { tracked = [], signal }: RetargetOptions = {}): Retargeted {
  const main = new Retargeting(target, signal);
  const made = main.run(graph, tracked);
  const problems = [...main.problems];
  const functions = new Map<string, Graph>();
  for (const [name, body] of graph.functions) {
    const inner = new Retargeting(target, signal);
    functions.set(name, inner.run(body, []));
    for (const each of inner.problems) problems.push(each);
  }
  return { graph: { ...made, functions }, values: main.values, problems };
}

/** Of one graph, without the functions. */
class Retargeting {
  private readonly b = new Builder();
  readonly values = new Map<Value, Value>();
  private readonly failed = new Set<Value>();
  readonly problems: Problem[] = [];

  constructor(
    private readonly target: Target,
    private readonly signal: AbortSignal | undefined,
  ) {}

  run(graph: Graph, tracked: Iterable<Value>): Graph {
    const inputs = graph.inputs.map((input) => this.input(input, true));
    this.walk(
      graph.outputs.map((output) => output.value),
      true,
    );
    const outputs = graph.outputs.map(({ name, value }) => ({ name, value: this.take(value) }));
    this.walk([...tracked], false);
    return { name: graph.name, inputs, outputs, functions: graph.functions };
  }

  private walk(roots: readonly Value[], report: boolean): void {
    let count = 0;
    for (const node of topological(roots)) {
      if ((count++ & 1023) === 0) throwIfCancelled(this.signal);
      if (this.values.has(node.outputs[0]!) || this.failed.has(node.outputs[0]!)) continue;
      if (node.constant && !this.target.isNode(node)) continue;
      if (node.op === "Placeholder") this.input(node.output, report);
      else this.node(node, report);
    }
  }

  private input(value: Value, report: boolean): Value {
    const known = this.values.get(value);
    if (known) return known;
    this.b.origin = value.node.origin;
    try {
      const placeholder = this.b.input(value.node.attrs["name"] as string, this.target.input(value.type));
      this.values.set(value, placeholder);
      return placeholder;
    } catch (error) {
      this.fail(error, value.node, report);
      return value;
    }
  }

  /** What a hub value has become. */
  private take(value: Value): Value {
    const known = this.values.get(value);
    if (known) return known;
    if (!value.node.constant) return value; // its node failed, and that was recorded
    const constant = this.target.constant(this.b, value);
    this.values.set(value, constant);
    return constant;
  }

  private node(node: Node, report: boolean): void {
    if (node.op === "Opaque" || node.inputs.some((input) => this.failed.has(input))) {
      for (const output of node.outputs) this.failed.add(output);
      return;
    }
    this.b.origin = node.origin;
    try {
      const inputs = node.inputs.map((input) => this.take(input));
      const outputs = this.target.node(this.b, node, inputs);
      node.outputs.forEach((output, i) => {
        const value = outputs[i];
        if (!value) throw new Error(`making ${node.op} again gave ${outputs.length} outputs`);
        this.values.set(output, value);
      });
    } catch (error) {
      this.fail(error, node, report);
    }
  }

  private fail(error: unknown, node: Node, report: boolean): void {
    if (!(error instanceof ModelError)) throw error;
    if (report) this.problems.push(located(error, node));
    for (const output of node.outputs) this.failed.add(output);
  }
}
