/** Rows of the TFLite dialect: rules over real numbers, whatever codes the file keeps them in. */
import { isFloat } from "../../base/dtype.ts";
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { type At, type Inputs, type Rule, rule } from "../rule.ts";
import type { AttrsOf, Schema } from "../schema.ts";
import { coded, quantizationOf, real, rescaled, sameCodes, scaled } from "./quantized.ts";

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
  const plain = whole(rule(op, { since: 1, arity, attrs, ...(domain === undefined ? {} : { domain }) }, lower));
  if (codes) return plain;
  // Integers of 32 bits are what they say everywhere else.
  const wide = op === "QUANTIZE" || op === "DEQUANTIZE";
  return {
    ...plain,
    lower: (b, inputs, values, at) => {
      const reals = inputs.map((input, i) => input && real(b, input, at.given(i), at.quantized, wide));
      const exact = moves === true && keepsCodes(at, inputs.length);
      const outputs = exact ? moved(b, reals, (parts) => plain.lower(b, parts, values, at)) : plain.lower(b, reals, values, at);
      return outputs.map((output, i) => output && coded(b, output, at.declared(i), at.quantized, exact));
    },
  };
}

/** An operator of any number of inputs leaves none of them out. */
function whole(plain: Rule): Rule {
  if (Number.isFinite(plain.arity[1])) return plain;
  return {
    ...plain,
    lower: (b, inputs, values, at) => {
      const missing = inputs.indexOf(undefined);
      if (missing >= 0) throw at.invalid(`input ${missing} is missing`);
      return plain.lower(b, inputs, values, at);
    },
  };
}

/** The rule over steps: the scale, which all of them share, stays outside. */
function moved(
  b: Builder,
  reals: readonly (Value | undefined)[],
  lower: (parts: readonly (Value | undefined)[]) => readonly (Value | undefined)[],
): readonly (Value | undefined)[] {
  const parts = reals.map((x) => (x && isFloat(x.dtype) ? scaled(b, x) : undefined));
  const [scale] = parts.flatMap((part) => part?.scale ?? []);
  if (!scale || parts.some((part) => part && !part.scale)) return lower(reals);
  return lower(reals.map((x, i) => parts[i]?.value ?? x)).map((output) => output && rescaled(b, output, scale));
}

/** Every quantised input, and there is one, has the codes of every output. */
function keepsCodes(at: At, inputs: number): boolean {
  const types = Array.from({ length: inputs }, (_, k) => at.given(k)).filter((type) => quantizationOf(type));
  return types.length > 0 && types.every((type) => at.node.outputs.every((_, i) => sameCodes(type, at.declared(i))));
}
