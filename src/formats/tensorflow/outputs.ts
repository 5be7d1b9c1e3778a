/** Outputs of TensorFlow's ops: the file names them in functions and does not count them anywhere. */
import type { SourceAttr } from "../../graph/source.ts";
import { countAttr } from "./attributes.ts";

/** Names of an op's outputs where there are several, in order; ops that have none. */
const named: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  `
    NoOp
    Assert
    Abort
    ControlTrigger
    AssignVariableOp
    AssignAddVariableOp
    AssignSubVariableOp
    ResourceScatterAdd
    ResourceScatterSub
    ResourceScatterMul
    ResourceScatterDiv
    ResourceScatterMin
    ResourceScatterMax
    ResourceScatterUpdate
    ResourceScatterNdAdd
    ResourceScatterNdSub
    ResourceScatterNdMin
    ResourceScatterNdMax
    ResourceScatterNdUpdate
    SaveV2
    SaveSlices
    MergeV2Checkpoints
    PrintV2
    InitializeTable
    InitializeTableV2
    InitializeTableFromTextFile
    InitializeTableFromTextFileV2
    LookupTableImport
    LookupTableImportV2
    LookupTableInsertV2
    TensorArrayClose
    TensorArrayCloseV2
    TensorArrayCloseV3
    DeleteSessionTensor
    Switch output_false output_true
    RefSwitch output_false output_true
    Merge output value_index
    RefMerge output value_index
    TensorArrayV3 handle flow
    TensorArrayConcat value lengths
    TensorArrayConcatV2 value lengths
    TensorArrayConcatV3 value lengths
    TensorListPopBack output_handle tensor
    TensorListConcat tensor lengths
    TensorListConcatV2 tensor lengths
    TopK values indices
    TopKV2 values indices
    Unique y idx
    UniqueV2 y idx
    UniqueWithCounts y idx count
    UniqueWithCountsV2 y idx count
    ListDiff out idx
    SetDiff1D out idx
    FusedBatchNorm y batch_mean batch_variance reserve_space_1 reserve_space_2
    FusedBatchNormV2 y batch_mean batch_variance reserve_space_1 reserve_space_2
    FusedBatchNormV3 y batch_mean batch_variance reserve_space_1 reserve_space_2 reserve_space_3
    MaxPoolWithArgmax output argmax
    StatelessRandomGetKeyCounter key counter
    NonMaxSuppressionV4 selected_indices valid_outputs
    NonMaxSuppressionV5 selected_indices selected_scores valid_outputs
    CombinedNonMaxSuppression nmsed_boxes nmsed_scores nmsed_classes valid_detections
    SoftmaxCrossEntropyWithLogits loss backprop
    SparseSoftmaxCrossEntropyWithLogits loss backprop
    CTCLoss loss gradient
    CTCGreedyDecoder decoded_indices decoded_values decoded_shape log_probability
    LSTMBlockCell i cs f o ci co h
    BlockLSTM i cs f o ci co h
    BlockLSTMV2 i cs f o ci co h
    GRUBlockCell r u c h
    Svd s u v
    Qr q r
    Lu lu p
    SelfAdjointEigV2 e v
    Eig e v
    LogMatrixDeterminant sign log_abs_determinant
    BroadcastGradientArgs r0 r1
    RaggedRange rt_nested_splits rt_dense_values
    SparseReshape output_indices output_shape
    SparseFillEmptyRows output_indices output_values empty_row_indicator reverse_index_map
    SparseSlice output_indices output_values output_shape
    SparseReorder output_indices output_values
    SparseConcat output_indices output_values output_shape
    StringSplit indices values shape
    StringSplitV2 indices values shape
    StringNGrams ngrams ngrams_splits
    DenseToDenseSetOperation result_indices result_values result_shape
    SparseToSparseSetOperation result_indices result_values result_shape
    DenseToSparseSetOperation result_indices result_values result_shape
    SampleDistortedBoundingBox begin size bboxes
    SampleDistortedBoundingBoxV2 begin size bboxes
    QuantizeV2 output output_min output_max
    QuantizedConv2D output min_output max_output
    Requantize output output_min output_max
    LookupTableExportV2 keys values
    LookupTableExport keys values
  `
    .trim()
    .split("\n")
    .map((line) => line.trim().split(" "))
    .map(([op, ...outputs]) => [op!, outputs]),
);

/** Attributes that say how many outputs there are: by their value, or by the length of their list. */
const counted: Readonly<Record<string, string>> = {
  Split: "num_split",
  SplitV: "num_split",
  Unpack: "num",
  ShapeN: "N",
  ConcatOffset: "N",
  DynamicPartition: "num_partitions",
  IdentityN: "T",
  While: "T",
  StatelessWhile: "T",
  If: "Tout",
  StatelessIf: "Tout",
  Case: "Tout",
  StatelessCase: "Tout",
  PartitionedCall: "Tout",
  StatefulPartitionedCall: "Tout",
  BatchFunction: "Tout",
  SymbolicGradient: "Tout",
  RestoreV2: "dtypes",
  ParseExample: "Tdense",
};

type Attrs = Readonly<Record<string, SourceAttr>>;

/** How many outputs a node has; an op that is not known has one. */
export function outputCount(op: string, attrs: Attrs): number {
  const names = named[op];
  if (names) return names.length;
  // Row splits of each depth, then the values.
  if (op === "RaggedGather") return countAttr(attrs, "OUTPUT_RAGGED_RANK", {}) + 1;
  const attr = counted[op];
  if (attr === undefined) return 1;
  const value = attrs[attr];
  return value && "value" in value && Array.isArray(value.value) ? value.value.length : countAttr(attrs, attr, {});
}

/** The port that a function's body means by `node:name:index`. */
export function portOf(op: string, output: string, index: number): number {
  const first = named[op]?.indexOf(output) ?? 0;
  return Math.max(first, 0) + index;
}
