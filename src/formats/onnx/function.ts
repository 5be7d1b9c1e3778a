/** FunctionProto → a draft of its own, and the imports that functions and models share. */
import type { Fields } from "../protobuf/fields.ts";
import type { Context } from "./context.ts";
import { GraphDraft, record } from "./draft.ts";
import { declareTypes, plainDomain, readAttributes, readNode, withOverload } from "./graph.ts";
import { FunctionProto, OpsetId } from "./schema.ts";
import { addEntry } from "./storage.ts";
import { type NamedType, readValueInfo } from "./types.ts";

/** FunctionProto, as a graph of its own. */
export function readFunction(f: Fields, context: Context): void {
  const graph = new GraphDraft(context.graphs.length, "function");
  context.graphs.push(graph);
  const opsets = new Map<string, number>();
  const metadata = new Map<string, string>();
  const attributes: string[] = [];
  const defaults: Fields[] = [];
  const declared: NamedType[] = [];
  let domain = "";
  let overload = "";
  while (f.next()) {
    switch (f.field) {
      case FunctionProto.name:
        graph.name = f.string();
        break;
      case FunctionProto.domain:
        domain = plainDomain(f.string());
        break;
      case FunctionProto.overload:
        overload = f.string();
        break;
      case FunctionProto.input: {
        const id = graph.value(f.string());
        graph.inputs.push(id);
        graph.defined.add(id);
        break;
      }
      case FunctionProto.output:
        graph.outputs.push(graph.value(f.string()));
        break;
      case FunctionProto.attribute:
        attributes.push(f.string());
        break;
      case FunctionProto.attributeProto:
        defaults.push(f.message());
        break;
      case FunctionProto.node:
        readNode(f.message(), graph, context, 0);
        break;
      case FunctionProto.doc:
        graph.doc = f.text();
        break;
      case FunctionProto.opsetImport:
        addOpset(opsets, f.message());
        break;
      case FunctionProto.valueInfo:
        declared.push(readValueInfo(f.message(), context, { graph: graph.name }));
        break;
      case FunctionProto.metadata:
        addEntry(metadata, f.message());
        break;
    }
  }
  declareTypes(declared, graph);
  graph.name = withOverload(graph.name, overload);
  const attributeDefaults = readAttributes(defaults, { graph: graph.name }, undefined, graph, context, 0);
  graph.own = {
    domain,
    attributes: [...attributes, ...Object.keys(attributeDefaults)],
    attributeDefaults,
    opsets: record(opsets),
  };
}

/** OperatorSetIdProto. */
export function addOpset(into: Map<string, number>, f: Fields): void {
  let domain = "";
  let version = 0;
  while (f.next()) {
    if (f.field === OpsetId.domain) domain = plainDomain(f.string());
    else if (f.field === OpsetId.version) version = f.int();
  }
  into.set(domain, version);
}
