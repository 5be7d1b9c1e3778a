/** SpaceToBatchND and BatchToSpaceND: blocks of the axes behind the first, moved into the first and back. */
import { modelError } from "../base/problem.ts";
import type { Dim, Shape } from "../graph/graph.ts";
import { type Call, define } from "./op.ts";

/** Size of the blocks of axis 1 + i; undefined where they are computed. */
const blockOf = (call: Call, i: number): number | undefined => call.numbers(1)?.[i];

const edgesOf = (call: Call, i: number): readonly Dim[] => call.dims(2)?.slice(2 * i, 2 * i + 2) ?? [undefined, undefined];

function blocked(
  call: Call,
  each: (dim: number, block: number, edges: number) => number,
  batch: (n: number, by: number) => number,
): Shape | undefined {
  const shape = call.shape();
  const count = call.shape(1)?.[0];
  if (!shape || typeof count !== "number") return shape?.map(() => undefined);
  const blocks = Array.from({ length: count }, (_, i) => blockOf(call, i));
  const by = blocks.every((block) => block !== undefined) ? blocks.reduce((product, block) => product * block, 1) : undefined;
  return shape.map((dim, axis): Dim => {
    if (typeof dim !== "number") return axis > count ? dim : undefined;
    if (axis === 0) return by === undefined ? undefined : batch(dim, by);
    const [low, high] = edgesOf(call, axis - 1);
    const block = blocks[axis - 1];
    if (axis > count) return dim;
    return typeof low === "number" && typeof high === "number" && block !== undefined ? each(dim, block, low + high) : undefined;
  });
}

function whole(call: Call, dim: number, by: number): number {
  if (dim % by !== 0) throw modelError("shape-mismatch", `${call.op} of a dim of ${dim} by ${by}`);
  return dim / by;
}

define(
  // data, block sizes, what is padded before and after [axes, 2]
  {
    name: "SpaceToBatchND",
    infer: (call) => [
      {
        dtype: call.dtype(),
        shape: blocked(
          call,
          (dim, block, pads) => whole(call, dim + pads, block),
          (n, by) => n * by,
        ),
      },
    ],
  },
  // data, block sizes, what is cut before and after [axes, 2]
  {
    name: "BatchToSpaceND",
    infer: (call) => [
      {
        dtype: call.dtype(),
        shape: blocked(
          call,
          (dim, block, crops) => dim * block - crops,
          (n, by) => whole(call, n, by),
        ),
      },
    ],
  },
);
