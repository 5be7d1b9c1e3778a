import { describe, expect, it } from "vitest";
import { type AttrValue, float, floats, tensor } from "../../../build/onnx.ts";
import { random, randomInts } from "../../../build/random.ts";
import { againstOrt } from "../against-ort.ts";

const ort = againstOrt();

const domain = "ai.onnx.ml";
const x = tensor("x", "float32", [7, 3], random(21));
const trial = (op: string, attrs: Record<string, AttrValue>, outputs = 1, inputs = [x], opset = 3) =>
  ort.differences({ op, domain, opset, inputs, attrs, outputs });
const some = (count: number, seed: number) => floats([...random(count, seed)]);
const transforms = ["NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO"];

describe("linear models", () => {
  it.each(transforms)("classify three classes, %s", async (post_transform) => {
    const attrs = { coefficients: some(9, 2), intercepts: some(3, 3), classlabels_ints: [7, -2, 5], post_transform };
    expect(await trial("LinearClassifier", attrs, 2)).toEqual([]);
  });

  it.each(transforms.slice(0, 2))("classify two classes by two rows and by one, %s", async (post_transform) => {
    expect(
      await trial(
        "LinearClassifier",
        { coefficients: some(6, 2), intercepts: some(2, 3), classlabels_ints: [4, 9], post_transform },
        2,
      ),
    ).toEqual([]);
    expect(
      await trial(
        "LinearClassifier",
        { coefficients: some(3, 2), intercepts: some(1, 3), classlabels_ints: [4, 9], post_transform },
        2,
      ),
    ).toEqual([]);
  });

  it("regress, PROBIT", async () => {
    // Of shares, which the transform is meant for.
    const shares = tensor(
      "x",
      "float32",
      [7, 1],
      Array.from(random(7, 9), (value) => 1 / (1 + Math.exp(-value))),
    );
    const attrs = { coefficients: floats([0.9]), intercepts: floats([0.03]), post_transform: "PROBIT" };
    expect(await trial("LinearRegressor", attrs, 1, [shares])).toEqual([]);
  });

  it("name classes by strings", async () => {
    const attrs = {
      coefficients: some(9, 2),
      intercepts: some(3, 3),
      classlabels_strings: ["cat", "dog", "eel"],
      post_transform: "SOFTMAX",
    };
    expect(await trial("LinearClassifier", attrs, 2)).toEqual([]);
  });

  it.each(transforms)("regress, %s", async (post_transform) => {
    expect(
      await trial("LinearRegressor", { coefficients: some(6, 2), intercepts: some(2, 3), targets: 2, post_transform }),
    ).toEqual([]);
  });
});

describe("columns", () => {
  it("Scaler, Normalizer, Binarizer", async () => {
    expect(await trial("Scaler", { offset: some(3, 4), scale: some(3, 5) })).toEqual([]);
    expect(await trial("Scaler", { offset: floats([0.5]), scale: floats([3]) })).toEqual([]);
    for (const norm of ["MAX", "L1", "L2"]) expect(await trial("Normalizer", { norm })).toEqual([]);
    expect(await trial("Binarizer", { threshold: float(0.4) })).toEqual([]);
  });

  it("Imputer, of NaN and of a number", async () => {
    const holes = tensor("x", "float32", [3, 2], [1, Number.NaN, 5, 2, Number.NaN, 5]);
    expect(
      await trial("Imputer", { imputed_value_floats: floats([-1, -2]), replaced_value_float: float(Number.NaN) }, 1, [holes]),
    ).toEqual([]);
    const whole = tensor("x", "int64", [3, 2], [1, 0, 5, 2, 0, 5]);
    expect(await trial("Imputer", { imputed_value_int64s: [9, 8], replaced_value_int64: 5 }, 1, [whole])).toEqual([]);
  });

  it("FeatureVectorizer and ArrayFeatureExtractor", async () => {
    const more = tensor("more", "float32", [7, 2], random(14, 6));
    expect(
      await ort.differences({
        op: "FeatureVectorizer",
        domain,
        opset: 3,
        inputs: [x, more],
        attrs: { inputdimensions: [3, 2] },
        fed: 2,
      }),
    ).toEqual([]);
    const places = tensor("places", "int64", [1, 4], [2, 0, 2, 1]);
    expect(await ort.differences({ op: "ArrayFeatureExtractor", domain, opset: 3, inputs: [x, places] })).toEqual([]);
  });
});

describe("encoders", () => {
  it("numbers, strings, NaN and defaults", async () => {
    const ints = tensor("x", "int64", [2, 3], [4, 1, 9, 4, 7, 1]);
    expect(
      await trial("LabelEncoder", { keys_int64s: [1, 4, 7], values_floats: floats([0.5, -2, 3]), default_float: float(11) }, 1, [
        ints,
      ]),
    ).toEqual([]);
    expect(
      await trial("LabelEncoder", { keys_int64s: [1, 4, 7], values_strings: ["a", "b", "c"], default_string: "?" }, 1, [ints]),
    ).toEqual([]);
    const real = tensor("x", "float32", [4], [0.5, Number.NaN, 2, 8]);
    expect(await trial("LabelEncoder", { keys_floats: floats([2, Number.NaN]), values_int64s: [6, 3] }, 1, [real], 4)).toEqual(
      [],
    );
    const words = tensor("x", "string", [4], ["b", "zz", "a", "b"] as never);
    expect(
      await trial("LabelEncoder", { keys_strings: ["a", "b"], values_int64s: [1, 2], default_int64: 42 }, 1, [words]),
    ).toEqual([]);
    expect(await trial("CategoryMapper", { cats_strings: ["a", "b"], cats_int64s: [5, 6] }, 1, [words], 1)).toEqual([]);
  });

  it("OneHotEncoder", async () => {
    const ints = tensor("x", "int64", [5], randomInts(5, 0, 4));
    expect(await trial("OneHotEncoder", { cats_int64s: [3, 0, 4, 1], zeros: 1 }, 1, [ints])).toEqual([]);
  });
});

describe("support vectors", () => {
  const kernels: [string, number[]][] = [
    ["LINEAR", [0, 0, 0]],
    ["POLY", [0.4, 1.5, 3]],
    ["RBF", [0.3, 0, 0]],
    ["SIGMOID", [0.4, 0.2, 0]],
  ];

  it.each(kernels)("regress with %s", async (kernel_type, parameters) => {
    const attrs = {
      kernel_type,
      kernel_params: floats(parameters),
      coefficients: some(5, 2),
      support_vectors: some(15, 3),
      n_supports: 5,
      rho: floats([0.7]),
    };
    expect(await trial("SVMRegressor", attrs)).toEqual([]);
    expect(await trial("SVMRegressor", { ...attrs, one_class: 1 })).toEqual([]);
  });

  it.each(kernels)("classify with %s", async (kernel_type, parameters) => {
    const shared = { kernel_type, kernel_params: floats(parameters) };
    const three = {
      ...shared,
      coefficients: some(14, 2),
      support_vectors: some(21, 3),
      vectors_per_class: [2, 3, 2],
      rho: some(3, 4),
      classlabels_ints: [5, 1, 8],
    };
    expect(await trial("SVMClassifier", three, 2)).toEqual([]);
    const two = {
      ...shared,
      coefficients: some(5, 2),
      support_vectors: some(15, 3),
      vectors_per_class: [2, 3],
      rho: some(1, 4),
      classlabels_ints: [5, 1],
    };
    expect(await trial("SVMClassifier", two, 2)).toEqual([]);
    // Probabilities of pairs, coupled.
    expect(await trial("SVMClassifier", { ...three, prob_a: floats([-1.7, -0.6, -2.1]), prob_b: some(3, 6) }, 2)).toEqual([]);
    expect(await trial("SVMClassifier", { ...two, prob_a: floats([-1.3]), prob_b: some(1, 6) }, 2)).toEqual([]);
  });
});
