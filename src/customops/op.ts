/**
 * Ops that TF.js lacks, as functions of a passed `tf`. Their text is what a model's custom-ops.mjs is made of, so a function may use
 * nothing but its arguments and the functions that its op lists.
 */
import type * as core from "@tensorflow/tfjs-core";

export type Tf = typeof core;
export type Inputs = readonly core.Tensor[];
/** As TF.js hands them on: strings arrive in lower case, so that text must come as an input. */
export type CustomAttrs = Readonly<Record<string, number | boolean | readonly number[]>>;
export type Outputs = core.Tensor | core.Tensor[];

export interface CustomOp {
  readonly run: (tf: Tf, inputs: Inputs, attrs: CustomAttrs) => Outputs;
  /** Functions that `run` calls by name, and those that they call. */
  readonly uses?: readonly ((...args: never[]) => unknown)[];
}
