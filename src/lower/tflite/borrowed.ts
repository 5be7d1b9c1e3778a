/** Operators that TFLite took over from TensorFlow as they are: TensorFlow's rows do them. */
import type { Value } from "../../graph/graph.ts";
import { tensorOf } from "../../graph/tensor.ts";
import type { Builder } from "../../tf/build.ts";
import type { At, Rule } from "../rule.ts";
import { floats } from "../schema.ts";
import { tensorflowRules } from "../tensorflow/rules.ts";
import { lite } from "./rule.ts";

/** TensorFlow's operator over these inputs; attributes that are not given have its defaults. */
export function tensorflowOp(
  b: Builder,
  op: string,
  inputs: readonly (Value | undefined)[],
  attrs: Readonly<Record<string, unknown>>,
  at: At,
): readonly (Value | undefined)[] {
  const row = tensorflowRules.find("", op, 0);
  if (!row) throw at.unsupported(`TensorFlow's ${op}`);
  const all = Object.entries(row.attrs).map(([name, field]) => [
    name,
    Object.hasOwn(attrs, name) ? attrs[name] : field.read(undefined, name),
  ]);
  return row.lower(b, inputs, Object.fromEntries(all), at);
}

/** The types of results are those that the file declares. */
function declared(b: Builder, outputs: readonly (Value | undefined)[], at: At): readonly (Value | undefined)[] {
  return outputs.map((output, i) => {
    const dtype = at.declared(i)?.dtype;
    return output && dtype && /^int/.test(dtype) && /^int/.test(output.dtype) ? b.cast(output, dtype) : output;
  });
}

const same = (op: string, target: string, inputs: number, attrs: Readonly<Record<string, unknown>> = {}): Rule =>
  lite(op, { arity: [inputs, inputs] as readonly [number, number], attrs: {} }, (b, values, _, at) =>
    declared(b, tensorflowOp(b, target, values as readonly Value[], attrs, at), at),
  );

export const borrowed: readonly Rule[] = [
  same("MATRIX_DIAG", "MatrixDiag", 1),
  same("MATRIX_SET_DIAG", "MatrixSetDiag", 2),
  same("SEGMENT_SUM", "SegmentSum", 2),
  same("UNSORTED_SEGMENT_SUM", "UnsortedSegmentSum", 3),
  same("UNSORTED_SEGMENT_PROD", "UnsortedSegmentProd", 3),
  same("UNSORTED_SEGMENT_MAX", "UnsortedSegmentMax", 3),
  same("UNSORTED_SEGMENT_MIN", "UnsortedSegmentMin", 3),
  same("SPARSE_TO_DENSE", "SparseToDense", 4),
  // The number of boundaries that are not above each element.
  lite("BUCKETIZE", { arity: [1, 1], attrs: { boundaries: floats() } }, (b, [x], a) => {
    const bounds = b.constant(tensorOf("float32", [a.boundaries?.length ?? 0], a.boundaries ?? []));
    const above = b.op("GreaterEqual", [b.op("ExpandDims", [b.cast(x, "float32"), b.scalar("int32", x.rank)]), bounds]);
    return [b.reduce("Sum", b.cast(above, "int32"), [x.rank], false)];
  }),
  lite("UNIQUE", { arity: [1, 1], attrs: {} }, (b, [x], _, at) =>
    declared(b, tensorflowOp(b, "Unique", [x], { out_idx: "int32" }, at), at),
  ),
];
