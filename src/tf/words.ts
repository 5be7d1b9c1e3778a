/** TensorFlow's string ops. Expressions are JavaScript's, and text that says how is a vector of one. */
import type { Dim, Type } from "../graph/graph.ts";
import { type Call, define } from "./op.ts";

const text = (call: Call): readonly Type[] => [{ dtype: "string", shape: call.shape() }];
const whole = (call: Call): readonly Type[] => [{ dtype: "int32", shape: call.shape() }];
const anyCount: readonly Dim[] = [undefined];

define(
  // attributes how (0 lower, 1 upper, 2 stripped), unicode
  { name: "ChangeText", infer: text },
  // x, pattern, rewrite; attribute all
  { name: "RegexReplace", infer: text },
  // attribute chars, else bytes
  { name: "TextLength", infer: whole },
  // x, position, length; attribute chars
  { name: "TextPart", infer: text },
  // x [n], delimiter; attributes each, maxsplit, skipEmpty. Places, pieces, shape.
  {
    name: "SplitText",
    infer: () => [
      { dtype: "int32", shape: [undefined, 2] },
      { dtype: "string", shape: anyCount },
      { dtype: "int32", shape: [2] },
    ],
  },
  // attribute buckets
  { name: "HashBucket", infer: whole },
  // x, splits, separator, left, right; attributes widths, pad, keepShort. N-grams, and where each row of them ends.
  {
    name: "WordNgrams",
    infer: (call) => [
      { dtype: "string", shape: anyCount },
      { dtype: "int32", shape: call.shape(1) },
    ],
  },
  // attributes kind, precision, width, zeroes: customops/words.ts
  { name: "FormatNumber", infer: text },
);
