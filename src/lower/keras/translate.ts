/**
 * A Keras model → the layers model that `tf.loadLayersModel` takes: always Functional, in Keras 2's words, weights named as TF.js builds them.
 * Keras takes the same architecture, with its own file of weights.
 */
import { isFloat } from "../../base/dtype.ts";
import { ModelError, modelError, type Place, type Problem, problem } from "../../base/problem.ts";
import type { Value } from "../../graph/graph.ts";
import type { SourceDim, SourceGraph, SourceModel, SourceNode, ValueId } from "../../graph/source.ts";
import type { ModelFiles } from "../../graph/tensor.ts";
import { Builder } from "../../tf/build.ts";
import { gathered } from "./cells.ts";
import { Config, configOf, isObject, type Json, todays } from "./config.ts";
import { kernelOf } from "./conv.ts";
import { type CustomLayer, customLayersName, customWeightNames, isCustom } from "./custom-layers.ts";
import { type Faults, plainWeight, strangeKeyword, Weights } from "./layer.ts";
import { renamedLayers, stockDifference, stockFault, weightNames } from "./stock.ts";
import { dropped, known, nameOf, regularizer, typeOf } from "./stock-config.ts";
import { hasMasks, maskFault, passedMask } from "./stock-masks.ts";

export type LayerPlace = readonly [layer: string, call: number, output: number];

export interface LayersModel {
  /** `modelTopology` of model.json. */
  readonly topology: Json;
  /** In the order of the layers; all of a layer's are next to each other. Layers by their names in the topology. */
  readonly weights: readonly { readonly name: string; readonly layer: string; readonly value: Value }[];
  readonly problems: readonly Problem[];
  /** Layers that are to be registered before the model is loaded. */
  readonly custom: readonly CustomLayer[];
  /** Layer, call and output that stand for each value of the main graph, by its name. */
  readonly places: ReadonlyMap<string, LayerPlace>;
}

/** Who is to load it. */
export type LayersTarget = "tfjs" | "keras";

/** `lowered`: values by `<graph>/<value>`, for their types and masks; the file does not say. */
export function translateLayers(
  model: SourceModel,
  files: ModelFiles,
  lowered: ReadonlyMap<string, Value>,
  target: LayersTarget = "tfjs",
): LayersModel {
  return new Translation(model, files, lowered, target).run();
}

/** The way out where a layer is not in TF.js. */
const hint = "convert with --to tfjs, or register a class of this name with tf.serialization.registerClass";

/** What is to be done about a layer whose code is the user's. */
const customHints: Readonly<Record<LayersTarget, string>> = {
  tfjs: `fill it in in ${customLayersName}, and register it`,
  keras: "give its class to keras.models.load_model as one of custom_objects",
};

class Translation {
  private readonly b = new Builder();
  private readonly problems: Problem[] = [];
  private readonly custom: CustomLayer[] = [];
  private readonly names = new Map<string, string>();
  private readonly weights = new Map<string, { readonly layer: string; readonly value: Value }>();
  private readonly major: number;
  private readonly masked: boolean;
  /** Whoever is to load it computes as the source does: no difference between TF.js and Keras is a fault. */
  private readonly alike: boolean;

  constructor(
    private readonly model: SourceModel,
    private readonly files: ModelFiles,
    private readonly lowered: ReadonlyMap<string, Value>,
    private readonly target: LayersTarget,
  ) {
    this.major = model.opsets[""] ?? 2;
    this.masked = hasMasks(model);
    this.alike = (model.formatVersion === "layers model") === (target === "tfjs");
  }

  run(): LayersModel {
    const config = this.graph(this.model.graphs[0]!, "model");
    return {
      topology: {
        keras_version: "2.15.0",
        backend: "tensorflow",
        model_config: { class_name: "Functional", config },
      },
      weights: [...this.weights].map(([name, weight]) => ({ name, ...weight })),
      problems: this.problems,
      custom: this.custom,
      places: this.places(this.model.graphs[0]!),
    };
  }

  private graph(graph: SourceGraph, name: string): Json {
    const inputs = graph.inputs.map((id) => this.input(graph, id));
    const calls = new Map<string, SourceNode[]>();
    for (const node of this.emitted(graph)) {
      const layer = layerName(node);
      calls.set(layer, [...(calls.get(layer) ?? []), node]);
    }
    const layers = [...calls].map(([layer, nodes]) => this.layer(graph, layer, nodes));
    const reference = (id: ValueId) => this.reference(graph, id);
    return {
      name,
      layers: [...inputs, ...layers],
      input_layers: graph.inputs.map(reference),
      output_layers: graph.outputs.map(reference),
    };
  }

  /** A name that TF.js takes, for a layer or an input; no two become one. */
  private legal(name: string): string {
    let found = this.names.get(name);
    if (found === undefined) {
      const taken = new Set(this.names.values());
      const base = name.replace(/[^-A-Za-z0-9._/]/g, "_").replace(/^(?![A-Za-z0-9])/, "l");
      found = base;
      for (let i = 1; taken.has(found); i++) found = `${base}_${i}`;
      this.names.set(name, found);
    }
    return found;
  }

  private input(graph: SourceGraph, id: ValueId): Json {
    const { name: given, type } = graph.values[id]!;
    const name = this.legal(given);
    const shape: readonly SourceDim[] = type.shape ?? [];
    if (!type.shape)
      this.problems.push(problem("error", "rank-unknown", "an input of unknown shape", { graph: graph.name, tensor: name }));
    return {
      class_name: "InputLayer",
      name,
      config: {
        name,
        batch_input_shape: shape.map((dim) => (typeof dim === "number" ? dim : null)),
        dtype: type.dtype ?? "float32",
        sparse: false,
      },
      inbound_nodes: [],
    };
  }

  private places(main: SourceGraph): ReadonlyMap<string, LayerPlace> {
    const computed = main.values.filter(({ producer, tensor }) => producer !== undefined && !tensor);
    return new Map(computed.map(({ id, name }) => [name, this.reference(main, id)]));
  }

  private reference(graph: SourceGraph, id: ValueId): LayerPlace {
    const { name, producer } = graph.values[id]!;
    if (producer === undefined) return [this.legal(name), 0, 0];
    const node = graph.nodes[producer]!;
    const layer = layerName(node);
    const nth = node.name === layer ? 0 : Number(node.name.slice(layer.length + 1));
    // Call 0 of a model within is the one that made it.
    const call = nth + (this.model.graphs.some(({ name: own }) => node.domain !== "" && own === node.op) ? 1 : 0);
    return [this.legal(layer), call, node.outputs.indexOf(id)];
  }

  private layer(graph: SourceGraph, given: string, nodes: readonly SourceNode[]): Json {
    const [first] = nodes;
    const name = this.legal(given);
    const place = { graph: graph.name, node: given, op: first!.op };
    const inbound = nodes.map((node) => this.data(graph, node).map((id) => [...this.reference(graph, id), {}]));
    const shared = { name, inbound_nodes: inbound };
    const inner = first!.domain === "" ? undefined : this.model.graphs.find((each) => each.name === first!.op);
    if (inner) return { class_name: "Functional", config: this.graph(inner, name), ...shared };
    const op = renamedLayers[first!.op] ?? first!.op;
    try {
      const strange = nodes.map(({ attrs }) => strangeKeyword(first!.op, attrs)).find((each) => each !== undefined);
      if (strange !== undefined) throw modelError("unsupported", `a layer that is called with a tensor as ${strange}`, place);
      if (first!.domain !== "") throw modelError("unsupported", "TF.js has no layer for a function between layers", place, hint);
      if (nodes.some((node) => passedMask(graph, node, this.lowered) === "other"))
        throw modelError("unsupported", "no such layers model: a mask that is passed to a layer", place, hint);
      const fault = nodes.map((node) => this.masked && !this.alike && maskFault(graph, node, this.lowered)).find(Boolean);
      if (fault) throw modelError("unsupported", `no such layers model: ${fault}`, place, hint);
      if (isCustom(first!.op))
        return { class_name: op, config: this.customConfig(name, first!, this.stored(graph, first!, place), place), ...shared };
      const config = this.config(op, configOf(first!.attrs), place);
      if (op === "BatchNormalization") this.checkAxis(graph, first!, config, place);
      this.take(op, name, config, this.stored(graph, first!, place), place);
      return { class_name: op, config: { ...config, name }, ...shared };
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
      this.problems.push({ ...place, ...error.problem });
      return { class_name: op, config: { name }, ...shared };
    }
  }

  /** A layer whose code is not in the file: its weights under names that the class to be written gives them. */
  private customConfig(name: string, node: SourceNode, { list }: Weights, place: Place): Json {
    const names = customWeightNames(list.map((weight) => weight.name));
    for (const [i, { value }] of list.entries()) this.weights.set(`${name}/${names[i]!}`, { layer: name, value });
    const weights = list.map(({ value }, i) => ({ name: names[i]!, shape: value.staticShape!, dtype: value.dtype }));
    this.custom.push({ className: node.op, weights });
    const reason = `what this layer computes is in code, not in the file: ${node.op}`;
    this.problems.push(problem("warning", "custom-layer", reason, place, customHints[this.target]));
    const kept = Object.entries(configOf(node.attrs)).filter(([key]) => !dropped.has(key));
    return { ...Object.fromEntries(kept.map(([key, value]) => [key, key === "dtype" ? typeOf(value) : value])), name };
  }

  /** Over another axis than the last TF.js takes the statistics of the wrong places. */
  private checkAxis(graph: SourceGraph, node: SourceNode, { axis }: Json, place: Place): void {
    const [input] = this.data(graph, node);
    const value = input === undefined ? undefined : this.lowered.get(`${graph.name}/${graph.values[input]!.name}`);
    const shape = value?.type.shape;
    if (axis === undefined || axis === -1 || (shape && axis === shape.length - 1)) return;
    throw modelError("unsupported", `no such layers model: TF.js normalises axis ${axis} wrongly`, place, hint);
  }

  /** Inputs that are neither weights nor state, which TF.js's layers hold themselves, nor masks that they are handed anyway. */
  private data(graph: SourceGraph, node: SourceNode): ValueId[] {
    const given = node.inputs.filter((id): id is ValueId => {
      const value = id === undefined ? undefined : graph.values[id]!;
      return value !== undefined && !value.tensor && !value.variable;
    });
    return passedMask(graph, node, this.lowered) === "implied" ? given.slice(0, -1) : given;
  }

  /** Nodes without the functions that compute nothing but masks which layers know by themselves. */
  private emitted(graph: SourceGraph): readonly SourceNode[] {
    const needed = new Set<SourceNode>();
    const stack = [...graph.outputs];
    for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
      const { producer } = graph.values[id]!;
      const node = producer === undefined ? undefined : graph.nodes[producer];
      if (!node || needed.has(node)) continue;
      needed.add(node);
      stack.push(...this.data(graph, node));
    }
    return graph.nodes.filter((node) => node.domain !== "keras.ops" || needed.has(node));
  }

  private stored(graph: SourceGraph, node: SourceNode, place: Place): Weights {
    const { weights } = node.attrs;
    const names = weights?.kind === "strings" ? weights.value : [];
    const values = node.inputs.flatMap((id) =>
      id === undefined || !graph.values[id]!.tensor ? [] : [graph.values[id]!.tensor!],
    );
    const list = values.map((tensor, i) => ({
      name: names[i] ?? String(i),
      value: this.weight(node, this.b.constant({ dtype: tensor.dtype, shape: tensor.shape, stored: tensor, files: this.files })),
    }));
    return new Weights(list, faultsAt(place));
  }

  /** In the one type of floats that TF.js has; halves are still written as such. */
  private weight(node: SourceNode, value: Value): Value {
    const plain = plainWeight(this.b, node.attrs, value);
    return isFloat(plain.dtype) ? this.b.cast(plain, "float32") : plain;
  }

  /** The configuration in Keras 2's words, without what only training or another Keras reads. */
  private config(op: string, json: Json, place: Place): Json {
    const config: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(todays(op, json))) {
      // What a separable convolution inherits in Keras, its two kernels have of their own.
      if (dropped.has(key) || (op === "SeparableConv2D" && key.startsWith("kernel_") && key !== "kernel_size")) continue;
      if (key === "layer" || key === "backward_layer") config[key] = this.inner(value, place);
      else if (key === "cell") config[key] = this.cell(value, place);
      else if (key.endsWith("_regularizer")) config[key] = regularizer(value);
      else if (key === "dtype") config[key] = typeOf(value);
      else if (/(^|_)activation$/.test(key)) config[key] = nameOf(value);
      else if (key === "axis" && Array.isArray(value) && value.length === 1 && op !== "LayerNormalization")
        config[key] = value[0];
      else config[key] = /_(initializer|constraint)$/.test(key) ? known(value) : value;
    }
    if (op === "LeakyReLU" && config["negative_slope"] !== undefined) config["alpha"] = config["negative_slope"];
    const typed = new Config(op, config, faultsAt(place));
    const differs = this.alike ? undefined : stockDifference(op, typed);
    const fault = stockFault(op, typed, this.major) ?? differs;
    if (fault) throw modelError("unsupported", `no such layers model: ${fault}`, place, hint);
    // Unsaid, TF.js and Keras 2 mean different things.
    if (op === "GRU") config["reset_after"] = false;
    return config;
  }

  private inner(value: unknown, place: Place): Json {
    // A model, which the reader has made a graph of its own.
    const model = typeof value === "number" ? this.model.graphs[value] : undefined;
    if (model) return { class_name: "Functional", config: this.graph(model, model.name) };
    if (!isObject(value) || !isObject(value["config"])) throw modelError("invalid-model", "a wrapper without a layer", place);
    const op = renamedLayers[String(value["class_name"])] ?? String(value["class_name"]);
    return { class_name: op, config: { ...this.config(op, value["config"], place), name: value["config"]["name"] } };
  }

  /** The cell of a recurrent layer, or a stack of cells; TF.js knows the three of vectors. */
  private cell(given: unknown, place: Place): Json {
    const value = Array.isArray(given) ? { class_name: "StackedRNNCells", config: { cells: given } } : given;
    if (!isObject(value) || !isObject(value["config"]))
      throw modelError("invalid-model", "a recurrent layer without a cell", place);
    const { class_name: op, config } = value;
    const { cells } = config;
    if (op === "StackedRNNCells" && Array.isArray(cells))
      return { class_name: op, config: { ...config, cells: cells.map((each) => this.cell(each, place)) } };
    const kind = /^(SimpleRNN|LSTM|GRU)Cell$/.exec(String(op))?.[1];
    if (!kind) throw modelError("unsupported", `no such layers model: TF.js has no cell ${op}`, place, hint);
    return { class_name: String(op), config: { ...this.config(kind, config, place), name: config["name"] } };
  }

  /** Names the layer's weights as TF.js will when it builds it. */
  private take(op: string, scope: string, config: Json, weights: Weights, place: Place): void {
    if (op === "Bidirectional" || op === "TimeDistributed") {
      const layer = config["layer"] as { readonly class_name: string; readonly config: Json };
      const name = String(layer.config["name"]);
      if (layer.class_name === "Functional") return;
      if (op === "TimeDistributed") this.take(layer.class_name, scope, layer.config, weights, place);
      else
        for (const [i, half] of weights.parts(2).entries())
          this.take(layer.class_name, `${scope}/${i === 0 ? "forward" : "backward"}_${name}`, layer.config, half, place);
      return;
    }
    const at = faultsAt(place);
    const typed = new Config(op, config, at);
    if (op === "RNN") {
      const stack = typed.layer("cell");
      const cells = stack?.op === "StackedRNNCells" ? stack.config["cells"] : [config["cell"]];
      let rest = weights.list;
      for (const [i, each] of (Array.isArray(cells) ? cells : []).filter(isObject).entries()) {
        const own = isObject(each["config"]) ? each["config"] : {};
        const count = own["use_bias"] === false ? 2 : 3;
        const within = stack?.op === "StackedRNNCells" ? `${scope}/RNNCell_${i}` : scope;
        const kind = String(each["class_name"]).replace(/Cell$/, "");
        this.take(kind, within, own, new Weights(rest.slice(0, count), at), place);
        rest = rest.slice(count);
      }
      return;
    }
    const names = weightNames(op, typed);
    for (const [i, value] of this.values(op, typed, names, weights, at).entries()) {
      const name = `${scope}/${names[i]!}`;
      if (this.weights.has(name))
        throw modelError("duplicate-name", "two weights of one name in the layers model", { ...place, tensor: name });
      this.weights.set(name, { layer: this.legal(place.node ?? scope), value });
    }
  }

  private values(op: string, config: Config, names: readonly string[], weights: Weights, at: Faults): readonly Value[] {
    const letters = { LSTM: "ifco", GRU: "zrh" }[op];
    if (this.major === 1 && letters && weights.list.length === 3 * letters.length) {
      const { kernel, recurrent, bias } = gathered({ b: this.b, at }, weights, letters);
      return [kernel, recurrent, bias!];
    }
    // Keras 2 and 3 name the one kernel of this layer in two ways.
    const twoNames = op === "DepthwiseConv2D" && weights.list.some(({ name }) => /(^|\/)kernel$/.test(name));
    const [first, ...rest] = weights.take(...(twoNames ? names.map((name) => name.replace("depthwise_", "")) : names));
    if (!first) return [];
    const axes = /^Conv([12])D$/.exec(op)?.[1];
    return [axes ? kernelOf({ b: this.b, major: this.major, config }, first, Number(axes)) : first, ...rest];
  }
}

/** A second call of a layer is a node `name#1`. */
const layerName = (node: SourceNode): string => /^(.*?)(#\d+)?$/s.exec(node.name)![1]!;

const faultsAt = (place: Place): Faults => ({ invalid: (reason) => modelError("invalid-model", reason, place) });
