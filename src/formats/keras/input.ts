/** What is fed to a model: type and shape, as an input layer or the first layer of a Sequential says them. */
import type { DType } from "../../base/dtype.ts";
import type { SourceType } from "../../graph/source.ts";
import { isObject, type Json } from "./attributes.ts";

const dtypes: ReadonlySet<string> = new Set<DType>([
  "float16",
  "float32",
  "float64",
  "bfloat16",
  "int8",
  "int16",
  "int32",
  "int64",
  "uint8",
  "bool",
  "string",
]);

/** What an input layer, or the first of a Sequential, says of its input. */
export function inputType(config: Json, model: Json): SourceType {
  const build = isObject(model["build_input_shape"]) ? undefined : model["build_input_shape"];
  const shape = config["batch_input_shape"] ?? config["batch_shape"] ?? build;
  const { dtype } = config;
  const name =
    typeof dtype === "string" ? dtype : isObject(dtype) && isObject(dtype["config"]) ? String(dtype["config"]["name"]) : "";
  return {
    dtype: dtypes.has(name) ? (name as DType) : "float32",
    shape: Array.isArray(shape)
      ? shape.map((dim) => (typeof dim === "number" && dim >= 0 ? dim : null))
      : typeof config["input_dim"] === "number" && config["output_dim"] === undefined
        ? [null, config["input_dim"]]
        : undefined,
  };
}
