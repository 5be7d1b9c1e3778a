/** Products by equations, determinants and inverses. */
import { text } from "../../graph/onnx-graph.ts";
import { type EmitRule, emittedOne } from "../rule.ts";

export const linears: readonly EmitRule[] = [
  emittedOne("Einsum", (o, inputs, at) => o.op("Einsum", inputs, { equation: text(at.text("equation", "")) })),
  emittedOne("MatrixDeterminant", (o, [x]) => o.op("Det", [x!])),
  // ONNX itself has none; onnxruntime's is the one that exporters write.
  emittedOne("MatrixInverse", (o, [x]) => {
    const single = o.cast(x!, x!.dtype === "float64" ? "float64" : "float32");
    return o.cast(o.raw("Inverse", [single], {}, [single.dtype], [], "com.microsoft")[0]!, x!.dtype);
  }),
];
