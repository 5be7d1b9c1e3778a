/** Places in the projection, in flat arrays: a model of 100 000 nodes has some 400 000 of them. */

/** Line and columns count from 0, in UTF-16 units, as an editor counts. */
export interface Span {
  readonly line: number;
  readonly start: number;
  readonly end: number;
}

/** What stands at a place. A value is named by the graph whose line it is on. */
export type Mark =
  | { readonly kind: "node"; readonly graph: number; readonly node: number; readonly span: Span }
  | {
      readonly kind: "value";
      readonly role: "definition" | "use";
      readonly graph: number;
      readonly value: number;
      readonly span: Span;
    };

const width = 6;
const kinds = ["node", "definition", "use"] as const;
type Kind = (typeof kinds)[number];

/** Marks in the order of the text, so that a line's are found by bisection. */
export class Marks {
  private rows = new Int32Array(1024 * width);
  private count = 0;

  get size(): number {
    return this.count;
  }

  add(kind: Kind, graph: number, id: number, line: number, start: number, end: number): void {
    if ((this.count + 1) * width > this.rows.length) {
      const grown = new Int32Array(this.rows.length * 2);
      grown.set(this.rows);
      this.rows = grown;
    }
    this.rows.set([kinds.indexOf(kind), graph, id, line, start, end], this.count++ * width);
  }

  at(index: number): Mark {
    const [kind, graph, id, line, start, end] = this.rows.subarray(index * width, (index + 1) * width) as unknown as number[];
    const span = { line: line!, start: start!, end: end! };
    if (kind === 0) return { kind: "node", graph: graph!, node: id!, span };
    return { kind: "value", role: kind === 1 ? "definition" : "use", graph: graph!, value: id!, span };
  }

  /** Index of the first mark on `line` or after it. */
  firstOn(line: number): number {
    let [low, high] = [0, this.count];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.rows[middle * width + 3]! < line) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** All marks of a line, left to right. */
  on(line: number): Mark[] {
    const marks: Mark[] = [];
    for (let i = this.firstOn(line); i < this.count && this.rows[i * width + 3] === line; i++) marks.push(this.at(i));
    return marks;
  }
}
