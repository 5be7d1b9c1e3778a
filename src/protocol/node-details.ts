/** One node's page. Cheap enough to make on each selection; consumers are looked up in one pass over the graph. */
import type { GraphId, SourceGraph, SourceModel, ValueId } from "../graph/source.ts";
import { categoryOf, outputLabel } from "./categories.ts";
import { graphOf, namedType, portLabel } from "./graph-view.ts";
import { domainName, elements, storedBytes } from "./model-view.ts";
import { namedAttributeText } from "./summary.ts";
import type { AttributeView, NodeDetails, PortView, WeightView } from "./views.ts";

/** A longer text tells nobody more, and a hostile one would fill the page. */
const textLength = 400;

function consumers(graph: SourceGraph, wanted: ReadonlySet<ValueId>): Map<ValueId, number[]> {
  const found = new Map<ValueId, number[]>();
  for (const node of graph.nodes) {
    for (const id of new Set([...node.inputs, ...node.captures])) {
      if (id === undefined || !wanted.has(id)) continue;
      const readers = found.get(id);
      if (readers) readers.push(node.id);
      else found.set(id, [node.id]);
    }
  }
  return found;
}

/** Throws a plain Error where the model has no such graph or node. */
export function nodeDetails(model: SourceModel, graphId: GraphId, nodeId: number): NodeDetails {
  const graph = graphOf(model, graphId);
  const node = graph.nodes[nodeId];
  if (!node) throw new Error(`no node ${nodeId} in graph ${graphId}`);
  const readers = consumers(graph, new Set(node.outputs.filter((id) => id !== undefined)));
  const opsets = graph.opsets ?? model.opsets;
  const version = opsets[node.domain];

  const attributes = Object.entries(node.attrs).map(([name, attr]): AttributeView => {
    const text = namedAttributeText(name, attr);
    return {
      name,
      kind: attr.kind,
      text: text.slice(0, textLength),
      ...(text.length > textLength ? { cut: true } : {}),
      ...(attr.kind === "graph" ? { graph: attr.value } : {}),
    };
  });
  const inputs: PortView[] = [];
  const weights: WeightView[] = [];
  node.inputs.forEach((id, port) => {
    const label = portLabel(node, port);
    const value = id === undefined ? undefined : graph.values[id];
    if (id === undefined || !value) {
      inputs.push({ label, name: "", nodes: [] });
      return;
    }
    const type = namedType(graph, id);
    if (value.tensor && value.producer === undefined) {
      const [slice] = value.tensor.slices;
      const file = slice && slice.file > 0 ? model.files[slice.file] : undefined;
      weights.push({
        ...type,
        label,
        bytes: storedBytes(value.tensor),
        parameters: elements(value.tensor.shape),
        ...(file === undefined ? {} : { file }),
        ...(slice ? { offset: slice.offset } : {}),
      });
      return;
    }
    const known = value.producer !== undefined || value.outer || graph.inputs.includes(id);
    const nodes = value.producer === undefined ? [] : [value.producer];
    inputs.push({ label, value: id, nodes, ...type, ...(known ? {} : { dangling: true }) });
  });
  for (const id of node.captures) {
    const producer = graph.values[id]?.producer;
    inputs.push({ label: "captured", value: id, nodes: producer === undefined ? [] : [producer], ...namedType(graph, id) });
  }
  const outputs = node.outputs.map((id, port): PortView => {
    const label = outputLabel(node.op, port, model.dialect === "onnx", node.outputs.length);
    return id === undefined
      ? { label, name: "", nodes: [] }
      : { label, value: id, nodes: readers.get(id) ?? [], ...namedType(graph, id) };
  });
  return {
    graph: graphId,
    node: nodeId,
    name: node.name,
    op: node.op,
    domain: node.domain,
    owner: domainName(model.dialect, node.domain),
    ...(version === undefined ? {} : { version }),
    category: categoryOf(node.op),
    attributes,
    inputs,
    outputs,
    weights,
    ...(node.doc ? { doc: node.doc.slice(0, textLength) } : {}),
    metadata: node.metadata ?? {},
  };
}
