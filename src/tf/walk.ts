/** Walks over several tensors at once, each through its own strides. */
import { elementCount } from "../graph/tensor.ts";

/** Row-major strides of `shape` seen through the broadcast `out`: 0 where a dim is repeated. */
export function broadcastStrides(shape: readonly number[], out: readonly number[]): number[] {
  const strides = new Array<number>(out.length).fill(0);
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    if (shape[i] !== 1) strides[i + out.length - shape.length] = stride;
    stride *= shape[i]!;
  }
  return strides;
}

/** Calls `visit(out, offsets…)` for every element of `out`, offsets following the strides given. */
export function walk(
  out: readonly number[],
  strides: readonly (readonly number[])[],
  visit: (at: number, offsets: readonly number[]) => void,
): void {
  const total = elementCount(out);
  const index = new Array<number>(out.length).fill(0);
  const offsets = new Array<number>(strides.length).fill(0);
  for (let at = 0; at < total; at++) {
    visit(at, offsets);
    for (let axis = out.length - 1; axis >= 0; axis--) {
      index[axis]!++;
      for (let k = 0; k < strides.length; k++) offsets[k]! += strides[k]![axis]!;
      if (index[axis]! < out[axis]!) break;
      for (let k = 0; k < strides.length; k++) offsets[k]! -= strides[k]![axis]! * out[axis]!;
      index[axis] = 0;
    }
  }
}
