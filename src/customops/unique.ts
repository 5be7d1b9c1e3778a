/** ONNX's Unique: the distinct elements, or slices along an axis; where each is first, which one each element is, how often it occurs. */
import type { CustomAttrs, CustomOp, Inputs, Outputs, Tf } from "./op.ts";

function unique(tf: Tf, [x]: Inputs, attrs: CustomAttrs): Outputs {
  const { shape, dtype } = x!;
  const data: ArrayLike<number | string> =
    dtype === "string" ? (x!.dataSync<"string">() as unknown as string[]) : x!.dataSync<"float32">();
  const flat = attrs["flat"] !== false;
  const axis = flat ? 0 : (attrs["axis"] as number);
  const dims = flat ? [data.length] : shape;
  const count = dims[axis]!;
  const outer = dims.slice(0, axis).reduce((size, dim) => size * dim, 1);
  const inner = dims.slice(axis + 1).reduce((size, dim) => size * dim, 1);
  const slices = Array.from({ length: count }, (_, i) => {
    const slice: (number | string)[] = [];
    for (let o = 0; o < outer; o++) for (let k = 0; k < inner; k++) slice.push(data[(o * count + i) * inner + k]!);
    return slice;
  });
  const found = new Map<string, { first: number; count: number; slice: (number | string)[] }>();
  const keys = slices.map((slice) => slice.map((value) => (Object.is(value, -0) ? 0 : value)).join("\0"));
  keys.forEach((key, i) => {
    const entry = found.get(key);
    if (entry) entry.count++;
    else found.set(key, { first: i, count: 1, slice: slices[i]! });
  });
  const order = [...found.keys()];
  if (attrs["sorted"] !== false)
    order.sort((p, q) => {
      const [a, b] = [found.get(p)!.slice, found.get(q)!.slice];
      const at = a.findIndex((value, i) => value !== b[i]);
      return at < 0 ? 0 : a[at]! < b[at]! ? -1 : 1;
    });
  const places = new Map(order.map((key, i) => [key, i]));
  const out: (number | string)[] = [];
  for (let o = 0; o < outer; o++) for (const key of order) out.push(...found.get(key)!.slice.slice(o * inner, (o + 1) * inner));
  const outShape = dims.map((dim, i) => (i === axis ? order.length : dim));
  const vector = (values: number[]) => tf.tensor1d(values, "int32");
  return [
    tf.tensor(out as number[], outShape, dtype),
    vector(order.map((key) => found.get(key)!.first)),
    vector(keys.map((key) => places.get(key)!)),
    vector(order.map((key) => found.get(key)!.count)),
  ];
}

export const uniqueOps: Readonly<Record<string, CustomOp>> = { UniqueElements: { run: unique } };
