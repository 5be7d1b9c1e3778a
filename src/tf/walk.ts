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

/**
 * Calls `visit(out, offsets…)` for every element of `out`, offsets following the strides given. The offsets are good for the call only.
 */
export function walk(
  out: readonly number[],
  strides: readonly (readonly number[])[],
  visit: (at: number, offsets: readonly number[]) => void,
): void {
  walkRows(out, strides, (at, starts, count, steps) => {
    const offsets = [...starts];
    for (let i = 0; i < count; i++) {
      visit(at + i, offsets);
      for (let k = 0; k < steps.length; k++) offsets[k]! += steps[k]!;
    }
  });
}

/**
 * The same in rows: `visit` is for `count` elements from `at` on, `steps` apart in each operand. Weights come by the hundred million, so
 * what is done for each of them is to be a plain loop.
 */
export function walkRows(
  out: readonly number[],
  strides: readonly (readonly number[])[],
  visit: (at: number, offsets: readonly number[], count: number, steps: readonly number[]) => void,
): void {
  const axes = joinedAxes(out, strides);
  const inner = axes.pop() ?? { size: 1, steps: strides.map(() => 0) };
  const index = new Array<number>(axes.length).fill(0);
  const offsets = new Array<number>(strides.length).fill(0);
  const total = elementCount(out);
  for (let at = 0; at < total; at += inner.size) {
    visit(at, offsets, inner.size, inner.steps);
    for (let a = axes.length - 1; a >= 0; a--) {
      const { size, steps } = axes[a]!;
      index[a]!++;
      for (let k = 0; k < steps.length; k++) offsets[k]! += steps[k]!;
      if (index[a]! < size) break;
      for (let k = 0; k < steps.length; k++) offsets[k]! -= steps[k]! * size;
      index[a] = 0;
    }
  }
}

interface Axis {
  readonly size: number;
  /** Of each operand. */
  readonly steps: readonly number[];
}

/** Fewer and longer axes over the same elements: those of one element go, and neighbours that every operand steps through as one are one. */
function joinedAxes(out: readonly number[], strides: readonly (readonly number[])[]): Axis[] {
  const axes: Axis[] = [];
  for (const [axis, size] of out.entries()) {
    if (size === 1) continue;
    const steps = strides.map((each) => each[axis]!);
    const last = axes[axes.length - 1];
    if (last?.steps.every((step, k) => step === steps[k]! * size)) axes[axes.length - 1] = { size: last.size * size, steps };
    else axes.push({ size, steps });
  }
  return axes;
}
