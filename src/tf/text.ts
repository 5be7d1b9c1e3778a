/** Strings, and other ops whose results depend on the content of what they read. */
import { bitsOf, type DType } from "../base/dtype.ts";
import { modelError } from "../base/problem.ts";
import type { Shape, Type } from "../graph/graph.ts";
import { broadcast, type Call, define } from "./op.ts";

const outputType = (call: Call): DType => call.attr<string>("output_type") as DType;

/** The distinct elements, or slices along `axis` unless `flat`; first places, places in the result, counts. */
function unique(call: Call): readonly Type[] {
  const shape = call.shape();
  const axis = call.attr<number>("axis", 0);
  const out: Shape | undefined = call.attr<boolean>("flat")
    ? [undefined]
    : shape?.map((dim, i) => (i === axis ? undefined : dim));
  const places: Type = { dtype: outputType(call), shape: [undefined] };
  return [{ dtype: call.dtype(), shape: out }, places, places, places];
}

/** A wider type takes the last axis in, a narrower one gets one more. */
function bitcast(call: Call): readonly Type[] {
  const dtype = call.attr<string>("DstT") as DType;
  const [from, to] = [bitsOf[call.dtype()] ?? 0, bitsOf[dtype] ?? 0];
  const shape = call.shape();
  if (from === to || !shape) return [{ dtype, shape }];
  if (from > to) return [{ dtype, shape: [...shape, from / to] }];
  const last = shape[shape.length - 1];
  if (shape.length === 0 || (typeof last === "number" && last !== to / from))
    throw modelError("shape-mismatch", `the bits of ${call.dtype()} as ${dtype}, over a last axis of ${last ?? "none"}`);
  return [{ dtype, shape: shape.slice(0, -1) }];
}

define(
  { name: "UniqueElements", infer: unique },
  // x, keys, values, default: the value beside the key that each element is.
  { name: "LookUp", infer: (call) => [{ dtype: call.dtype(2), shape: call.shape() }] },
  { name: "StringConcat", infer: (call) => [{ dtype: "string", shape: broadcast(call.shape(0), call.shape(1)) }] },
  // x, pattern [1]
  { name: "RegexFullMatch", infer: (call) => [{ dtype: "bool", shape: call.shape() }] },
  // x, delimiter [1]; attribute maxsplit, −1 for none. Pieces, padded to the longest, and their numbers.
  {
    name: "StringPieces",
    infer: (call) => [
      { dtype: "string", shape: call.shape() && [...call.shape()!, undefined] },
      { dtype: outputType(call), shape: call.shape() },
    ],
  },
  // x, stopwords; attributes sensitive, change (0 none, 1 lower, 2 upper)
  {
    name: "NormalizeText",
    infer: (call) => [{ dtype: "string", shape: call.shape()?.length === 2 ? [1, undefined] : [undefined] }],
  },
  // x, pool, starts, columns, weights; attributes min, max, skip, mode, width
  {
    name: "CountNgrams",
    infer: (call) => [{ dtype: "float32", shape: call.shape() && [...call.shape()!.slice(0, -1), call.attr<number>("width")] }],
  },
  // x, separators, padding [1], expression [1]; attributes least, mark
  { name: "Tokenize", infer: (call) => [{ dtype: "string", shape: call.shape() && [...call.shape()!, undefined] }] },
  { name: "Bitcast", infer: bitcast },
  // x [rows, pairs]; attributes a, b of the pairs
  {
    name: "CoupledProbabilities",
    infer: (call) => [
      { dtype: call.dtype(), shape: [call.shape()?.[0], (1 + Math.sqrt(1 + 8 * call.attr<readonly number[]>("a").length)) / 2] },
    ],
  },
  // ids, scores; attribute size
  { name: "BlockRepeats", infer: (call) => [call.input(1).type] },
  { name: "TimeWarp", infer: () => [{ dtype: "int32", shape: [2, undefined] }] },
  // attributes seed, wide, unsigned, modulus, dtype
  { name: "MurmurHash3", infer: (call) => [{ dtype: call.attr<string>("dtype") as DType, shape: call.shape() }] },
  { name: "MatrixInverse", infer: (call) => [call.input(0).type] },
  { name: "MatrixDeterminant", infer: (call) => [{ dtype: call.dtype(), shape: call.shape()?.slice(0, -2) }] },
);

/** What legalising makes of hub ops whose operands are strings, or whose types TF.js tells apart by the op. */
define(
  { name: "StringEqual", infer: (call) => [{ dtype: "bool", shape: broadcast(call.shape(0), call.shape(1)) }] },
  {
    name: "StringGather",
    infer: (call) => {
      const [shape, indices] = [call.shape(0), call.shape(1)];
      const axis = call.attr<number>("axis");
      return [{ dtype: "string", shape: shape && indices && [...shape.slice(0, axis), ...indices, ...shape.slice(axis + 1)] }];
    },
  },
  { name: "NumberToText", infer: (call) => [{ dtype: "string", shape: call.shape() }] },
  { name: "TextToNumber", infer: (call) => [{ dtype: call.attr<boolean>("whole") ? "int32" : "float32", shape: call.shape() }] },
  {
    name: "BitcastBytes",
    infer: (call) => {
      const widths = [1, 1, 2, 2, 4, 4, 2, 2, 8];
      const [from, to] = [call.attr<number>("from"), call.attr<number>("to")];
      const [wide, narrow, shape] = [widths[from]!, widths[to]!, call.shape()];
      const dtype = to >= 5 ? "float32" : "int32";
      return [{ dtype, shape: wide > narrow ? shape && [...shape, wide / narrow] : wide < narrow ? shape?.slice(0, -1) : shape }];
    },
  },
  { name: "BitcastToInt32", infer: (call) => [{ dtype: "int32", shape: call.shape() }] },
  { name: "BitcastToFloat32", infer: (call) => [{ dtype: "float32", shape: call.shape() }] },
);
