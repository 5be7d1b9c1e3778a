/** Reductions whose order decides how much is lost (the wasm kernels add one element after the other in float32), and those of nothing. */
import { isFloat } from "../../base/dtype.ts";
import { isStatic, type Value } from "../../graph/graph.ts";
import { numbersOf } from "../../graph/tensor.ts";
import type { Builder } from "../../tf/build.ts";
import { constantOf, normalAxis } from "../../tf/op.ts";
import { type LegalAt, type Legalize, type LegalRule, legal } from "../rule.ts";
import { truncateDiv } from "./arithmetic.ts";
import { floorMod } from "./integer.ts";
import { mayBeNothing } from "./nothing.ts";
import { asNumbers, choose } from "./sizes.ts";

/** Fewer summands than this lose less than a float32 tolerance notices. */
const plain = 1024;

/** Axis by axis, the innermost first: partial sums stay short, and so does their error (640 000 summands at once were 5 % off). */
function axisByAxis(b: Builder, [x, axes]: readonly Value[], at: LegalAt): readonly Value[] {
  const known = constantOf(axes!);
  const { shape } = x!.type;
  if (!known || !shape || !isFloat(x!.dtype)) return at.same(b, [x!, axes!]);
  const list = [...new Set(numbersOf(known).map((axis) => normalAxis(axis, shape.length)))].sort((p, q) => q - p);
  const summands = list.reduce((count, axis) => count * (typeof shape[axis] === "number" ? (shape[axis] as number) : plain), 1);
  const long = list.filter((axis) => shape[axis] !== 1);
  if (long.length < 2 || summands <= plain) return at.same(b, [x!, axes!]);
  const [last, ...rest] = [...list].reverse();
  let total = x!;
  for (const axis of rest.reverse()) total = b.reduce(at.node.op, total, [axis], true);
  const kept = b.reduce(at.node.op, total, [last!], true);
  return [at.flag("keep_dims") ? kept : b.squeeze(kept, list)];
}

/** Of integers: their sum over their number, cut as C cuts it. TF.js gives floats. */
const mean: Legalize = (b, inputs, at) => {
  const [x, axes] = inputs as [Value, Value];
  if (isFloat(x.dtype)) return axisByAxis(b, inputs, at);
  const known = constantOf(axes);
  const summed = known
    ? numbersOf(known).map((axis) => b.dim(x, normalAxis(axis, x.rank)))
    : [b.gather(b.op("Shape", [x]), axes, 0)];
  const dims =
    summed.length > 0
      ? b.concat(
          summed.map((dim) => b.reshape(dim, [-1])),
          0,
        )
      : b.ints([1]);
  const sum = b.op("Sum", inputs, { keep_dims: at.flag("keep_dims") });
  return [truncateDiv(b, sum, b.reduce("Prod", dims, [0], false))];
};

/** What a reduction of no elements gives; TF.js gives what it finds. */
const neutral: Readonly<Record<string, number>> = {
  Sum: 0,
  Prod: 1,
  Mean: Number.NaN,
  Max: Number.NEGATIVE_INFINITY,
  Min: Number.POSITIVE_INFINITY,
  All: 1,
  Any: 0,
};

/** Integers have no infinity: the ends of their range, and 0 for a mean of nothing. */
const whole = (value: number): number => (Number.isNaN(value) ? 0 : Math.min(Math.max(value, -(2 ** 31)), 2 ** 31 - 1));

/** The output's dims as a vector; over computed axes, the input's with 1 in their places. */
function reducedShape(b: Builder, [x, axes]: readonly Value[], at: LegalAt): Value {
  const { shape } = at.node.outputs[0]!.type;
  if (isStatic(shape)) return b.ints(shape);
  const known = constantOf(axes!);
  if (known) {
    const gone = new Set(numbersOf(known).map((axis) => normalAxis(axis, x!.rank)));
    const dims = x!.shape.flatMap((_, i) => (!gone.has(i) ? [b.dim(x!, i)] : at.flag("keep_dims") ? [b.ints([1])] : []));
    return b.concat(dims, 0);
  }
  if (!at.flag("keep_dims") || axes!.rank !== 1) throw at.unsupported("a reduction over computed axes of computed rank");
  const places = b.op("ExpandDims", [floorMod(b, axes!, b.scalar("int32", x!.rank)), b.scalar("int32", 1)]);
  const reduced = b.op("ScatterNd", [places, b.op("OnesLike", [axes!]), b.ints([x!.rank])]);
  return choose(b, b.op("Greater", [reduced, b.scalar("int32", 0)]), b.scalar("int32", 1), b.op("Shape", [x!]));
}

/**
 * Whether the greatest is −∞: whether all are. WebGL looks for the greatest from −10²⁰ on, and never finds it. Undefined for other tests
 * than of `Max(x)` for −∞.
 */
export function allLowest(b: Builder, [max, bound]: readonly Value[]): Value | undefined {
  const tensor = constantOf(bound!);
  const isLowest = tensor?.data.length === 1 && tensor.data[0] === Number.NEGATIVE_INFINITY;
  const { op, inputs, attrs } = max!.node;
  if (op !== "Max" || !isLowest || (bound!.rank > 0 && bound!.rank > (max!.type.shape?.length ?? 0))) return undefined;
  return b.op("All", [b.op("Equal", [inputs[0]!, b.scalar(bound!.dtype, Number.NEGATIVE_INFINITY)]), inputs[1]!], attrs);
}

/** Of no elements, which only the run tells: kernels of these give what they find in memory, or NaN. */
const finding = new Set(["Prod", "Max", "Min", "All", "Any"]);

/** The axes over which the run may find nothing to reduce: a rare thing for all but what a search has found, and asking costs time. */
function openAxes([x, axes]: readonly Value[], op: string): number[] {
  const known = constantOf(axes!);
  if (!known || !finding.has(op) || !x!.type.shape || (op !== "Prod" && !mayBeNothing(x!))) return [];
  return numbersOf(known)
    .map((axis) => normalAxis(axis, x!.rank))
    .filter((axis) => typeof x!.shape[axis] !== "number");
}

function unlessNothing(b: Builder, y: Value, x: Value, axes: readonly number[], element: Value): Value {
  const count = b.reduce(
    "Prod",
    b.concat(
      axes.map((axis) => b.dim(x, axis)),
      0,
    ),
    [0],
    false,
  );
  const some = b.op("NotEqual", [count, b.scalar("int32", 0)]);
  return asNumbers(b, [y, element], ([own, none]) => choose(b, some, own!, none!));
}

function neutralOf(b: Builder, op: string, { dtype }: Value): Value {
  const value = neutral[op]!;
  return b.cast(dtype === "float32" ? b.scalar("float32", value) : b.scalar("int32", whole(value)), dtype);
}

function guarded(op: string, otherwise: Legalize): LegalRule {
  return legal(op, (b, inputs, at) => {
    const x = inputs[0]!;
    if (x.type.shape?.includes(0)) return [b.op("Fill", [reducedShape(b, inputs, at), neutralOf(b, op, x)])];
    const axes = openAxes(inputs, op);
    const outputs = otherwise(b, inputs, at);
    return axes.length === 0 ? outputs : outputs.map((y) => unlessNothing(b, y, x, axes, neutralOf(b, op, x)));
  });
}

const asItIs: Legalize = (b, inputs, at) => at.same(b, inputs);

/** The webgpu kernel of Prod forgets keep_dims: a Reshape puts the dims back. */
const product: Legalize = (b, inputs, at) => {
  const { shape } = at.node.outputs[0]!.type;
  if (!at.flag("keep_dims")) return at.same(b, inputs);
  const open = shape?.filter((dim) => typeof dim !== "number").length ?? 2;
  return at.same(b, inputs, { keep_dims: false }).map((y) => {
    return open <= 1 ? b.reshapeTo(y, shape!) : b.op("Reshape", [y, reducedShape(b, inputs, at)]);
  });
};

const ways: Readonly<Record<string, Legalize>> = { Sum: axisByAxis, Mean: mean, Prod: product };

export const reductions: readonly LegalRule[] = Object.keys(neutral).map((op) => guarded(op, ways[op] ?? asItIs));
