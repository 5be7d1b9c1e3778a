/** Graphs in which a layout changes there and back. */
import type { Graph, Value } from "../../src/graph/graph.ts";
import type { Rewrite } from "../../src/optimize/rewrite.ts";
import { mergeTransposes, transposeOfReshape } from "../../src/optimize/rules/merge-transposes.ts";
import { mergeReshapes } from "../../src/optimize/rules/reshapes.ts";
import type { Builder } from "../../src/tf/build.ts";
import { float, graphOf } from "./run.ts";

export const toFirst: readonly number[] = [0, 3, 1, 2];
export const toLast: readonly number[] = [0, 2, 3, 1];

/** Channels-last `x`, brought to channels first, through `make`, and back: what is between must not keep the Transposes apart. */
export const island = (make: (b: Builder, x: Value) => Value, shape: readonly (number | string)[] = [2, 5, 7, 3]): Graph =>
  graphOf((b) => b.transpose(make(b, b.transpose(float(b, "x", shape), toFirst)), toLast));

/** What lets Transposes vanish once they meet. */
export const cancel: readonly Rewrite[] = [mergeReshapes, transposeOfReshape, mergeTransposes];
