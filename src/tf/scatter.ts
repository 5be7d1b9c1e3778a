/** Ops that read or write elements at places told by index tensors. */
import { modelError } from "../base/problem.ts";
import type { Value } from "../graph/graph.ts";
import { allocate, elementCount, numbersOf } from "../graph/tensor.ts";
import { type Call, define, type OpDef } from "./op.ts";
import { stridesOf } from "./strided.ts";

/** A copy of input 0 with updates (input 2) combined at indices (input 1). Mul is the hub's own; the others are TensorFlow's. */
const tensorScatter = (how: string): OpDef => ({ name: `TensorScatter${how}`, infer: (call) => [call.input(0).type] });

/** Dims of the output as the shape vector says, as far as it does. */
function shapeIn(call: Call, i: number) {
  const value: Value = call.input(i);
  const length = value.type.shape?.[0];
  return call.dims(i) ?? (typeof length === "number" ? new Array<undefined>(length).fill(undefined) : undefined);
}

define(
  {
    name: "GatherNd",
    infer: (call) => {
      const [shape, indices] = [call.shape(0), call.shape(1)];
      const depth = indices?.[indices.length - 1];
      if (!shape || !indices || typeof depth !== "number") return [{ dtype: call.dtype(), shape: undefined }];
      return [{ dtype: call.dtype(), shape: [...indices.slice(0, -1), ...shape.slice(depth)] }];
    },
  },
  {
    name: "ScatterNd",
    infer: (call) => [{ dtype: call.dtype(1), shape: shapeIn(call, 2) }],
    fold: ([indices, updates], _, [type]) => {
      const shape = type!.shape as readonly number[];
      const depth = indices!.shape[indices!.shape.length - 1]!;
      const strides = stridesOf(shape);
      const run = elementCount(shape.slice(depth));
      const out = allocate(type!.dtype, elementCount(shape)) as Float32Array;
      const from = updates!.data as Float32Array;
      const places = numbersOf(indices!);
      for (let i = 0; i * depth < places.length; i++) {
        let start = 0;
        for (let axis = 0; axis < depth; axis++) {
          const at = places[i * depth + axis]!;
          if (at < 0 || at >= shape[axis]!) throw modelError("index-out-of-range", `index ${at} of a dim of ${shape[axis]}`);
          start += at * strides[axis]!;
        }
        for (let k = 0; k < run; k++) out[start + k]! += from[i * run + k]!;
      }
      return [{ dtype: type!.dtype, shape, data: out }];
    },
  },
  ...["Update", "Add", "Mul", "Min", "Max"].map(tensorScatter),
  { name: "ReverseSequence", infer: (call) => [call.input(0).type] },
);
