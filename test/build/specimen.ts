/** One small model that has everything an ONNX file can have: for tests that cut and spoil it. */
import { float, floats, node, onnxModel, packedInts, ref, sequence, sparse, tensor, value } from "./onnx.ts";
import { random, randomInts } from "./random.ts";

export function specimen(): Uint8Array {
  const branch = (name: string, op: string) => ({
    name,
    nodes: [node(op, ["h", "w"], [`${name}_y`], {}, `${name}.op`)],
    outputs: [value(`${name}_y`, "float32", ["batch", 7])],
  });
  return onnxModel({
    ir: 10,
    opsets: { "": 21, "com.microsoft": 1, my: 2 },
    producer: ["specimen", "0.1"],
    doc: "everything at once",
    metadata: { author: "somebody", licence: "none" },
    graph: {
      name: "main",
      inputs: [value("x", "float32", ["batch", 5]), value("c", "bool", []), sequence("s", value("", "int64", [null]))],
      outputs: [value("y", "float32", ["batch", 7]), value("z", "float16")],
      initializers: [
        tensor("w", "float32", [5, 7], random(35)),
        tensor("typed", "int64", [3, 11], randomInts(33, -1e6, 1e6), "typed"),
        tensor("tagged", "float32", [13], random(13), "unpacked"),
        tensor("half", "float16", [3, 5], random(15), "typed"),
        tensor("nibbles", "int4", [3, 3], randomInts(9, -8, 7)),
        tensor("words", "string", [2, 2], ["alpha", "", "säge", "δ"]),
        tensor("bulk", "float64", [17, 19], random(323)),
      ],
      sparseInitializers: [sparse(tensor("sp", "float32", [3], [1, -2, 4]), tensor("", "int64", [3], [0, 5, 9]), [3, 5])],
      valueInfo: [value("h", "float32", ["batch", 7])],
      nodes: [
        node("MatMul", ["x", "w"], ["h"], {}, "fc", { doc: "dense", metadata: { layer: "0" } }),
        node("If", ["c"], ["y"], { then_branch: branch("yes", "Add"), else_branch: branch("no", "Mul") }, "choose"),
        node("Constant", [], ["k"], { value: tensor("", "uint8", [4], [9, 8, 7, 6]) }, "constant"),
        node("Op", ["k", "", "sp"], ["", "o"], {
          f: float(0.5),
          fs: floats([1.5, 2]),
          is: packedInts([1, -2]),
          s: "text",
          ss: ["a", "b"],
        }),
        node("Scaled", ["half"], ["z"], { alpha: float(3) }, "scale", { domain: "my" }),
      ],
    },
    functions: [
      {
        name: "Scaled",
        domain: "my",
        inputs: ["a"],
        outputs: ["b"],
        attributes: ["alpha"],
        defaults: { beta: float(1) },
        nodes: [node("LeakyRelu", ["a"], ["b"], { alpha: ref("alpha", "FLOAT") })],
      },
    ],
  });
}
