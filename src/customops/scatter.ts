/** TensorScatter with a reduction: repeated places are combined one after the other. */
import type { CustomOp, Inputs, Outputs, Tf } from "./op.ts";

function scatter(tf: Tf, [x, indices, updates]: Inputs, combine: (old: number, update: number) => number): Outputs {
  // Not a copy of what is there: on cpu a float that was a bool still lies in bytes.
  const out = (x!.dtype === "int32" ? Int32Array : Float32Array).from(x!.dataSync<"float32">());
  const places = indices!.dataSync<"int32">();
  const news = updates!.dataSync<"float32">();
  const depth = indices!.shape[indices!.shape.length - 1]!;
  const run = x!.shape.slice(depth).reduce((size, dim) => size * dim, 1);
  for (let i = 0; i < places.length / depth; i++) {
    let start = 0;
    for (let axis = 0; axis < depth; axis++) start = start * x!.shape[axis]! + places[i * depth + axis]!;
    for (let k = 0; k < run; k++) out[start * run + k] = combine(out[start * run + k]!, news[i * run + k]!);
  }
  return tf.tensor(out, x!.shape, x!.dtype);
}

export const scatterOps: Readonly<Record<string, CustomOp>> = {
  TensorScatterMul: { run: (tf, inputs) => scatter(tf, inputs, (old, update) => old * update), uses: [scatter] },
  TensorScatterMax: { run: (tf, inputs) => scatter(tf, inputs, Math.max), uses: [scatter] },
  TensorScatterMin: { run: (tf, inputs) => scatter(tf, inputs, Math.min), uses: [scatter] },
};
