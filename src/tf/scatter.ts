/** Ops that read or write elements at places told by index tensors. */
import { modelError } from "../base/problem.ts";
import { allocate, type Elements, elementCount, numbersOf, type Tensor } from "../graph/tensor.ts";
import { axisOf, ints, shapeFrom } from "./dims.ts";
import { define, normalAxis, type OpDef } from "./op.ts";
import { stridesOf } from "./strided.ts";

/** A copy of input 0 with updates (input 2) combined at indices (input 1). Mul is the hub's own; the others are TensorFlow's. */
const tensorScatter = (how: string): OpDef => ({ name: `TensorScatter${how}`, infer: (call) => [call.input(0).type] });

/** Writes where nothing is combined. */
const tensorScatterUpdate: OpDef = {
  ...tensorScatter("Update"),
  fold: ([x, indices, updates]) => {
    const data = x!.data.slice() as Float32Array;
    const from = updates!.data as Float32Array;
    eachRun(indices!, x!.shape, (start, first, run) => {
      for (let k = 0; k < run; k++) data[start + k] = from[first + k]!;
    });
    return [{ dtype: x!.dtype, shape: x!.shape, data }];
  },
};

/** For each row of `indices` calls with the first element it names, the first of its updates, and how many there are. */
function eachRun(indices: Tensor, shape: readonly number[], visit: (start: number, first: number, run: number) => void): void {
  const depth = indices.shape[indices.shape.length - 1]!;
  const strides = stridesOf(shape);
  const run = elementCount(shape.slice(depth));
  const places = numbersOf(indices);
  const rows = elementCount(indices.shape.slice(0, -1));
  for (let i = 0; i < rows; i++) {
    let start = 0;
    for (let axis = 0; axis < depth; axis++) {
      const at = places[i * depth + axis]!;
      if (at < 0 || at >= shape[axis]!) throw modelError("index-out-of-range", `index ${at} of a dim of ${shape[axis]}`);
      start += at * strides[axis]!;
    }
    visit(start, i * run, run);
  }
}

define(
  {
    name: "GatherV2",
    infer: (call) => {
      const [shape, indices] = [call.shape(0), call.shape(1)];
      if (!shape || !indices) return [{ dtype: call.dtype(), shape: undefined }];
      const batch = call.attr<number>("batch_dims", 0);
      const axis = axisOf(call, 2, shape.length);
      const dim = shape[axis];
      const known = call.numbers(1);
      if (known && typeof dim === "number" && known.some((i) => i < 0 || i >= dim))
        throw modelError("index-out-of-range", `index ${known.find((i) => i < 0 || i >= dim)} of a dim of ${dim}`);
      return [{ dtype: call.dtype(), shape: [...shape.slice(0, axis), ...indices.slice(batch), ...shape.slice(axis + 1)] }];
    },
    fold: ([x, indices, axisTensor], attrs, [type]) => {
      if (attrs["batch_dims"]) throw new Error("gather with batch_dims is not folded");
      const axis = normalAxis(ints(axisTensor!)[0]!, x!.shape.length);
      const [outer, inner, dim] = [
        elementCount(x!.shape.slice(0, axis)),
        elementCount(x!.shape.slice(axis + 1)),
        x!.shape[axis]!,
      ];
      const picks = ints(indices!);
      const data = allocate(x!.dtype, outer * picks.length * inner) as Float32Array;
      const from = x!.data as Float32Array;
      let at = 0;
      for (let o = 0; o < outer; o++)
        for (const pick of picks) {
          if (pick < 0 || pick >= dim) throw modelError("index-out-of-range", `index ${pick} of a dim of ${dim}`);
          for (let i = 0; i < inner; i++) data[at++] = from[(o * dim + pick) * inner + i]!;
        }
      return [{ dtype: x!.dtype, shape: type!.shape as readonly number[], data: data as Elements }];
    },
    elements: (call) => {
      const [dims, at] = [call.dims(0), call.numbers(1)];
      if (!dims || !at || call.shape(0)?.length !== 1 || (call.shape(1)?.length ?? 9) > 1) return undefined;
      return at.map((i) => dims[i]);
    },
  },
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
    infer: (call) => [{ dtype: call.dtype(1), shape: shapeFrom(call, 2) }],
    fold: ([indices, updates], _, [type]) => {
      const shape = type!.shape as readonly number[];
      const out = allocate(type!.dtype, elementCount(shape)) as Float32Array;
      const from = updates!.data as Float32Array;
      eachRun(indices!, shape, (start, first, run) => {
        for (let k = 0; k < run; k++) out[start + k]! += from[first + k]!;
      });
      return [{ dtype: type!.dtype, shape, data: out }];
    },
  },
  tensorScatterUpdate,
  ...["Add", "Mul", "Min", "Max"].map(tensorScatter),
  { name: "ReverseSequence", infer: (call) => [call.input(0).type] },
);
