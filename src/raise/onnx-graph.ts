/** The ONNX model that raise makes; its form is in graph/, since formats/onnx writes it and imports nothing of raise. */
export type { OnnxAttr, OnnxGraph, OnnxInitializer, OnnxModel, OnnxNode, OnnxValue } from "../graph/onnx-graph.ts";
export { float, int, ints, text } from "../graph/onnx-graph.ts";
