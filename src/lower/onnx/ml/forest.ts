/**
 * Decision trees as tables: every tree takes one step at a time, for all rows at once, as many steps as the deepest has levels. Leaves
 * lead to themselves. Memory is that of the tables, whatever the shape of the trees.
 */
import type { DType } from "../../../base/dtype.ts";
import { modelError } from "../../../base/problem.ts";
import type { Value } from "../../../graph/graph.ts";
import { tensorOf } from "../../../graph/tensor.ts";
import type { Builder } from "../../../tf/build.ts";

export type Mode = "LEQ" | "LT" | "GTE" | "GT" | "EQ" | "NEQ";

export interface TreeNode {
  readonly feature: number;
  readonly threshold: number;
  /** Undefined: a leaf. */
  readonly mode: Mode | undefined;
  /** Indices of the nodes to go on with; a leaf's own. */
  readonly yes: number;
  readonly no: number;
  /** Is a missing value (NaN) a yes? */
  readonly missing: boolean;
}

export interface Forest {
  readonly nodes: readonly TreeNode[];
  readonly roots: readonly number[];
  /** Of each node, per target; only leaves have any. */
  readonly weights: readonly (ReadonlyMap<number, number> | undefined)[];
  readonly targets: number;
}

export type Aggregate = "SUM" | "AVERAGE" | "MIN" | "MAX";

/** Of a target that a leaf says nothing of: no part of a sum, and never the least or the greatest. */
const silent: Readonly<Record<Aggregate, number>> = {
  SUM: 0,
  AVERAGE: 0,
  MIN: Number.POSITIVE_INFINITY,
  MAX: Number.NEGATIVE_INFINITY,
};

/** [rows, features] to [rows, targets]; 0 for a target that no leaf speaks of. */
export function evaluateForest(b: Builder, x: Value, forest: Forest, how: Aggregate): Value {
  const leaves = descend(b, x, forest);
  const table = new Float64Array(forest.nodes.length * forest.targets).fill(silent[how]);
  forest.weights.forEach((own, node) => {
    for (const [target, weight] of own ?? []) table[node * forest.targets + target] = weight;
  });
  const weights = b.constant(tensorOf(x.dtype, [forest.nodes.length, forest.targets], table));
  const each = b.gather(weights, leaves, 0);
  const scores = b.reduce({ SUM: "Sum", AVERAGE: "Mean", MIN: "Min", MAX: "Max" }[how], each, [1], false);
  if (silent[how] === 0 || forest.weights.every((own) => !own || own.size === forest.targets)) return scores;
  return b.op("SelectV2", [b.op("IsInf", [scores]), b.scalar(scores.dtype, 0), scores]);
}

const tests: Readonly<Record<Mode, string>> = {
  LEQ: "LessEqual",
  LT: "Less",
  GTE: "GreaterEqual",
  GT: "Greater",
  EQ: "Equal",
  NEQ: "NotEqual",
};

/** [rows, trees]: the leaf where each row ends in each tree. */
function descend(b: Builder, x: Value, forest: Forest): Value {
  const { nodes, roots } = forest;
  const table = (dtype: DType, pick: (node: TreeNode) => number): Value =>
    b.constant(tensorOf(dtype, [nodes.length], nodes.map(pick)));
  const features = table("int32", (node) => node.feature);
  const thresholds = table(x.dtype, (node) => node.threshold);
  const [yes, no] = [table("int32", (node) => node.yes), table("int32", (node) => node.no)];
  const missing = nodes.some((node) => node.missing) ? table("bool", (node) => (node.missing ? 1 : 0)) : undefined;
  const modes = [...new Set(nodes.flatMap((node) => node.mode ?? []))];
  const own = modes.length > 1 ? modes.map((mode) => table("bool", (node) => (node.mode === mode ? 1 : 0))) : [];

  const flat = b.reshape(x, [-1]);
  const rows = b.op("Range", [b.scalar("int32", 0), b.reshape(b.dim(x, 0), []), b.scalar("int32", 1)]);
  const starts = b.op("ExpandDims", [b.op("Mul", [rows, b.dim(x, 1)]), b.scalar("int32", 1)]);
  let at = b.constant(tensorOf("int32", [1, roots.length], roots));
  for (let level = depthOf(forest); level > 0; level--) {
    const value = b.gather(flat, b.op("AddV2", [starts, b.gather(features, at, 0)]), 0);
    const threshold = b.gather(thresholds, at, 0);
    const passed = modes.map((mode, i) => {
      const test = b.op(tests[mode], [value, threshold]);
      return own[i] ? b.op("LogicalAnd", [test, b.gather(own[i], at, 0)]) : test;
    });
    if (missing) passed.push(b.op("LogicalAnd", [b.op("IsNan", [value]), b.gather(missing, at, 0)]));
    const test = passed.reduce((all, each) => b.op("LogicalOr", [all, each]));
    at = b.op("SelectV2", [test, b.gather(yes, at, 0), b.gather(no, at, 0)]);
  }
  // Trees of one leaf each: the constant is the same for every row.
  return at.shape[0] === 1 ? b.op("AddV2", [b.op("ZerosLike", [starts]), at]) : at;
}

/** Steps to the deepest leaf; a `ModelError` where branches lead back. */
function depthOf({ nodes, roots }: Forest): number {
  let level: readonly number[] = roots;
  for (let depth = 0; ; depth++) {
    const next = new Set<number>();
    for (const at of level) {
      const node = nodes[at];
      if (!node) throw modelError("invalid-model", `a branch to node ${at} of ${nodes.length}`);
      if (node.mode === undefined) continue;
      next.add(node.yes);
      next.add(node.no);
    }
    if (next.size === 0) return depth;
    if (depth > nodes.length) throw modelError("invalid-model", "the branches of a tree lead back");
    level = [...next];
  }
}
