/** Hub graph → a graph that TF.js's executor runs: its ops, its dtypes, its quirks. The only place that knows them. */
import { throwIfCancelled } from "../base/cancel.ts";
import { ModelError, type Problem } from "../base/problem.ts";
import { type Attrs, type Graph, type Node, sizeOf, type Value } from "../graph/graph.ts";
import { movingOps } from "../graph/moving.ts";
import { topological } from "../graph/order.ts";
import { allocate } from "../graph/tensor.ts";
import { Builder, bytesOf, eagerBytes } from "../tf/build.ts";
import { isUserOp } from "../tf/user-op.ts";
import { executorOps } from "./ops.ts";
import { LegalAt, type Legalize } from "./rule.ts";
import { userOperator } from "./rules/custom.ts";
import { legalRules } from "./rules.ts";
import { borderType, isNarrow, narrow, wrap } from "./types.ts";

export interface Legalized {
  readonly graph: Graph;
  /** Hub value → target value, for all that were legalised. */
  readonly values: ReadonlyMap<Value, Value>;
  readonly problems: readonly Problem[];
}

export interface LegalizeOptions {
  /** Hub values that are not part of the graph any more but tell how a source value looks (the source map); carried where possible. */
  readonly tracked?: Iterable<Value>;
  readonly signal?: AbortSignal | undefined;
  /** Ops that stand for TF.js's own kernels and nothing more exact, since the source is a TF.js model. */
  readonly native?: ReadonlySet<string> | undefined;
}

/** Faults are collected per node; a graph with error problems is not for writing. */
export function legalize(graph: Graph, options: LegalizeOptions = {}): Legalized {
  return new Legalization(options.signal, options.native).run(graph, options.tracked ?? []);
}

/** Attributes that hold a dtype. */
const dtypeAttrs = new Set(["element_dtype", "DstT", "SrcT", "T", "dtype", "out_type", "output_type"]);

/** Attributes that TensorFlow gives a default and the executor reads without one. */
const expected: Readonly<Record<string, Attrs>> = {
  Conv2D: { dilations: [1, 1, 1, 1], data_format: "NHWC" },
  DepthwiseConv2dNative: { dilations: [1, 1, 1, 1], data_format: "NHWC" },
  Conv3D: { dilations: [1, 1, 1, 1, 1], data_format: "NDHWC" },
  Conv2DBackpropInput: { dilations: [1, 1, 1, 1], data_format: "NHWC" },
};

/** Results of these leave the range of a narrow integer type. */
const overflowing = new Set([
  "AddV2",
  "Sub",
  "Mul",
  "Neg",
  "Abs",
  "Square",
  "Pow",
  "Sum",
  "Prod",
  "Cumsum",
  "Cumprod",
  "SquaredDifference",
  "TruncateDiv",
]);

class Legalization {
  private readonly b = new Builder();
  private readonly values = new Map<Value, Value>();
  private readonly failed = new Set<Value>();
  private readonly problems: Problem[] = [];
  /** Of constants: bytes of what they are made of, and whether they outgrow it. The walk visits producers first. */
  private readonly leafBytes = new Map<Value, number>();
  private readonly enlarged = new Map<Value, boolean>();

  constructor(
    private readonly signal: AbortSignal | undefined,
    private readonly native: ReadonlySet<string> | undefined,
  ) {}

  run(graph: Graph, tracked: Iterable<Value>): Legalized {
    const inputs = graph.inputs.map((input) => this.input(input));
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
    const inner = legalize(graph, { signal: this.signal });
    this.problems.push(...inner.problems);
    return inner.graph;
  }

  private walk(roots: readonly Value[], report: boolean): void {
    let count = 0;
    for (const node of topological(roots)) {
      if ((count++ & 1023) === 0) throwIfCancelled(this.signal);
      if (this.values.has(node.outputs[0]!) || this.failed.has(node.outputs[0]!)) continue;
      if (node.constant && !this.enlarges(node)) continue;
      this.node(node, report);
    }
  }

  private input(value: Value): Value {
    const known = this.values.get(value);
    if (known) return known;
    this.b.origin = value.node.origin;
    try {
      const placeholder = this.b.input(value.node.attrs["name"] as string, {
        dtype: borderType(value.dtype),
        shape: value.type.shape,
      });
      this.values.set(value, placeholder);
      return placeholder;
    } catch (error) {
      this.record(error, value.node, true);
      return value;
    }
  }

  /** The target's form of a hub value; constants are cast as they are taken. */
  private take(value: Value): Value {
    let target = this.values.get(value);
    if (!target) {
      if (!value.node.constant) return value; // its node failed, and that was recorded
      target = narrow(this.b, value);
      this.values.set(value, target);
    }
    return target;
  }

  private node(node: Node, report: boolean): void {
    if (node.op === "Placeholder") {
      this.input(node.outputs[0]!);
      return;
    }
    if (node.op === "Opaque" || node.inputs.some((input) => this.failed.has(input))) {
      for (const output of node.outputs) this.failed.add(output);
      return;
    }
    this.b.origin = node.origin;
    try {
      // Kernels are careless with results of no elements, and those need none.
      if (node.outputs.every((output) => sizeOf(output.type.shape) === 0)) {
        for (const output of node.outputs) this.values.set(output, this.nothing(output));
        return;
      }
      const at = new LegalAt(node, borderAttrs(node.attrs));
      const outputs = this.rule(node.op)(
        this.b,
        node.inputs.map((input) => this.take(input)),
        at,
      );
      node.outputs.forEach((output, i) => {
        const target = outputs[i];
        if (!target) throw new Error(`legalising ${node.op} gave ${outputs.length} outputs`);
        this.values.set(output, isNarrow(output.dtype) && overflowing.has(node.op) ? wrap(this.b, target, output.dtype) : target);
      });
    } catch (error) {
      this.record(error, node, report);
      for (const output of node.outputs) this.failed.add(output);
    }
  }

  private nothing({ dtype, type }: Value): Value {
    const border = borderType(dtype);
    return this.b.constant({ dtype: border, shape: type.shape as readonly number[], data: allocate(border, 0) });
  }

  private rule(op: string): Legalize {
    const row = this.native?.has(op) ? undefined : legalRules.get(op);
    if (row) return row;
    if (isUserOp(op)) return userOperator;
    return (b, inputs, at) => {
      if (!executorOps.has(op)) throw at.unsupported(`TF.js has no ${op}`);
      return at.same(b, inputs, { ...expected[op], ...at.attrs });
    };
  }

  private record(error: unknown, node: Node, report: boolean): void {
    if (!(error instanceof ModelError)) throw error;
    if (!report) return;
    const [graph, ...name] = (node.origin.nodes[0] ?? "").split("/");
    const place = graph ? { graph, node: name.join("/"), op: node.op } : { op: node.op };
    this.problems.push({ ...place, ...error.problem });
  }

  /** A constant much larger than what the file holds of it stays an operation: a Fill, a Tile, the scaling of 8-bit weights. */
  private enlarges(node: Node): boolean {
    const output = node.outputs[0]!;
    const known = this.enlarged.get(output);
    if (known !== undefined) return known;
    const inputs = node.inputs.reduce((total, input) => total + (this.leafBytes.get(input) ?? 0), 0);
    const bytes = node.outputs.reduce((total, each) => total + (bytesOf(each.type) ?? 0), 0);
    const leaves = node.op === "Const" ? bytes : inputs;
    for (const each of node.outputs) this.leafBytes.set(each, leaves);
    const grown = movingOps.has(node.op)
      ? this.enlarged.get(node.inputs[0]!)!
      : node.op !== "Const" && bytes > eagerBytes && bytes > 2 * leaves;
    for (const each of node.outputs) this.enlarged.set(each, grown);
    return grown;
  }
}

function borderAttrs(attrs: Attrs): Attrs {
  let mapped: Record<string, Attrs[string]> | undefined;
  for (const [name, value] of Object.entries(attrs)) {
    if (!dtypeAttrs.has(name)) continue;
    mapped ??= { ...attrs };
    mapped[name] = borderType(value as Parameters<typeof borderType>[0]);
  }
  return mapped ?? attrs;
}
