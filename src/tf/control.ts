/** Functional control flow. Bodies are functions of the graph, named by attributes; `output_types` says what comes back. */
import type { Type } from "../graph/graph.ts";
import { define } from "./op.ts";

define(
  // cond, then what the branches take
  { name: "StatelessIf", infer: (call) => call.attr<readonly Type[]>("output_types") },
  // the loop's state, which is what comes back
  { name: "StatelessWhile", infer: (call) => call.attr<readonly Type[]>("output_types") },
  // Lists: a handle that is passed on, never read twice. TF.js changes them in place, so that no two may be merged.
  { name: "EmptyTensorList", infer: () => [{ dtype: "int32", shape: [] }], pure: false },
  { name: "TensorListPushBack", infer: () => [{ dtype: "int32", shape: [] }], pure: false },
  { name: "TensorListStack", infer: (call) => call.attr<readonly Type[]>("output_types"), pure: false },
);
