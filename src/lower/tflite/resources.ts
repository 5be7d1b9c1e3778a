/**
 * Variables and hash tables behind handles, as values. A table is filled once, so it is its keys and values. A variable that only CALL_ONCE
 * sets is a constant; one that the main graph assigns becomes a state that a run takes and hands on, and its reads the value that it has
 * at that place of the file. States are zero before the first run: where CALL_ONCE sets another value, a flag among the states tells.
 */
import type {
  GraphId,
  SourceAttr,
  SourceGraph,
  SourceModel,
  SourceNode,
  SourceTensor,
  SourceValue,
  ValueId,
} from "../../graph/source.ts";
import { numbersOf } from "../../graph/tensor.ts";
import type { Constants } from "../lower.ts";

/** Operators that stand for no builtin: the value of a variable in the first run or a later one, and that the first is over. */
export const firstOrLater = "^FIRST_OR_LATER";
export const firstIsOver = "^FIRST_IS_OVER";
/** The state that tells a later run from the first. */
const started = "started";

/** What an initialising graph leaves in a variable or table: values of that graph. */
interface Filling {
  readonly graph: SourceGraph;
  readonly values: readonly ValueId[];
}

/** The model without handles, as far as what they refer to is known; models of other dialects as they are. */
export function withResources(model: SourceModel, constants: Constants): SourceModel {
  const uses = (op: string) => model.graphs.some(({ nodes }) => nodes.some((node) => node.op === op));
  if (model.dialect !== "tflite" || !(uses("VAR_HANDLE") || uses("HASHTABLE"))) return model;
  return new Resources(model, constants).model();
}

class Resources {
  private readonly initial = new Map<string, Filling>();
  private readonly tables = new Map<string, Filling>();
  /** By anything but initialising; by sub-graphs among it. */
  private readonly assigned: ReadonlySet<string>;
  private readonly assignedWithin: ReadonlySet<string>;
  private readonly appended: SourceGraph[] = [];

  constructor(
    private readonly source: SourceModel,
    private readonly constants: Constants,
  ) {
    const inits = new Set(source.graphs.flatMap(({ nodes }) => nodes.flatMap((node) => initOf(node) ?? [])));
    for (const id of inits) this.readInit(source.graphs[id]!);
    const [main, ...others] = source.graphs;
    this.assignedWithin = new Set(others.flatMap((graph) => (inits.has(graph.id) ? [] : assignedIn(graph))));
    this.assigned = new Set([...assignedIn(main!), ...this.assignedWithin]);
  }

  model(): SourceModel {
    const [main, ...rest] = this.source.graphs;
    const graphs = [this.main(this.constantsIn(main!)), ...rest.map((graph) => this.constantsIn(graph))];
    return { ...this.source, graphs: [...graphs, ...this.appended] };
  }

  private readInit(graph: SourceGraph): void {
    for (const { op, inputs } of graph.nodes) {
      const [handle, ...values] = inputs;
      const key = handle === undefined ? undefined : keyOf(graph, handle);
      if (key === undefined || values.includes(undefined)) continue;
      if (op === "ASSIGN_VARIABLE") this.initial.set(key, { graph, values: values as ValueId[] });
      else if (op === "HASHTABLE_IMPORT") this.tables.set(key, { graph, values: values as ValueId[] });
    }
  }

  /** Tables, and variables that nothing but initialising sets, with their content as attributes. */
  private constantsIn(graph: SourceGraph): SourceGraph {
    const nodes = graph.nodes.map((node) => {
      const content = this.contentOf(graph, node);
      return content ? { ...node, inputs: [], attrs: { ...node.attrs, ...content } } : node;
    });
    return { ...graph, nodes };
  }

  private contentOf(graph: SourceGraph, node: SourceNode): Record<string, SourceAttr> | undefined {
    if (node.op === "HASHTABLE") {
      const [keys, values] = stored(this.tables.get(keyOfNode(node)!));
      return keys && values && { keys: tensorAttr(keys), values: tensorAttr(values) };
    }
    const key = node.op === "READ_VARIABLE" ? keyOf(graph, node.inputs[0]) : undefined;
    if (key === undefined || this.assigned.has(key)) return undefined;
    const [value] = stored(this.initial.get(key));
    return value && { value: tensorAttr(value) };
  }

  /** Reads and assignments of the main graph in the order of the file, which is that of a run. */
  private main(graph: SourceGraph): SourceGraph {
    const draft = new Draft(graph);
    const read = new Set(graph.nodes.flatMap((node) => (isRead(node) ? (keyOf(graph, node.inputs[0]) ?? []) : [])));
    const states = new Map<string, { readonly variable: ValueId; current: ValueId; assigned: boolean }>();
    for (const node of graph.nodes) {
      const key = isRead(node) || node.op === "ASSIGN_VARIABLE" ? keyOf(graph, node.inputs[0]) : undefined;
      // What a sub-graph assigns stays behind its handle, whose rule refuses it.
      if (key === undefined || !read.has(key) || this.assignedWithin.has(key)) continue;
      let state = states.get(key);
      if (!state) {
        const variable = draft.variable(key, this.typeOf(graph, key));
        state = { variable, current: this.start(draft, key, variable), assigned: false };
        states.set(key, state);
      }
      if (isRead(node)) draft.replace(node, { inputs: [state.current] });
      else {
        const { type, name } = graph.values[node.inputs[1] ?? -1] ?? draft.values[state.variable]!;
        state.current = draft.value(`${name}!`, type, node.id);
        state.assigned = true;
        draft.replace(node, { inputs: [state.variable, node.inputs[1]], outputs: [state.current] });
      }
    }
    const left = [...states.values()].filter(({ assigned }) => assigned).map(({ current }) => current);
    return draft.graph(left);
  }

  /** The value of a variable when a run begins. */
  private start(draft: Draft, key: string, variable: ValueId): ValueId {
    const filling = this.initial.get(key);
    if (!filling) return variable;
    const [tensor] = stored(filling);
    const known = tensor && this.constants.get(tensor);
    if (known && !Array.isArray(known.data) && numbersOf(known).every((x) => x === 0)) return variable;
    const { type } = draft.values[variable]!;
    const initial = tensor ? draft.value(`${key}!initial`, type, undefined, tensor) : this.computed(draft, key, filling, type);
    return draft.node(firstOrLater, [draft.flag(), variable, initial], `${key}!start`, type);
  }

  /** The initialising graph, called for this one value. */
  private computed(draft: Draft, key: string, { graph, values }: Filling, type: SourceValue["type"]): ValueId {
    const id = this.source.graphs.length + this.appended.length;
    this.appended.push({ ...graph, id, name: `${graph.name}!${key}`, outputs: values });
    return draft.node("CALL", [], `${key}!initial`, type, { subgraph: { kind: "graph", value: id } });
  }

  private typeOf(graph: SourceGraph, key: string): SourceValue["type"] {
    const node = graph.nodes.find((each) => isRead(each) && keyOf(graph, each.inputs[0]) === key)!;
    const declared = graph.values[node.outputs[0] ?? -1]?.type;
    const filling = this.initial.get(key);
    const first = filling?.graph.values[filling.values[0]!]?.type;
    const isKnown = declared?.shape?.every((dim) => dim !== null);
    return (isKnown ? declared : (first ?? declared)) ?? { dtype: undefined, shape: undefined };
  }
}

const tensorAttr = (value: SourceTensor): SourceAttr => ({ kind: "tensor", value });

/** What is a constant of the filling graph. */
const stored = (filling: Filling | undefined): readonly (SourceTensor | undefined)[] =>
  filling?.values.map((id) => filling.graph.values[id]?.tensor) ?? [];

const initOf = ({ op, attrs }: SourceNode): GraphId | undefined => {
  const id = op === "CALL_ONCE" ? attrs["init_subgraph_index"] : undefined;
  return id?.kind === "graph" ? id.value : undefined;
};

const isRead = ({ op, attrs }: SourceNode): boolean => op === "READ_VARIABLE" && attrs["value"] === undefined;

const assignedIn = (graph: SourceGraph): string[] =>
  graph.nodes.flatMap(({ op, inputs }) => (op === "ASSIGN_VARIABLE" ? (keyOf(graph, inputs[0]) ?? []) : []));

/** What a handle refers to; undefined where it comes from outside the graph. */
function keyOf(graph: SourceGraph, handle: ValueId | undefined): string | undefined {
  const producer = graph.values[handle ?? -1]?.producer;
  return producer === undefined ? undefined : keyOfNode(graph.nodes[producer]!);
}

function keyOfNode({ op, attrs }: SourceNode): string | undefined {
  const text = (name: string) => (attrs[name]?.kind === "string" ? attrs[name].value : "");
  if (op === "VAR_HANDLE") return [text("container"), text("shared_name")].filter((part) => part !== "").join("/");
  return op === "HASHTABLE" ? `table ${attrs["table_id"]?.kind === "int" ? attrs["table_id"].value : 0}` : undefined;
}

/** The main graph, changed. */
class Draft {
  readonly values: SourceValue[];
  private readonly nodes: SourceNode[];
  private readonly names: Set<string>;
  private flagged: ValueId | undefined;
  private readonly effects: ValueId[] = [];

  constructor(private readonly source: SourceGraph) {
    this.values = [...source.values];
    this.nodes = [...source.nodes];
    this.names = new Set(source.values.map(({ name }) => name));
  }

  value(name: string, type: SourceValue["type"], producer?: number, tensor?: SourceTensor): ValueId {
    const id = this.values.length;
    let free = name;
    while (this.names.has(free)) free += "'";
    this.names.add(free);
    this.values.push({ id, name: free, type, ...(producer !== undefined && { producer }), ...(tensor && { tensor }) });
    return id;
  }

  /** `name` where no other value has it. */
  variable(name: string, type: SourceValue["type"]): ValueId {
    const id = this.value(name, type);
    this.values[id] = { ...this.values[id]!, variable: true };
    return id;
  }

  /** False in the first run, true in later ones. */
  flag(): ValueId {
    if (this.flagged === undefined) {
      const type = { dtype: "bool", shape: [] } as const;
      this.flagged = this.variable(started, type);
      this.effects.push(this.node(firstIsOver, [this.flagged], `${started}!`, type));
    }
    return this.flagged;
  }

  node(
    op: string,
    inputs: readonly ValueId[],
    output: string,
    type: SourceValue["type"],
    attrs: SourceNode["attrs"] = {},
  ): ValueId {
    const id = this.nodes.length;
    const made = this.value(output, type, id);
    this.nodes.push({ id, name: "", op, domain: "", inputs, outputs: [made], attrs, captures: [] });
    return made;
  }

  replace({ id }: SourceNode, parts: Partial<SourceNode>): void {
    this.nodes[id] = { ...this.nodes[id]!, ...parts };
  }

  graph(effects: readonly ValueId[]): SourceGraph {
    return { ...this.source, nodes: this.nodes, values: this.values, effects: [...effects, ...this.effects] };
  }
}
