/** An ONNX model about to be written: nodes and names are settled, constants are still expressions over slices of the source. */
import type { DType } from "../base/dtype.ts";
import type { Origin, Shape, Value } from "./graph.ts";

export interface OnnxModel {
  readonly graph: OnnxGraph;
  /** Opset by domain; "" is ONNX's own. */
  readonly opsets: ReadonlyMap<string, number>;
}

/** Names of values are unique over the graph and all graphs nested in it; a nested graph may read values of those around it. */
export interface OnnxGraph {
  readonly name: string;
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  /** Topological. */
  readonly nodes: readonly OnnxNode[];
  /** Of nested graphs too; each name once. */
  readonly initializers: readonly OnnxInitializer[];
  /** Of what the nodes make and the outputs are not, as far as it is known. */
  readonly valueInfo: readonly OnnxValue[];
}

/** A dim is a number, a symbol (dim_param) or unknown; an undefined shape has no known rank. */
export interface OnnxValue {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape | undefined;
  /** A sequence of such tensors. */
  readonly sequence?: true;
}

export interface OnnxNode {
  readonly name: string;
  readonly op: string;
  readonly domain: string;
  /** "": left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attrs: Readonly<Record<string, OnnxAttr>>;
  readonly origin: Origin;
}

/** Ints are safe integers. */
export type OnnxAttr =
  | { readonly kind: "int" | "float"; readonly value: number }
  | { readonly kind: "ints" | "floats"; readonly value: readonly number[] }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "strings"; readonly value: readonly string[] }
  /** A hub constant. */
  | { readonly kind: "tensor"; readonly value: Value }
  | { readonly kind: "graph"; readonly value: OnnxGraph };

/** `value` is a hub constant: `evaluate(value)` is its tensor, of the type `value.type`. */
export interface OnnxInitializer {
  readonly name: string;
  readonly value: Value;
}

export const int = (value: number): OnnxAttr => ({ kind: "int", value });
export const float = (value: number): OnnxAttr => ({ kind: "float", value });
export const ints = (value: readonly number[]): OnnxAttr => ({ kind: "ints", value });
export const text = (value: string): OnnxAttr => ({ kind: "string", value });
