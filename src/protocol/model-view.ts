/** The model's page: what it is, what it holds, how large. One pass over nodes and values. */
import { byteLength, type DType } from "../base/dtype.ts";
import { kindOf } from "../graph/diagnosis.ts";
import type { Dialect, GraphId, SourceGraph, SourceModel, SourceTensor, ValueId } from "../graph/source.ts";
import { categoryOf } from "./categories.ts";
import { graphLinks, namedType, ownName } from "./graph-view.ts";
import { largestWeightsShown, type ModelPort, type ModelView } from "./views.ts";

const formats: Readonly<Record<Dialect, string>> = {
  onnx: "ONNX",
  tflite: "TFLite",
  tensorflow: "TensorFlow",
  tfjs: "TF.js",
  keras: "Keras",
};

const ownDomain: Readonly<Record<Dialect, string>> = {
  onnx: "ai.onnx",
  tflite: "tflite",
  tensorflow: "tensorflow",
  tfjs: "tensorflow",
  keras: "keras",
};

export const domainName = (dialect: Dialect, domain: string): string => domain || ownDomain[dialect];

export const elements = (shape: readonly number[]): number => shape.reduce((product, dim) => product * dim, 1);

/** Strings have no packed size: what they take in the file. */
export function storedBytes(tensor: SourceTensor): number {
  const inFile = () => tensor.slices.reduce((sum, slice) => sum + slice.length, 0);
  return byteLength(tensor.dtype, elements(tensor.shape)) ?? inFile();
}

interface Weight {
  readonly name: string;
  readonly graph: GraphId;
  readonly value: number;
  readonly tensor: SourceTensor;
  readonly bytes: number;
}

/** TensorFlow's variables hold their weights themselves; elsewhere weights are values. */
const variable = /^(VarHandleOp|Variable(V2)?)$/;

/** As the model's callers name them: a signature's words, where there is one. */
const portsOf = (graph: SourceGraph, ids: readonly ValueId[], names: readonly string[] | undefined): ModelPort[] =>
  ids.map((id, i) => ({ ...namedType(graph, id), value: id, ...(names?.[i] === undefined ? {} : { name: names[i] }) }));

/** `bytes`: of the file and its external data together. */
export function modelView(model: SourceModel, file: string, bytes: number): ModelView {
  const main = model.graphs[0];
  const weights: Weight[] = [];
  const operators = new Map<string, number>();
  let nodes = 0;
  for (const graph of model.graphs) {
    nodes += graph.nodes.length;
    for (const node of graph.nodes) {
      const op = node.domain ? `${node.domain}.${node.op}` : node.op;
      operators.set(op, (operators.get(op) ?? 0) + 1);
      const [value] = node.outputs;
      const held = variable.test(node.op) ? node.attrs["value"] : undefined;
      if (held?.kind === "tensor" && value !== undefined)
        weights.push({ name: node.name, graph: graph.id, value, tensor: held.value, bytes: storedBytes(held.value) });
    }
    for (const value of graph.values) {
      if (!value.tensor || value.outer) continue;
      weights.push({
        name: value.name,
        graph: graph.id,
        value: value.id,
        tensor: value.tensor,
        bytes: storedBytes(value.tensor),
      });
    }
  }
  const byType = new Map<DType, number>();
  for (const { tensor, bytes } of weights) byType.set(tensor.dtype, (byType.get(tensor.dtype) ?? 0) + bytes);
  const largest = [...weights].sort((a, b) => b.bytes - a.bytes).slice(0, largestWeightsShown);
  const firstReader = ({ graph, value }: Weight): number | undefined =>
    model.graphs[graph]!.nodes.find((node) => node.inputs.includes(value) || node.outputs.includes(value))?.id;
  const opsets = Object.entries(model.opsets).map(([domain, version]) => ({
    domain: domainName(model.dialect, domain),
    version,
  }));
  const own = ownDomain[model.dialect];
  const { loader, note } = kindOf(model);
  return {
    file,
    name: (main && ownName(main)) || model.name,
    format: formats[model.dialect],
    formatVersion: model.formatVersion,
    opsets: opsets.sort((a, b) => Number(b.domain === own) - Number(a.domain === own)),
    ...(model.producer ? { producer: model.producer } : {}),
    loader,
    ...(note === undefined ? {} : { note }),
    nodes,
    parameters: weights.reduce((sum, { tensor }) => sum + elements(tensor.shape), 0),
    weightBytes: weights.reduce((sum, weight) => sum + weight.bytes, 0),
    bytes,
    weightTypes: [...byType].map(([dtype, size]) => ({ dtype, bytes: size })).sort((a, b) => b.bytes - a.bytes),
    operators: [...operators]
      .map(([op, count]) => ({ op, category: categoryOf(op), count }))
      .sort((a, b) => b.count - a.count || (a.op < b.op ? -1 : 1)),
    largestWeights: largest.map((weight) => {
      const node = firstReader(weight);
      const { name, graph, tensor } = weight;
      return {
        name,
        dtype: tensor.dtype,
        shape: tensor.shape,
        bytes: weight.bytes,
        graph,
        ...(node === undefined ? {} : { node }),
      };
    }),
    weights: weights.length,
    inputs: main ? portsOf(main, main.inputs, main.inputNames) : [],
    outputs: main ? portsOf(main, main.outputs, main.outputNames) : [],
    graphs: graphLinks(model),
    metadata: model.metadata,
    problems: model.problems,
  };
}
