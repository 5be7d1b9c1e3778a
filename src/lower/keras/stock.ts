/** The layers that stock TF.js has, what their weights are called there, and what it computes otherwise than Keras does. */
import type { SourceAttr } from "../../graph/source.ts";
import type { Config } from "./config.ts";

/** Names in Keras's order; those of absent biases, scales and centres are left out. */
const kernel = ["kernel", "bias"];
const cell = ["kernel", "recurrent_kernel", "bias"];

/** Every layer that `tf.loadLayersModel` knows and that Keras may save, with its weights. */
export const stockLayers: Readonly<Record<string, readonly string[]>> = {
  Activation: [],
  Add: [],
  AlphaDropout: [],
  Average: [],
  AveragePooling1D: [],
  AveragePooling2D: [],
  AveragePooling3D: [],
  BatchNormalization: ["gamma", "beta", "moving_mean", "moving_variance"],
  Bidirectional: [],
  CategoryEncoding: [],
  Concatenate: [],
  Conv1D: kernel,
  Conv2D: kernel,
  Conv2DTranspose: kernel,
  Conv3D: kernel,
  Conv3DTranspose: kernel,
  ConvLSTM2D: cell,
  Cropping2D: [],
  Dense: kernel,
  DepthwiseConv2D: ["depthwise_kernel", "bias"],
  Dot: [],
  Dropout: [],
  ELU: [],
  Embedding: ["embeddings"],
  Flatten: [],
  GRU: cell,
  GaussianDropout: [],
  GaussianNoise: [],
  GlobalAveragePooling1D: [],
  GlobalAveragePooling2D: [],
  GlobalMaxPooling1D: [],
  GlobalMaxPooling2D: [],
  LSTM: cell,
  LayerNormalization: ["gamma", "beta"],
  LeakyReLU: [],
  Masking: [],
  MaxPooling1D: [],
  MaxPooling2D: [],
  MaxPooling3D: [],
  Maximum: [],
  Minimum: [],
  Multiply: [],
  PReLU: ["alpha"],
  Permute: [],
  RNN: [],
  ReLU: [],
  RepeatVector: [],
  Rescaling: [],
  Reshape: [],
  SeparableConv2D: ["depthwise_kernel", "pointwise_kernel", "bias"],
  SimpleRNN: cell,
  Softmax: [],
  SpatialDropout1D: [],
  ThresholdedReLU: [],
  TimeDistributed: [],
  UpSampling2D: [],
  ZeroPadding2D: [],
};

/** Older names, and layers that differ in training only. */
export const renamedLayers: Readonly<Record<string, string>> = {
  Convolution1D: "Conv1D",
  Convolution2D: "Conv2D",
  Convolution3D: "Conv3D",
  BatchNormalizationV1: "BatchNormalization",
  BatchNormalizationV2: "BatchNormalization",
  SpatialDropout2D: "Dropout",
  SpatialDropout3D: "Dropout",
};

export const stockActivations: ReadonlySet<string> = new Set([
  "elu",
  "gelu",
  "hard_sigmoid",
  "linear",
  "log_softmax",
  "mish",
  "relu",
  "relu6",
  "selu",
  "sigmoid",
  "softmax",
  "softplus",
  "softsign",
  "swish",
  "tanh",
]);

/** Weight names of a layer with this configuration. */
export function weightNames(op: string, config: Config): readonly string[] {
  const absent = new Set<string>();
  if (!config.flag("use_bias", true)) absent.add("bias");
  if (!config.flag("scale", true)) absent.add("gamma");
  if (!config.flag("center", true)) absent.add("beta");
  return (stockLayers[op] ?? []).filter((name) => !absent.has(name));
}

/** Why stock TF.js does not have this layer; undefined where it does. */
export function stockFault(op: string, config: Config, major: number): string | undefined {
  const number = (key: string, fallback: number) => config.number(key, fallback);
  if (!stockLayers[op]) return `TF.js has no layer ${op}`;
  if (/^Conv/.test(op) && number("groups", 1) > 1) return "TF.js has no grouped convolution layer";
  if (op === "Conv1D" && config.string("padding", "valid") === "causal") return "TF.js has no causal padding";
  if (op === "ELU" && number("alpha", 1) !== 1) return "TF.js has no other alpha than 1";
  if (op === "GRU" && config.flag("reset_after", false)) return "TF.js has no reset_after";
  if (config.flag("time_major", false)) return "TF.js has no time_major";
  for (const key of ["activation", "recurrent_activation"]) {
    const name = config.json[key];
    if (name === undefined || name === null) continue;
    if (typeof name !== "string" || !stockActivations.has(name)) return `TF.js has no activation ${JSON.stringify(name)}`;
    if (name === "hard_sigmoid" && major >= 3) return "hard_sigmoid of Keras 3 is another than that of TF.js";
  }
  return undefined;
}

/** Sizes of the windows of layers over three axes. */
const windows: Readonly<Record<string, string>> = {
  AveragePooling3D: "pool_size",
  Conv3D: "kernel_size",
  Conv3DTranspose: "kernel_size",
  MaxPooling3D: "pool_size",
};

/** How TF.js computes this layer otherwise than Keras; undefined where the numbers are the same. */
export function stockDifference(op: string, config: Config): string | undefined {
  const number = (key: string, fallback: number) => config.number(key, fallback);
  if (op === "Conv1D" && config.channelsFirst) return "TF.js computes channels_first of one axis wrongly";
  if (op === "ReLU" && (number("negative_slope", 0) !== 0 || number("threshold", 0) !== 0))
    return "TF.js ignores negative_slope and threshold";
  if (op === "DepthwiseConv2D" && config.numbers("dilation_rate", 2, 1).some((rate) => rate > 1))
    return "TF.js ignores dilation_rate";
  if (
    op === "SeparableConv2D" &&
    config.channelsFirst &&
    (config.flag("use_bias", true) || config.json["activation"] === "softmax")
  )
    return "TF.js takes another axis for the channels in bias and activation";
  if (enlargesBetween(op, config)) return "TF.js enlarges by bilinear from the corners of pixels, Keras from their centres";
  const size = windows[op];
  if (size !== undefined && config.string("padding", "valid").toLowerCase() === "same") {
    const sizes = config.numbers(size, 3, op.endsWith("Pooling3D") ? 2 : undefined);
    const strides = config.has("strides") ? config.numbers("strides", 3) : op.endsWith("Pooling3D") ? sizes : [1, 1, 1];
    if (strides.some((stride, i) => stride > sizes[i]!)) return "TF.js pads by less than nothing where strides skip elements";
  }
  return undefined;
}

/** Both ways of it are known here. */
export const enlargesBetween = (op: string, config: Config): boolean =>
  op === "UpSampling2D" && config.string("interpolation", "nearest") === "bilinear";

/** The model is TF.js's, and this layer one that it may compute in a way of its own: the reader says so. */
export function isOfTfjs({ backend }: Readonly<Record<string, SourceAttr>>): boolean {
  return backend?.kind === "string" && backend.value === "tfjs";
}
