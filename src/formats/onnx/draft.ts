/** A SourceGraph while it is read: names become ids at first mention, and what is said of a name later is added to it. */
import type { GraphId, SourceAttr, SourceGraph, SourceNode, SourceType, SourceValue, ValueId } from "../../graph/source.ts";

type Writable<T> = { -readonly [K in keyof T]: T[K] };

export const untyped: SourceType = { dtype: undefined, shape: undefined };

export type NodeDraft = Omit<Writable<SourceNode>, "captures"> & { readonly captures: ValueId[] };

export class GraphDraft {
  name = "";
  doc = "";
  readonly nodes: NodeDraft[] = [];
  readonly values: Writable<SourceValue>[] = [];
  readonly inputs: ValueId[] = [];
  readonly outputs: ValueId[] = [];
  /** Values that this graph itself makes or is given; the others are dangling, or of an enclosing graph. */
  readonly defined = new Set<ValueId>();
  /** Functions only. */
  own: Pick<SourceGraph, "domain" | "attributes" | "attributeDefaults" | "opsets"> = {};
  private readonly byName = new Map<string, ValueId>();

  constructor(
    readonly id: GraphId,
    readonly role: SourceGraph["role"],
    /** The node that holds this sub-graph. */
    readonly holder?: { readonly graph: GraphDraft; readonly node: number },
  ) {}

  /** The value of this name, made at first mention. */
  value(name: string): ValueId {
    let id = this.byName.get(name);
    if (id === undefined) {
      id = this.values.length;
      this.byName.set(name, id);
      this.values.push({ id, name, type: untyped });
    }
    return id;
  }

  find(name: string): ValueId | undefined {
    return this.byName.get(name);
  }

  /** A file that states a type twice keeps the first. */
  setType(id: ValueId, type: SourceType, doc: string): void {
    const value = this.values[id]!;
    if (value.type === untyped) value.type = type;
    if (doc) value.doc = doc;
  }

  finish(): SourceGraph {
    const { id, name, role, nodes, values, inputs, outputs, doc, own, holder } = this;
    return {
      id,
      name,
      role,
      ...(holder ? { parent: holder.graph.id } : {}),
      nodes,
      values,
      inputs,
      outputs,
      ...(doc ? { doc } : {}),
      ...own,
    };
  }
}

/** Own properties by definition, so that a name such as `__proto__` is a name. */
export function record<T>(entries: Iterable<readonly [string, T]>): Readonly<Record<string, T>> {
  return Object.fromEntries(entries) as Readonly<Record<string, T>>;
}

export const noAttrs: Readonly<Record<string, SourceAttr>> = Object.freeze({});

/** Of nodes that hold no sub-graphs; shared, since a large model has as many as nodes. */
export const noCaptures: ValueId[] = Object.freeze<ValueId[]>([]) as ValueId[];
