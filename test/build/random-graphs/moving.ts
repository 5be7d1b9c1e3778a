/** Rows of random steps that move elements and make none. */
import type { Made } from "./draft.ts";
import type { Step } from "./elementwise.ts";

const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const far = 2 ** 53;

/** Axes of the same elements, drawn anew: each takes a divisor of what is left. */
const reshape: Step = (d, x) => {
  const shape: number[] = [];
  let left = count(x.shape);
  for (let rank = d.between(0, 3); rank > 0; rank--) {
    const divisors = Array.from({ length: left }, (_, i) => i + 1).filter((n) => left % n === 0);
    shape.push(d.oneOf(divisors));
    left /= shape.at(-1)!;
  }
  if (left > 1 || shape.length === 0) shape.push(left);
  const written = [...shape];
  if (d.chance()) written[d.pick(written.length)] = -1;
  else if (written.length > 0 && written[0] === x.shape[0]) written[0] = 0;
  return d.op("Reshape", [x, d.ints(written)], shape);
};

/** A Reshape to sizes that are read from the value itself. */
const reshapeByShape: Step = (d, x) => {
  const rank = x.shape.length;
  if (rank < 2) return undefined;
  const axis = d.pick(rank - 1);
  const sizes = d.op("Shape", [x], [rank], {}, "int64");
  const part = (from: number, to: number) => d.op("Slice", [sizes, d.ints([from]), d.ints([to])], [to - from], {}, "int64");
  const joined = d.op("Concat", [part(0, axis), d.ints([-1]), part(axis + 2, rank)], [rank - 1], { axis: 0 }, "int64");
  return d.op(
    "Reshape",
    [x, joined],
    [...x.shape.slice(0, axis), x.shape[axis]! * x.shape[axis + 1]!, ...x.shape.slice(axis + 2)],
  );
};

const flatten: Step = (d, x) => {
  const axis = d.between(0, x.shape.length);
  return d.op("Flatten", [x], [count(x.shape.slice(0, axis)), count(x.shape.slice(axis))], { axis });
};

const transpose: Step = (d, x) => {
  const rest = x.shape.map((_, axis) => axis);
  const perm: number[] = [];
  while (rest.length > 0) perm.push(...rest.splice(d.pick(rest.length), 1));
  return d.op(
    "Transpose",
    [x],
    perm.map((axis) => x.shape[axis]!),
    { perm },
  );
};

const unsqueeze: Step = (d, x) => {
  if (x.shape.length > 4) return undefined;
  const axis = d.between(0, x.shape.length);
  const shape = [...x.shape.slice(0, axis), 1, ...x.shape.slice(axis)];
  return d.op("Unsqueeze", [x, d.ints([d.chance() ? axis : axis - shape.length])], shape);
};

const squeeze: Step = (d, x) => {
  const ones = x.shape.flatMap((dim, axis) => (dim === 1 ? [axis] : []));
  if (ones.length === 0) return undefined;
  const axis = d.oneOf(ones);
  return d.op(
    "Squeeze",
    [x, d.ints([axis])],
    x.shape.filter((_, i) => i !== axis),
  );
};

const concat: Step = (d, x) => {
  if (x.shape.length === 0) return undefined;
  const axis = d.pick(x.shape.length);
  const fits = (each: Made) =>
    each.dtype === x.dtype &&
    each.shape.length === x.shape.length &&
    each.shape.every((dim, i) => i === axis || dim === x.shape[i]);
  const stored = x.shape.map((dim, i) => (i === axis ? d.between(1, 3) : dim));
  const others = d.values.filter(fits);
  const other = d.chance() ? d.oneOf(others) : { name: d.weight(stored, x.dtype), dtype: x.dtype, shape: stored };
  const parts = d.chance() ? [x, other] : [other, x];
  const size = x.shape[axis]! + other.shape[axis]!;
  return d.op(
    "Concat",
    parts,
    x.shape.map((dim, i) => (i === axis ? size : dim)),
    { axis: d.chance() ? axis : axis - x.shape.length },
  );
};

const split: Step = (d, x) => {
  const axis = d.pick(x.shape.length || 1);
  const size = x.shape[axis];
  if (size === undefined || size < 2) return undefined;
  const first = d.between(1, size - 1);
  const shapes = [first, size - first].map((part) => x.shape.map((dim, i) => (i === axis ? part : dim)));
  return d.ops("Split", [x, d.ints([first, size - first])], shapes, { axis });
};

const slice: Step = (d, x) => {
  if (x.shape.length === 0) return undefined;
  const axis = d.pick(x.shape.length);
  const size = x.shape[axis]!;
  const step = d.oneOf([1, 1, 2, -1, -2]);
  const begin = d.pick(size);
  const end = step > 0 ? d.between(begin + 1, size) : d.between(-1, begin - 1);
  const taken = Math.ceil((end - begin) / step);
  const named = step < 0 ? (end < 0 ? -far : end) : d.chance() && end === size ? far : end;
  const inputs = [x, d.ints([d.chance() ? begin : begin - size]), d.ints([named]), d.ints([axis]), d.ints([step])];
  return d.op(
    "Slice",
    inputs,
    x.shape.map((dim, i) => (i === axis ? taken : dim)),
  );
};

const pad: Step = (d, x) => {
  if (x.shape.length === 0 || x.dtype !== "float32") return undefined;
  const mode = d.oneOf(["constant", "constant", "edge", "reflect"]);
  const pads = x.shape.map((dim) => [0, 1].map(() => (mode === "reflect" ? d.pick(Math.min(dim, 3)) : d.pick(3))));
  const shape = x.shape.map((dim, axis) => dim + pads[axis]![0]! + pads[axis]![1]!);
  const list = d.ints([...pads.map(([before]) => before!), ...pads.map(([, after]) => after!)]);
  return d.op("Pad", mode === "constant" ? [x, list, d.constant("float32", [], [0.3])] : [x, list], shape, { mode });
};

const gather: Step = (d, x) => {
  if (x.shape.length === 0) return undefined;
  const axis = d.pick(x.shape.length);
  const size = x.shape[axis]!;
  const indices = d.shape(d.pick(3));
  const places = Array.from({ length: count(indices) }, () => d.between(-size, size - 1));
  const shape = [...x.shape.slice(0, axis), ...indices, ...x.shape.slice(axis + 1)];
  return shape.length > 5 ? undefined : d.op("Gather", [x, d.constant("int64", indices, places)], shape, { axis });
};

const gatherElements: Step = (d, x) => {
  if (x.shape.length === 0) return undefined;
  const axis = d.pick(x.shape.length);
  const shape = x.shape.map((dim, i) => (i === axis ? d.between(1, 4) : dim));
  const places = Array.from({ length: count(shape) }, () => d.between(-x.shape[axis]!, x.shape[axis]! - 1));
  return d.op("GatherElements", [x, d.constant("int64", shape, places)], shape, { axis });
};

const expand: Step = (d, x) => {
  const shape = x.shape.map((dim) => (dim === 1 ? d.between(1, 3) : dim));
  const written = shape.map((dim, axis) => (dim === x.shape[axis] && d.chance() ? 1 : dim));
  return d.op("Expand", [x, d.ints(written)], shape);
};

const tile: Step = (d, x) => {
  const times = x.shape.map(() => d.between(1, 2));
  return x.shape.length === 0
    ? undefined
    : d.op(
        "Tile",
        [x, d.ints(times)],
        x.shape.map((dim, i) => dim * times[i]!),
      );
};

const depthToSpace: Step = (d, x) => {
  if (x.shape.length !== 4 || x.dtype !== "float32" || x.shape[1]! % 4 !== 0) return undefined;
  const [n, c, h, w] = x.shape as [number, number, number, number];
  return d.op("DepthToSpace", [x], [n, c / 4, h * 2, w * 2], { blocksize: 2, mode: d.oneOf(["DCR", "CRD"]) });
};

const spaceToDepth: Step = (d, x) => {
  if (x.shape.length !== 4 || x.dtype !== "float32" || x.shape[2]! % 2 !== 0 || x.shape[3]! % 2 !== 0) return undefined;
  const [n, c, h, w] = x.shape as [number, number, number, number];
  return d.op("SpaceToDepth", [x], [n, c * 4, h / 2, w / 2], { blocksize: 2 });
};

export const movingSteps: readonly Step[] = [
  ...[reshape, reshapeByShape, flatten, transpose, transpose, transpose, unsqueeze, squeeze, concat, concat, split, slice, slice],
  ...[pad, gather, gatherElements, expand, tile, depthToSpace, spaceToDepth],
];
