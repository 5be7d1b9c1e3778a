/** TreeEnsembleClassifier, TreeEnsembleRegressor, and TreeEnsemble, which came in their place. */

import { isFloat } from "../../../base/dtype.ts";
import type { Value } from "../../../graph/graph.ts";
import type { SourceTensor } from "../../../graph/source.ts";
import { tensorOf } from "../../../graph/tensor.ts";
import type { Builder } from "../../../tf/build.ts";
import { type At, type Rule, rule } from "../../rule.ts";
import { floats, int, ints, oneOf, strings, tensor } from "../../schema.ts";
import { type Aggregate, evaluateForest, type Forest, type Mode, type TreeNode } from "./forest.ts";
import { domain, labelAttrs, labelled, labelsOf, type Transform, transformed, transforms } from "./scores.ts";

const nodeAttrs = {
  nodes_treeids: ints(),
  nodes_nodeids: ints(),
  nodes_featureids: ints(),
  nodes_values: floats(),
  nodes_values_as_tensor: tensor(),
  nodes_modes: strings(),
  nodes_truenodeids: ints(),
  nodes_falsenodeids: ints(),
  nodes_missing_value_tracks_true: ints(),
  base_values: floats(),
  base_values_as_tensor: tensor(),
  post_transform: transforms,
};

interface NodeLists {
  readonly nodes_treeids?: readonly number[] | undefined;
  readonly nodes_nodeids?: readonly number[] | undefined;
  readonly nodes_featureids?: readonly number[] | undefined;
  readonly nodes_values?: readonly number[] | undefined;
  readonly nodes_values_as_tensor?: SourceTensor | undefined;
  readonly nodes_modes?: readonly string[] | undefined;
  readonly nodes_truenodeids?: readonly number[] | undefined;
  readonly nodes_falsenodeids?: readonly number[] | undefined;
  readonly nodes_missing_value_tracks_true?: readonly number[] | undefined;
}

/** Which leaf gives how much to which target, as parallel lists. */
interface Shares {
  readonly trees: readonly number[];
  readonly nodes: readonly number[];
  readonly targets: readonly number[];
  readonly weights: readonly number[];
}

const list = (given: readonly number[] | undefined, stored: SourceTensor | undefined, at: At): readonly number[] =>
  stored ? at.numbers(at.constant(stored), "the tables of a tree ensemble") : (given ?? []);

/** Nodes are named by (tree, node); a tree begins with its first. */
function forestOf(a: NodeLists, shares: Shares, targets: number, at: At): Forest {
  const { nodes_treeids: trees = [], nodes_nodeids: ids = [], nodes_modes: modes = [] } = a;
  const thresholds = list(a.nodes_values, a.nodes_values_as_tensor, at);
  const index = new Map<string, number>(ids.map((id, i) => [`${trees[i]}:${id}`, i]));
  const find = (tree: number | undefined, id: number | undefined): number => {
    const found = index.get(`${tree}:${id}`);
    if (found === undefined) throw at.invalid(`no node ${id} in tree ${tree}`);
    return found;
  };
  const nodes = ids.map((_, i): TreeNode => {
    const mode = modes[i] === "LEAF" ? undefined : modeOf(modes[i], at);
    return {
      feature: mode ? (a.nodes_featureids?.[i] ?? 0) : 0,
      threshold: thresholds[i] ?? 0,
      mode,
      yes: mode ? find(trees[i], a.nodes_truenodeids?.[i]) : i,
      no: mode ? find(trees[i], a.nodes_falsenodeids?.[i]) : i,
      missing: mode !== undefined && a.nodes_missing_value_tracks_true?.[i] === 1,
    };
  });
  const weights = new Array<Map<number, number> | undefined>(nodes.length).fill(undefined);
  shares.nodes.forEach((node, i) => {
    const leaf = find(shares.trees[i], node);
    weights[leaf] ??= new Map();
    weights[leaf].set(shares.targets[i]!, (weights[leaf].get(shares.targets[i]!) ?? 0) + shares.weights[i]!);
  });
  const roots = [...new Set(trees)].map((tree) => trees.indexOf(tree));
  return { nodes, roots, weights, targets };
}

function modeOf(word: string | undefined, at: At): Mode {
  const mode = word?.replace("BRANCH_", "");
  if (mode && ["LEQ", "LT", "GTE", "GT", "EQ", "NEQ"].includes(mode)) return mode as Mode;
  throw at.unsupported(`tree nodes of mode ${word}`);
}

/** Rows of floats: integers are compared as floats. */
const rowsOf = (b: Builder, x: Value): Value => (isFloat(x.dtype) ? x : b.cast(x, "float32"));

function withBase(b: Builder, scores: Value, base: readonly number[]): Value {
  return base.length === 0 ? scores : b.op("AddV2", [scores, b.constant(tensorOf(scores.dtype, [base.length], base))]);
}

/** Two classes told by one score: what is left of 1 where all weights are shares, else the score and its opposite. */
function twoClasses(b: Builder, score: Value, labels: Value, shares: boolean, transform: Transform): readonly Value[] {
  const label = labelled(b, score, labels, shares ? 0.5 : 0);
  if (shares) return [label, b.concat([b.op("Sub", [b.scalar(score.dtype, 1), score]), score], 1)];
  const both = b.concat([b.op("Neg", [score]), score], 1);
  return [label, transform === "LOGISTIC" ? b.op("Sigmoid", [both]) : both];
}

const aggregates: readonly Aggregate[] = ["AVERAGE", "SUM", "MIN", "MAX"];
const ensembleTransforms: readonly Transform[] = ["NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"];
const ensembleModes: readonly (Mode | "MEMBER")[] = ["LEQ", "LT", "GTE", "GT", "EQ", "NEQ", "MEMBER"];

interface EnsembleLists {
  readonly nodes_featureids: readonly number[];
  readonly modes: readonly number[];
  readonly splits: readonly number[];
  readonly members: readonly number[];
  readonly nodes_truenodeids: readonly number[];
  readonly nodes_trueleafs: readonly number[];
  readonly nodes_falsenodeids: readonly number[];
  readonly nodes_falseleafs: readonly number[];
  readonly missing: readonly number[];
  readonly tree_roots: readonly number[];
  readonly leaf_targetids: readonly number[];
  readonly leaf_weights: readonly number[];
}

/** Branches and leaves have tables of their own; a branch into a set of values becomes a chain of equalities. */
function ensembleOf(a: EnsembleLists, targets: number, at: At): Forest {
  const branches = a.nodes_featureids.length;
  const nodes: TreeNode[] = [];
  const sets = splitAtNaN(a.members);
  const target = (id: number | undefined, leaf: number | undefined) => (leaf ? branches + (id ?? 0) : (id ?? 0));
  const extra: TreeNode[] = [];
  const leaves = a.leaf_weights.length;
  for (let i = 0; i < branches; i++) {
    const mode = ensembleModes[a.modes[i] ?? 0];
    if (!mode) throw at.invalid(`a node of mode ${a.modes[i]}`);
    const node = {
      feature: a.nodes_featureids[i]!,
      yes: target(a.nodes_truenodeids[i], a.nodes_trueleafs[i]),
      no: target(a.nodes_falsenodeids[i], a.nodes_falseleafs[i]),
      missing: a.missing[i] === 1,
    };
    if (mode !== "MEMBER") {
      nodes.push({ ...node, mode, threshold: a.splits[i]! });
      continue;
    }
    const values = sets.shift() ?? [];
    const next = (k: number) => (k + 1 < values.length ? branches + leaves + extra.length : node.no);
    values.forEach((threshold, k) => {
      const link: TreeNode = { ...node, mode: "EQ", threshold, no: node.no };
      if (k === 0) nodes.push({ ...link, no: next(0) });
      else {
        extra.push(link);
        extra[extra.length - 1] = { ...link, no: next(k) };
      }
    });
    if (values.length === 0) nodes.push({ ...node, mode: "NEQ", threshold: Number.NaN, yes: node.no, no: node.no });
  }
  const weights = new Array<ReadonlyMap<number, number> | undefined>(branches + leaves + extra.length).fill(undefined);
  a.leaf_weights.forEach((weight, i) => {
    weights[branches + i] = new Map([[a.leaf_targetids[i]!, weight]]);
  });
  const leaf = (i: number): TreeNode => ({
    feature: 0,
    threshold: 0,
    mode: undefined,
    yes: branches + i,
    no: branches + i,
    missing: false,
  });
  return { nodes: [...nodes, ...a.leaf_weights.map((_, i) => leaf(i)), ...extra], roots: a.tree_roots, weights, targets };
}

function splitAtNaN(values: readonly number[]): number[][] {
  const sets: number[][] = [[]];
  for (const value of values) {
    if (Number.isNaN(value)) sets.push([]);
    else sets.at(-1)!.push(value);
  }
  return sets;
}

export const trees: readonly Rule[] = [
  rule(
    "TreeEnsembleRegressor",
    {
      since: 1,
      domain,
      arity: [1, 1],
      attrs: {
        ...nodeAttrs,
        n_targets: int(1),
        aggregate_function: oneOf("SUM", "AVERAGE", "MIN", "MAX"),
        target_treeids: ints(),
        target_nodeids: ints(),
        target_ids: ints(),
        target_weights: floats(),
        target_weights_as_tensor: tensor(),
      },
    },
    (b, [x], a, at) => {
      const weights = list(a.target_weights, a.target_weights_as_tensor, at);
      const shares = { trees: a.target_treeids ?? [], nodes: a.target_nodeids ?? [], targets: a.target_ids ?? [], weights };
      const scores = evaluateForest(b, rowsOf(b, x), forestOf(a, shares, a.n_targets, at), a.aggregate_function);
      const whole = withBase(b, scores, list(a.base_values, a.base_values_as_tensor, at));
      return [b.cast(transformed(b, whole, a.post_transform), "float32")];
    },
  ),
  rule(
    "TreeEnsembleClassifier",
    {
      since: 1,
      domain,
      arity: [1, 1],
      attrs: {
        ...nodeAttrs,
        ...labelAttrs,
        class_treeids: ints(),
        class_nodeids: ints(),
        class_ids: ints(),
        class_weights: floats(),
        class_weights_as_tensor: tensor(),
      },
    },
    (b, [x], a, at) => {
      const weights = list(a.class_weights, a.class_weights_as_tensor, at);
      const ids = a.class_ids ?? [];
      const base = list(a.base_values, a.base_values_as_tensor, at);
      const labels = labelsOf(b, a, Math.max(...ids) + 1);
      const classes = Number(labels.shape[0]);
      const single = classes === 2 && new Set(ids).size === 1;
      const shares = {
        trees: a.class_treeids ?? [],
        nodes: a.class_nodeids ?? [],
        targets: single ? ids.map(() => 0) : ids,
        weights,
      };
      const sums = evaluateForest(b, rowsOf(b, x), forestOf(a, shares, single ? 1 : classes, at), "SUM");
      const scores = b.cast(withBase(b, sums, single ? base.slice(-1) : base), "float32");
      if (single)
        return twoClasses(
          b,
          scores,
          labels,
          weights.every((weight) => weight >= 0),
          a.post_transform,
        );
      return [labelled(b, scores, labels), transformed(b, scores, a.post_transform)];
    },
  ),
  rule(
    "TreeEnsemble",
    {
      since: 5,
      domain,
      arity: [1, 1],
      attrs: {
        nodes_featureids: ints(),
        nodes_modes: tensor(),
        nodes_splits: tensor(),
        nodes_truenodeids: ints(),
        nodes_trueleafs: ints(),
        nodes_falsenodeids: ints(),
        nodes_falseleafs: ints(),
        nodes_missing_value_tracks_true: ints(),
        membership_values: tensor(),
        tree_roots: ints(),
        leaf_targetids: ints(),
        leaf_weights: tensor(),
        n_targets: int(1),
        aggregate_function: int(1),
        post_transform: int(0),
      },
    },
    (b, [x], a, at) => {
      const stored = (each: SourceTensor | undefined) => list(undefined, each, at);
      const lists: EnsembleLists = {
        nodes_featureids: a.nodes_featureids ?? [],
        modes: a.nodes_modes ? stored(a.nodes_modes) : [],
        splits: a.nodes_splits ? stored(a.nodes_splits) : [],
        members: a.membership_values ? stored(a.membership_values) : [],
        nodes_truenodeids: a.nodes_truenodeids ?? [],
        nodes_trueleafs: a.nodes_trueleafs ?? [],
        nodes_falsenodeids: a.nodes_falsenodeids ?? [],
        nodes_falseleafs: a.nodes_falseleafs ?? [],
        missing: a.nodes_missing_value_tracks_true ?? [],
        tree_roots: a.tree_roots ?? [],
        leaf_targetids: a.leaf_targetids ?? [],
        leaf_weights: a.leaf_weights ? stored(a.leaf_weights) : [],
      };
      const [how, transform] = [aggregates[a.aggregate_function], ensembleTransforms[a.post_transform]];
      if (!how || !transform) throw at.invalid(`aggregate_function ${a.aggregate_function}, post_transform ${a.post_transform}`);
      return [transformed(b, evaluateForest(b, x, ensembleOf(lists, a.n_targets, at), how), transform)];
    },
  ),
];
