/** One small model that has much of what a .tflite file can have: for tests that cut and spoil it. */

import { random, randomInts } from "../../build/random.ts";
import { constant, custom, operator, strings, tfliteModel, value, variable } from "../../build/tflite.ts";

export function specimen(): Uint8Array {
  return tfliteModel({
    name: "main",
    tensors: [
      value("x", "int8", [1, 7, 5, 3], { scale: [0.05], zero: [-3] }),
      constant("w", "int8", [2, 3, 3, 3], randomInts(54, -127, 127), { scale: [0.1, 0.2], axis: 0 }),
      constant("b", "int32", [2], [7, -9], { scale: [0.005, 0.01] }),
      value("y", "int8", [1, 7, 5, 2], { scale: [0.3], zero: [4] }),
      constant("nibbles", "int4", [3, 3], randomInts(9, -8, 7)),
      constant("half", "float16", [3, 5], random(15)),
      strings("words", [2, 2], ["alpha", "", "säge", "δ"]),
      variable("state", "float32", [1, 4]),
      value("open", "float32", [1, 2]),
      { ...value("batch", "float32", [1, 2]), signature: [-1, 2] },
      value("out", "float32", [1, 2]),
      {
        ...constant("sparse", "float32", [2, 3], [1, 2, 3]),
        more: {
          sparsity: {
            traversal_order: [0, 1],
            dim_metadata: [
              { format: "DENSE", dense_size: 2 },
              {
                format: "SPARSE_CSR",
                array_segments: ["Uint8Vector", { values: Uint8Array.of(0, 1, 3) }],
                array_indices: ["Int32Vector", { values: [2, 0, 1] }],
              },
            ],
          },
        },
        bytes: new Uint8Array(Float32Array.of(5, -6, 7).buffer),
      },
      constant("condition", "bool", [], [1]),
    ],
    inputs: ["x", "batch"],
    outputs: ["y", "out"],
    operators: [
      operator("CONV_2D", ["x", "w", "b"], ["y"], "Conv2DOptions", {
        padding: "SAME",
        stride_w: 1,
        stride_h: 1,
        fused_activation_function: "RELU6",
      }),
      custom("Mine", ["batch", "", "state", "half", "words", "nibbles", "sparse"], ["open"], {
        alpha: 0.5,
        mode: "fast",
        on: true,
      }),
      operator("IF", ["condition", "open"], ["out"], "IfOptions", { then_subgraph_index: 1, else_subgraph_index: 2 }),
    ],
    subgraphs: [
      {
        tensors: [value("a", "float32", [1, 2]), value("r", "float32", [1, 2])],
        inputs: ["a"],
        outputs: ["r"],
        operators: [operator("ABS", ["a"], ["r"])],
      },
      {
        tensors: [value("a", "float32", [1, 2]), value("r", "float32", [1, 2])],
        inputs: ["a"],
        outputs: ["r"],
        operators: [operator("NEG", ["a"], ["r"])],
      },
    ],
    more: {
      metadata: [{ name: "note", buffer: 8 }],
      signature_defs: [
        {
          signature_key: "serving_default",
          inputs: [{ name: "image", tensor_index: 0 }],
          outputs: [{ name: "scores", tensor_index: 3 }],
          subgraph_index: 0,
        },
      ],
    },
    buffers: [{ data: new TextEncoder().encode("plain text") }],
  });
}
