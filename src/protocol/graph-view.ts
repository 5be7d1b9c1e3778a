/** From a `SourceGraph` to what is drawn of it: boxes, edges, chips. Linear in nodes and edges; odd graphs are drawn as they are. */
import type { GraphId, Quantization, SourceGraph, SourceModel, SourceNode, SourceType, ValueId } from "../graph/source.ts";
import { categoryOf, inputLabel, weightLabel } from "./categories.ts";
import { summaryOf } from "./summary.ts";
import type { EdgeView, GraphLink, GraphView, NamedType, NodeView, PillView, TypeView } from "./views.ts";

/** Throws a plain Error for an id that the model has not. */
export function graphOf(model: SourceModel, id: GraphId): SourceGraph {
  const graph = model.graphs[id];
  if (!graph) throw new Error(`no graph ${id} in this model`);
  return graph;
}

export function typeView(type: SourceType): TypeView {
  return {
    ...(type.dtype === undefined ? {} : { dtype: type.dtype }),
    ...(type.shape === undefined ? {} : { shape: type.shape }),
    ...(type.other === undefined ? {} : { other: type.other }),
    ...(type.quantization === undefined ? {} : { quantization: quantizationText(type.quantization) }),
  };
}

/** `0.0078 · (q + 1)`, or how many scales there are and along which axis. */
function quantizationText({ scale, zeroPoint, axis, block }: Quantization): string {
  if (block) return `scales in blocks of ${block.size}`;
  if (scale.length !== 1) return `${scale.length} scales along axis ${axis}`;
  const [factor, zero] = [Number(scale[0]!.toPrecision(6)), zeroPoint[0]!];
  return zero === 0 ? `${factor} · q` : `${factor} · (q ${zero < 0 ? "+" : "−"} ${Math.abs(zero)})`;
}

/** The declared type of a value; a stored tensor knows its own. */
export function namedType(graph: SourceGraph, id: ValueId): NamedType {
  const value = graph.values[id];
  if (!value) return { name: "" };
  return value.tensor
    ? { name: value.name, ...typeView({ ...value.type, dtype: value.tensor.dtype, shape: value.tensor.shape }) }
    : { name: value.name, ...typeView(value.type) };
}

/** Sub-graphs in attributes, by attribute name; and the body, where the operator is a function of the model. */
export function subgraphsOf(node: SourceNode, functions: ReadonlyMap<string, GraphId>): NodeView["subgraphs"] {
  const links: { label: string; graph: GraphId }[] = [];
  for (const [label, attr] of Object.entries(node.attrs)) {
    if (attr.kind === "graph") links.push({ label, graph: attr.value });
    if (attr.kind === "graphs") links.push(...attr.value.map((graph, i) => ({ label: `${label}.${i}`, graph })));
  }
  const body = functions.get(functionKey(node.domain, node.op));
  if (body !== undefined) links.push({ label: "body", graph: body });
  return links;
}

const functionKey = (domain: string, op: string): string => `${domain}\0${op}`;

export function functionsOf(model: SourceModel): Map<string, GraphId> {
  const functions = new Map<string, GraphId>();
  for (const graph of model.graphs)
    if (graph.role === "function") functions.set(functionKey(graph.domain ?? "", graph.name), graph.id);
  return functions;
}

/** Readers call the main graph so where the file does not, and so do converters: it says nothing. */
export const ownName = ({ role, name }: Pick<SourceGraph, "role" | "name">): string =>
  role === "main" && name === "main" ? "" : name;

/** Every graph with the node that holds it, main first: the breadcrumb walks `parent`. */
export function graphLinks(model: SourceModel): GraphLink[] {
  const holders = new Map<GraphId, { parent: GraphId; holder: number; label: string }>();
  const none = new Map<string, GraphId>();
  for (const graph of model.graphs) {
    for (const node of graph.nodes) {
      for (const link of subgraphsOf(node, none)) {
        holders.set(link.graph, { parent: graph.id, holder: node.id, label: link.label });
      }
    }
  }
  return model.graphs.map((graph) => {
    const held = holders.get(graph.id);
    const name = graph.role === "subgraph" ? held?.label || graph.name : ownName(graph);
    return {
      id: graph.id,
      name,
      role: graph.role,
      nodes: graph.nodes.length,
      ...(held ? { parent: held.parent, holder: held.holder } : graph.parent === undefined ? {} : { parent: graph.parent }),
    };
  });
}

/** The operator's own word for an input; of a Keras layer, whose weights are its last inputs, the weight's name. */
export function portLabel({ op, inputs, attrs }: SourceNode, port: number): string {
  const { weights } = attrs;
  const names = weights?.kind === "strings" ? weights.value : [];
  const index = port - (inputs.length - names.length);
  const name = names[index];
  if (name === undefined) return inputLabel(op, port);
  const own = name.replace(/^.*\//, "").replace(/:0$/, "");
  // Keras 3 counts them.
  return /^\d+$/.test(own) ? (weightLabel(op, index, names.length) ?? own) : own;
}

function nodeView(graph: SourceGraph, node: SourceNode, functions: ReadonlyMap<string, GraphId>): NodeView {
  const chips = node.inputs.flatMap((id, port) => {
    const tensor = id === undefined ? undefined : graph.values[id]?.tensor;
    const made = id !== undefined && graph.values[id]?.producer !== undefined;
    return tensor && !made ? [{ label: portLabel(node, port), shape: tensor.shape }] : [];
  });
  return {
    id: node.id,
    name: node.name,
    op: node.op,
    domain: node.domain,
    category: categoryOf(node.op),
    summary: summaryOf(graph, node),
    chips,
    subgraphs: subgraphsOf(node, functions),
  };
}

/** Which box gives each value, by value id; pills of inputs and captures included. */
function sources(graph: SourceGraph, inputs: readonly PillView[]): Map<ValueId, { box: number; port: number }> {
  const found = new Map<ValueId, { box: number; port: number }>();
  inputs.forEach((pill, i) => {
    if (placeholderOf(graph, pill.value) === undefined) found.set(pill.value, { box: graph.nodes.length + i, port: 0 });
  });
  for (const node of graph.nodes) {
    node.outputs.forEach((id, port) => {
      if (id !== undefined && !found.has(id)) found.set(id, { box: node.id, port });
    });
  }
  return found;
}

/** TensorFlow's inputs are nodes as well: the pill leads into its node. */
const placeholderOf = (graph: SourceGraph, value: ValueId): number | undefined => graph.values[value]?.producer;

export function graphView(model: SourceModel, id: GraphId): GraphView {
  const graph = graphOf(model, id);
  const functions = functionsOf(model);
  const link = graphLinks(model)[id]!;
  const nameOf = (value: ValueId): string => graph.values[value]?.name ?? "";
  const pill = (kind: PillView["kind"], names?: readonly string[]) => (value: ValueId, i: number) => ({
    name: names?.[i] ?? nameOf(value),
    kind,
    value,
  });
  const captured = graph.values.filter((value) => value.outer && value.producer === undefined && !value.tensor).map((v) => v.id);
  const inputs = [...graph.inputs.map(pill("input", graph.inputNames)), ...captured.map(pill("capture"))];
  const outputs = graph.outputs.map(pill("output", graph.outputNames));
  const from = sources(graph, inputs);

  const edges: EdgeView[] = [];
  const carried = new Set<ValueId>();
  const connect = (value: ValueId | undefined, to: number, toPort: number): void => {
    const source = value === undefined ? undefined : from.get(value);
    if (value === undefined || !source) return;
    carried.add(value);
    edges.push({ from: source.box, fromPort: source.port, to, toPort, value });
  };
  for (const node of graph.nodes) {
    node.inputs.forEach((value, port) => {
      connect(value, node.id, port);
    });
    for (const value of node.captures) connect(value, node.id, -1);
  }
  inputs.forEach(({ value }, i) => {
    const node = placeholderOf(graph, value);
    if (node === undefined) return;
    carried.add(value);
    edges.push({ from: graph.nodes.length + i, fromPort: 0, to: node, toPort: 0, value });
  });
  outputs.forEach((output, i) => {
    connect(output.value, graph.nodes.length + inputs.length + i, 0);
  });
  return {
    ...link,
    boxes: graph.nodes.length + inputs.length + outputs.length,
    nodeViews: graph.nodes.map((node) => nodeView(graph, node, functions)),
    inputs,
    outputs,
    edges,
    values: [...carried].map((value) => ({ id: value, ...namedType(graph, value) })),
  };
}
