/** Rows of the TFLite dialect: rules over real numbers, whatever codes the file keeps them in. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { type At, type Inputs, type Rule, rule } from "../rule.ts";
import type { AttrsOf, Schema } from "../schema.ts";
import { coded, quantizationOf, real, sameCodes } from "./quantized.ts";

export interface TfliteRow<S extends Schema, Min extends number, Max extends number> {
  readonly arity: readonly [Min, Max];
  readonly attrs: S;
  readonly domain?: string;
  /** The operator works on codes as they are. */
  readonly codes?: true;
  /** Every output element is an input element: no rounding where input and output have the same codes. */
  readonly moves?: true;
}

/** An operator of any version; what a version adds is an attribute with a default. */
export function lite<const S extends Schema, const Min extends number, const Max extends number>(
  op: string,
  row: TfliteRow<S, Min, Max>,
  lower: (b: Builder, inputs: Inputs<Min, Max>, attrs: AttrsOf<S>, at: At) => readonly (Value | undefined)[],
): Rule {
  const { arity, attrs, domain, codes, moves } = row;
  const plain = rule(op, { since: 1, arity, attrs, ...(domain === undefined ? {} : { domain }) }, lower);
  if (codes) return plain;
  return {
    ...plain,
    lower: (b, inputs, values, at) => {
      const reals = inputs.map((input, i) => input && real(b, input, at.given(i)));
      return plain.lower(b, reals, values, at).map((output, i) => {
        const type = at.declared(i);
        return output && coded(b, output, type, at.quantized, moves === true && keepsCodes(at, inputs.length, i));
      });
    },
  };
}

/** Every quantised input, and there is one, has the codes of output `i`. */
function keepsCodes(at: At, inputs: number, i: number): boolean {
  const types = Array.from({ length: inputs }, (_, k) => at.given(k)).filter((type) => quantizationOf(type));
  return types.length > 0 && types.every((type) => sameCodes(type, at.declared(i)));
}
