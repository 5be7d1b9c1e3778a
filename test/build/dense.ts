/** One layer, y = relu(x · w + b), as each of TensorFlow's formats holds it. */
import { type Tensor, tensorOf } from "../../src/graph/tensor.ts";
import { numbers, sequential } from "./keras.ts";
import { random } from "./random.ts";
import { bundle, constant, graphDef, type MetaSpec, type NodeSpec, placeholder, savedModel } from "./tensorflow.ts";
import { op, spec, tfjsModel } from "./tfjs.ts";

const weight = tensorOf("float32", [3, 5], random(15));
const bias = tensorOf("float32", [5], random(5, 2));

export interface Dense {
  readonly weight: Float32Array;
  readonly bias: Float32Array;
}

export const dense: Dense = { weight: weight.data as Float32Array, bias: bias.data as Float32Array };
/** What `kerasDense` holds. */
export const denseOfKeras: Dense = { weight: numbers([3, 5], 1).data, bias: numbers([5], 2).data };

/** Of rows of three. */
export function denseOutput({ weight, bias }: Dense, x: Float32Array, activated = true): number[] {
  return Array.from({ length: (x.length / 3) * 5 }, (_, i) => {
    const [row, column] = [Math.floor(i / 5), i % 5];
    const sum = [0, 1, 2].reduce((total, k) => total + x[row * 3 + k]! * weight[k * 5 + column]!, bias[column]!);
    return activated ? Math.max(sum, 0) : sum;
  });
}

const layer = (w: string, b: string): NodeSpec[] => [
  { name: "fc/product", op: "MatMul", inputs: ["x", w] },
  { name: "fc/sum", op: "BiasAdd", inputs: ["fc/product", b] },
  { name: "fc/out", op: "Relu", inputs: ["fc/sum"] },
];

const input = placeholder("x", "float32", [-1, 3]);

/** `.pb`, its output `fc/out`. */
export const frozenDense = (more: readonly NodeSpec[] = []): Uint8Array =>
  graphDef({
    nodes: [input, constant("fc/kernel", weight), constant("fc/bias", bias), ...layer("fc/kernel", "fc/bias"), ...more],
  });

const variable = (name: string, tensor: Tensor): NodeSpec => ({
  name,
  op: "VarHandleOp",
  attrs: { dtype: { type: tensor.dtype }, shape: { shape: tensor.shape }, shared_name: { s: name } },
});
const reading = (name: string): NodeSpec => ({
  name: `${name}/read`,
  op: "ReadVariableOp",
  inputs: [name],
  attrs: { dtype: { type: "float32" } },
});

const side = (value: string, columns: number) => ({ value, dtype: "float32" as const, shape: [-1, columns] });

/** The files of a SavedModel: the signature `whole` gives y, `linear` what is there before the activation. */
export function savedDense(
  tags: readonly string[] = ["serve"],
  whole = "serving_default",
  linear = "linear",
): Record<string, Uint8Array> {
  const meta: MetaSpec = {
    tags,
    graph: {
      nodes: [input, variable("w", weight), variable("b", bias), reading("w"), reading("b"), ...layer("w/read", "b/read")],
    },
    signatures: {
      [whole]: { inputs: { x: side("x:0", 3) }, outputs: { y: side("fc/out:0", 5) } },
      [linear]: { inputs: { x: side("x:0", 3) }, outputs: { sum: side("fc/sum:0", 5) } },
    },
  };
  return { "saved_model.pb": savedModel(meta), ...bundle("variables/variables", { w: weight, b: bias }) };
}

/** `.h5` with its architecture; the layer is called dense_1. */
export const kerasDense = (): Uint8Array =>
  sequential([3], [{ op: "Dense", config: { units: 5, activation: "relu" }, weights: { kernel: [3, 5], bias: [5] } }]);

/** A graph model: model.json and its shard. */
export const graphModelDense = (): Record<string, Uint8Array> =>
  tfjsModel({
    inputs: { x: spec("x:0", "float32", [-1, 3]) },
    outputs: { y: spec("act:0", "float32", [-1, 5]) },
    nodes: [op("MatMul", "fc", ["x", "w"]), op("BiasAdd", "plus", ["fc", "b"]), op("Relu", "act", ["plus"])],
    weights: [
      { name: "w", shape: [3, 5], dtype: "float32", data: dense.weight },
      { name: "b", shape: [5], dtype: "float32", data: dense.bias },
    ],
  });
