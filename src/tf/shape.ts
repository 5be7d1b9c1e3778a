/** Ops about shapes: the queries, reshape, transpose, broadcast, fill, range. */
import type { DType } from "../base/dtype.ts";
import { modelError } from "../base/problem.ts";
import { type Dim, isStatic, type Shape, showShape, sizeOf, type Type } from "../graph/graph.ts";
import { allocate } from "../graph/tensor.ts";
import { axisOf, ints, keepElements, reshapeTensor, shapeFrom, unknown } from "./dims.ts";
import { broadcast, broadcastDim, define, normalAxis } from "./op.ts";
import { quotientOf } from "./product.ts";
import { gatherStrided, repeat, stridesOf } from "./strided.ts";
import { broadcastStrides } from "./walk.ts";

function reshaped(from: Shape | undefined, to: Shape | undefined): Shape | undefined {
  if (!to) return undefined;
  const open = to.indexOf(-1);
  if (open < 0) {
    const [a, b] = [sizeOf(from), sizeOf(to)];
    if (a !== undefined && b !== undefined && a !== b)
      throw modelError("shape-mismatch", `${showShape(from)} does not reshape to ${showShape(to)}`);
    return to;
  }
  const rest = to.filter((_, i) => i !== open);
  if (rest.includes(-1)) throw modelError("shape-mismatch", `two dims of −1 in ${showShape(to)}`);
  return to.map((dim, i) => (i === open ? inferOpen(from, rest) : dim));
}

/** What a −1 stands for: the elements left, also where symbols cancel: [batch, 3, 4] to [−1, 12] is [batch, 12]. */
function inferOpen(from: Shape | undefined, rest: Shape): Dim {
  const dim = from && quotientOf(from, rest);
  if (typeof dim !== "number") return dim;
  // Nothing into nothing: TensorFlow leaves the dims of 0 out on both sides.
  if (Number.isNaN(dim)) return quotientOf(withoutZeroes(from!), withoutZeroes(rest));
  if (!Number.isInteger(dim)) throw modelError("shape-mismatch", `${showShape(from)} does not reshape to ?×${showShape(rest)}`);
  return dim;
}

const withoutZeroes = (shape: Shape): Shape => shape.filter((each) => each !== 0);

define(
  { name: "Const", infer: (call) => [call.attrs["value"] as unknown as Type] },
  { name: "Placeholder", infer: (call) => [{ dtype: call.attr<string>("dtype") as DType, shape: undefined }] },
  {
    name: "Shape",
    infer: (call) => {
      const rank = call.shape()?.length;
      return [{ dtype: call.attr<string>("out_type", "int32") as DType, shape: [rank] }];
    },
    elements: (call) => call.shape(),
  },
  {
    name: "Size",
    infer: (call) => [{ dtype: call.attr<string>("out_type", "int32") as DType, shape: [] }],
    elements: (call) => (sizeOf(call.shape()) === undefined ? undefined : [sizeOf(call.shape())]),
  },
  {
    name: "Rank",
    infer: () => [{ dtype: "int32", shape: [] }],
    elements: (call) => (call.shape() ? [call.shape()!.length] : undefined),
  },
  {
    name: "Reshape",
    infer: (call) => [{ dtype: call.dtype(), shape: reshaped(call.shape(), shapeFrom(call, 1)) }],
    fold: ([x], _, [type]) => reshapeTensor(x!, type!),
    elements: (call) => ((shapeFrom(call, 1)?.length ?? 9) <= 1 ? keepElements(call) : undefined),
  },
  {
    name: "Transpose",
    infer: (call) => {
      const perm = call.numbers(1);
      const shape = call.shape();
      if (!perm) return [{ dtype: call.dtype(), shape: shape && unknown(shape.length) }];
      if (
        shape &&
        (perm.length !== shape.length ||
          new Set(perm).size !== perm.length ||
          perm.some((axis) => axis < 0 || axis >= shape.length))
      )
        throw modelError("bad-attribute", `permutation [${perm}] of a rank-${shape.length} tensor`);
      return [{ dtype: call.dtype(), shape: shape ? perm.map((axis) => shape[axis]) : unknown(perm.length) }];
    },
    fold: ([x, perm], _, [type]) => {
      const strides = stridesOf(x!.shape);
      return [
        gatherStrided(
          x!,
          type!.shape as readonly number[],
          ints(perm!).map((axis) => strides[axis]!),
        ),
      ];
    },
  },
  {
    name: "ExpandDims",
    infer: (call) => {
      const shape = call.shape();
      if (!shape) return [{ dtype: call.dtype(), shape }];
      const axis = axisOf(call, 1, shape.length + 1);
      return [{ dtype: call.dtype(), shape: [...shape.slice(0, axis), 1, ...shape.slice(axis)] }];
    },
    fold: ([x], _, [type]) => reshapeTensor(x!, type!),
    elements: (call) => (call.shape()?.length === 0 ? call.dims(0) : undefined),
  },
  {
    name: "Squeeze",
    infer: (call) => {
      const shape = call.shape();
      const axes = call.attr<readonly number[]>("squeeze_dims", []);
      if (!shape) return [{ dtype: call.dtype(), shape }];
      if (axes.length === 0 && !isStatic(shape)) return [{ dtype: call.dtype(), shape: undefined }];
      const drop = new Set(
        axes.length === 0
          ? shape.flatMap((dim, i) => (dim === 1 ? [i] : []))
          : axes.map((axis) => normalAxis(axis, shape.length)),
      );
      for (const axis of drop) {
        const dim = shape[axis];
        if (typeof dim === "number" && dim !== 1)
          throw modelError("shape-mismatch", `squeeze of axis ${axis} of ${showShape(shape)}`);
      }
      return [{ dtype: call.dtype(), shape: shape.filter((_, i) => !drop.has(i)) }];
    },
    fold: ([x], _, [type]) => reshapeTensor(x!, type!),
    elements: keepElements,
  },
  {
    name: "Fill",
    infer: (call) => [{ dtype: call.dtype(1), shape: shapeFrom(call, 0) }],
    fold: ([, value], _, [type]) => [repeat(value!, type!.shape as readonly number[])],
    elements: (call) => {
      const [shape, value] = [call.numbers(0), call.dims(1)];
      return shape?.length === 1 && shape[0]! <= 64 && value ? new Array<Dim>(shape[0]!).fill(value[0]) : undefined;
    },
  },
  {
    name: "BroadcastArgs",
    infer: (call) => {
      const [p, q] = [call.shape(0)?.[0], call.shape(1)?.[0]];
      return [{ dtype: call.dtype(), shape: [typeof p === "number" && typeof q === "number" ? Math.max(p, q) : undefined] }];
    },
    elements: (call) => broadcast(call.dims(0), call.dims(1)),
  },
  {
    name: "BroadcastTo",
    infer: (call) => {
      const [shape, to] = [call.shape(0), shapeFrom(call, 1)];
      if (!to) return [{ dtype: call.dtype(), shape: undefined }];
      const lead = to.length - (shape?.length ?? 0);
      return [
        {
          dtype: call.dtype(),
          shape: to.map((dim, i) => {
            const own = shape && i >= lead ? shape[i - lead] : undefined;
            // A symbol may stand for 1, so it tells nothing of the result.
            if (dim === undefined) return typeof own === "number" && own !== 1 ? own : undefined;
            if (typeof own === "number") broadcastDim(own, dim);
            return dim;
          }),
        },
      ];
    },
    fold: ([x], _, [type]) => {
      const shape = type!.shape as readonly number[];
      return [gatherStrided(x!, shape, broadcastStrides(x!.shape, shape))];
    },
  },
  {
    name: "Range",
    infer: (call) => {
      const [start, limit, delta] = [call.known(0), call.known(1), call.known(2)].map((t) => t && Number(t.data[0]));
      const known = start !== undefined && limit !== undefined && delta !== undefined;
      if (delta === 0) throw modelError("bad-attribute", "a range step of 0");
      const symbol = start === 0 && delta === 1 ? call.dims(1)?.[0] : undefined;
      return [{ dtype: call.dtype(), shape: [known ? Math.max(0, Math.ceil((limit - start) / delta)) : symbol] }];
    },
    fold: ([start, , delta], _, [type]) => {
      const count = type!.shape![0] as number;
      const data = allocate(type!.dtype, count);
      for (let i = 0; i < count; i++) {
        if (data instanceof BigInt64Array) data[i] = (start!.data[0] as bigint) + BigInt(i) * (delta!.data[0] as bigint);
        else (data as Float32Array)[i] = Number(start!.data[0]) + i * Number(delta!.data[0]);
      }
      return [{ dtype: type!.dtype, shape: [count], data }];
    },
  },
);
