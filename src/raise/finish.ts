/** Drafts → the model: only what is needed, every value with a name of its own. */
import type { Graph } from "../graph/graph.ts";
import type { OnnxAttr, OnnxGraph, OnnxInitializer, OnnxModel, OnnxNode, OnnxValue } from "../graph/onnx-graph.ts";
import { type Draft, type OnnxBuilder, type Ref, Scope } from "./build.ts";

export interface Finished {
  readonly model: OnnxModel;
}

/** `outputs`: of the main graph, undefined where a fault left none. */
export function finish(main: Scope, graph: Graph, outputs: readonly (Ref | undefined)[], o: OnnxBuilder): Finished {
  const claimed = new Set<Ref>(main.inputs);
  const taken = new Set(main.inputs.map((ref) => ref.name));
  o.scope = main;
  main.outputs = outputs.flatMap((ref, i) => {
    if (!ref) return [];
    const { name, value } = graph.outputs[i]!;
    // A value may go in and come out under one name.
    if (ref.name === name && main.inputs.includes(ref)) return [ref];
    o.origin = value.node.origin;
    const made = ownOutput(ref, claimed, o);
    // In ONNX what comes out has another name than what goes in: states.
    made.name = taken.has(name) ? `${name}_next` : name;
    return [made];
  });
  prune(main);
  const names = new Names([...main.inputs, ...main.outputs].map((ref) => ref.name!));
  const initializers: OnnxInitializer[] = [];
  nameAll(main, names, initializers);
  const domains = new Map([["", o.opset]]);
  const nodeNames = new Names([]);
  return { model: { graph: { ...graphOf(main, nodeNames, domains), initializers }, opsets: domains } };
}

/** A Ref that a node of the scope at hand makes and nothing else is an output of: itself, or a copy. */
export function ownOutput(ref: Ref, claimed: Set<Ref>, o: OnnxBuilder): Ref {
  const maker = o.makers.get(ref);
  const isOwn = maker !== undefined && o.scope.nodes.includes(maker) && !claimed.has(ref);
  let own = ref;
  if (!isOwn) {
    own = o.raw("Identity", [ref], {}, [ref.dtype], [ref.shape])[0]!;
    own.sequence = ref.sequence;
  }
  claimed.add(own);
  return own;
}

/** Takes away nodes that no output needs, nested graphs first. */
function prune(scope: Scope): Set<Ref> {
  const needed = new Set<Ref>(scope.outputs);
  const kept: Draft[] = [];
  for (const draft of [...scope.nodes].reverse()) {
    if (!draft.outputs.some((output) => needed.has(output))) continue;
    kept.push(draft);
    for (const input of draft.inputs) if (input) needed.add(input);
    for (const attr of Object.values(draft.attrs)) if (attr instanceof Scope) for (const ref of prune(attr)) needed.add(ref);
  }
  scope.nodes.length = 0;
  // Not spread: arguments go on the stack, and a graph has more nodes than that takes.
  for (const draft of kept.reverse()) scope.nodes.push(draft);
  return needed;
}

/** Unique names: the one asked for, or with a number behind it. */
class Names {
  private readonly taken: Set<string>;
  private readonly counts = new Map<string, number>();

  constructor(taken: readonly string[]) {
    this.taken = new Set(taken);
  }

  free(wanted: string): string {
    let name = wanted;
    for (let i = this.counts.get(wanted) ?? 1; this.taken.has(name); i++) {
      name = `${wanted}_${i}`;
      this.counts.set(wanted, i + 1);
    }
    this.taken.add(name);
    return name;
  }
}

/** Names what has none, in the order of the nodes; constants are met where they are read. */
function nameAll(scope: Scope, names: Names, initializers: OnnxInitializer[]): void {
  for (const ref of scope.inputs) ref.name ??= names.free(ref.hint ?? "state");
  const constant = (ref: Ref, wanted: string) => {
    if (!ref.constant || ref.name !== undefined) return;
    ref.name = names.free(ref.hint ?? wanted);
    initializers.push({ name: ref.name, value: ref.constant });
  };
  for (const draft of scope.nodes) {
    draft.inputs.forEach((ref) => {
      if (ref) constant(ref, `${draft.op}_const`);
    });
    for (const attr of Object.values(draft.attrs)) if (attr instanceof Scope) nameAll(attr, names, initializers);
    for (const ref of draft.outputs) ref.name ??= names.free(ref.hint ?? draft.op);
  }
}

function graphOf(scope: Scope, nodeNames: Names, domains: Map<string, number>): OnnxGraph {
  const outputs = new Set(scope.outputs);
  const nodes = scope.nodes.map((draft) => nodeOf(draft, nodeNames, domains));
  const made = scope.nodes.flatMap((draft) => draft.outputs.filter((ref) => !outputs.has(ref) && (ref.shape || ref.sequence)));
  return {
    name: scope.name,
    inputs: scope.inputs.map(infoOf),
    outputs: scope.outputs.map(infoOf),
    nodes,
    initializers: [],
    valueInfo: made.map(infoOf),
  };
}

const infoOf = ({ name, dtype, shape, sequence }: Ref): OnnxValue => ({
  name: name!,
  dtype,
  shape,
  ...(sequence && { sequence }),
});

/** Versions of the domains beside ONNX's own. */
const otherDomains: Readonly<Record<string, number>> = { "com.microsoft": 1, "ai.onnx.ml": 3 };

function nodeOf(draft: Draft, nodeNames: Names, domains: Map<string, number>): OnnxNode {
  if (draft.domain !== "") domains.set(draft.domain, otherDomains[draft.domain]!);
  const source = draft.origin.nodes[0];
  const attrs: Record<string, OnnxAttr> = {};
  for (const [name, attr] of Object.entries(draft.attrs))
    attrs[name] = attr instanceof Scope ? { kind: "graph", value: graphOf(attr, nodeNames, domains) } : attr;
  return {
    name: nodeNames.free(source === undefined ? draft.outputs[0]!.name! : source.slice(source.indexOf("/") + 1)),
    op: draft.op,
    domain: draft.domain,
    inputs: draft.inputs.map((ref) => ref?.name ?? ""),
    outputs: draft.outputs.map((ref) => ref.name!),
    attrs,
    origin: draft.origin,
  };
}
