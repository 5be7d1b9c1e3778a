import { describe, expect, it } from "vitest";
import { type AttrValue, floats, tensor } from "../../../build/onnx.ts";
import { noise, random } from "../../../build/random.ts";
import { againstOrt } from "../against-ort.ts";

const ort = againstOrt();

const domain = "ai.onnx.ml";
const features = 5;
const x = tensor("x", "float32", [23, features], random(23 * features));

interface Grown {
  readonly attrs: Record<string, AttrValue>;
  readonly leaves: { readonly tree: number; readonly node: number }[];
}

/** Trees of uneven depth: node k of a tree has children 2k + 1 and 2k + 2; which are leaves is left to the numbers. */
function grow(trees: number, depth: number, modes: readonly string[], seed: number): Grown {
  const dice = noise(4000, seed);
  let at = 0;
  const roll = () => (dice[at++ % dice.length]! + 1) / 2;
  const lists = {
    tree: [] as number[],
    node: [] as number[],
    feature: [] as number[],
    value: [] as number[],
    mode: [] as string[],
    yes: [] as number[],
    no: [] as number[],
    missing: [] as number[],
  };
  const leaves: { tree: number; node: number }[] = [];
  const add = (tree: number, node: number, level: number) => {
    const leaf = level === depth || (level > 0 && roll() < 0.2);
    lists.tree.push(tree);
    lists.node.push(node);
    lists.feature.push(leaf ? 0 : Math.floor(roll() * features));
    lists.value.push(leaf ? 0 : roll() * 3 - 1.5);
    lists.mode.push(leaf ? "LEAF" : modes[Math.floor(roll() * modes.length)]!);
    lists.yes.push(leaf ? 0 : 2 * node + 1);
    lists.no.push(leaf ? 0 : 2 * node + 2);
    lists.missing.push(roll() < 0.5 ? 1 : 0);
    if (leaf) leaves.push({ tree, node });
    else {
      add(tree, 2 * node + 1, level + 1);
      add(tree, 2 * node + 2, level + 1);
    }
  };
  for (let tree = 0; tree < trees; tree++) add(tree, 0, 0);
  const attrs = {
    nodes_treeids: lists.tree,
    nodes_nodeids: lists.node,
    nodes_featureids: lists.feature,
    nodes_values: floats(lists.value),
    nodes_modes: lists.mode,
    nodes_truenodeids: lists.yes,
    nodes_falsenodeids: lists.no,
    nodes_missing_value_tracks_true: lists.missing,
  };
  return { attrs, leaves };
}

/** Every leaf gives something to every target; onnxruntime adds no base value to a target that nothing was given to. */
const shares = (leaves: Grown["leaves"], prefix: string, targets: number, weights: readonly number[]) => {
  const all = leaves.flatMap((leaf) => Array.from({ length: targets }, (_, id) => ({ ...leaf, id })));
  return {
    [`${prefix}_treeids`]: all.map(({ tree }) => tree),
    [`${prefix}_nodeids`]: all.map(({ node }) => node),
    [`${prefix}_ids`]: all.map(({ id }) => id),
    [`${prefix}_weights`]: floats(all.map((_, i) => weights[i % weights.length]!)),
  };
};

describe("TreeEnsembleRegressor", () => {
  it.each([
    ["BRANCH_LEQ", 1, "SUM"],
    ["BRANCH_LT", 3, "AVERAGE"],
    ["BRANCH_GTE", 2, "SUM"],
    ["BRANCH_GT", 1, "MIN"],
    ["BRANCH_LEQ", 1, "MAX"],
  ])("of %s nodes, %i targets, %s", async (mode, targets, aggregate_function) => {
    const { attrs, leaves } = grow(4, 5, [mode as string], 11);
    const own = shares(leaves, "target", targets as number, noise(97, 5));
    const all = {
      ...attrs,
      ...own,
      n_targets: targets as number,
      aggregate_function: aggregate_function as string,
      base_values: floats(noise(targets as number, 8)),
    };
    expect(await ort.differences({ op: "TreeEnsembleRegressor", domain, opset: 3, inputs: [x], attrs: all })).toEqual([]);
    expect(await ort.differences({ op: "TreeEnsembleRegressor", domain, opset: 3, inputs: [x], attrs: all, open: true })).toEqual(
      [],
    );
  });

  it("of nodes of every mode, and missing values", async () => {
    const { attrs, leaves } = grow(5, 4, ["BRANCH_LEQ", "BRANCH_GT", "BRANCH_LT", "BRANCH_GTE", "BRANCH_EQ", "BRANCH_NEQ"], 3);
    const holes = tensor(
      "x",
      "float32",
      [23, features],
      random(23 * features).map((value, i) => (i % 7 === 3 ? Number.NaN : value)),
    );
    const all = { ...attrs, ...shares(leaves, "target", 1, noise(97, 6)), n_targets: 1 };
    expect(await ort.differences({ op: "TreeEnsembleRegressor", domain, opset: 3, inputs: [holes], attrs: all })).toEqual([]);
  });

  it("of trees that are one leaf", async () => {
    const { attrs, leaves } = grow(3, 0, ["BRANCH_LEQ"], 3);
    const all = { ...attrs, ...shares(leaves, "target", 1, noise(97, 6)), n_targets: 1 };
    expect(await ort.differences({ op: "TreeEnsembleRegressor", domain, opset: 3, inputs: [x], attrs: all })).toEqual([]);
  });
});

describe("TreeEnsembleClassifier", () => {
  it.each(["NONE", "SOFTMAX", "LOGISTIC"])("of three classes, %s", async (post_transform) => {
    const { attrs, leaves } = grow(4, 4, ["BRANCH_LEQ"], 21);
    const all = { ...attrs, ...shares(leaves, "class", 3, noise(97, 7)), classlabels_int64s: [4, 2, 9], post_transform };
    expect(
      await ort.differences({ op: "TreeEnsembleClassifier", domain, opset: 3, inputs: [x], attrs: all, outputs: 2 }),
    ).toEqual([]);
  });

  it.each([
    ["NONE", false],
    ["LOGISTIC", false],
    ["NONE", true],
  ])("of two classes by one score, %s, all weights positive: %s", async (post_transform, positive) => {
    const { attrs, leaves } = grow(3, 3, ["BRANCH_LEQ"], 17);
    const weights = noise(97, 9).map((value) => (positive ? Math.abs(value) / 3 : value));
    const all = {
      ...attrs,
      ...shares(leaves, "class", 1, weights),
      classlabels_int64s: [0, 1],
      post_transform: post_transform as string,
    };
    expect(
      await ort.differences({ op: "TreeEnsembleClassifier", domain, opset: 3, inputs: [x], attrs: all, outputs: 2 }),
    ).toEqual([]);
  });
});
