/** How far is still the same: by the precision that the source computes in. */
import type { DType } from "../base/dtype.ts";
import type { SourceModel } from "../graph/source.ts";

export interface Tolerance {
  readonly atol: number;
  /** Of the greatest |reference| of the tensor. */
  readonly rtol: number;
  /** For integers: by how many a value may be off. */
  readonly steps: number;
}

export type Precision = "float32" | "float16" | "bfloat16";

/** float16 has 11 significant bits and bfloat16 8: each about four units in the last place of the greatest value. */
const rtols: Readonly<Record<Precision, number>> = { float32: 1e-4, float16: 2e-3, bfloat16: 1.6e-2 };

export function toleranceFor(
  precision: Precision,
  chosen: { atol?: number | undefined; rtol?: number | undefined } = {},
): Tolerance {
  return { atol: chosen.atol ?? 1e-5, rtol: chosen.rtol ?? rtols[precision], steps: 0 };
}

/** The least precise float type among the model's stored tensors and declared values. */
export function precisionOf(model: SourceModel): Precision {
  const found = new Set<DType | undefined>();
  for (const graph of model.graphs) for (const value of graph.values) found.add(value.tensor?.dtype).add(value.type.dtype);
  if (found.has("bfloat16")) return "bfloat16";
  return found.has("float16") ? "float16" : "float32";
}
