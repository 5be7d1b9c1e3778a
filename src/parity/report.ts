/** What a parity run says, as it is printed and sent: plain JSON. */
import type { Problem } from "../base/problem.ts";
import { elementCount, type Tensor } from "../graph/tensor.ts";
import type { Comparison, Scalar, Verdict } from "./compare.ts";
import type { Dims } from "./inputs.ts";
import type { Reference } from "./reference.ts";
import type { Tolerance } from "./tolerance.ts";

/** Numbers that JSON cannot hold are strings: "NaN", "Infinity", 64-bit integers beyond 2^53. */
export type JsonNumber = number | string;

export interface ComparedValue {
  readonly dtype?: string;
  readonly shape?: readonly number[];
  readonly verdict: Verdict;
  readonly maxAbs?: JsonNumber;
  readonly maxRel?: JsonNumber;
  readonly rmse?: JsonNumber;
  readonly cosine?: JsonNumber;
  /** Elements out of tolerance. */
  readonly bad?: number;
  readonly firstBad?: { readonly index: readonly number[]; readonly reference: JsonNumber; readonly actual: JsonNumber };
  /** Why it was not compared, or in what type it was carried. */
  readonly note?: string;
}

export interface ComparedOutput extends ComparedValue {
  readonly name: string;
}

export interface ComparedLayer extends ComparedValue {
  /** `<graph>/<value>`, as in the source map. */
  readonly source: string;
  /** `<node>:<port>` of a TF.js model, the name of a value of an ONNX model. */
  readonly target: string;
  /** The source node that makes the value. */
  readonly node?: string;
  readonly op?: string;
}

export interface ParityReport {
  readonly backend: string;
  readonly reference: { readonly kind: Reference["kind"] | "none"; readonly version?: string };
  readonly inputs: { readonly seed?: number; readonly path?: string; readonly dims: Dims };
  readonly tolerance: Tolerance;
  /** Something was compared and nothing differs. */
  readonly ok: boolean;
  readonly outputs: readonly ComparedOutput[];
  /** In the order of the source; only where layers were asked for. */
  readonly layers?: readonly ComparedLayer[];
  /** The first of `layers` that differs: every compared value before it is the same, so the cause lies between. */
  readonly firstDifference?: ComparedLayer;
  readonly problems: readonly Problem[];
}

const nothing = "no elements, so only the shape could be compared";

/** Nothing is equal where there are no elements: such values are `not-compared`, unless their shapes or dtypes differ. */
export function compared(reference: Tensor, comparison: Comparison): ComparedValue {
  const { bad, firstBad } = comparison;
  const isEmpty = elementCount(reference.shape) === 0 && comparison.verdict !== "different";
  const { verdict, note } = isEmpty ? notCompared(nothing) : comparison;
  const value = (key: "maxAbs" | "maxRel" | "rmse" | "cosine") => {
    const number = comparison[key];
    return number === undefined ? {} : { [key]: jsonNumber(number) };
  };
  return {
    dtype: reference.dtype,
    shape: reference.shape,
    ...value("maxAbs"),
    ...value("maxRel"),
    ...value("rmse"),
    ...value("cosine"),
    verdict,
    bad,
    ...(firstBad && {
      firstBad: { index: firstBad.index, reference: jsonNumber(firstBad.reference), actual: jsonNumber(firstBad.actual) },
    }),
    ...(note === undefined ? {} : { note }),
  };
}

export const notCompared = (note: string): ComparedValue => ({ verdict: "not-compared", note });

function jsonNumber(value: Scalar): JsonNumber {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}
