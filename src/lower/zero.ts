import type { DType } from "../base/dtype.ts";
import type { Value } from "../graph/graph.ts";
import type { Builder } from "../tf/build.ts";

/** A scalar that stands for nothing: 0, false, or an empty text. */
export function zero(b: Builder, dtype: DType): Value {
  if (dtype === "string") return b.constant({ dtype, shape: [], data: [""] });
  return dtype === "bool" ? b.cast(b.scalar("int32", 0), dtype) : b.scalar(dtype, 0);
}
