/** GraphDef and FunctionDef → SourceGraph: a value for every `node:port`, control inputs kept apart. */
import { modelError, type Place } from "../../base/problem.ts";
import type { GraphId, SourceAttr, SourceDim, SourceGraph, SourceNode, SourceValue, ValueId } from "../../graph/source.ts";
import type { Fields } from "../protobuf/fields.ts";
import { type AttrContext, dtypeAttr } from "./attributes.ts";
import { readNode, reference, type WrittenNode } from "./nodes.ts";
import { outputCount, portOf } from "./outputs.ts";

type Writable<T> = { -readonly [K in keyof T]: T[K] };
type Attrs = Readonly<Record<string, SourceAttr>>;

/** Control inputs of a node, as an attribute: they order side effects, and no value flows along them. */
export const controlInputs = "^control";

/** Before this version a placeholder whose shape was not known had one of rank 0. */
const UNKNOWN_SHAPES_SINCE = 24;

/** Shared: no node of TensorFlow's holds a graph. */
const noCaptures: readonly ValueId[] = [];

const untyped = { dtype: undefined, shape: undefined } as const;

export interface GraphContext extends AttrContext {
  /** Of the graph: `versions.producer`. */
  readonly producer: number;
  /** Outputs of the library's functions, by name: they may be called as ops are. */
  readonly outputs: ReadonlyMap<string, readonly string[]>;
}

export class GraphBuilder {
  private readonly nodes: SourceNode[] = [];
  private readonly values: Writable<SourceValue>[] = [];
  private readonly byName = new Map<string, ValueId[]>();
  private readonly ops = new Map<string, string>();
  private readonly made = new Set<string>();
  /** Nodes whose value or control is taken by another. */
  private readonly read = new Set<string>();

  constructor(
    private readonly id: GraphId,
    readonly name: string,
    private readonly context: GraphContext,
  ) {}

  /** An input of a function, by name. */
  argument(name: string, type: SourceValue["type"]): ValueId {
    const id = this.add(name, type);
    this.byName.set(name, [id]);
    return id;
  }

  addNodes(written: readonly WrittenNode[]): void {
    const { reading } = this.context;
    const seen = new Set<string>();
    const attributes = written.map((node) => {
      const place = this.place(node);
      if (node.op === "") reading.report("error", "missing-op", "a node without an operator", { ...place, offset: node.offset });
      if (node.name === "")
        reading.report("error", "no-name", "a node without a name", { graph: this.name, op: node.op, offset: node.offset });
      if (seen.has(node.name) || this.byName.has(node.name))
        reading.report("error", "duplicate-name", `a second node of the name ${node.name}`, { ...place, offset: node.offset });
      seen.add(node.name);
      const { attrs, shapes } = node.attributes(this.context, place);
      if (!this.byName.has(node.name)) {
        this.ops.set(node.name, node.op);
        const own = this.context.outputs.get(node.op);
        const count = own ? own.length : outputCount(node.op, attrs);
        reading.spend(count, node.offset);
        const ports = Array.from({ length: count }, (_, port) => this.output(node, attrs, shapes[port], port));
        this.byName.set(node.name, ports);
      }
      return attrs;
    });
    written.forEach((node, i) => {
      this.addNode(node, attributes[i]!);
    });
  }

  private place({ name, op }: WrittenNode): Place {
    return { graph: this.name, node: name, op };
  }

  private addNode(written: WrittenNode, attrs: Attrs): void {
    const id = this.nodes.length;
    const inputs: ValueId[] = [];
    const controls: string[] = [];
    for (const input of written.inputs) {
      const found = this.resolve(input, written.offset);
      if (found !== undefined) inputs.push(found);
      else controls.push(input.slice(1));
    }
    for (const control of controls) this.read.add(control);
    const outputs = this.byName.get(written.name)!;
    const own = !this.made.has(written.name);
    this.made.add(written.name);
    this.nodes.push({
      id,
      name: written.name,
      op: written.op,
      domain: "",
      inputs,
      outputs: own ? outputs : [],
      attrs: controls.length === 0 && written.device === "" ? attrs : withPlace(attrs, controls, written.device),
      captures: noCaptures,
    });
  }

  /** Is there a node that `node:port` could be of? */
  has(input: string): boolean {
    return this.ops.has(input.split(":")[0]!);
  }

  /** What a signature says of a value whose node does not. */
  declare(id: ValueId, type: SourceValue["type"]): void {
    const value = this.values[id]!;
    value.type = { dtype: value.type.dtype ?? type.dtype, shape: value.type.shape ?? type.shape };
  }

  nameOf(id: ValueId): string {
    return this.values[id]!.name;
  }

  /** The value that `node:port` names, made where nothing does; undefined for a control input. */
  resolve(input: string, offset: number): ValueId | undefined {
    const found = reference(input, offset);
    if (!found) return undefined;
    this.read.add(found.node);
    const op = this.ops.get(found.node);
    const port = found.output === undefined || op === undefined ? found.index : this.port(op, found.output, found.index);
    let ports = this.byName.get(found.node);
    if (!ports) {
      ports = [];
      this.byName.set(found.node, ports);
    }
    this.context.reading.spend(Math.max(0, port + 1 - ports.length), offset);
    while (ports.length <= port) ports.push(this.add(valueName(found.node, ports.length), untyped));
    return ports[port]!;
  }

  private port(op: string, output: string, index: number): number {
    const own = this.context.outputs.get(op);
    return own ? Math.max(own.indexOf(output), 0) + index : portOf(op, output, index);
  }

  private output(node: WrittenNode, attrs: Attrs, inferred: readonly SourceDim[] | undefined, port: number): ValueId {
    const constant = node.op === "Const" ? attrs["value"] : undefined;
    const dtype = declaredType(node.op, attrs);
    const id = this.add(valueName(node.name, port), { dtype, shape: inferred ?? this.declaredShape(attrs) });
    if (constant?.kind === "tensor") {
      const { value: tensor } = constant;
      Object.assign(this.values[id]!, { tensor, type: { dtype: tensor.dtype, shape: tensor.shape } });
    }
    return id;
  }

  private declaredShape(attrs: Attrs): readonly SourceDim[] | undefined {
    const attr = attrs["shape"];
    if (attr?.kind !== "shape" || !attr.value) return undefined;
    return attr.value.length === 0 && this.context.producer < UNKNOWN_SHAPES_SINCE ? undefined : attr.value;
  }

  private add(name: string, type: SourceValue["type"]): ValueId {
    const id = this.values.length;
    this.values.push({ id, name, type });
    return id;
  }

  /** Placeholders, in the order of the file. */
  placeholders(): ValueId[] {
    return this.nodes.filter((node) => node.op === "Placeholder" || node.op === "PlaceholderV2").flatMap((node) => ofNode(node));
  }

  /** What nodes give that no other node reads. */
  unread(): ValueId[] {
    const ends = this.nodes.filter(({ name, op }) => !this.read.has(name) && !isNoResult(op));
    const computed = ends.filter(({ op }) => op !== "Const" && !op.startsWith("Placeholder"));
    const own = computed.filter(({ name }) => !ofTraining.test(name));
    return [own, computed, ends].find((each) => each.length > 0)?.flatMap(ofNode) ?? [];
  }

  finish(
    role: SourceGraph["role"],
    inputs: readonly ValueId[],
    outputs: readonly ValueId[],
    names: Pick<SourceGraph, "inputNames" | "outputNames"> = {},
  ): SourceGraph {
    const { id, name, nodes, values } = this;
    // Only now are all ports of ops that are not known: those that something has read.
    for (const node of nodes) for (const output of ofNode(node)) values[output]!.producer ??= node.id;
    return { id, name, role, nodes, values, inputs, outputs, ...names };
  }
}

const ofNode = (node: SourceNode): ValueId[] => node.outputs.filter((output) => output !== undefined);

const withPlace = (attrs: Attrs, controls: readonly string[], device: string): Attrs => ({
  ...attrs,
  ...(controls.length > 0 && { [controlInputs]: { kind: "strings", value: controls } }),
  ...(device && { device: { kind: "string", value: device } }),
});

/** What a saver, an initialiser or an optimiser ends in. */
const isNoResult = (op: string): boolean =>
  /^(Assign|Save|Restore|Merge.*Checkpoint|.*Summary|InitializeTable|VarIsInit|(Resource)?(Sparse)?Apply[A-Z])/.test(op);

/** Scopes of gradients and savers, which a training graph has beside the model. */
const ofTraining = /(^|\/)(gradients|save)(_\d+)?\//;

/** As an input would say it. */
const valueName = (node: string, port: number): string => (port === 0 ? node : `${node}:${port}`);

/** The attribute that names the type of a node's outputs. */
function declaredType(op: string, attrs: Attrs) {
  return dtypeAttr(attrs, op === "Cast" ? "DstT" : "dtype");
}

/** NodeDefs of a graph or of a function. */
export function nodesIn(fields: readonly Fields[], context: GraphContext): WrittenNode[] {
  return fields.map((f) => readNode(f, context.reading));
}

/** The value of a name that a signature or a function's result gives. */
export function required(id: ValueId | undefined, name: string): ValueId {
  if (id === undefined) throw modelError("malformed", `a result that is no value: ${name}`);
  return id;
}
