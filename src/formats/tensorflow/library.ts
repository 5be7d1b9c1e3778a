/** GraphDef → the main graph and its library of functions. */
import type { GraphId, SourceGraph } from "../../graph/source.ts";
import type { Fields } from "../protobuf/fields.ts";
import type { Reading } from "../protobuf/reading.ts";
import { buildFunction, draftFunction, type FunctionDraft } from "./function.ts";
import { GraphBuilder, type GraphContext, nodesIn } from "./graph.ts";
import type { WrittenNode } from "./nodes.ts";
import { GraphDef, Library, Versions } from "./schema.ts";

export interface ReadGraph {
  /** Not finished: what its inputs and outputs are, a signature may say. */
  readonly main: GraphBuilder;
  readonly functions: readonly SourceGraph[];
  readonly producer: number;
}

export function readGraphDef(f: Fields, name: string, reading: Reading): ReadGraph {
  const nodes: Fields[] = [];
  const drafts: FunctionDraft[] = [];
  let producer = 0;
  while (f.next()) {
    if (f.field === GraphDef.node) nodes.push(f.message());
    else if (f.field === GraphDef.library) readLibrary(f.message(), drafts);
    else if (f.field === GraphDef.versions) producer = readProducer(f.message());
  }
  return buildGraphs((context) => nodesIn(nodes, context), drafts, producer, name, reading);
}

/** The main graph and its functions, whatever form the GraphDef was written in. */
export function buildGraphs(
  nodes: (context: GraphContext) => readonly WrittenNode[],
  drafts: readonly FunctionDraft[],
  producer: number,
  name: string,
  reading: Reading,
): ReadGraph {
  const ids = new Map<string, GraphId>();
  for (const draft of drafts) {
    if (ids.has(draft.name)) reading.report("error", "duplicate-name", `two functions of the name ${draft.name}`, {});
    else ids.set(draft.name, ids.size + 1);
  }
  const outputs = new Map(drafts.map((draft) => [draft.name, draft.outputs.map((output) => output.name)]));
  const context: GraphContext = { reading, functions: ids, producer, outputs };
  const main = new GraphBuilder(0, name, context);
  main.addNodes(nodes(context));
  const unique = drafts.filter((draft, i) => drafts.findIndex((other) => other.name === draft.name) === i);
  return { main, functions: unique.map((draft) => buildFunction(draft, ids.get(draft.name)!, context)), producer };
}

function readLibrary(f: Fields, drafts: FunctionDraft[]): void {
  while (f.next()) if (f.field === Library.function) drafts.push(draftFunction(f.message()));
}

function readProducer(f: Fields): number {
  let producer = 0;
  while (f.next()) if (f.field === Versions.producer) producer = f.int();
  return producer;
}
