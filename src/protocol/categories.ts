/** The colour of an operator. Not a table of support: an unknown operator is `data` and no worse for it. */
import type { Category } from "./views.ts";

const words: Readonly<Record<Exclude<Category, "data">, string>> = {
  convolution: `Conv ConvTranspose ConvInteger QLinearConv DeformConv FusedConv Im2Col Col2Im Conv1D Conv2D Conv3D DepthwiseConv2dNative
    Conv2DBackpropInput Conv3DBackpropInputV2 _FusedConv2D FusedDepthwiseConv2dNative CONV_2D CONV_3D CONV_3D_TRANSPOSE DEPTHWISE_CONV_2D
    TRANSPOSE_CONV Conv1DTranspose Conv2DTranspose Conv3DTranspose DepthwiseConv1D DepthwiseConv2D SeparableConv1D SeparableConv2D
    Convolution1D Convolution2D ConvLSTM1D ConvLSTM2D ConvLSTM3D`,
  activation: `Relu LeakyRelu PRelu ThresholdedRelu Elu Selu Celu Gelu FastGelu BiasGelu QuickGelu Sigmoid HardSigmoid HardSwish Swish Silu Mish Tanh
    Softplus Softsign Softmax LogSoftmax Hardmax Shrink Clip Erf ScaledTanh ParametricSoftplus Affine ThresholdedRelu Relu6 Prelu
    RELU RELU6 RELU_N1_TO_1 LEAKY_RELU PRELU ELU LOGISTIC TANH SOFTMAX LOG_SOFTMAX HARD_SWISH GELU
    Activation ReLU LeakyReLU ELU`,
  normalization: `BatchNormalization InstanceNormalization LayerNormalization GroupNormalization RMSNormalization LRN LpNormalization
    MeanVarianceNormalization SkipLayerNormalization SimplifiedLayerNormalization EmbedLayerNormalization ImageScaler Scaler Normalizer
    FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3 L2_NORMALIZATION LOCAL_RESPONSE_NORMALIZATION Normalization
    UnitNormalization SpectralNormalization Rescaling`,
  pooling: `MaxPool AveragePool LpPool GlobalMaxPool GlobalAveragePool GlobalLpPool MaxUnpool MaxRoiPool RoiAlign AvgPool MaxPool3D AvgPool3D
    MaxPoolWithArgmax MAX_POOL_2D AVERAGE_POOL_2D L2_POOL_2D MEAN MaxPooling1D MaxPooling2D
    MaxPooling3D AveragePooling1D AveragePooling2D AveragePooling3D GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D
    GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D`,
  matmul: `MatMul Gemm MatMulInteger QLinearMatMul FusedMatMul FusedGemm Einsum LSTM GRU RNN Attention MultiHeadAttention GroupQueryAttention
    MatMulNBits BatchMatMul BatchMatMulV2 _FusedMatMul FULLY_CONNECTED BATCH_MATMUL UNIDIRECTIONAL_SEQUENCE_LSTM SVDF
    BatchMatMulV3 UNIDIRECTIONAL_SEQUENCE_RNN BIDIRECTIONAL_SEQUENCE_LSTM BIDIRECTIONAL_SEQUENCE_RNN Dense EinsumDense SimpleRNN
    CuDNNLSTM CuDNNGRU Bidirectional AdditiveAttention Dot`,
  shape: `Reshape Transpose Flatten Squeeze Unsqueeze Shape Size Slice Split Concat Pad Expand Tile Gather GatherElements GatherND Scatter
    ScatterElements ScatterND DepthToSpace SpaceToDepth Resize Upsample Crop ReverseSequence Identity Cast CastLike ExpandDims ConcatV2
    StridedSlice GatherV2 SplitV Pack Unpack Fill Range ResizeBilinear ResizeNearestNeighbor SpaceToBatchND BatchToSpaceND CenterCropPad
    RESHAPE TRANSPOSE SQUEEZE EXPAND_DIMS SLICE STRIDED_SLICE SPLIT SPLIT_V CONCATENATION PAD PADV2 TILE GATHER GATHER_ND PACK UNPACK CAST
    RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR DEPTH_TO_SPACE SPACE_TO_DEPTH SHAPE FILL RANGE SCATTER_ND MIRROR_PAD MirrorPad PadV2 GatherNd
    ScatterNd Permute RepeatVector Concatenate ZeroPadding1D ZeroPadding2D ZeroPadding3D Cropping1D Cropping2D Cropping3D UpSampling1D
    UpSampling2D UpSampling3D Resizing CenterCrop`,
  control: `If Loop Scan SequenceMap SequenceConstruct SequenceAt SequenceInsert SequenceErase SequenceEmpty SequenceLength ConcatFromSequence
    SplitToSequence Optional OptionalHasElement OptionalGetElement While StatelessWhile StatelessIf Switch Merge Enter Exit NextIteration LoopCond
    PartitionedCall StatefulPartitionedCall IF WHILE CALL_ONCE TimeDistributed`,
};

const categories = new Map<string, Category>();
for (const [category, ops] of Object.entries(words)) for (const op of ops.split(/\s+/)) categories.set(op, category as Category);

export const categoryOf = (op: string): Category => categories.get(op) ?? "data";

/** The specification's names of an operator's inputs, where they say more than a number. */
const inputs: Readonly<Record<string, string>> = {
  Conv: "X W B",
  ConvTranspose: "X W B",
  ConvInteger: "x w x_zero_point w_zero_point",
  QLinearConv: "x x_scale x_zero_point w w_scale w_zero_point y_scale y_zero_point B",
  Gemm: "A B C",
  MatMul: "A B",
  MatMulInteger: "A B a_zero_point b_zero_point",
  QLinearMatMul: "a a_scale a_zero_point b b_scale b_zero_point y_scale y_zero_point",
  BatchNormalization: "X scale B mean var",
  InstanceNormalization: "input scale B",
  LayerNormalization: "X Scale B",
  GroupNormalization: "X scale bias",
  PRelu: "X slope",
  Add: "A B",
  Sub: "A B",
  Mul: "A B",
  Div: "A B",
  Pow: "X Y",
  Where: "condition X Y",
  Gather: "data indices",
  GatherElements: "data indices",
  GatherND: "data indices",
  ScatterElements: "data indices updates",
  ScatterND: "data indices updates",
  Reshape: "data shape",
  Expand: "input shape",
  Tile: "input repeats",
  Slice: "data starts ends axes steps",
  Split: "input split",
  Squeeze: "data axes",
  Unsqueeze: "data axes",
  Pad: "data pads constant_value axes",
  Clip: "input min max",
  Resize: "X roi scales sizes",
  Upsample: "X scales",
  OneHot: "indices depth values",
  TopK: "X K",
  Range: "start limit delta",
  ReduceSum: "data axes",
  ReduceMean: "data axes",
  QuantizeLinear: "x y_scale y_zero_point",
  DequantizeLinear: "x x_scale x_zero_point",
  LSTM: "X W R B sequence_lens initial_h initial_c P",
  GRU: "X W R B sequence_lens initial_h",
  RNN: "X W R B sequence_lens initial_h",
  If: "cond",
  Loop: "M cond",
  Dropout: "data ratio training_mode",
  // TFLite
  ...named("input filter bias", "CONV_2D CONV_3D DEPTHWISE_CONV_2D"),
  FULLY_CONNECTED: "input weights bias",
  TRANSPOSE_CONV: "output_shape weights input bias",
  EMBEDDING_LOOKUP: "ids weights",
  PRELU: "input alpha",
  RESHAPE: "input shape",
  TRANSPOSE: "input perm",
  ...named("input axis", "MEAN SUM REDUCE_MAX REDUCE_MIN REDUCE_PROD ARG_MAX ARG_MIN"),
  ...named("input paddings", "PAD MIRROR_PAD"),
  ...named("input size", "RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR"),
  // TensorFlow
  ...named("input filter", "Conv2D DepthwiseConv2dNative Conv3D"),
  BiasAdd: "value bias",
  _FusedConv2D: "input filter bias",
  _FusedMatMul: "a b bias",
  FusedBatchNormV3: "x scale offset mean variance",
  ...named("X", "Relu LeakyRelu Elu Selu Celu Gelu Sigmoid HardSigmoid HardSwish Mish Softsign Softplus ThresholdedRelu"),
  ...named(
    "X",
    "MaxPool AveragePool LpPool GlobalMaxPool GlobalAveragePool GlobalLpPool LRN Sqrt Reciprocal Abs Neg Floor Ceil Round",
  ),
  ...named("input", "Softmax LogSoftmax Tanh Flatten Cast Identity Exp Log Erf Sin Cos DepthToSpace SpaceToDepth"),
  ...named("data", "Transpose Shape Size ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceSumSquare ArgMax ArgMin"),
};

function named(input: string, ops: string): Record<string, string> {
  return Object.fromEntries(ops.split(" ").map((op) => [op, input]));
}

/** `W` for the second input of a Conv; `#1` where the specification's name is not kept here. */
export function inputLabel(op: string, index: number): string {
  return (Object.hasOwn(inputs, op) ? inputs[op]!.split(" ")[index] : undefined) ?? `#${index}`;
}

/** Of Keras layers, in the order that Keras keeps them. */
const weights: Readonly<Record<string, string>> = {
  ...named("kernel bias", "Dense EinsumDense Conv1D Conv2D Conv3D Conv1DTranspose Conv2DTranspose"),
  ...named("depthwise_kernel bias", "DepthwiseConv1D DepthwiseConv2D"),
  ...named("depthwise_kernel pointwise_kernel bias", "SeparableConv1D SeparableConv2D"),
  ...named("kernel recurrent_kernel bias", "LSTM GRU SimpleRNN"),
  ...named("gamma beta moving_mean moving_variance", "BatchNormalization"),
  ...named("gamma beta", "LayerNormalization GroupNormalization"),
  Embedding: "embeddings",
  PReLU: "alpha",
};

/** Of one among `count` weights of a Keras layer; undefined where options of the layer may have left some out. */
export function weightLabel(op: string, index: number, count: number): string | undefined {
  const names = Object.hasOwn(weights, op) ? weights[op]!.split(" ") : [];
  const isWhole = names.length === count || (count === names.length - 1 && names.at(-1) === "bias");
  return isWhole ? names[index] : undefined;
}

const manyOutputs: Readonly<Record<string, string>> = {
  LSTM: "Y Y_h Y_c",
  GRU: "Y Y_h",
  RNN: "Y Y_h",
  TopK: "Values Indices",
  BatchNormalization: "Y mean var saved_mean saved_var",
  MaxPool: "Y Indices",
  Dropout: "output mask",
  Unique: "Y indices inverse_indices counts",
  LayerNormalization: "Y Mean InvStdDev",
};

/** Of the `count` outputs of an operator; `Y` is ONNX's word. */
export function outputLabel(op: string, index: number, isOnnx: boolean, count: number): string {
  const named = Object.hasOwn(manyOutputs, op) ? manyOutputs[op]!.split(" ")[index] : undefined;
  if (isOnnx) return named ?? (index === 0 ? "Y" : `#${index}`);
  return count === 1 ? "output" : `#${index}`;
}
