/** One sweep: an iterative rebuild of a graph, producers first, that applies rewrites at every node. */
import { throwIfCancelled } from "../base/cancel.ts";
import type { Dim, Node, Type, Value } from "../graph/graph.ts";
import type { Builder } from "../tf/build.ts";
import type { Fire, Rewrite, Site } from "./rewrite.ts";
import { Uses } from "./uses.ts";

/** Firings a sweep may spend per node it starts with: far above what any rule set needs, so that rules that chase each other are told. */
const firingsPerNode = 64;

interface Rule {
  readonly name: string;
  readonly onConstants: boolean;
  readonly fire: Fire;
}

/** A node under way: its inputs first, then (after a rewrite) the values that replaced it. */
interface Frame {
  readonly node: Node;
  waits: readonly Value[];
  next: number;
  /** The node over its rebuilt inputs, where rules fired on it. */
  rebuilt: readonly Value[] | undefined;
}

export class Sweep implements Site {
  readonly fired = new Map<string, number>();
  private readonly memo = new Map<Node, readonly Value[]>();
  private readonly byOp = new Map<string, Rule[]>();
  private readonly atAny: Rule[];
  private readonly counts = new Uses((value) => this.resolve(value));
  private left: number;
  private visited = 0;

  constructor(
    private readonly b: Builder,
    pipeline: readonly Rewrite[],
    roots: readonly Value[],
    nodes: number,
    private readonly signal: AbortSignal | undefined,
  ) {
    const rules = pipeline.map((rule) => ({ name: rule.name, ops: rule.ops, onConstants: rule.onConstants, fire: rule.start() }));
    this.atAny = rules.filter((rule) => rule.ops === "any");
    for (const op of new Set(rules.flatMap((rule) => (rule.ops === "any" ? [] : rule.ops))))
      this.byOp.set(
        op,
        rules.filter((rule) => rule.ops === "any" || rule.ops.includes(op)),
      );
    this.left = firingsPerNode * (nodes + 16);
    for (const root of roots) this.counts.acquire(root);
    for (const root of roots) this.visit(root.node);
  }

  uses(value: Value): number {
    return this.counts.of(value);
  }

  /** Nodes that are left. */
  get size(): number {
    return this.counts.size;
  }

  /** Of a value of the rebuilt graph. */
  isLive(value: Value): boolean {
    return this.counts.isLive(value.node);
  }

  /** What a value became. */
  resolve(value: Value): Value {
    let at = value;
    for (;;) {
      const to = this.memo.get(at.node)?.[at.port];
      if (!to || to === at) return at;
      at = to;
    }
  }

  private visit(root: Node): void {
    const stack: Frame[] = [];
    const enter = (node: Node) => {
      if (!this.memo.has(node)) stack.push({ node, waits: node.inputs, next: 0, rebuilt: undefined });
    };
    enter(root);
    for (let top = stack[stack.length - 1]; top; top = stack[stack.length - 1]) {
      const wait = top.waits[top.next++];
      if (wait) enter(wait.node);
      else if (!this.finish(top)) stack.pop();
    }
  }

  /** Rebuilds the frame's node, or settles what replaced it. True: there is more to wait for. */
  private finish(frame: Frame): boolean {
    const { node } = frame;
    if ((this.visited++ & 1023) === 0) throwIfCancelled(this.signal);
    if (frame.rebuilt) {
      const settled = frame.waits.map((value) => this.resolve(value));
      if (frame.rebuilt[0]!.node !== node) this.memo.set(frame.rebuilt[0]!.node, settled);
      this.memo.set(node, settled);
      return false;
    }
    if (this.memo.has(node)) return false;
    const rebuilt = this.rebuild(node);
    const made = rebuilt[0]!.node;
    if (rebuilt.some((value) => value.node !== made) || rebuilt.length !== made.outputs.length)
      return this.replace(frame, rebuilt, rebuilt);
    if (made !== node && this.memo.has(made)) {
      this.memo.set(node, this.memo.get(made)!);
      return false;
    }
    const replacement = this.tryRules(made);
    if (replacement) return this.replace(frame, rebuilt, replacement);
    this.memo.set(made, made.outputs);
    if (made !== node) this.memo.set(node, made.outputs);
    return false;
  }

  private rebuild(node: Node): readonly Value[] {
    const inputs = node.inputs.map((input) => this.resolve(input));
    this.b.origin = node.origin;
    const outputs = this.b.rebuild(node, inputs);
    if (outputs !== node.outputs) this.counts.move(node.outputs, outputs);
    return outputs;
  }

  private replace(frame: Frame, rebuilt: readonly Value[], values: readonly Value[]): boolean {
    frame.rebuilt = rebuilt;
    frame.waits = values;
    frame.next = 0;
    return true;
  }

  private tryRules(node: Node): readonly Value[] | undefined {
    for (const rule of this.byOp.get(node.op) ?? this.atAny) {
      if (node.constant && !rule.onConstants) continue;
      this.b.origin = node.origin;
      const values = rule.fire(node, this.b, this);
      if (!values || !this.accepts(rule, node, values)) continue;
      if (this.left-- === 0) throw new Error(`rewrites chase each other: ${rule.name} at ${node.op}`);
      this.fired.set(rule.name, (this.fired.get(rule.name) ?? 0) + 1);
      this.counts.move(node.outputs, values);
      return values;
    }
    return undefined;
  }

  /** Types stay; a rewrite after which less is known of a shape is not taken. */
  private accepts(rule: Rule, node: Node, values: readonly Value[]): boolean {
    if (values.length !== node.outputs.length) throw new Error(`${rule.name} gave ${values.length} values for ${node.op}`);
    let known = true;
    node.outputs.forEach((output, port) => {
      const verdict = compareTypes(output.type, values[port]!.type);
      if (verdict === "differs") throw new Error(`${rule.name} changed the type of ${node.op}`);
      known &&= verdict === "same";
    });
    return known;
  }
}

function compareTypes(before: Type, after: Type): "same" | "vaguer" | "differs" {
  if (before.dtype !== after.dtype) return "differs";
  if (!before.shape) return "same";
  if (!after.shape) return "vaguer";
  if (before.shape.length !== after.shape.length) return "differs";
  const dims = before.shape.map((dim, i) => compareDims(dim, after.shape![i]));
  return dims.find((verdict) => verdict === "differs") ?? dims.find((verdict) => verdict === "vaguer") ?? "same";
}

function compareDims(before: Dim, after: Dim): "same" | "vaguer" | "differs" {
  if (before === undefined || before === after) return "same";
  if (after === undefined) return "vaguer";
  // Two symbols may stand for one size, and a symbol for a number that only now came to light.
  if (typeof before === "number") return typeof after === "number" ? "differs" : "vaguer";
  return typeof after === "number" ? "same" : "vaguer";
}
