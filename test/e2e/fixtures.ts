/** Models that only these tests need, made in code like the samples. */
import { Sketch } from "../../scripts/samples/sketch.ts";
import { node, onnxModel, value } from "../build/onnx.ts";

/** The graph of SqueezeNet 1.1: 66 nodes, 1.2 million parameters, 4.9 MB. */
export function squeezenet(): Uint8Array {
  const g = new Sketch("squeezenet");
  const conv = (x: string, path: string, inputs: number, outputs: number, kernel: number, stride = 1, pad = 0) => {
    const weight = g.weight(`${path}.weight`, [outputs, inputs, kernel, kernel], inputs * kernel * kernel);
    const bias = g.floats(`${path}.bias`, [outputs], (n) => 0.1 * n);
    const attrs = { kernel_shape: [kernel, kernel], pads: [pad, pad, pad, pad], strides: [stride, stride] };
    return g.op("Relu", [g.op("Conv", [x, weight, bias], path, attrs)], `${path}.relu`);
  };
  const pool = (x: string, path: string) =>
    g.op("MaxPool", [x], path, { kernel_shape: [3, 3], strides: [2, 2], pads: [0, 0, 1, 1] });
  const fire = (x: string, path: string, inputs: number, squeezed: number, expanded: number) => {
    const narrow = conv(x, `${path}.squeeze`, inputs, squeezed, 1);
    const wide = [
      conv(narrow, `${path}.expand1x1`, squeezed, expanded, 1),
      conv(narrow, `${path}.expand3x3`, squeezed, expanded, 3, 1, 1),
    ];
    return g.op("Concat", wide, `${path}.concat`, { axis: 1 });
  };

  let x = pool(conv("data", "conv1", 3, 64, 3, 2), "pool1");
  x = fire(fire(x, "fire2", 64, 16, 64), "fire3", 128, 16, 64);
  x = pool(x, "pool3");
  x = fire(fire(x, "fire4", 128, 32, 128), "fire5", 256, 32, 128);
  x = pool(x, "pool5");
  x = fire(fire(x, "fire6", 256, 48, 192), "fire7", 384, 48, 192);
  x = fire(fire(x, "fire8", 384, 64, 256), "fire9", 512, 64, 256);
  x = conv(g.op("Dropout", [x], "drop9"), "conv10", 512, 1000, 1);
  x = g.op("Softmax", [g.op("GlobalAveragePool", [x], "pool10")], "softmax", { axis: 1 });
  return g.model(
    [value("data", "float32", [1, 3, 224, 224])],
    [{ from: x, value: value("probabilities", "float32", [1, 1000, 1, 1]) }],
  );
}

/** Layers that give `encoder` 2 900 nodes. */
export const largeLayers = 51;

/** A chain of matrix products whose weights lie in a second file: `bytes` of it are to be made, of whatever content. */
export function hugeModel(): { model: Uint8Array; data: string; bytes: number } {
  const size = 4096;
  const length = 4 * size * size;
  const layers = 16;
  const data = "huge.bin";
  const nodes = Array.from({ length: layers }, (_, i) =>
    node("MatMul", [i ? `x${i}` : "x", `w${i}`], [`x${i + 1}`], {}, `layer.${i}`),
  );
  const weights = nodes.map((_, i) => ({
    name: `w${i}`,
    dtype: "float32" as const,
    shape: [size, size],
    data: new Float32Array(0),
    storage: { location: data, offset: i * length, length },
  }));
  const model = onnxModel({
    opsets: { "": 17 },
    graph: {
      nodes,
      initializers: weights,
      inputs: [value("x", "float32", ["batch", size])],
      outputs: [value(`x${layers}`, "float32", ["batch", size])],
    },
  });
  return { model, data, bytes: layers * length };
}
