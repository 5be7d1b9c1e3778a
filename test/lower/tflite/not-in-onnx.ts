/** Operators that ONNX's cannot express, by their labels; those that start to convert fail the tests. */
export const notInOnnx: Readonly<Record<string, string>> = {
  BITCAST: "ONNX has no operator that looks at the bits of a number",
};
