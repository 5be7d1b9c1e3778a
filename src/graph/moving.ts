/** Ops whose result holds just what their first input holds, moved or in another type: a weight behind them is stored as the file had it. */
export const movingOps: ReadonlySet<string> = new Set([
  "Cast",
  "Narrow",
  "Identity",
  "Reshape",
  "Transpose",
  "Squeeze",
  "ExpandDims",
  "Slice",
  "StridedSlice",
  "ReverseV2",
]);
