/** Axes that ops take as inputs. ONNX wants most of them as attributes. */
import { normalAxis } from "../../tf/op.ts";
import type { OnnxBuilder, Ref } from "../build.ts";
import type { EmitAt } from "../rule.ts";

/** The axis that a constant input names, counted from the front. */
export function axisOf(o: OnnxBuilder, value: Ref, rank: number, at: EmitAt): number {
  const axis = o.number(value);
  if (axis === undefined) throw at.unsupported(`${at.node.op} over an axis that is computed`);
  return normalAxis(axis, rank);
}
