/** An ONNX model as it is written: values go by name, constants are hub values that are evaluated when they are written. */
import type { DType } from "../base/dtype.ts";
import type { Shape, Value } from "./graph.ts";
import type { Tensor } from "./tensor.ts";

export interface OnnxValue {
  readonly name: string;
  readonly dtype: DType;
  /** Undefined: rank unknown. */
  readonly shape: Shape | undefined;
}

export type OnnxAttr =
  | { readonly kind: "int"; readonly value: number | bigint }
  | { readonly kind: "ints"; readonly value: readonly (number | bigint)[] }
  | { readonly kind: "float"; readonly value: number }
  | { readonly kind: "floats"; readonly value: readonly number[] }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "strings"; readonly value: readonly string[] }
  | { readonly kind: "tensor"; readonly value: Tensor }
  | { readonly kind: "graph"; readonly value: OnnxGraph };

export interface OnnxNode {
  readonly op: string;
  /** "" is ai.onnx. */
  readonly domain: string;
  readonly name: string;
  /** Names of values; "" where an optional input is absent. */
  readonly inputs: readonly string[];
  /** Names; "" where an optional output is not wanted. */
  readonly outputs: readonly string[];
  readonly attrs: Readonly<Record<string, OnnxAttr>>;
}

export interface OnnxInitializer {
  readonly name: string;
  /** A constant of known shape, or a small tensor made on the way. */
  readonly value: Value | Tensor;
}

export interface OnnxGraph {
  readonly name: string;
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  /** Producers first. */
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxInitializer[];
  /** Types of what nodes give, as far as they are known. */
  readonly valueInfo: readonly OnnxValue[];
}

export interface OnnxModel {
  readonly graph: OnnxGraph;
  /** Version by domain; "" is ai.onnx. */
  readonly opsets: Readonly<Record<string, number>>;
}
