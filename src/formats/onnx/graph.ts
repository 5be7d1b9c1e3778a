/** GraphProto and NodeProto → drafts. */
import { modelError, type Place } from "../../base/problem.ts";
import { type GraphId, nodeLabel, opLabel, type SourceAttr, type ValueId } from "../../graph/source.ts";
import type { Fields } from "../protobuf/fields.ts";
import { readAttribute, readSparse } from "./attributes.ts";
import type { Context } from "./context.ts";
import { GraphDraft, type NodeDraft, noAttrs, noCaptures, record, untyped } from "./draft.ts";
import { Graph, NodeProto } from "./schema.ts";
import { addEntry, readTensor } from "./storage.ts";
import { type NamedType, readValueInfo } from "./types.ts";

/** If and Loop nest; real files stay under ten. Protobuf's own limit of 100 messages allows 33. */
const MAX_SUBGRAPH_DEPTH = 60;

/** Reads one GraphProto into the draft; a second part of the same graph may follow, since protobuf merges repeated messages. */
export function readGraph(f: Fields, graph: GraphDraft, context: Context, metadata: Map<string, string>, depth = 0): void {
  if (depth > MAX_SUBGRAPH_DEPTH)
    throw modelError("too-deep", `sub-graphs nest deeper than ${MAX_SUBGRAPH_DEPTH}`, { offset: f.offset });
  const offset = f.offset;
  const declared: NamedType[] = [];
  const inputs: NamedType[] = [];
  const outputs: NamedType[] = [];
  while (f.next()) {
    switch (f.field) {
      case Graph.node:
        readNode(f.message(), graph, context, depth);
        break;
      case Graph.name:
        graph.name = f.string();
        break;
      case Graph.initializer:
        readInitializer(f.message(), graph, context);
        break;
      case Graph.sparseInitializer:
        readSparseInitializer(f.message(), graph, context);
        break;
      case Graph.doc:
        graph.doc = f.text();
        break;
      case Graph.input:
        inputs.push(readValueInfo(f.message(), context, { graph: graph.name }));
        break;
      case Graph.output:
        outputs.push(readValueInfo(f.message(), context, { graph: graph.name }));
        break;
      case Graph.valueInfo:
        declared.push(readValueInfo(f.message(), context, { graph: graph.name }));
        break;
      case Graph.metadata:
        addEntry(metadata, f.message());
        break;
    }
  }
  addInputs(inputs, graph, context, offset);
  for (const { name, type, doc } of outputs) {
    const id = graph.value(name);
    graph.outputs.push(id);
    graph.setType(id, type, doc);
  }
  declareTypes(declared, graph);
}

/**
 * An input that is also an initializer has a value: before IR 4 every initializer had to be listed among the inputs, and since then it marks a
 * value that a caller may override. No runtime asks for it, so it is a constant here.
 */
function addInputs(inputs: readonly NamedType[], graph: GraphDraft, context: Context, offset: number): void {
  let overridable = 0;
  const seen = new Set<ValueId>();
  for (const { name, type, doc } of inputs) {
    const id = graph.value(name);
    graph.setType(id, type, doc);
    const { tensor, sparse } = graph.values[id]!;
    if (tensor || sparse) overridable++;
    else {
      if (seen.has(id)) {
        context.report("error", "duplicate-name", "two graph inputs of one name", { graph: graph.name, tensor: name, offset });
        continue;
      }
      seen.add(id);
      graph.inputs.push(id);
      graph.defined.add(id);
    }
  }
  if (overridable && context.irVersion >= 4) {
    const reason = `inputs with a default, which are taken as constants: ${overridable}`;
    context.report("info", "overridable-initializers", reason, { graph: graph.name });
  }
}

/** Types of names that nothing mentions are dropped: they describe what an exporter removed. */
export function declareTypes(declared: readonly NamedType[], graph: GraphDraft): void {
  for (const { name, type, doc } of declared) {
    const id = graph.find(name);
    if (id !== undefined) graph.setType(id, type, doc);
  }
}

function readInitializer(f: Fields, graph: GraphDraft, context: Context): void {
  const offset = f.offset;
  const { name, doc, tensor } = readTensor(f, context, { graph: graph.name });
  const id = defineInitializer(name, graph, context, offset);
  if (id === undefined) return;
  const value = graph.values[id]!;
  if (doc) value.doc = doc;
  if (tensor) {
    value.tensor = tensor;
    value.type = { dtype: tensor.dtype, shape: tensor.shape };
  }
}

function readSparseInitializer(f: Fields, graph: GraphDraft, context: Context): void {
  const offset = f.offset;
  const { name, sparse } = readSparse(f, context, { graph: graph.name });
  const id = defineInitializer(name, graph, context, offset);
  if (id === undefined || !sparse) return;
  const value = graph.values[id]!;
  value.sparse = sparse;
  value.type = { dtype: sparse.values.dtype, shape: sparse.shape };
}

/** Undefined where the name has a value already: the first stays. */
function defineInitializer(name: string, graph: GraphDraft, context: Context, offset: number): ValueId | undefined {
  const id = graph.value(name);
  const { tensor, sparse, producer } = graph.values[id]!;
  if (tensor || sparse || producer !== undefined) {
    const what = producer === undefined ? "two initializers of one name" : "an initializer that a node makes too";
    context.report(isConstantNode(graph, producer) ? "warning" : "error", "duplicate-name", what, {
      graph: graph.name,
      tensor: name,
      offset,
    });
    return undefined;
  }
  if (name === "") context.report("warning", "missing-name", "an initializer without a name", { graph: graph.name, offset });
  graph.defined.add(id);
  return id;
}

export function readNode(f: Fields, graph: GraphDraft, context: Context, depth: number): void {
  context.spend(1, f.offset);
  const at = f.offset;
  const id = graph.nodes.length;
  const inputs: (ValueId | undefined)[] = [];
  const outputs: (ValueId | undefined)[] = [];
  let attributes: Fields[] | undefined;
  let metadata: Map<string, string> | undefined;
  let name = "";
  let op = "";
  let domain = "";
  let overload = "";
  let doc = "";
  while (f.next()) {
    switch (f.field) {
      case NodeProto.input:
        inputs.push(valueNamed(f, graph, context));
        break;
      case NodeProto.output:
        outputs.push(valueNamed(f, graph, context));
        break;
      case NodeProto.name:
        name = f.string();
        break;
      case NodeProto.op:
        op = f.string();
        break;
      case NodeProto.attribute:
        attributes ??= [];
        attributes.push(f.message());
        break;
      case NodeProto.doc:
        doc = f.text();
        break;
      case NodeProto.domain:
        domain = plainDomain(f.string());
        break;
      case NodeProto.overload:
        overload = f.string();
        break;
      case NodeProto.metadata:
        metadata ??= new Map();
        addEntry(metadata, f.message());
        break;
    }
  }
  if (op === "")
    context.report("error", "missing-op", "a node without an operator", { graph: graph.name, node: name, offset: at });
  const place = (): Place => ({ graph: graph.name, node: nodeLabel(graph, { id, name, outputs }), op: opLabel({ op, domain }) });
  if (op === "") context.report("error", "missing-op", "a node without an operator", { ...place(), offset: at });
  const attrs = attributes ? readAttributes(attributes, place(), id, graph, context, depth) : noAttrs;
  const node: NodeDraft = {
    id,
    name,
    op: withOverload(op, overload),
    domain,
    inputs,
    outputs,
    attrs,
    captures: attributes ? [] : noCaptures,
  };
  if (doc) node.doc = doc;
  if (metadata) node.metadata = record(metadata);
  graph.nodes.push(node);
  const isConstant = op === "Constant" && domain === "";
  for (const output of outputs) {
    if (output === undefined) continue;
    const value = graph.values[output]!;
    if (isConstant) {
      if (value.producer === undefined && (value.tensor || value.sparse))
        context.report("warning", "duplicate-name", "an initializer that a node makes too", { ...place(), tensor: value.name });
      forgetStored(value, graph);
    }
    // The first maker stays, an initializer too; verify tells of the second.
    if (!value.tensor && !value.sparse) value.producer ??= id;
    graph.defined.add(output);
  }
  if (isConstant) nameConstant(node, graph);
}

/** An absent optional input or output has the empty name. */
function valueNamed(f: Fields, graph: GraphDraft, context: Context): ValueId | undefined {
  context.spend(1, f.offset);
  const name = f.string();
  return name === "" ? undefined : graph.value(name);
}

/** Attributes are read after the rest of the node, so that their problems and sub-graphs can name it. Without a node: defaults of a function. */
export function readAttributes(
  fields: readonly Fields[],
  place: Place,
  node: number | undefined,
  graph: GraphDraft,
  context: Context,
  depth: number,
) {
  const attrs = new Map<string, SourceAttr>();
  const subgraph = (f: Fields): GraphId => {
    const inner = new GraphDraft(context.graphs.length, "subgraph", node === undefined ? undefined : { graph, node });
    context.graphs.push(inner);
    readGraph(f, inner, context, new Map(), depth + 1);
    return inner.id;
  };
  for (const f of fields) {
    const offset = f.offset;
    const { name, attr } = readAttribute(f, context, place, subgraph);
    if (attrs.has(name)) context.report("error", "duplicate-attribute", `two attributes ${name}`, { ...place, offset });
    else attrs.set(name, attr);
  }
  return record(attrs);
}

/** Of constants of one name the last counts, and one made by a node before an initializer: so onnxruntime has it, and tools that edit models rely on it. */
function forgetStored(value: GraphDraft["values"][number], graph: GraphDraft): void {
  if (value.producer !== undefined && !isConstantNode(graph, value.producer)) return;
  delete value.producer;
  delete value.tensor;
  delete value.sparse;
  value.type = untyped;
}

function isConstantNode(graph: GraphDraft, id: number | undefined): boolean {
  const node = id === undefined ? undefined : graph.nodes[id];
  return node?.op === "Constant" && node.domain === "";
}

/** The output of a Constant carries its tensor, as an initializer does. */
function nameConstant(node: NodeDraft, graph: GraphDraft): void {
  const [output] = node.outputs;
  if (output === undefined) return;
  const value = graph.values[output]!;
  const attr = node.attrs.value ?? node.attrs.sparse_value;
  if (value.producer !== node.id || value.tensor || value.sparse) return;
  if (attr?.kind === "tensor") {
    value.tensor = attr.value;
    if (value.type === untyped) value.type = { dtype: attr.value.dtype, shape: attr.value.shape };
  } else if (attr?.kind === "sparse") {
    value.sparse = { values: attr.values, indices: attr.indices, shape: attr.shape };
    if (value.type === untyped) value.type = { dtype: attr.values.dtype, shape: attr.shape };
  }
}

/** Functions of one name differ by overload (IR 10), which is part of the op a node calls. */
export const withOverload = (name: string, overload: string): string => (overload ? `${name}:${overload}` : name);

/** `ai.onnx` is the long name of the default domain. */
export const plainDomain = (domain: string): string => (domain === "ai.onnx" ? "" : domain);
