/** SpaceToDepth, which TF.js lacks; DepthToSpace and resizing of integers, which it refuses or its wasm kernel gives back as floats. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { type LegalAt, type LegalRule, legal } from "../rule.ts";

/** N H W C → N H/b W/b b·b·C */
function spaceToDepth(b: Builder, x: Value, at: LegalAt): Value {
  const block = at.number("block_size", 2);
  const part = (axis: number): Value => b.op("FloorDiv", [b.dim(x, axis), b.ints([block])]);
  const [n, height, width] = [b.dim(x, 0), part(1), part(2)];
  const blocks = b.op("Reshape", [x, b.concat([n, height, b.ints([block]), width, b.ints([block]), b.dim(x, 3)], 0)]);
  const gathered = b.transpose(blocks, [0, 1, 3, 2, 4, 5]);
  return b.op("Reshape", [gathered, b.concat([n, height, width, b.op("Mul", [b.dim(x, 3), b.ints([block * block])])], 0)]);
}

/** N H W b·b·C → N H·b W·b C */
function depthToSpace(b: Builder, x: Value, at: LegalAt): Value {
  const block = b.ints([at.number("block_size", 2)]);
  const [n, height, width] = [0, 1, 2].map((axis) => b.dim(x, axis)) as [Value, Value, Value];
  const channels = b.op("FloorDiv", [b.dim(x, 3), b.op("Mul", [block, block])]);
  const blocks = b.op("Reshape", [x, b.concat([n, height, width, block, block, channels], 0)]);
  const spread = b.transpose(blocks, [0, 1, 3, 2, 4, 5]);
  return b.op("Reshape", [spread, b.concat([n, b.op("Mul", [height, block]), b.op("Mul", [width, block]), channels], 0)]);
}

export const spaces: readonly LegalRule[] = [
  legal("DepthToSpace", (b, inputs, at) =>
    inputs[0]!.dtype === "float32" ? at.same(b, inputs) : [depthToSpace(b, inputs[0]!, at)],
  ),
  legal("SpaceToDepth", (b, [x], at) => [spaceToDepth(b, x!, at)]),
  legal("ResizeNearestNeighbor", (b, [x, size], at) => {
    const resized = at.same(b, [b.cast(x!, "float32"), size!])[0]!;
    return [b.cast(resized, x!.dtype)];
  }),
];
