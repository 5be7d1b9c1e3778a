/** Functional control flow. Bodies are functions of the graph, named by attributes; `output_types` says what comes back. */
import type { Type } from "../graph/graph.ts";
import { define } from "./op.ts";

define(
  // cond, then what the branches take
  { name: "StatelessIf", infer: (call) => call.attr<readonly Type[]>("output_types") },
  // the loop's state, which is what comes back
  { name: "StatelessWhile", infer: (call) => call.attr<readonly Type[]>("output_types") },
);
