/**
 * The library: the functions that the command line and the engine call. A model is a `ByteSource` and the files beside it; in Node
 * `openFile` and `sourcesBeside` open them, elsewhere the caller supplies its own.
 */
export type { ByteSink, ByteSource, ByteSources, ByteWriter } from "./base/bytes.ts";
export { MemorySink, memorySource, memorySources } from "./base/memory.ts";
export { describe, ModelError, type Problem, type Severity } from "./base/problem.ts";
export { type Checked, type CheckOptions, check } from "./check.ts";
export { openFile, sourcesBeside } from "./cli/files.ts";
export { openSink } from "./cli/sink.ts";
export { loadUserOps } from "./cli/user-ops.ts";
export { type Converted, type ConvertOptions, convert } from "./convert.ts";
export { type OpenedModel, openModel } from "./formats/open.ts";
export type { SourceGraph, SourceModel, SourceNode, SourceValue } from "./graph/source.ts";
export type { Tensor } from "./graph/tensor.ts";
export { type Inspection, inspect } from "./inspect.ts";
export type { UserAttrs, UserOp, UserOps, UserType } from "./lower/user-ops.ts";
export { type ParityRequest, parity } from "./parity.ts";
export { openTfjs } from "./runtime/tfjs.ts";
