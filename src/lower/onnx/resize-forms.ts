/** The forms a Resize of known sizes takes: TensorFlow's image ops, a Gather, a constant matrix. */
import { bitsOf, isFloat } from "../../base/dtype.ts";
import type { Dim, Value } from "../../graph/graph.ts";
import { tensorOf } from "../../graph/tensor.ts";
import type { Builder } from "../../tf/build.ts";
import type { Resized, Tap, Variant } from "./taps.ts";

/** One axis to resize. The values are vectors of one element, constants where the file knows them. */
export interface ResizeAxis {
  readonly axis: number;
  readonly input: Dim;
  /** int32 */
  readonly inputSize: Value;
  /** Of the result, int32. */
  readonly size: Value;
  /** float32 */
  readonly scale: Value;
  /** Is the scale given by the file, and not the quotient of the sizes? */
  readonly scaled: boolean;
  /** Start and end of the region, float32. */
  readonly roi: readonly [Value, Value] | undefined;
}

export interface KnownAxis extends ResizeAxis {
  readonly numbers: Resized;
}

/** Images: N C H W or N C W, resized over the last axes only. TF.js resizes floats, which hold no large integers. */
export const isImage = (x: Value, axes: readonly ResizeAxis[]): boolean =>
  (x.rank === 3 || x.rank === 4) && axes.every(({ axis }) => axis >= 2) && (isFloat(x.dtype) || (bitsOf[x.dtype] ?? 64) <= 16);

/** TensorFlow's resize of images, over N C H W or over N C W as an image of height 1. */
export function resizeImage(
  b: Builder,
  x: Value,
  axes: readonly ResizeAxis[],
  mode: "nearest" | "linear",
  variant: Variant,
): Value {
  const flat = x.rank === 3;
  const image = flat ? b.op("ExpandDims", [x, b.scalar("int32", 2)]) : x;
  const size = [2, 3].map((axis) => axes.find((each) => each.axis + (flat ? 1 : 0) === axis)?.size ?? b.dim(image, axis));
  const op = mode === "nearest" ? "ResizeNearestNeighbor" : "ResizeBilinear";
  const y = b.op(op, [b.transpose(image, [0, 2, 3, 1]), b.concat(size, 0)], { ...variant });
  const first = b.transpose(b.cast(y, x.dtype), [0, 3, 1, 2]);
  return flat ? b.squeeze(first, [2]) : first;
}

/** One axis by its taps: picked elements, or weighted sums. */
export function resizeByTaps(b: Builder, x: Value, { axis, numbers: { input, output } }: KnownAxis, taps: readonly Tap[]): Value {
  if (taps.every((tap) => tap.size === 1)) return b.gather(x, b.ints(taps.map((tap) => [...tap.keys()][0]!)), axis);
  const matrix = new Float32Array(input * output);
  taps.forEach((tap, i) => {
    for (const [j, weight] of tap) matrix[j * output + i] = weight;
  });
  const type = isFloat(x.dtype) ? x.dtype : "float32";
  return b.cast(contract(b, b.cast(x, type), axis, b.constant(tensorOf(type, [input, output], matrix))), x.dtype);
}

/** x with `axis` multiplied by a matrix [in, out]. */
export function contract(b: Builder, x: Value, axis: number, matrix: Value): Value {
  const perm = [...x.shape.map((_, i) => i).filter((i) => i !== axis), axis];
  const rows = b.transpose(x, perm);
  const taken = rows.shape[x.rank - 1];
  const flat =
    typeof taken === "number"
      ? b.reshape(rows, [-1, taken])
      : b.op("Reshape", [rows, b.concat([b.ints([-1]), b.dim(rows, x.rank - 1)], 0)]);
  const product = b.op("MatMul", [flat, matrix]);
  const like = rows.shape.map((_, i) => (i === x.rank - 1 ? ([matrix, 1] as const) : ([rows, i] as const)));
  const back = b.reshapeTo(product, [...rows.shape.slice(0, -1), matrix.shape[1]], like);
  return b.transpose(
    back,
    x.shape.map((_, i) => perm.indexOf(i)),
  );
}

/** Elements without a tap are zero; the value belongs wherever any axis is outside its region. */
export function extrapolate(b: Builder, y: Value, taps: ReadonlyMap<number, readonly Tap[]>, value: number): Value {
  const rows = y.shape.map((_, axis) => taps.get(axis)?.map((tap) => (tap.size > 0 ? 1 : 0)) ?? [1]);
  if (value === 0 || rows.every((row) => row.every((inside) => inside))) return y;
  const inside = rows.reduce<number[]>((products, row) => products.flatMap((p) => row.map((bit) => p * bit)), [1]);
  const shape = rows.map((row) => row.length);
  return b.op("AddV2", [
    y,
    b.constant(
      tensorOf(
        y.dtype,
        shape,
        inside.map((bit) => (1 - bit) * value),
      ),
    ),
  ]);
}
