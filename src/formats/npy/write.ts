/** Tensors as .npy (version 1, or 2 for a long header) and .npz. */
import { zipSync } from "fflate";
import type { DType } from "../../base/dtype.ts";
import { packTensor } from "../../graph/pack.ts";
import type { Tensor } from "../../graph/tensor.ts";

const descriptions: Partial<Record<DType, string>> = {
  bool: "|b1",
  int8: "|i1",
  int16: "<i2",
  int32: "<i4",
  int64: "<i8",
  uint8: "|u1",
  uint16: "<u2",
  uint32: "<u4",
  uint64: "<u8",
  float16: "<f2",
  float32: "<f4",
  float64: "<f8",
  complex64: "<c8",
  complex128: "<c16",
};

/** NumPy pads the header so that the elements start at a multiple of this. */
const ALIGN = 64;

/** An Error for the types that NumPy has no name for (bfloat16, float8, four bits): convert them first. */
export function writeNpy(tensor: Tensor): Uint8Array {
  const { descr, body } = bodyOf(tensor);
  const shape = `(${tensor.shape.join(", ")}${tensor.shape.length === 1 ? "," : ""})`;
  const header = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }`;
  const long = header.length + ALIGN > 0xffff;
  const before = long ? 12 : 10;
  const start = Math.ceil((before + header.length + 1) / ALIGN) * ALIGN;
  const out = new Uint8Array(start + body.length).fill(0x20, before, start - 1);
  out.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, long ? 2 : 1, 0]);
  const view = new DataView(out.buffer);
  if (long) view.setUint32(8, start - before, true);
  else view.setUint16(8, start - before, true);
  out.set(new TextEncoder().encode(header), before);
  out[start - 1] = 0x0a;
  out.set(body, start);
  return out;
}

/** Uncompressed, as `numpy.savez` writes. */
export function writeNpz(arrays: Readonly<Record<string, Tensor>>): Uint8Array {
  return zipSync(
    Object.fromEntries(Object.entries(arrays).map(([name, tensor]) => [`${name}.npy`, [writeNpy(tensor), { level: 0 }]])),
  );
}

function bodyOf(tensor: Tensor): { descr: string; body: Uint8Array } {
  if (tensor.dtype === "string") return wideStrings(tensor.data as string[]);
  const descr = descriptions[tensor.dtype];
  if (!descr) throw new Error(`NumPy has no type for ${tensor.dtype}`);
  return { descr, body: packTensor(tensor) };
}

function wideStrings(values: readonly string[]): { descr: string; body: Uint8Array } {
  const points = values.map((text) => Array.from(text, (c) => c.codePointAt(0)!));
  const width = Math.max(1, ...points.map((p) => p.length));
  const body = new Uint32Array(values.length * width);
  for (const [i, text] of points.entries()) body.set(text, i * width);
  return { descr: `<U${width}`, body: new Uint8Array(body.buffer) };
}
