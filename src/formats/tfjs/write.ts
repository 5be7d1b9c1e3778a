/** Writes a legalised graph as a TF.js graph model: model.json and shards; weights pass one at a time. */
import type { ByteSink } from "../../base/bytes.ts";
import { throwIfCancelled } from "../../base/cancel.ts";
import { modelError } from "../../base/problem.ts";
import { type Graph, Node, noOrigin, type Value } from "../../graph/graph.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { type Layout, layoutBytes, layoutOf, type QuantizedType } from "./layout.ts";
import { Names } from "./names.ts";
import { constNode, dataType, functionJson, type Json, nodeJson, runNodes, shapeJson } from "./topology.ts";
import { encodeWeight, manifest, Shards, type WeightSpec } from "./weights.ts";

export interface WriteOptions {
  /** `generatedBy` of model.json. */
  readonly generator: string;
  /** Names that nodes should have, where they are free. */
  readonly names: ReadonlyMap<Node, string>;
  /** Computes a constant; one call at a time. */
  readonly evaluate: (constant: Value) => Promise<Tensor>;
  /** The bytes of a constant that is in a file as it is written, so that it need not be held. */
  readonly blocks?: (constant: Value) => AsyncIterable<Uint8Array> | undefined;
  readonly quantize: (constant: Value) => QuantizedType | undefined;
  /** Default 4 MiB, what stock TF.js fetches in parallel. */
  readonly shardBytes?: number;
  /** `userDefinedMetadata` of model.json: what JSON can say. */
  readonly metadata?: object;
  readonly onWeight?: (written: number, total: number) => void;
  readonly signal?: AbortSignal | undefined;
}

export interface Written {
  readonly files: readonly string[];
  /** As written: every output a node of its own. */
  readonly graph: Graph;
  /** `node:port` of a value. */
  readonly nameOf: (value: Value) => string;
  readonly weightBytes: number;
  /** Nodes that run. */
  readonly nodes: number;
  /** Where each output is found. */
  readonly outputs: ReadonlyMap<string, string>;
}

/** TensorFlow's GraphDef version as of 2.15; loaders only want one to be there. */
const producer = 1645;
/** Weights beyond it are computed one after the other. */
const largeWeight = 16 * 1024 * 1024;
export const defaultShardBytes = 4 * 1024 * 1024;

/** Fills the sink and does not commit it. */
export async function writeTfjs(graph: Graph, sink: ByteSink, options: WriteOptions): Promise<Written> {
  const main = distinctOutputs(graph);
  const names = new Names(main, options.names);
  const constants = new Constants(names);
  const inputName = (value: Value, onHost = false): string =>
    value.node.constant ? constants.name(value, onHost) : value.port === 0 ? names.of(value.node) : names.tensor(value);
  const nodes = runNodes(main).map((node) => nodeJson(node, names, inputName));
  const outputs = new Map(
    main.outputs.map(({ name, value }) => [name, value.node.constant ? `${constants.name(value)}:0` : names.tensor(value)]),
  );
  const before = constants.count;
  const mainConstants = constants.nodes(0);
  const functions: Json[] = [];
  let counted = before;
  for (const [name, whole] of graph.functions) {
    const body = ownedOutputs(whole, names);
    constants.enter();
    const bodyNodes = runNodes(body)
      .filter((node) => node.op !== "Placeholder")
      .map((node) => nodeJson(node, names, inputName));
    const json = functionJson(name, body, names, bodyNodes, inputName);
    functions.push(withNodes(json, [...constants.nodes(counted), ...bodyNodes]));
    counted = constants.count;
  }
  const { weights, paths, bytes } = await writeWeights(constants, sink, options);
  const all = [...mainConstants, ...nodes];
  assertUnique(all, functions);
  const model = {
    format: "graph-model",
    generatedBy: options.generator,
    convertedBy: options.generator,
    signature: {
      inputs: Object.fromEntries(
        main.inputs.map((input) => [input.node.attrs["name"] as string, tensorInfo(names.tensor(input), input)]),
      ),
      outputs: Object.fromEntries(main.outputs.map(({ name, value }) => [name, tensorInfo(outputs.get(name)!, value)])),
    },
    modelTopology: { node: all, library: { function: functions }, versions: { producer } },
    weightsManifest: manifest({ paths, weights }),
    ...(options.metadata && { userDefinedMetadata: options.metadata }),
  };
  const writer = await sink.create("model.json");
  await writer.write(new TextEncoder().encode(JSON.stringify(model)));
  await writer.close();
  return {
    files: ["model.json", ...paths],
    graph: main,
    nameOf: (value) => names.tensor(value),
    weightBytes: bytes,
    nodes: nodes.length - main.inputs.length,
    outputs,
  };
}

/**
 * The constants that running nodes read, in the order in which they are first met. What the executor reads back, as axes and shapes, is
 * written apart from the same numbers as an operand: WebGPU drops what it has uploaded from the host.
 */
class Constants {
  private onGpu = new Map<Value, string>();
  private onHost = new Map<Value, string>();
  private readonly used = new Set<string>();
  readonly list: { readonly value: Value; readonly name: string }[] = [];

  constructor(private readonly names: Names) {}

  get count(): number {
    return this.list.length;
  }

  /** Begins a function: a constant that an outer graph has too is written once more, since a body sees only its own nodes. */
  enter(): void {
    this.onGpu = new Map();
    this.onHost = new Map();
  }

  name(value: Value, onHost = false): string {
    const names = onHost ? this.onHost : this.onGpu;
    let name = names.get(value);
    if (name === undefined) {
      const own = this.names.of(value.node);
      name = value.port > 0 ? this.names.fresh(`${own}_${value.port}`) : this.used.has(own) ? this.names.fresh(own) : own;
      this.used.add(name);
      names.set(value, name);
      this.list.push({ value, name });
    }
    return name;
  }

  nodes(from: number): Json[] {
    return this.list.slice(from).map(({ value, name }) => constNode(name, value.dtype, value.staticShape!));
  }
}

async function writeWeights(
  constants: Constants,
  sink: ByteSink,
  options: WriteOptions,
): Promise<{ weights: WeightSpec[]; paths: readonly string[]; bytes: number }> {
  const layouts: Layout[] = [];
  let total = 0;
  for (const { value } of constants.list) {
    const layout = layoutOf(value, options.quantize(value));
    layouts.push(layout);
    total +=
      value.dtype === "string"
        ? encodeWeight("", await options.evaluate(value), layout).bytes.length
        : layoutBytes(layout, value.dtype, value.staticShape!);
  }
  const shards = new Shards(sink, options.shardBytes ?? defaultShardBytes, total);
  const weights: WeightSpec[] = [];
  let written = 0;
  // A weight is read or computed while the one before it is written.
  let writing = Promise.resolve();
  const write = async (bytes: Uint8Array): Promise<void> => {
    await writing;
    throwIfCancelled(options.signal);
    writing = shards.write(bytes);
    // Told where it is awaited; until then nobody listens.
    writing.catch(() => {});
    written += bytes.length;
    options.onWeight?.(written, total);
  };
  try {
    for (const [i, { value, name }] of constants.list.entries()) {
      const blocks = layouts[i] === "plain" ? options.blocks?.(value) : undefined;
      if (blocks) {
        for await (const block of blocks) await write(block);
        weights.push({ name, shape: value.staticShape!, dtype: value.dtype });
      } else {
        // With its operands and what came before, more than three of the largest would be held.
        if (value.dtype !== "string" && layoutBytes("plain", value.dtype, value.staticShape!) > largeWeight) await writing;
        const { spec, bytes } = encodeWeight(name, await options.evaluate(value), layouts[i]!);
        await write(bytes);
        weights.push(spec);
      }
    }
  } finally {
    await writing.then(() => shards.close());
  }
  if (written !== total) throw new Error(`${written} weight bytes where ${total} were announced`);
  return { weights, paths: shards.paths, bytes: written };
}

/** Every output its own node, and none of them an input: signatures find outputs by node name. */
function distinctOutputs(graph: Graph): Graph {
  const seen = new Set<Value>(graph.inputs);
  const outputs = graph.outputs.map(({ name, value }) => {
    const twin = seen.has(value);
    seen.add(value);
    return { name, value: twin ? new Node("Identity", [value], {}, noOrigin, [value.type], [], false).output : value };
  });
  const repeated = outputs.find(({ name }, i) => outputs.findIndex((other) => other.name === name) !== i);
  if (repeated) throw modelError("duplicate-output", `two outputs of one name: ${repeated.name}`, { tensor: repeated.name });
  return { ...graph, outputs };
}

/**
 * In a function a constant that is also an output is passed through a node: the executor disposes of what bodies return. So are all outputs
 * of one node but the first: the executor takes one of them for each.
 */
function ownedOutputs(body: Graph, names: Names): Graph {
  const givers = new Set<Node>();
  const outputs = body.outputs.map(({ name, value }) => {
    const isFirst = !givers.has(value.node);
    givers.add(value.node);
    if (!value.node.constant && isFirst) return { name, value };
    const node = new Node("Identity", [value], {}, noOrigin, [value.type], [], false);
    names.add(node);
    return { name, value: node.output };
  });
  return { ...body, outputs };
}

function tensorInfo(name: string, value: Value): Json {
  return { name, dtype: dataType(value.dtype), tensorShape: shapeJson(value.type.shape) };
}

const withNodes = (json: Json, nodeDef: readonly Json[]): Json => ({ ...(json as { readonly [key: string]: Json }), nodeDef });

/** The executor keys weights by bare node name, across the library: a repeated one would be silently wrong. */
function assertUnique(nodes: readonly Json[], functions: readonly Json[]): void {
  const seen = new Set<string>();
  const all = [...nodes, ...functions.flatMap((each) => (each as { nodeDef: readonly Json[] }).nodeDef)];
  for (const node of all) {
    const { name } = node as { name: string };
    if (seen.has(name)) throw new Error(`two nodes named ${name}`);
    seen.add(name);
  }
}
