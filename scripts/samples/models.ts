/** The sample models: what the four kinds of users bring, small enough to read whole. Weights are noise; shapes and names are as in life. */
import { value } from "../../test/build/onnx.ts";
import { Sketch } from "./sketch.ts";

/** 28×28 grey pictures → ten digits: convolutions with batch norms, which the converter folds away. */
export function classifier(): Uint8Array {
  const g = new Sketch("digits");
  const block = (x: string, path: string, inputs: number, outputs: number, group = 1) => {
    const kernel = group > 1 ? 3 : inputs === 1 ? 5 : 3;
    const weight = g.weight(`${path}.conv.weight`, [outputs, inputs / group, kernel, kernel], (inputs / group) * kernel * kernel);
    const pad = (kernel - 1) / 2;
    const conv = g.op("Conv", [x, weight], `${path}.conv`, {
      group,
      kernel_shape: [kernel, kernel],
      pads: [pad, pad, pad, pad],
      strides: [1, 1],
    });
    const norm = [
      g.floats(`${path}.bn.weight`, [outputs], (n) => 1 + 0.2 * n),
      g.floats(`${path}.bn.bias`, [outputs], (n) => 0.1 * n),
      g.floats(`${path}.bn.running_mean`, [outputs], (n) => 0.3 * n),
      g.floats(`${path}.bn.running_var`, [outputs], (n) => 0.8 + 0.4 * n),
    ];
    return g.op("Relu", [g.op("BatchNormalization", [conv, ...norm], `${path}.bn`)], `${path}.relu`);
  };
  const halve = (x: string, path: string) => g.op("MaxPool", [x], path, { kernel_shape: [2, 2], strides: [2, 2] });

  let x = block("image", "features.0", 1, 12);
  x = halve(x, "features.0.pool");
  x = block(x, "features.1", 12, 24);
  x = halve(x, "features.1.pool");
  const skip = x;
  x = block(x, "features.2.depthwise", 24, 24, 24);
  x = block(x, "features.2.mix", 24, 24);
  x = g.op("Add", [x, skip], "features.2.add");
  x = g.op("GlobalAveragePool", [x], "pool");
  x = g.op("Flatten", [x], "flatten", { axis: 1 });
  x = g.op("Gemm", [x, g.weight("head.weight", [10, 24], 24), g.floats("head.bias", [10], (n) => 0.1 * n)], "head", {
    transB: 1,
  });
  const scores = g.op("Softmax", [x], "softmax", { axis: -1 });
  return g.model(
    [value("image", "float32", ["batch", 1, 28, 28])],
    [{ from: scores, value: value("scores", "float32", ["batch", 10]) }],
  );
}

const vocabulary = 96;
const width = 48;
const heads = 4;

/** Transformer layers over tokens, with the shape arithmetic that exporters leave behind. */
export function encoder(layers = 2): Uint8Array {
  const g = new Sketch("encoder");
  const linear = (x: string, path: string, inputs: number, outputs: number) => {
    const product = g.op("MatMul", [x, g.weight(`${path}.weight`, [inputs, outputs], inputs)], `${path}/MatMul`);
    return g.op("Add", [product, g.floats(`${path}.bias`, [outputs], (n) => 0.1 * n)], `${path}/Add`);
  };
  const norm = (x: string, path: string) => {
    const scale = g.floats(`${path}.weight`, [width], (n) => 1 + 0.1 * n);
    return g.op("LayerNormalization", [x, scale, g.floats(`${path}.bias`, [width], (n) => 0.1 * n)], path, { axis: -1 });
  };
  const zero = g.constant("index.batch", "int64", [], [0]);
  const one = g.constant("index.length", "int64", [], [1]);
  const axis = g.ints("axis", [0]);
  const tail = g.ints("heads", [heads, width / heads]);
  const merged = g.ints("width", [width]);
  /** [batch, length] of x as a vector, then `last`. */
  const shapeWith = (x: string, last: string, path: string) => {
    const shape = g.op("Shape", [x], `${path}/Shape`);
    const dim = (index: string, name: string) =>
      g.op("Unsqueeze", [g.op("Gather", [shape, index], `${path}/${name}`), axis], `${path}/${name}_1`);
    return g.op("Concat", [dim(zero, "batch"), dim(one, "length"), last], `${path}/Concat`, { axis: 0 });
  };
  const attention = (x: string, path: string) => {
    const split = (name: string, perm: readonly number[]) => {
      const projected = linear(x, `${path}.${name}`, width, width);
      const shape = shapeWith(projected, tail, `${path}.${name}`);
      return g.op("Transpose", [g.op("Reshape", [projected, shape], `${path}.${name}/Reshape`)], `${path}.${name}/Transpose`, {
        perm,
      });
    };
    const scores = g.op("MatMul", [split("query", [0, 2, 1, 3]), split("key", [0, 2, 3, 1])], `${path}/scores`);
    const scaled = g.op("Div", [scores, g.constant(`${path}.scale`, "float32", [], [Math.sqrt(width / heads)])], `${path}/scale`);
    const weights = g.op("Softmax", [scaled], `${path}/Softmax`, { axis: -1 });
    const mixed = g.op("MatMul", [weights, split("value", [0, 2, 1, 3])], `${path}/mix`);
    const turned = g.op("Transpose", [mixed], `${path}/Transpose`, { perm: [0, 2, 1, 3] });
    const joined = g.op("Reshape", [turned, shapeWith(turned, merged, `${path}.join`)], `${path}/Reshape`);
    return linear(joined, `${path}.output`, width, width);
  };
  /** GELU as exporters before opset 20 spell it. */
  const gelu = (x: string, path: string) => {
    const scalar = (name: string, v: number) => g.constant(`${path}.${name}`, "float32", [], [v]);
    const erf = g.op("Erf", [g.op("Div", [x, scalar("root2", Math.SQRT2)], `${path}/Div`)], `${path}/Erf`);
    const gate = g.op("Mul", [x, g.op("Add", [erf, scalar("one", 1)], `${path}/Add`)], `${path}/Mul`);
    return g.op("Mul", [gate, scalar("half", 0.5)], `${path}/Mul_1`);
  };

  const words = g.floats("embedding.weight", [vocabulary, width], (n) => n);
  let x = norm(g.op("Gather", [words, "tokens"], "embedding"), "embedding.norm");
  for (let i = 0; i < layers; i++) {
    const layer = `layer.${i}`;
    x = norm(g.op("Add", [x, attention(x, `${layer}.attention`)], `${layer}.attention/Add`), `${layer}.attention.norm`);
    const wide = gelu(linear(x, `${layer}.mlp.up`, width, 2 * width), `${layer}.mlp.act`);
    x = norm(g.op("Add", [x, linear(wide, `${layer}.mlp.down`, 2 * width, width)], `${layer}.mlp/Add`), `${layer}.mlp.norm`);
  }
  const logits = linear(x, "head", width, vocabulary);
  return g.model(
    [value("tokens", "int64", ["batch", "length"])],
    [{ from: logits, value: value("logits", "float32", ["batch", "length", vocabulary]) }],
  );
}

/** A small detector whose last step is a vendor's own operator: what Modelwright says when a model cannot be converted as it is. */
export function detector(): Uint8Array {
  const g = new Sketch("detector");
  const conv = (x: string, path: string, inputs: number, outputs: number, kernel: number, stride: number) => {
    const pad = (kernel - 1) / 2;
    const weight = g.weight(`${path}.weight`, [outputs, inputs, kernel, kernel], inputs * kernel * kernel);
    const bias = g.floats(`${path}.bias`, [outputs], (n) => 0.1 * n);
    return g.op("Conv", [x, weight, bias], path, {
      kernel_shape: [kernel, kernel],
      pads: [pad, pad, pad, pad],
      strides: [stride, stride],
    });
  };
  const swish = (x: string, path: string) => g.op("Mul", [x, g.op("Sigmoid", [x], `${path}.gate`)], `${path}.swish`);

  const stem = swish(conv("image", "backbone.stem", 3, 12, 3, 2), "backbone.stem");
  const low = swish(conv(stem, "backbone.stage1", 12, 24, 3, 2), "backbone.stage1");
  const high = swish(conv(low, "backbone.stage2", 24, 36, 3, 2), "backbone.stage2");
  const scales = g.constant("neck.scales", "float32", [4], [1, 1, 2, 2]);
  const up = g.op("Resize", [high, "", scales], "neck.up", {
    mode: "nearest",
    nearest_mode: "floor",
    coordinate_transformation_mode: "asymmetric",
  });
  const joined = g.op("Concat", [up, low], "neck.join", { axis: 1 });
  const neck = swish(conv(joined, "neck.mix", 60, 24, 1, 1), "neck.mix");
  const shape = g.ints("head.shape", [1, -1, 256]);
  const flat = (x: string, path: string) => g.op("Reshape", [x, shape], path);
  const boxes = flat(conv(neck, "head.box", 24, 4, 1, 1), "head.box.flat");
  const classes = g.op("Sigmoid", [flat(conv(neck, "head.class", 24, 7, 1, 1), "head.class.flat")], "head.class.score");
  const found = g.op("DecodeBoxes", [boxes, classes], "head.decode", { stride: 4, grid: [16, 16] }, "com.acme");
  const kept = g.op("Transpose", [found], "head.order", { perm: [0, 2, 1] });
  return g.model(
    [value("image", "float32", [1, 3, 64, 64])],
    [
      { from: kept, value: value("detections", "float32", [1, 256, 6]) },
      { from: classes, value: value("scores", "float32", [1, 7, 256]) },
    ],
    { "": 17, "com.acme": 1 },
  );
}

/** Thirteen numbers in, one out, any batch: the model that tutorials begin with. */
export function regressor(): Uint8Array {
  const g = new Sketch("regressor");
  let x = g.op("Sub", ["features", g.floats("scaler.mean", [13], (n) => 5 + 5 * n)], "scaler.centre");
  x = g.op("Div", [x, g.floats("scaler.scale", [13], (n) => 3 + n)], "scaler.scale");
  const sizes = [13, 64, 32, 1];
  for (let layer = 0; layer + 1 < sizes.length; layer++) {
    const [inputs, outputs] = [sizes[layer]!, sizes[layer + 1]!];
    const weight = g.weight(`dense.${layer}.weight`, [inputs, outputs], inputs);
    x = g.op("Gemm", [x, weight, g.floats(`dense.${layer}.bias`, [outputs], (n) => 0.1 * n)], `dense.${layer}`);
    if (layer + 2 < sizes.length) x = g.op("Relu", [x], `dense.${layer}.relu`);
  }
  return g.model([value("features", "float32", ["batch", 13])], [{ from: x, value: value("price", "float32", ["batch", 1]) }]);
}

/** File name in samples/ → what makes its bytes. */
export const samples: Readonly<Record<string, () => Uint8Array>> = {
  "digits.onnx": classifier,
  "encoder.onnx": () => encoder(),
  "detector.onnx": detector,
  "regressor.onnx": regressor,
};
