/** Keras's configuration of a model (Sequential, Functional; Keras 1, 2 and 3) → graphs: a node for every call of a layer. */

import { modelError, type Place, type Problem, problem } from "../../base/problem.ts";
import type { SourceGraph, SourceNode, SourceTensor, SourceType, SourceValue, ValueId } from "../../graph/source.ts";
import { attributesOf, isObject, type Json } from "./attributes.ts";
import { type Call, type Reference, readCalls, readReferences } from "./calls.ts";
import { calledAs, functionAttrs } from "./functions.ts";
import { inputType } from "./input.ts";
import { callName, firstCalls, isModel, key, type Layer, type LayerPlace, models, valueName } from "./layer.ts";
import { snakeCase } from "./names.ts";

export interface NamedTensor {
  readonly name: string;
  readonly tensor: SourceTensor;
}

export type WeightsOf = (place: LayerPlace) => readonly NamedTensor[];

/** Domain of nodes that stand for a model within a model. */
export const modelDomain = "model";
/** Models within models. */
const MAX_DEPTH = 32;
const MAX_LAYERS = 100_000;
/** Of one call of a layer. */
const MAX_OUTPUTS = 10_000;

/**
 * Attribute of a layer whose kernels Theano stored: it convolves where others correlate; and, in a model of TF.js's, of those layers that TF.js
 * may compute in a way of its own.
 */
export const backendAttr = "backend";
const particular: Readonly<Record<string, ReadonlySet<string>>> = {
  theano: new Set(["Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose"]),
  tfjs: new Set(
    "AveragePooling3D Conv1D Conv3D Conv3DTranspose DepthwiseConv2D Dot GlobalAveragePooling1D MaxPooling3D ReLU SeparableConv2D TimeDistributed UpSampling2D".split(
      " ",
    ),
  ),
};

/** What stateful layers keep from one call to the next. */
const stateful: Readonly<Record<string, readonly string[]>> = { SimpleRNN: ["h"], GRU: ["h"], LSTM: ["h", "c"] };

export interface Architecture {
  readonly graphs: readonly SourceGraph[];
  readonly problems: readonly Problem[];
}

/** Who wrote the model. */
export interface Origin {
  /** `theano`, `tensorflow` …; `tfjs` for a model that TF.js runs. */
  readonly backend?: string | undefined;
  /** Of Keras, `2.9.0`. */
  readonly version?: string | undefined;
  /** Words that archives keep beside the layer, by its path. */
  readonly vocabularies?: ReadonlyMap<string, readonly string[]> | undefined;
}

/** A `ModelError` where the configuration is none of a model, or one that says nothing (a subclassed model). */
export function readArchitecture(config: unknown, weightsOf: WeightsOf, origin: Origin = {}): Architecture {
  const reader = new Reader(weightsOf, origin);
  reader.model(config, { names: [], path: "" }, 0);
  return reader;
}

class Reader implements Architecture {
  readonly graphs: SourceGraph[] = [];
  readonly problems: Problem[] = [];
  private layers = 0;

  constructor(
    readonly weightsOf: WeightsOf,
    readonly origin: Origin,
  ) {}

  /** Reads a model and the models in it; gives its graph. */
  model(given: unknown, place: LayerPlace, depth: number): SourceGraph {
    const op = isObject(given) ? String(given["class_name"] ?? "") : "";
    const config = isObject(given) ? given["config"] : undefined;
    if (depth > MAX_DEPTH) throw modelError("too-deep", `more than ${MAX_DEPTH} models within each other`);
    if (!models.has(op))
      throw modelError(
        "unsupported",
        `a model that is no graph of layers: ${op || "nothing"}`,
        {},
        "save it as a Functional model: its layers are in code, not in the file",
      );
    // A Sequential of the first versions is its list of layers.
    const list = Array.isArray(config) ? config : isObject(config) ? config["layers"] : undefined;
    if (!Array.isArray(list)) throw modelError("malformed", `a ${op} model without layers`);
    const id = this.graphs.length;
    const role = depth === 0 ? "main" : "function";
    const name = depth === 0 ? "main" : this.unique(place.names.at(-1)!);
    // Reserved first: the main graph is the first of the list.
    this.graphs.push({ id, name, role, nodes: [], values: [], inputs: [], outputs: [] });
    const layers = this.layersOf(list, place);
    const builder = new GraphReader(this, name, depth);
    if (op === "Sequential") builder.sequential(layers, isObject(config) ? config : {});
    else builder.functional(layers, config as Json);
    const graph: SourceGraph = { ...builder.finish(id, role), ...(depth > 0 && { domain: modelDomain }) };
    this.graphs[id] = graph;
    return graph;
  }

  private unique(name: string): string {
    let free = name;
    for (let i = 1; this.graphs.some((graph) => graph.name === free); i++) free = `${name}#${i}`;
    return free;
  }

  private layersOf(list: readonly unknown[], place: LayerPlace): Layer[] {
    const counts = new Map<string, number>();
    return list.map((each, i): Layer => {
      if (++this.layers > MAX_LAYERS) throw modelError("too-large", `more than ${MAX_LAYERS} layers`);
      if (!isObject(each)) throw modelError("malformed", `layer ${i} is no object`);
      const op = String(each["class_name"] ?? "");
      const config = isObject(each["config"]) ? each["config"] : {};
      const name = String(each["name"] ?? config["name"] ?? `${snakeCase(op)}_${i}`);
      const kind = snakeCase(op);
      const seen = counts.get(kind) ?? 0;
      counts.set(kind, seen + 1);
      const path = `${place.path}layers/${kind}${seen === 0 ? "" : `_${seen}`}`;
      return {
        name,
        ...calledAs(op, config, each["module"]),
        // A model within a model is its list of layers in the first versions.
        config: models.has(op) ? each : config,
        calls: readCalls(each["inbound_nodes"], { graph: place.names.at(-1) ?? "main", node: name, op }),
        place: { names: [...place.names, name], path },
      };
    });
  }
}

class GraphReader {
  private readonly nodes: SourceNode[] = [];
  private readonly values: SourceValue[] = [];
  private readonly inputs: ValueId[] = [];
  private readonly outputs: ValueId[] = [];
  /** By layer, call and output. */
  private readonly made = new Map<string, ValueId>();
  private readonly weights = new Map<string, readonly { readonly name: string; readonly value: ValueId }[]>();
  private readonly inner = new Map<string, SourceGraph>();

  constructor(
    private readonly reader: Reader,
    private readonly name: string,
    private readonly depth: number,
  ) {}

  finish(id: number, role: SourceGraph["role"]): SourceGraph {
    const { name, nodes, values, inputs, outputs } = this;
    return { id, name, role, nodes, values, inputs, outputs };
  }

  /** Each layer takes what the one before gives; where none is an input, the first says its shape. */
  sequential(layers: readonly Layer[], config: Json): void {
    let at: readonly ValueId[] = [];
    for (const [i, layer] of layers.entries()) {
      if (i === 0) {
        const inner = layer.op !== "InputLayer" && isModel(layer) ? this.innerGraph(layer) : undefined;
        const type = inner ? inner.values[inner.inputs[0]!]!.type : inputType(layer.config, config);
        const name = layer.op === "InputLayer" ? layer.name : `${layer.name}_input`;
        at = [this.input(name, type)];
        if (layer.op === "InputLayer") continue;
      }
      at = this.call(layer, 0, at.slice(0, 1), undefined, [this.value(layer.name, untyped)]);
    }
    this.outputs.push(...at);
  }

  functional(layers: readonly Layer[], config: Json): void {
    const place = { graph: this.name };
    const starts = readReferences(config["input_layers"], place);
    const ends = readReferences(config["output_layers"], place);
    const byName = new Map(layers.map((layer) => [layer.name, layer]));
    const counts = this.outputCounts(layers, ends);
    for (const { layer } of starts) {
      const found = byName.get(layer);
      if (!found) throw modelError("malformed", `an input that is no layer: ${layer}`, place);
      this.made.set(key(layer, 0, 0), this.input(layer, inputType(found.config, {})));
    }
    // A layer may be listed before those it reads.
    const firsts = firstCalls(layers, ends);
    const calls = layers.flatMap((layer) =>
      layer.op === "InputLayer"
        ? []
        : layer.calls.map((call, i) => ({ layer, call, index: i + (firsts.get(layer.name) ?? 0), nth: i })),
    );
    for (const { layer, index, nth } of calls) {
      const count = counts.get(`${layer.name}\0${index}`) ?? 1;
      for (let port = 0; port < count; port++) {
        const id = key(layer.name, index, port);
        if (!this.made.has(id)) this.made.set(id, this.value(valueName(layer.name, nth, port), untyped));
      }
    }
    for (const { layer, call, index, nth } of calls) {
      const inputs = call.inputs.map((each) => this.resolve(each, { ...place, node: layer.name, op: layer.op }));
      const made = Array.from({ length: counts.get(`${layer.name}\0${index}`) ?? 1 }, (_, port) =>
        this.made.get(key(layer.name, index, port)),
      );
      this.call(layer, nth, inputs, call, made as readonly ValueId[]);
    }
    for (const end of ends) this.outputs.push(this.resolve(end, place));
  }

  /** Outputs of each call that anything reads. */
  private outputCounts(layers: readonly Layer[], ends: readonly Reference[]): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { layer, call, output } of [...ends, ...layers.flatMap(({ calls }) => calls.flatMap(({ inputs }) => inputs))]) {
      if (!(output < MAX_OUTPUTS))
        throw modelError("malformed", `output ${output} of a layer`, { graph: this.name, node: layer });
      counts.set(`${layer}\0${call}`, Math.max(counts.get(`${layer}\0${call}`) ?? 1, output + 1));
    }
    return counts;
  }

  private resolve({ layer, call, output }: Reference, place: Place): ValueId {
    const found = this.made.get(key(layer, call, output));
    if (found !== undefined) return found;
    this.reader.problems.push(problem("error", "dangling-input", `no such call of a layer: ${layer}, call ${call}`, place));
    const id = this.value(valueName(layer, call, output), untyped);
    this.made.set(key(layer, call, output), id);
    return id;
  }

  private input(name: string, type: SourceType): ValueId {
    const id = this.value(name, type);
    this.inputs.push(id);
    return id;
  }

  private value(name: string, type: SourceType, more: Partial<SourceValue> = {}): ValueId {
    const id = this.values.length;
    this.values.push({ id, name, type, ...more });
    return id;
  }

  /** A node for call `index` of the layer; its outputs. */
  private call(
    layer: Layer,
    index: number,
    inputs: readonly ValueId[],
    call: Call | undefined,
    outputs: readonly ValueId[],
  ): readonly ValueId[] {
    const id = this.nodes.length;
    for (const output of outputs) this.values[output] = { ...this.values[output]!, producer: id };
    const node = { id, name: callName(layer.name, index), outputs, captures: [] };
    const { op, domain } = layer;
    const inner = isModel(layer) ? this.innerGraph(layer) : undefined;
    if (inner) this.nodes.push({ ...node, op: inner.name, domain: modelDomain, inputs, attrs: {} });
    else if (domain !== "") this.nodes.push({ ...node, op, domain, inputs, attrs: functionAttrs(layer, call) });
    else {
      const weights = this.weightsOf(layer);
      const states = this.statesOf(layer);
      this.nodes.push({
        ...node,
        op,
        domain,
        inputs: [...inputs, ...states, ...weights.map(({ value }) => value)],
        attrs: {
          ...attributesOf({ ...layer.config, ...call?.attrs }),
          ...this.readAlong(layer),
          ...(states.length > 0 && { states: { kind: "int", value: states.length } as const }),
          ...(weights.length > 0 && { weights: { kind: "strings", value: weights.map(({ name }) => name) } as const }),
        },
      });
    }
    return outputs;
  }

  /** What a layer means that its configuration does not say. */
  private readAlong({ op, config, name, place }: Layer): SourceNode["attrs"] {
    const { backend, version, vocabularies } = this.reader.origin;
    const words = config["vocabulary"] ? undefined : vocabularies?.get(place.path);
    if (words) return { vocabulary: { kind: "strings", value: words } };
    const known = backend !== undefined && particular[backend]?.has(op);
    const own: SourceNode["attrs"] = known ? { [backendAttr]: { kind: "string", value: backend } } : {};
    if (op === "MultiHeadAttention" && /^2\.[4-9](\.|$)/.test(version ?? ""))
      return { implicit_masks: { kind: "bool", value: false } };
    const { layer } = config;
    if (op !== "TimeDistributed" || !isObject(layer) || !models.has(String(layer["class_name"]))) return own;
    const graph = this.inner.get(name) ?? this.modelWithin(name, layer, { ...place, path: `${place.path}/layer` });
    return { ...own, layer: { kind: "graph", value: graph.id } };
  }

  /** Variables for what a stateful layer keeps; a layer that is called twice, or within another model, keeps what no input can stand for. */
  private statesOf({ op, config, name, calls }: Layer): readonly ValueId[] {
    const kinds = stateful[op];
    if (!kinds || config["stateful"] !== true || this.depth > 0 || calls.length > 1) return [];
    const batch = this.values[this.inputs[0] ?? -1]?.type.shape?.[0] ?? null;
    const units = config["units"] ?? config["output_dim"];
    const shape = [batch, typeof units === "number" ? units : null];
    return kinds.map((kind) => this.value(`${name}/${kind}`, { dtype: "float32", shape }, { variable: true }));
  }

  private innerGraph(layer: Layer): SourceGraph {
    return this.inner.get(layer.name) ?? this.modelWithin(layer.name, layer.config, layer.place);
  }

  private modelWithin(name: string, config: unknown, { names, path }: LayerPlace): SourceGraph {
    const graph = this.reader.model(config, { names, path: `${path}/` }, this.depth + 1);
    this.inner.set(name, graph);
    return graph;
  }

  /** Shared by all calls of the layer. */
  private weightsOf(layer: Layer) {
    let found = this.weights.get(layer.name);
    if (!found) {
      found = this.reader.weightsOf(layer.place).map(({ name, tensor }) => ({
        name,
        value: this.value(
          name.startsWith(`${layer.name}/`) ? name : `${layer.name}/${name}`,
          { dtype: tensor.dtype, shape: tensor.shape },
          { tensor },
        ),
      }));
      this.weights.set(layer.name, found);
    }
    return found;
  }
}

const untyped: SourceType = { dtype: undefined, shape: undefined };
