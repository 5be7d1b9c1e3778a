/** One line of the projection under construction: text with the places of the names on it. */
import type { SourceGraph, SourceModel, SourceNode, SourceType, ValueId } from "../graph/source.ts";
import type { Marks } from "./spans.ts";
import { attrText, nameText, shapeText, typeText } from "./syntax.ts";

/** Columns are aligned up to these widths; a longer name pushes only its own line. */
const maxNameColumn = 56;
const maxTypeColumn = 32;
/** Inputs written on one line; the editor stops colouring a line of 20 000 characters. */
const maxInputs = 128;

export type TypeOf = (graph: SourceGraph, value: ValueId) => SourceType;

export interface Columns {
  readonly name: number;
  readonly type: number;
}

/** Widths that line up the `:` and `=` of a graph's one-output nodes and of its inputs and outputs. */
export function columnsOf(graph: SourceGraph, typeOf: TypeOf): Columns {
  let [name, type] = [0, 0];
  const widen = (value: ValueId | undefined) => {
    if (value === undefined) return;
    const [nameLength, typeLength] = [valueName(graph, value).length, typeText(typeOf(graph, value)).length];
    if (nameLength <= maxNameColumn) name = Math.max(name, nameLength);
    if (typeLength <= maxTypeColumn) type = Math.max(type, typeLength);
  };
  for (const node of graph.nodes) if (node.outputs.length === 1) widen(node.outputs[0]);
  return { name, type };
}

const valueName = (graph: SourceGraph, value: ValueId): string => nameText(graph.values[value]?.name ?? "");

/** `Conv`, or `com.microsoft.Gelu` outside the dialect's own domain. */
export function opText(node: Pick<SourceNode, "op" | "domain">): string {
  return nameText(node.domain && node.domain !== "ai.onnx" ? `${node.domain}.${node.op}` : node.op);
}

export class Line {
  private text: string;

  constructor(
    private readonly marks: Marks,
    private readonly graph: SourceGraph,
    private readonly number: number,
    indent: string,
  ) {
    this.text = indent;
  }

  toString(): string {
    return this.text.trimEnd();
  }

  put(text: string): this {
    this.text += text;
    return this;
  }

  padTo(column: number): this {
    this.text = this.text.padEnd(column);
    return this;
  }

  value(role: "definition" | "use", value: ValueId): this {
    const start = this.text.length;
    this.text += valueName(this.graph, value);
    this.marks.add(role, this.graph.id, value, this.number, start, this.text.length);
    return this;
  }

  op(node: SourceNode): this {
    const start = this.text.length;
    this.text += opText(node);
    this.marks.add("node", this.graph.id, node.id, this.number, start, this.text.length);
    return this;
  }
}

/** `norm : f32[2,3] = Acme.FancyNorm(add, weight[3])  groups=8  # /norm/fancy` */
export function nodeLine(
  line: Line,
  graph: SourceGraph,
  node: SourceNode,
  columns: Columns,
  indent: number,
  typeOf: TypeOf,
): string {
  node.outputs.forEach((value, i) => {
    if (i > 0) line.put(", ");
    if (value === undefined) line.put("_");
    else line.value("definition", value);
    if (node.outputs.length === 1) line.padTo(indent + columns.name);
    if (value !== undefined) line.put(` : ${typeText(typeOf(graph, value))}`);
  });
  if (node.outputs.length === 0) line.put("_");
  if (node.outputs.length === 1) line.padTo(indent + columns.name + 3 + columns.type);
  line.put(" = ").op(node).put("(");
  node.inputs.slice(0, maxInputs).forEach((value, i) => {
    if (i > 0) line.put(", ");
    if (value === undefined) line.put("_");
    else {
      line.value("use", value);
      const tensor = graph.values[value]?.tensor;
      if (tensor) line.put(shapeText(tensor.shape));
    }
  });
  if (node.inputs.length > maxInputs) line.put(`, … ${node.inputs.length - maxInputs} more`);
  line.put(")");
  for (const [name, attr] of Object.entries(node.attrs)) {
    const text = attrText(attr);
    if (text !== undefined) line.put(`  ${nameText(name)}=${text}`);
  }
  const first = node.outputs[0];
  if (node.name && (first === undefined || node.name !== graph.values[first]?.name)) line.put(`  # ${nameText(node.name)}`);
  return line.toString();
}

/** Sub-graphs that a node's attributes name, each with the attribute's name. */
export function subgraphsOf(node: SourceNode, model: SourceModel): [string, SourceGraph][] {
  const found: [string, SourceGraph][] = [];
  for (const [name, attr] of Object.entries(node.attrs)) {
    const ids = attr.kind === "graph" ? [attr.value] : attr.kind === "graphs" ? attr.value : [];
    ids.forEach((id, i) => {
      const graph = model.graphs[id];
      if (graph) found.push([ids.length > 1 ? `${name}.${i}` : name, graph]);
    });
  }
  return found;
}
