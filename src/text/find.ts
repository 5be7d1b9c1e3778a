/** What stands where in a projection: from the text to the model and back. */
import type { GraphId, SourceModel, ValueId } from "../graph/source.ts";
import type { Projection } from "./project.ts";
import type { Mark, Span } from "./spans.ts";

/** Where nodes and values are, by id; made once a projection. */
export interface Places {
  /** The op's name on the node's line. */
  node(graph: GraphId, node: number): Span | undefined;
  /** The line that makes the value, in this graph or the one that encloses it; undefined for stored tensors. */
  definition(graph: GraphId, value: ValueId): Span | undefined;
}

export function placesOf(model: SourceModel, projection: Projection): Places {
  const nodes = model.graphs.map((graph) => new Int32Array(graph.nodes.length));
  const values = model.graphs.map((graph) => new Int32Array(graph.values.length));
  for (let i = 0; i < projection.marks.size; i++) {
    const mark = projection.marks.at(i);
    const [table, id] = mark.kind === "node" ? [nodes, mark.node] : [values, mark.value];
    const row = table[mark.graph]!;
    // The first definition counts: a broken file may have two. Zero means none.
    if ((mark.kind === "node" || mark.role === "definition") && row[id] === 0) row[id] = i + 1;
  }
  const span = (index: number | undefined): Span | undefined => (index ? projection.marks.at(index - 1).span : undefined);
  return {
    node: (graph, node) => span(nodes[graph]?.[node]),
    definition(graph, value) {
      const home = resolve(model, graph, value);
      return span(values[home.graph]?.[home.value]);
    },
  };
}

/** The value that a name of a sub-graph refers to, through every enclosing graph. */
export function resolve(model: SourceModel, graph: GraphId, value: ValueId): { graph: GraphId; value: ValueId } {
  let place = { graph, value };
  // Enclosing graphs come before what they enclose, or the file's own nesting bounds this.
  for (let depth = 0; depth < model.graphs.length; depth++) {
    const outer = model.graphs[place.graph]?.values[place.value]?.outer;
    if (!outer) break;
    place = outer;
  }
  return place;
}

/** The name under a column; at its right edge too, where the cursor is after a double click. */
export function markAt(projection: Projection, line: number, column: number): Mark | undefined {
  const marks = projection.marks.on(line);
  return marks.find(({ span }) => span.start <= column && column < span.end) ?? marks.find(({ span }) => span.end === column);
}

/** The node whose line this is. */
export function nodeOn(projection: Projection, line: number): (Mark & { kind: "node" }) | undefined {
  return projection.marks.on(line).find((mark) => mark.kind === "node");
}
