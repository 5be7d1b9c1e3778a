/**
 * The first step to ONNX, hub graph → hub graph: ops that ONNX lacks become simpler ones, those that it has channels-first get Transposes
 * around them. The optimiser then cancels these, before `emit` writes ONNX node by node.
 */
import { throwIfCancelled } from "../base/cancel.ts";
import { ModelError, type Problem } from "../base/problem.ts";
import type { Graph, Node, Value } from "../graph/graph.ts";
import { topological } from "../graph/order.ts";
import { Builder } from "../tf/build.ts";
import { isDefined } from "../tf/op.ts";
import { isUserOp } from "../tf/user-op.ts";
import { onnxAttrs } from "./attrs.ts";
import { decomposeRules } from "./decompose/rules.ts";
import { located } from "./place.ts";
import { RaiseAt } from "./rule.ts";
import { onnxType, refuseTiny } from "./types.ts";

export interface Decomposed {
  readonly graph: Graph;
  /** Hub value → what it has become. */
  readonly values: ReadonlyMap<Value, Value>;
  readonly problems: readonly Problem[];
}

export interface DecomposeOptions {
  readonly opset: number;
  /** Hub values that are not part of the graph any more but tell how a source value looks; carried where possible. */
  readonly tracked?: Iterable<Value>;
  readonly signal?: AbortSignal | undefined;
}

/** Faults are collected a node each; a graph with error problems is not for writing. */
export function decompose(graph: Graph, options: DecomposeOptions): Decomposed {
  return new Decomposition(options).run(graph, options.tracked ?? []);
}

class Decomposition {
  private readonly b = new Builder();
  private readonly values = new Map<Value, Value>();
  private readonly failed = new Set<Value>();
  private readonly problems: Problem[] = [];

  constructor(private readonly options: DecomposeOptions) {}

  run(graph: Graph, tracked: Iterable<Value>): Decomposed {
    const inputs = graph.inputs.map((input) => this.input(input, true));
    this.walk(
      graph.outputs.map((output) => output.value),
      true,
    );
    const outputs = graph.outputs.map(({ name, value }) => ({ name, value: this.take(value) }));
    this.walk([...tracked], false);
    const functions = new Map([...graph.functions].map(([name, body]) => [name, this.body(body)]));
    return { graph: { name: graph.name, inputs, outputs, functions }, values: this.values, problems: this.problems };
  }

  private body(graph: Graph): Graph {
    const inner = decompose(graph, { opset: this.options.opset, signal: this.options.signal });
    this.problems.push(...inner.problems);
    return inner.graph;
  }

  private walk(roots: readonly Value[], report: boolean): void {
    let count = 0;
    for (const node of topological(roots)) {
      if ((count++ & 1023) === 0) throwIfCancelled(this.options.signal);
      if (node.constant || this.values.has(node.outputs[0]!) || this.failed.has(node.outputs[0]!)) continue;
      if (node.op === "Placeholder") this.input(node.output, report);
      else this.node(node, report);
    }
  }

  private input(value: Value, report: boolean): Value {
    const known = this.values.get(value);
    if (known) return known;
    this.b.origin = value.node.origin;
    try {
      refuseTiny(value.dtype);
      const type = { dtype: onnxType(value.dtype), shape: value.type.shape };
      const placeholder = this.b.input(value.node.attrs["name"] as string, type);
      this.values.set(value, placeholder);
      return placeholder;
    } catch (error) {
      this.fail(error, value.node, report);
      return value;
    }
  }

  /** What a hub value has become; constants are cast as they are taken. */
  private take(value: Value): Value {
    const known = this.values.get(value);
    if (known) return known;
    if (!value.node.constant) return value; // its node failed, and that was recorded
    const constant = this.b.cast(value, onnxType(value.dtype));
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
      for (const { dtype } of node.outputs) refuseTiny(dtype);
      const inputs = node.inputs.map((input) => this.take(input));
      const at = new RaiseAt(node, onnxAttrs(node.attrs), this.options.opset);
      const rule = decomposeRules.get(node.op);
      if (!rule && !isDefined(node.op) && !isUserOp(node.op)) throw at.unsupported(`ONNX has no ${node.op}`);
      const outputs = rule ? rule(this.b, inputs, at) : this.b.ops(node.op, inputs, at.attrs);
      node.outputs.forEach((output, i) => {
        const value = outputs[i];
        if (!value) throw new Error(`decomposing ${node.op} gave ${outputs.length} outputs`);
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
