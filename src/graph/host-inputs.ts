/** Inputs that TF.js's executor takes as numbers rather than as tensors: it reads them back before it calls a kernel. */
import type { Node } from "./graph.ts";

/** Op → positions, from the end where negative. Ops that this compiler never writes are left out; a test asks the package. */
export const hostInputs: ReadonlyMap<string, readonly number[]> = new Map(
  `
    All 1, Any 1, ArgMax 1, ArgMin 1, BatchToSpaceND 1 2, Bincount 1, BroadcastTo 1, ClipByValue 1 2, ConcatV2 -1,
    Conv2DBackpropInput 0, CropAndResize 3, Cumprod 1, Cumsum 1, DenseBincount 1, EnsureShape 1, EuclideanNorm 1,
    ExpandDims 1, Fill 0 1, GatherV2 2, ImageProjectiveTransformV3 2 3, LinSpace 0 1 2, Max 1, Mean 1, Min 1, MirrorPad 1,
    Multinomial 1, NonMaxSuppressionV2 2 3, NonMaxSuppressionV3 2 3 4, NonMaxSuppressionV4 2 3 4, NonMaxSuppressionV5 2 3 4 5,
    OneHot 1 2 3, Pad 1, PadV2 1 2, Prod 1, RandomStandardNormal 0, RandomUniform 0, RandomUniformInt 0, Range 0 1 2,
    Reshape 1, ResizeBilinear 1, ResizeNearestNeighbor 1, Reverse 1, ReverseV2 1, ScatterNd 2, Slice 1 2,
    SpaceToBatchND 1 2, SparseToDense 1, Split 0, SplitV 1 2, StridedSlice 1 2 3, Sum 1, TensorArrayGatherV3 1,
    TensorArrayReadV3 1, TensorArrayScatterV3 1, TensorArraySplitV3 2, TensorArrayV3 0, TensorArrayWriteV3 1,
    TensorListGather 1 2, TensorListGetItem 1 2, TensorListReserve 0 1, TensorListScatter 1 2, TensorListScatterV2 1 2 3,
    TensorListSetItem 1, TensorListSplit 1 2, TensorListStack 1, Tile 1, TopKV2 1, Transpose 1, TruncatedNormal 0, UniqueV2 1
  `
    .split(",")
    .map((row): [string, number[]] => {
      const [op, ...positions] = row.trim().split(/\s+/);
      return [op!, positions.map(Number)];
    }),
);

/** Does the executor read input `i` of the node back to the host? */
export function isHostInput({ op, inputs }: Node, i: number): boolean {
  const positions = hostInputs.get(op);
  return positions !== undefined && (positions.includes(i) || positions.includes(i - inputs.length));
}
