/** Shapes that are partly known only at run time. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";

/** A size: a number, or an int32 vector of one element computed at run time. */
export type Size = number | Value;

export function sizeAt(b: Builder, x: Value, axis: number): Size {
  const dim = x.shape[axis < 0 ? axis + x.rank : axis];
  return typeof dim === "number" ? dim : b.dim(x, axis < 0 ? axis + x.rank : axis);
}

export const sizeVector = (b: Builder, size: Size): Value => (typeof size === "number" ? b.ints([size]) : size);

function combine(b: Builder, op: string, x: Size, y: Size, both: (x: number, y: number) => number): Size {
  if (typeof x === "number" && typeof y === "number") return both(x, y);
  return b.op(op, [sizeVector(b, x), sizeVector(b, y)]);
}
export const sum = (b: Builder, x: Size, y: Size): Size => combine(b, "AddV2", x, y, (p, q) => p + q);
export const difference = (b: Builder, x: Size, y: Size): Size => combine(b, "Sub", x, y, (p, q) => p - q);
export const product = (b: Builder, x: Size, y: Size): Size => combine(b, "Mul", x, y, (p, q) => p * q);

/** An int32 vector of the sizes. */
export const shapeOf = (b: Builder, sizes: readonly Size[]): Value =>
  sizes.every((size) => typeof size === "number")
    ? b.ints(sizes)
    : b.concat(
        sizes.map((size) => sizeVector(b, size)),
        0,
      );

/** Reshapes to the sizes; one that is open is left to the runtime. */
export function reshapeToSizes(b: Builder, x: Value, sizes: readonly Size[]): Value {
  const open = sizes.filter((size) => typeof size !== "number").length;
  if (open > 1 || sizes.includes(0)) return b.op("Reshape", [x, shapeOf(b, sizes)]);
  return b.reshape(
    x,
    sizes.map((size) => (typeof size === "number" ? size : -1)),
  );
}

/** [0, 1, …, size − 1] as int32. */
export const countTo = (b: Builder, size: Size): Value =>
  b.op("Range", [
    b.scalar("int32", 0),
    typeof size === "number" ? b.scalar("int32", size) : b.reshape(size, []),
    b.scalar("int32", 1),
  ]);
