/** What the file declares of a value, as the hub has it. */
import type { Shape, Type } from "../graph/graph.ts";
import type { SourceType } from "../graph/source.ts";

/** A declared type as a hub type; float32 where the file does not say. */
export function typeOf(type: SourceType): Type {
  return { dtype: type.dtype ?? "float32", shape: hubShape(type.shape) };
}

/** Words that exporters write where a size is not known: they stand for many sizes at once, and one symbol means one size. */
const noSymbol = /^(none|null|nan|unknown|dynamic|any|-1|\?|\*|)$/i;

/** Declared dims as the hub has them. */
export function hubShape(shape: SourceType["shape"]): Shape | undefined {
  return shape?.map((dim) => (dim === null || (typeof dim === "string" && noSymbol.test(dim.trim())) ? undefined : dim));
}
