/** FunctionDef → a graph of its own, which calls refer to by id. */
import type { SourceGraph, SourceType } from "../../graph/source.ts";
import type { Fields } from "../protobuf/fields.ts";
import { dtypeOf } from "./dtypes.ts";
import { GraphBuilder, type GraphContext, nodesIn, required } from "./graph.ts";
import type { WrittenNode } from "./nodes.ts";
import { ArgDef, FunctionDef, MapEntry, OpDef } from "./schema.ts";

export interface Argument {
  readonly name: string;
  readonly type: SourceType;
  /** Several values under one name. */
  readonly isList: boolean;
}

/** A function as far as it is known before any body is read. */
export interface FunctionDraft {
  readonly name: string;
  readonly inputs: readonly Argument[];
  readonly outputs: readonly Argument[];
  readonly nodes: (context: GraphContext) => readonly WrittenNode[];
  /** Output name → what gives it. */
  readonly results: ReadonlyMap<string, string>;
  readonly offset: number;
}

export function draftFunction(f: Fields): FunctionDraft {
  const { offset } = f;
  let signature = { name: "", inputs: [] as readonly Argument[], outputs: [] as readonly Argument[] };
  const nodes: Fields[] = [];
  const results = new Map<string, string>();
  while (f.next()) {
    if (f.field === FunctionDef.signature) signature = readSignature(f.message());
    else if (f.field === FunctionDef.node) nodes.push(f.message());
    else if (f.field === FunctionDef.ret) results.set(...readResult(f.message()));
  }
  return { ...signature, nodes: (context) => nodesIn(nodes, context), results, offset };
}

function readSignature(f: Fields) {
  let name = "";
  const inputs: Argument[] = [];
  const outputs: Argument[] = [];
  while (f.next()) {
    if (f.field === OpDef.name) name = f.string();
    else if (f.field === OpDef.inputArg) inputs.push(readArgument(f.message()));
    else if (f.field === OpDef.outputArg) outputs.push(readArgument(f.message()));
  }
  return { name, inputs, outputs };
}

function readArgument(f: Fields): Argument {
  let name = "";
  let code = 0;
  let isList = false;
  while (f.next()) {
    if (f.field === ArgDef.name) name = f.string();
    else if (f.field === ArgDef.type) code = f.int();
    else if (f.field === ArgDef.numberAttr || f.field === ArgDef.typeListAttr) isList ||= f.length > 0;
  }
  return { name, type: { dtype: dtypeOf(code), shape: undefined }, isList };
}

function readResult(f: Fields): [string, string] {
  let [name, value] = ["", ""];
  while (f.next()) {
    if (f.field === MapEntry.key) name = f.string();
    else if (f.field === MapEntry.value) value = f.string();
  }
  return [name, value];
}

export function buildFunction(draft: FunctionDraft, id: number, context: GraphContext): SourceGraph {
  const graph = new GraphBuilder(id, draft.name, context);
  const place = { graph: draft.name, offset: draft.offset };
  for (const { name, isList } of [...draft.inputs, ...draft.outputs])
    if (isList) context.reading.report("error", "unsupported-function", `the argument ${name} is a list`, place);
  const inputs = draft.inputs.map(({ name, type }) => graph.argument(name, type));
  graph.addNodes(draft.nodes(context));
  const outputs = draft.outputs.flatMap(({ name }) => {
    const result = draft.results.get(name);
    if (result === undefined) {
      context.reading.report("error", "dangling-output", `nothing gives the result ${name}`, place);
      return [];
    }
    return [required(graph.resolve(result, draft.offset), result)];
  });
  return graph.finish("function", inputs, outputs);
}
