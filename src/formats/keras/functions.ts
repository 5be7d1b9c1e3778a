/** What a layer's class stands for: a layer, or a function that was called on tensors between layers and is written down as one. */
import type { SourceNode } from "../../graph/source.ts";
import { attributesOf, isObject, type Json } from "./attributes.ts";
import type { Call } from "./calls.ts";

export interface Called {
  /** `Dense`; `math.multiply`; `Reshape` */
  readonly op: string;
  /** "" for layers; `tf` and `keras.ops` for functions, `tf.raw_ops` for single operators of TensorFlow. */
  readonly domain: string;
}

/** By class, configuration and (Keras 3) module. */
export function calledAs(op: string, config: Json, module: unknown): Called {
  if (typeof module === "string" && /^keras\.(src\.)?ops(\.|$)/.test(module)) return { op, domain: "keras.ops" };
  if (op === "SlicingOpLambda" || op === "TFOpLambda")
    return { op: typeof config["function"] === "string" ? config["function"] : "__operators__.getitem", domain: "tf" };
  const node = definitionOf(config["node_def"]);
  if (op === "TensorFlowOpLayer" && node) return { op: String(node["op"]), domain: "tf.raw_ops" };
  return { op, domain: "" };
}

/** As an object, or (by some releases) as its JSON. */
function definitionOf(given: unknown): Json | undefined {
  if (isObject(given)) return given;
  if (typeof given !== "string") return undefined;
  try {
    const parsed: unknown = JSON.parse(given);
    return isObject(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** Of a configuration, what is no argument. */
const aside = new Set(["name", "trainable", "dtype", "function"]);

/** The arguments as one attribute, their order and their structure kept. */
export function functionAttrs(
  { domain, config }: Called & { readonly config: Json },
  call: Call | undefined,
): SourceNode["attrs"] {
  if (domain === "tf.raw_ops") {
    const { constants } = config;
    return attributesOf({ node_def: definitionOf(config["node_def"]), constants: isObject(constants) ? constants : {} });
  }
  const own = domain === "keras.ops" ? Object.entries(config).filter(([key]) => !aside.has(key) || isCast(key, config)) : [];
  const kwargs = { ...Object.fromEntries(own), ...call?.kwargs };
  // A sequential call is on one tensor.
  return { arguments: { kind: "string", value: JSON.stringify({ args: call?.args ?? [{ tensor: 0 }], kwargs }) } };
}

/** Operators without a policy of their own have their result's type under the word that elsewhere is a layer's. */
const isCast = (key: string, config: Json): boolean => key === "dtype" && typeof config["dtype"] === "string";
