/** A layer's configuration as TF.js's layers read it: what only training or another Keras asks for is left out or said in Keras 2's words. */
import { isObject } from "./config.ts";

/** Said by the input layers, or of no use to TF.js. */
export const dropped: ReadonlySet<string> = new Set([
  "weights",
  "keywords",
  "backend",
  "states",
  "positional",
  "implicit_masks",
  "batch_input_shape",
  "batch_shape",
  "input_dtype",
  "registered_name",
  "module",
  "build_config",
  "quantization_config",
  "dim_ordering",
  "init",
  "inner_init",
  "forget_bias_init",
]);

/** A policy names a type; mixed precision computes in less than it stores, which TF.js does not. */
export function typeOf(value: unknown): unknown {
  if (typeof value === "string") return value.startsWith("mixed") ? "float32" : value;
  const name = isObject(value) && isObject(value["config"]) ? value["config"]["name"] : undefined;
  return typeof name === "string" && !name.startsWith("mixed") ? name : "float32";
}

export const nameOf = (value: unknown): unknown => {
  const name = isObject(value) ? value["config"] : value;
  return name === "silu" ? "swish" : name;
};

/** L1 and L2 are one class in TF.js. */
export function regularizer(value: unknown): unknown {
  if (!isObject(value) || !isObject(value["config"])) return null;
  return /^L[12](L2)?$/.test(String(value["class_name"])) ? { class_name: "L1L2", config: value["config"] } : null;
}

const classes: ReadonlySet<string> = new Set([
  ..."Zeros Ones Constant RandomUniform RandomNormal TruncatedNormal Identity Orthogonal VarianceScaling".split(" "),
  ..."GlorotNormal GlorotUniform HeNormal HeUniform LeCunNormal LeCunUniform MaxNorm MinMaxNorm NonNeg UnitNorm".split(" "),
]);

/** Only training asks for these; the class alone, since Keras 3 writes more. */
export function known(value: unknown): unknown {
  if (!isObject(value) || !classes.has(String(value["class_name"]))) return null;
  return { class_name: value["class_name"], config: value["config"] ?? {} };
}
