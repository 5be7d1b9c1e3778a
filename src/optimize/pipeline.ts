/** Which rewrites run, in which order at a node. */
import type { Rewrite } from "./rewrite.ts";
import { clipToRelu, halfTanh, halfTanhTimes } from "./rules/activations.ts";
import { dilate } from "./rules/atrous.ts";
import { batchNormToWeights } from "./rules/batch-norm.ts";
import { addToBias, mergeBiases, scaleBiased, scaleToWeights, subtractToBias } from "./rules/bias.ts";
import { codesFirst } from "./rules/codes-first.ts";
import { activationBeforeShuffle, biasBeforeShuffle, separateWindows } from "./rules/conv-transpose.ts";
import { cse } from "./rules/cse.ts";
import { fuseActivation, fuseBias, leakyToPrelu } from "./rules/fuse.ts";
import { hoistTranspose } from "./rules/hoist-transpose.ts";
import { castBack, identities, square } from "./rules/identities.ts";
import { flattenBatch, flattenIntoWeights, plainMatMul, transposeWeights } from "./rules/matmul.ts";
import { mergeTransposes, transposeOfReshape, transposeToReshape } from "./rules/merge-transposes.ts";
import { padToConv, padToPool } from "./rules/pads.ts";
import { meanToPool } from "./rules/pooled-means.ts";
import { dropKeptAxes } from "./rules/reductions.ts";
import { dropReshape, mergeReshapes, sinkReshape, staticReshape } from "./rules/reshapes.ts";
import { sinkAxes } from "./rules/sink-axes.ts";
import { sinkElementwise } from "./rules/sink-elementwise.ts";
import { sinkConcat, sinkExpandDims, sinkSqueeze } from "./rules/sink-joins.ts";
import { shapeOfTranspose, sinkThroughReshape } from "./rules/sink-reshape.ts";
import { sliceStrides } from "./rules/strided-slice.ts";
import { fillLast } from "./rules/uniform.ts";

const cleaning: readonly Rewrite[] = [
  identities,
  castBack,
  staticReshape,
  dropReshape,
  mergeReshapes,
  dropKeptAxes,
  transposeOfReshape,
  mergeTransposes,
  fillLast,
];
const layouts: readonly Rewrite[] = [
  shapeOfTranspose,
  sinkElementwise,
  sinkAxes,
  sinkConcat,
  sinkSqueeze,
  sinkExpandDims,
  sinkThroughReshape,
  hoistTranspose,
];
const products: readonly Rewrite[] = [plainMatMul, transposeWeights, flattenIntoWeights, flattenBatch];
const weights: readonly Rewrite[] = [
  dilate,
  batchNormToWeights,
  addToBias,
  subtractToBias,
  mergeBiases,
  scaleBiased,
  scaleToWeights,
  padToConv,
  padToPool,
  sinkReshape,
];

const activations: readonly Rewrite[] = [square, clipToRelu, halfTanh, halfTanhTimes];
/** Forms of the same that TF.js's kernels run faster. */
const kernels: readonly Rewrite[] = [separateWindows, biasBeforeShuffle, activationBeforeShuffle, sliceStrides, meanToPool];

/** For the hub graph, before legalize or raise. */
export const hubPipeline: readonly Rewrite[] = [...cleaning, ...layouts, ...products, ...weights, ...activations, cse];

/** For the hub graph that is about to become ONNX, channels first: the Transposes round its ops meet and cancel. */
export const onnxPipeline: readonly Rewrite[] = [...cleaning, ...layouts, cse];

/** Behind it: what would meet there with Transposes that sink. */
export const codesPipeline: readonly Rewrite[] = [...codesFirst, mergeTransposes, cse];

/** For the legalised graph: the same cleaning of what legalize made, then TF.js's fused kernels. */
export const tfjsPipeline: readonly Rewrite[] = [
  transposeToReshape,
  ...cleaning,
  ...layouts,
  ...products,
  ...weights,
  ...activations,
  ...kernels,
  fuseBias,
  fuseActivation,
  leakyToPrelu,
  cse,
];
