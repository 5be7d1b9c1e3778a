/** Conditionals of TensorFlow's first control flow: a Merge whose two inputs lie behind the two sides of Switches over one predicate. */
import type { SourceNode, ValueId } from "../../graph/source.ts";
import { controlsOf } from "./controls.ts";
import type { Rewriting } from "./functionalize.ts";

/** What lies behind one input of a Merge. */
interface Side {
  /** Outputs of Switches, where the values of the other side of the conditional come in. */
  readonly taken: ReadonlySet<ValueId>;
  /** The predicate, and which port of its Switches; undefined where none is met. */
  readonly gate: Gate | undefined;
}

interface Gate {
  readonly predicate: ValueId;
  readonly port: number;
}

export class Conditions {
  private readonly byName: ReadonlyMap<string, SourceNode>;

  constructor(private readonly graph: Rewriting) {
    this.byName = new Map(graph.nodes.map((node) => [node.name, node]));
  }

  /** Inner conditionals first: once theirs is an If, a walk from an outer Merge goes through it. */
  run(): void {
    for (const merge of this.merges()) this.replace(merge);
  }

  /** Merges that close a conditional, those that others lie behind first. */
  private merges(): SourceNode[] {
    const order: SourceNode[] = [];
    const seen = new Set<SourceNode>();
    const stack: { node: SourceNode; next: number }[] = [];
    for (const root of this.graph.nodes) {
      if (!isMerge(root) || seen.has(root)) continue;
      seen.add(root);
      stack.push({ node: root, next: 0 });
      for (let top = stack.at(-1); top; top = stack.at(-1)) {
        const input = top.node.inputs[top.next++];
        if (top.next > top.node.inputs.length) {
          stack.pop();
          if (isMerge(top.node)) order.push(top.node);
          continue;
        }
        const producer = input === undefined ? undefined : this.graph.producer(input);
        if (!producer || seen.has(producer)) continue;
        seen.add(producer);
        stack.push({ node: producer, next: 0 });
      }
    }
    return order.filter((merge) => this.graph.producer(merge.outputs[0]!) === merge && !this.isLoop(merge));
  }

  private isLoop(merge: SourceNode): boolean {
    return merge.inputs.some(
      (input) => input !== undefined && /^(Ref)?(NextIteration|Enter)$/.test(this.graph.producer(input)?.op ?? ""),
    );
  }

  private replace(merge: SourceNode): void {
    const [first, second] = merge.inputs;
    if (merge.inputs.length !== 2 || first === undefined || second === undefined) return;
    const [a, b] = [this.side(first), this.side(second)];
    const gate = a.gate ?? (b.gate && { ...b.gate, port: 1 - b.gate.port });
    if (!gate || (b.gate && (b.gate.port === gate.port || b.gate.predicate !== gate.predicate))) return;
    const [yes, no] = gate.port === 1 ? [first, second] : [second, first];
    const switches = [...new Set([...a.taken, ...b.taken].map((value) => this.graph.producer(value)!))];
    const inputs = switches.map((each) => each.inputs[0]!);
    const seen = (port: number) => switches.map((each) => each.outputs[port]!);
    this.graph.replace(merge, "If", [gate.predicate, ...inputs], [merge.outputs[0]], {
      then_branch: this.graph.view(seen(1), [yes]),
      else_branch: this.graph.view(seen(0), [no]),
    });
  }

  /** Walks back from a value to the Switches of the innermost predicate. Switches of outer ones are gone through. */
  private side(value: ValueId): Side {
    const taken = new Map<ValueId, Gate>();
    const told: Gate[] = [];
    const seen = new Set<ValueId>();
    const stack = [value];
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      if (seen.has(at)) continue;
      seen.add(at);
      const node = this.graph.producer(at);
      if (!node) continue;
      const gate = this.gateOf(node, at);
      if (gate) {
        taken.set(at, gate);
        continue;
      }
      for (const control of controlsOf(node)) {
        const other = this.controlGate(control);
        if (other) told.push(other);
      }
      for (const input of node.inputs) if (input !== undefined) stack.push(input);
    }
    const gates = [...taken.values()];
    const [gate] = gates.length > 0 ? gates : told;
    const own = [...taken].filter(([, each]) => each.predicate === gate?.predicate && each.port === gate.port);
    return { taken: new Set(own.map(([id]) => id)), gate };
  }

  private gateOf(node: SourceNode, value: ValueId): Gate | undefined {
    if (!/^(Ref)?Switch$/.test(node.op)) return undefined;
    const predicate = node.inputs[1];
    return predicate === undefined ? undefined : { predicate: this.root(predicate), port: node.outputs.indexOf(value) };
  }

  /** A constant of a branch has no data from outside, but runs after `cond/switch_t`, which is one side of a Switch. */
  private controlGate(name: string): Gate | undefined {
    let node = this.byName.get(name);
    for (let steps = 0; node && steps < maxSteps; steps++) {
      const value = node.inputs[0];
      const producer = value === undefined ? undefined : this.graph.producer(value);
      if (!producer) return undefined;
      const gate = this.gateOf(producer, value!);
      if (gate) return gate;
      if (producer.op !== "Identity") return undefined;
      node = producer;
    }
    return undefined;
  }

  /** A predicate goes through Identities on its way. */
  private root(value: ValueId): ValueId {
    let at = value;
    for (let steps = 0; steps < maxSteps; steps++) {
      const node = this.graph.producer(at);
      if (node?.op !== "Identity" || node.inputs[0] === undefined) break;
      at = node.inputs[0];
    }
    return at;
  }
}

/** Identities in a row; TensorFlow makes one or two. */
const maxSteps = 16;

const isMerge = ({ op }: SourceNode): boolean => op === "Merge" || op === "RefMerge";
