/** Consumer counts that stay exact while a graph is rewritten under them. */
import type { Node, Value } from "../graph/graph.ts";

/**
 * Counts reads by live nodes and graph outputs. A value that has been replaced keeps no count: what read it, and will be rebuilt to read
 * the replacement, is counted there. Iterative, since the death of one node can take a chain of 100 000 with it.
 */
export class Uses {
  private readonly counts = new Map<Value, number>();
  private readonly live = new Set<Node>();

  /** `resolve` tells what a replaced value stands for now. */
  constructor(private readonly resolve: (value: Value) => Value) {}

  of(value: Value): number {
    return this.counts.get(value) ?? 0;
  }

  /** Nodes that are read, or whose inputs are. */
  get size(): number {
    return this.live.size;
  }

  isLive(node: Node): boolean {
    return this.live.has(node);
  }

  /** Counts `times` more reads; a node that comes to life reads its inputs. */
  acquire(value: Value, times = 1): void {
    this.counts.set(value, this.of(value) + times);
    if (this.live.has(value.node)) return;
    this.live.add(value.node);
    const stack = [value.node];
    for (let node = stack.pop(); node; node = stack.pop()) {
      for (const read of node.inputs) {
        const input = this.resolve(read);
        this.counts.set(input, this.of(input) + 1);
        if (this.live.has(input.node)) continue;
        this.live.add(input.node);
        stack.push(input.node);
      }
    }
  }

  /** Takes reads away; a node that nobody reads dies and releases its inputs. */
  release(value: Value, times = 1): void {
    const stack: [Value, number][] = [[value, times]];
    for (let top = stack.pop(); top; top = stack.pop()) {
      const [read, count] = top;
      const left = this.of(read) - count;
      if (left < 0) throw new Error(`${read.node.op} has fewer readers than were counted`);
      this.counts.set(read, left);
      if (left > 0 || !this.live.has(read.node) || read.node.outputs.some((output) => this.of(output) > 0)) continue;
      this.live.delete(read.node);
      for (const input of read.node.inputs) stack.push([this.resolve(input), 1]);
    }
  }

  /** The readers of `from` will read `to` instead. */
  move(from: readonly Value[], to: readonly Value[]): void {
    const counts = from.map((value) => this.of(value));
    to.forEach((value, port) => {
      if (counts[port]! > 0) this.acquire(value, counts[port]);
    });
    from.forEach((value, port) => {
      if (counts[port]! > 0) this.release(value, counts[port]);
    });
  }
}
