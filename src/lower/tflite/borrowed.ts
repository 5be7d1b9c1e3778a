/** Operators that TFLite took over from TensorFlow as they are: TensorFlow's rows do them. */
import type { Value } from "../../graph/graph.ts";
import { tensorOf } from "../../graph/tensor.ts";
import type { Builder } from "../../tf/build.ts";
import type { At, Rule } from "../rule.ts";
import { flag, float, floats, int } from "../schema.ts";
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

const first = (outputs: readonly (Value | undefined)[]): Value => outputs[0]!;

/** Over the last two axes, of the lengths given; a length of 1 leaves the axis before the last as it is. */
function rfft2d(b: Builder, x: Value, lengths: readonly number[], at: At): Value {
  const [rows, columns] = lengths as [number, number];
  const dims = x.shape.slice(-2);
  if (dims[0] !== rows) throw at.unsupported(`a transform of ${rows} rows out of ${dims[0] ?? "an unknown number"}`);
  const spectrum = first(tensorflowOp(b, "RFFT", [x, b.ints([columns])], {}, at));
  if (rows === 1) return spectrum;
  const swapped = b.ints([...x.shape.keys()].map((axis) => (axis < x.rank - 2 ? axis : 2 * x.rank - 3 - axis)));
  const turn = (value: Value) => first(tensorflowOp(b, "Transpose", [value, swapped], {}, at));
  return turn(first(tensorflowOp(b, "FFT", [turn(spectrum)], {}, at)));
}

export const borrowed: readonly Rule[] = [
  same("MATRIX_DIAG", "MatrixDiag", 1),
  same("MATRIX_SET_DIAG", "MatrixSetDiag", 2),
  same("SEGMENT_SUM", "SegmentSum", 2),
  same("UNSORTED_SEGMENT_SUM", "UnsortedSegmentSum", 3),
  same("UNSORTED_SEGMENT_PROD", "UnsortedSegmentProd", 3),
  same("UNSORTED_SEGMENT_MAX", "UnsortedSegmentMax", 3),
  same("UNSORTED_SEGMENT_MIN", "UnsortedSegmentMin", 3),
  same("SPARSE_TO_DENSE", "SparseToDense", 4),
  lite(
    "FAKE_QUANT",
    { arity: [1, 1], attrs: { min: float(0), max: float(0), num_bits: int(8), narrow_range: flag(false) } },
    (b, [x], a, at) => tensorflowOp(b, "FakeQuantWithMinMaxArgs", [x], a, at),
  ),
  same("REAL", "Real", 1, { Tout: "float32" }),
  same("IMAG", "Imag", 1, { Tout: "float32" }),
  same("COMPLEX_ABS", "ComplexAbs", 1, { Tout: "float32" }),
  lite("RFFT2D", { arity: [2, 2], attrs: {} }, (b, [x, lengths], _, at) => [
    rfft2d(b, x, at.numbers(lengths, "the lengths"), at),
  ]),
  lite("BITCAST", { arity: [1, 1], attrs: {}, codes: true }, (b, [x], _, at) =>
    tensorflowOp(b, "Bitcast", [x], { type: at.declared()?.dtype ?? x.dtype }, at),
  ),
  // Seeds are dropped: no two runtimes agree on what follows from them.
  lite("RANDOM_UNIFORM", { arity: [1, 1], attrs: {} }, (b, [shape]) => [
    b.op("RandomUniform", [b.cast(shape, "int32")], { dtype: "float32" }),
  ]),
  lite("RANDOM_STANDARD_NORMAL", { arity: [1, 1], attrs: {} }, (b, [shape]) => [
    b.op("RandomStandardNormal", [b.cast(shape, "int32")], { dtype: "float32" }),
  ]),
  lite("MULTINOMIAL", { arity: [2, 2], attrs: {} }, (b, [logits, count], _, at) => [
    b.cast(b.op("Multinomial", [logits, b.reshape(count, [])], { output_dtype: "int32" }), at.declared()?.dtype ?? "int64"),
  ]),
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
