/**
 * Arithmetic of int32 that TF.js does in float32, exact to 2²⁴ only: Abs on every backend, Neg, Square, ClipByValue and FloorDiv on some.
 * The same is written with kernels that are exact.
 */
import type { Node, Value } from "../../graph/graph.ts";
import { numbersOf } from "../../graph/tensor.ts";
import type { Builder } from "../../tf/build.ts";
import { constantOf } from "../../tf/op.ts";
import { type Legalize, type LegalRule, legal } from "../rule.ts";
import { both, isSizes } from "./sizes.ts";

const negative = (b: Builder, x: Value): Value => b.op("Sub", [b.scalar("int32", 0), x]);

/** |x|, of int32 or float32. */
export const magnitude = (b: Builder, x: Value): Value =>
  x.dtype === "int32" ? b.op("Maximum", [x, negative(b, x)]) : b.op("Abs", [x]);

/** −x, of int32 or float32. */
export const opposite = (b: Builder, x: Value): Value => (x.dtype === "int32" ? negative(b, x) : b.op("Neg", [x]));

/** Bounds that are known not to cross, or crossing ones, of which the upper wins. */
export const clipped = (b: Builder, x: Value, low: Value, high: Value): Value =>
  b.op("Minimum", [b.op("Maximum", [x, low]), high]);

/** What keeps numbers as small as they are, or makes them smaller. */
const shrinking = new Set([
  ...["Slice", "StridedSlice", "GatherV2", "Cast", "Reshape", "Squeeze", "ExpandDims", "ConcatV2", "Pack", "Identity"],
  ...["FloorDiv", "Sub", "AddV2", "Maximum", "Minimum", "FloorMod", "Split", "SplitV", "Unpack"],
]);
/** Far below 2²⁴, so that a few sums stay there. */
const small = 2 ** 20;
const maxWalk = 64;

/** Is it made of dims and small constants only, as shape arithmetic is? */
function isSize(value: Value): boolean {
  const seen = new Set<Node>();
  const left = [value.node];
  for (let node = left.pop(); node; node = left.pop()) {
    if (seen.has(node) || node.op === "Shape") continue;
    if (seen.size === maxWalk) return false;
    seen.add(node);
    const constant = constantOf(node.outputs[0]!);
    if (constant && !Array.isArray(constant.data)) {
      if (numbersOf(constant).some((element) => Math.abs(element) > small)) return false;
    } else if (shrinking.has(node.op)) left.push(...node.inputs.map((input) => input.node));
    else return false;
  }
  return true;
}

/**
 * ⌊x / y⌋. The kernel's quotient is a little off where 24 bits do not hold the operands; what is left over, exact since int32 wraps, is
 * divided again. That may be one too many, which the sign of what is then left tells.
 */
export function floorDiv(b: Builder, x: Value, y: Value): Value {
  const first = b.op("FloorDiv", [x, y]);
  if (isSize(x)) return first;
  const left = (q: Value) => b.op("Sub", [x, b.op("Mul", [q, y])]);
  const second = b.op("AddV2", [first, b.op("FloorDiv", [left(first), y])]);
  const rest = left(second);
  const zero = b.scalar("int32", 0);
  const crossed = b.op("NotEqual", [b.op("Less", [rest, zero]), b.op("Less", [y, zero])]);
  const over = both(b, b.op("NotEqual", [rest, zero]), crossed);
  return b.op("Sub", [second, b.cast(over, "int32")]);
}

/** x mod y with the sign of y. */
export function floorMod(b: Builder, x: Value, y: Value): Value {
  if (x.dtype !== "int32" || !isSizes(x) || !isSizes(y)) return b.op("FloorMod", [x, y]);
  return b.op("Sub", [x, b.op("Mul", [floorDiv(b, x, y), y])]);
}

const forIntegers =
  (exact: (b: Builder, inputs: readonly Value[]) => Value, otherwise: Legalize): Legalize =>
  (b, inputs, at) =>
    inputs[0]!.dtype === "int32" ? [exact(b, inputs)] : otherwise(b, inputs, at);

const asItIs: Legalize = (b, inputs, at) => at.same(b, inputs);

export const integers: readonly LegalRule[] = [
  legal(
    "Abs",
    forIntegers((b, [x]) => magnitude(b, x!), asItIs),
  ),
  legal(
    "Neg",
    forIntegers((b, [x]) => negative(b, x!), asItIs),
  ),
  legal(
    "Square",
    forIntegers((b, [x]) => b.op("Mul", [x!, x!]), asItIs),
  ),
  legal(
    "ClipByValue",
    forIntegers((b, [x, low, high]) => clipped(b, x!, low!, high!), asItIs),
  ),
  legal(
    "FloorDiv",
    // TF.js gives int32 whatever it is given.
    forIntegers(
      (b, [x, y]) => floorDiv(b, x!, y!),
      (b, inputs) => [b.op("Floor", [b.op("RealDiv", inputs)])],
    ),
  ),
];
