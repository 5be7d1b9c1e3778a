/** The schema of TFLite Metadata, as far as it is read; fields keep their slots. */
import type { Schema } from "../flatbuffers/schema.ts";

/** Of tflite-support, version 1.5. */
export const schema = {
  enums: {
    AssociatedFileType: [
      "UNKNOWN",
      "DESCRIPTIONS",
      "TENSOR_AXIS_LABELS",
      "TENSOR_VALUE_LABELS",
      "TENSOR_AXIS_SCORE_CALIBRATION",
      "VOCABULARY",
      "SCANN_INDEX_FILE",
    ],
    ColorSpaceType: ["UNKNOWN", "RGB", "GRAYSCALE"],
  },
  wide: {},
  unions: {
    ProcessUnitOptions: [
      "NormalizationOptions",
      "ScoreCalibrationOptions",
      "ScoreThresholdingOptions",
      "BertTokenizerOptions",
      "SentencePieceTokenizerOptions",
      "RegexTokenizerOptions",
    ],
    ContentProperties: ["FeatureProperties", "ImageProperties", "BoundingBoxProperties", "AudioProperties"],
  },
  tables: {
    ModelMetadata: {
      name: "string",
      description: "string",
      version: "string",
      subgraph_metadata: "[SubGraphMetadata]",
      author: "string",
      license: "string",
      associated_files: "[AssociatedFile]",
      min_parser_version: "string",
    },
    SubGraphMetadata: {
      name: "string",
      description: "string",
      input_tensor_metadata: "[TensorMetadata]",
      output_tensor_metadata: "[TensorMetadata]",
    },
    TensorMetadata: {
      name: "string",
      description: "string",
      dimension_names: "[string]",
      content: "Content",
      process_units: "[ProcessUnit]",
      stats: "Stats",
      associated_files: "[AssociatedFile]",
    },
    Content: { content_properties: "ContentProperties" },
    ImageProperties: { color_space: "ColorSpaceType" },
    ProcessUnit: { options: "ProcessUnitOptions" },
    NormalizationOptions: { mean: "[float]", std: "[float]" },
    ScoreThresholdingOptions: { global_score_threshold: "float" },
    Stats: { max: "[float]", min: "[float]" },
    AssociatedFile: { name: "string", description: "string", type: "AssociatedFileType", locale: "string" },
  },
} as const satisfies Schema;
