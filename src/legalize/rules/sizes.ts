/**
 * Small integer arithmetic, as shapes and axes are made of, in kernels that TF.js's WebGPU backend runs on the host: the executor reads
 * such numbers back, which it cannot do from that GPU.
 */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";

/** No shape is longer. */
const most = 16;

/** Could it be a size, a shape or a list of axes, or a test of some? */
export function isSizes({ dtype, type: { shape } }: Value): boolean {
  if ((dtype !== "int32" && dtype !== "bool") || !shape || shape.length > 1) return false;
  const [length = 1] = shape;
  return typeof length === "number" && length <= most;
}

/** x where the condition holds, else y. */
export function choose(b: Builder, condition: Value, x: Value, y: Value): Value {
  if (x.dtype !== "int32" || ![condition, x, y].every(isSizes)) return b.op("SelectV2", [condition, x, y]);
  const taken = b.cast(condition, "int32");
  const left = b.op("Sub", [b.scalar("int32", 1), taken]);
  return b.op("AddV2", [b.op("Mul", [taken, x]), b.op("Mul", [left, y])]);
}

export function both(b: Builder, p: Value, q: Value): Value {
  if (!isSizes(p) || !isSizes(q)) return b.op("LogicalAnd", [p, q]);
  return b.cast(b.op("Mul", [b.cast(p, "int32"), b.cast(q, "int32")]), "bool");
}

/**
 * Bools as int32, and back: the wasm kernels of Select and Reverse move four bytes an element whatever it is, past the end of bools.
 */
export function asNumbers(b: Builder, values: readonly Value[], move: (values: readonly Value[]) => Value): Value {
  if (values.every(({ dtype }) => dtype !== "bool")) return move(values);
  const moved = move(values.map((value) => b.cast(value, "int32")));
  return b.op("NotEqual", [moved, b.scalar("int32", 0)]);
}
