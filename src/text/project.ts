/**
 * The text projection of a model: a header, then one line a node in file order.
 *
 *     model "encoder"  # ONNX opset 17 · 131 nodes
 *     input  tokens : i64[batch,128]
 *     output hidden : f32[batch,128,768]
 *
 *     norm : f32[batch,128,768] = Acme.FancyNorm(add, norm.weight[768])  epsilon=0.00001  # /norm/fancy
 *
 * Sub-graphs are blocks under their node, functions blocks at the end. A stored tensor is known by the shape behind its name.
 * Linear in the size of the model; nesting is an explicit stack.
 */
import type { GraphId, SourceGraph, SourceModel, SourceType, ValueId } from "../graph/source.ts";
import { type Columns, columnsOf, Line, nodeLine, subgraphsOf, type TypeOf } from "./line.ts";
import { Marks } from "./spans.ts";
import { nameText, stringText, typeText } from "./syntax.ts";

export interface Projection {
  readonly text: string;
  readonly marks: Marks;
  /** First and last line of each block. */
  readonly folds: readonly (readonly [number, number])[];
  /** First and last line of each graph, by graph id; undefined where no node refers to it. */
  readonly blocks: readonly (readonly [number, number] | undefined)[];
}

export interface ProjectionOptions {
  /** Behind the model's name: `ONNX opset 17 · 131 nodes`. */
  readonly title?: string;
  /** What lowering found; taken where the file declares less. */
  readonly inferred?: (graph: GraphId, value: ValueId) => SourceType | undefined;
}

/** A graph to print: first its heading, then node after node, then its closing brace. */
interface Block {
  readonly graph: SourceGraph;
  readonly heading: string;
  readonly indent: string;
  columns: Columns | undefined;
  first: number;
  next: number;
}

const block = (graph: SourceGraph, heading: string, indent: string): Block => ({
  graph,
  heading,
  indent,
  columns: undefined,
  first: 0,
  next: 0,
});

export function projectText(model: SourceModel, options: ProjectionOptions = {}): Projection {
  const lines: string[] = [];
  const marks = new Marks();
  const folds: [number, number][] = [];
  const blocks: ([number, number] | undefined)[] = model.graphs.map(() => undefined);
  const typeOf: TypeOf = (graph, value) => preferred(graph.values[value]?.type, options.inferred?.(graph.id, value));
  const waiting: Block[] = [];
  const seen = new Set(model.graphs.slice(0, 1));

  const begin = (top: Block): Columns => {
    const { graph, indent } = top;
    top.first = lines.length;
    blocks[graph.id] = [lines.length, lines.length];
    lines.push(top.heading);
    const columns = columnsOf(graph, typeOf);
    const ends = [...graph.inputs, ...graph.outputs];
    const width = ends.reduce((widest, value) => Math.max(widest, nameText(graph.values[value]?.name ?? "").length), 0);
    for (const [word, role, values] of [
      ["input  ", "definition", graph.inputs],
      ["output ", "use", graph.outputs],
    ] as const) {
      for (const value of values) {
        const line = new Line(marks, graph, lines.length, indent).put(word).value(role, value);
        line.padTo(indent.length + word.length + width).put(` : ${typeText(typeOf(graph, value))}`);
        lines.push(line.toString());
      }
    }
    lines.push("");
    return columns;
  };

  const end = ({ graph, indent, first }: Block): void => {
    waiting.pop();
    if (graph.role === "main") blocks[graph.id] = [first, lines.length - 1];
    else {
      lines.push(`${indent.slice(2)}}`);
      blocks[graph.id] = [first, lines.length - 1];
      folds.push([first, lines.length - 1]);
    }
  };

  const print = (root: Block): void => {
    waiting.push(root);
    for (let top = waiting.at(-1); top; top = waiting.at(-1)) {
      top.columns ??= begin(top);
      const { graph, indent, columns } = top;
      const node = graph.nodes[top.next++];
      if (!node) {
        end(top);
        continue;
      }
      const line = new Line(marks, graph, lines.length, indent);
      lines.push(nodeLine(line, graph, node, columns, indent.length, typeOf));
      // The last one pushed is printed first. A graph that a broken file names twice is printed once.
      for (const [name, inner] of subgraphsOf(node, model).reverse()) {
        if (seen.has(inner)) continue;
        seen.add(inner);
        const heading = `${indent}  graph ${nameText(name)} ${stringText(inner.name)} {`;
        waiting.push(block(inner, heading, `${indent}    `));
      }
    }
  };

  const [main] = model.graphs;
  const heading = `model ${stringText(model.name)}${options.title ? `  # ${options.title.replace(/\s+/g, " ")}` : ""}`;
  if (main) print(block(main, heading, ""));
  else lines.push(heading);
  for (const graph of model.graphs) {
    // A sub-graph that no node names is one that only a signature leads to.
    if (graph.role !== "function" && seen.has(graph)) continue;
    lines.push("");
    if (graph.role !== "function") {
      print(block(graph, `graph ${stringText(graph.name)} {`, "  "));
      continue;
    }
    const name = graph.domain ? `${graph.domain}.${graph.name}` : graph.name;
    print(block(graph, `function ${stringText(name)} {`, "  "));
  }
  return { text: lines.join("\n"), marks, folds, blocks };
}

/** The more definite of two types: what is declared, with what was inferred where dtype, rank or a dim is open. */
function preferred(declared: SourceType | undefined, inferred: SourceType | undefined): SourceType {
  if (!declared) return inferred ?? { dtype: undefined, shape: undefined };
  if (!inferred || declared.other !== undefined) return declared;
  const shape = declared.shape?.map((dim, axis) => dim ?? inferred.shape?.[axis] ?? null) ?? inferred.shape;
  return { ...declared, dtype: declared.dtype ?? inferred.dtype, shape };
}
