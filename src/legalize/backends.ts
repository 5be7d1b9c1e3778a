/** Which of TF.js's four backends can run a node: the kernels an executor op calls, and the ranks their shaders stop at. */
import { customOps } from "../customops/table.ts";
import type { Node } from "../graph/graph.ts";
import { isUserOp } from "../tf/user-op.ts";

export type Backend = "cpu" | "wasm" | "webgl" | "webgpu";
export const backends: readonly Backend[] = ["cpu", "wasm", "webgl", "webgpu"];

/** Kernels an op calls where they are not of its own name; ops that need no kernel have none. */
const kernels: Readonly<Record<string, readonly string[]>> = {
  AddV2: ["Add"],
  BiasAdd: ["Add"],
  Mul: ["Multiply"],
  Div: ["RealDiv"],
  FloorMod: ["Mod"],
  IsNan: ["IsNaN"],
  SelectV2: ["Select"],
  MatMul: ["BatchMatMul"],
  BatchMatMul: ["BatchMatMul"],
  BatchMatMulV2: ["BatchMatMul"],
  _FusedMatMul: ["_fusedMatMul"],
  _FusedConv2D: ["FusedConv2D"],
  FusedDepthwiseConv2dNative: ["FusedDepthwiseConv2D"],
  FusedBatchNorm: ["FusedBatchNorm"],
  FusedBatchNormV2: ["FusedBatchNorm"],
  FusedBatchNormV3: ["FusedBatchNorm"],
  ConcatV2: ["Concat"],
  ReverseV2: ["Reverse"],
  TopKV2: ["TopK"],
  Split: ["SplitV"],
  Gather: ["GatherV2"],
  BroadcastTo: ["Tile"],
  Pad: ["PadV2"],
  LogSoftmax: ["Max", "Sub", "Exp", "Sum", "Log"],
  EuclideanNorm: ["Abs", "Sum", "Sqrt"],
  Squeeze: ["Reshape"],
  Conv3DBackpropInput: ["Conv3DBackpropInputV2"],
  DepthwiseConv2d: ["DepthwiseConv2dNative"],
  UniqueV2: ["Unique"],
};

/** Ops that only look at shapes, move references or run control flow. */
const kernelFree = new Set(
  "Placeholder PlaceholderWithDefault Const Identity IdentityN Snapshot StopGradient Shape ShapeN Size Rank NoOp Where If StatelessIf While StatelessWhile ZerosLike OnesLike Fill Range".split(
    " ",
  ),
);

/** What is missing of TF.js 4.22, seen by asking the packages: every other kernel is on all four. */
const missing: Readonly<Record<string, readonly Backend[]>> = {
  BitwiseAnd: ["webgpu"],
  Complex: ["wasm"],
  ComplexAbs: ["wasm"],
  Einsum: ["wasm"],
  Fft: ["wasm"],
  FFT: ["wasm"],
  Ifft: ["wasm"],
  IFFT: ["wasm"],
  RFFT: ["wasm"],
  IRFFT: ["wasm"],
  Imag: ["wasm"],
  Real: ["wasm"],
  LRN: [],
  NonMaxSuppressionV4: ["webgpu"],
  SparseFillEmptyRows: ["webgpu"],
  SparseReshape: ["webgpu"],
  StaticRegexReplace: ["wasm", "webgpu"],
  StringSplit: ["webgpu"],
  StringToHashBucketFast: ["webgpu"],
  Unique: ["webgpu"],
  Dilation2D: ["webgl"],
};

/** Greatest rank a backend's program takes, per op; "" is the rest. */
const ranks: Partial<Record<Backend, Readonly<Record<string, number>>>> = {
  webgl: { "": 6, SelectV2: 4, ReverseV2: 4, Cumsum: 4, Cumprod: 4, SpaceToBatchND: 4, BatchToSpaceND: 4, PadV2: 4 },
  webgpu: { "": 6, PadV2: 4 },
};

/** Their kernels look at elements in the order in which they lie, whatever the axes. */
const rankFree = new Set(["GatherV2", "Reshape", "ExpandDims", "Squeeze"]);

/** Why a backend cannot run the node; undefined where it can. */
export function obstacle(node: Node, backend: Backend): string | undefined {
  if (kernelFree.has(node.op) || customOps.has(node.op) || isUserOp(node.op)) return undefined;
  for (const kernel of kernels[node.op] ?? [node.op])
    if (missing[kernel]?.includes(backend)) return `no ${backend} kernel for ${node.op}`;
  const limits = ranks[backend];
  if (!limits || rankFree.has(node.op)) return undefined;
  const limit = limits[node.op] ?? limits[""]!;
  for (const value of [...node.outputs, ...node.inputs])
    if ((value.type.shape?.length ?? 0) > limit) return `${node.op} of rank ${value.rank} on ${backend}, which stops at ${limit}`;
  return undefined;
}
