/** Bitwise logic with broadcasting, and the same 32 bits as another type. */
import type { CustomAttrs, CustomOp, Inputs, Outputs, Tf } from "./op.ts";

function bitwise(tf: Tf, [x, y]: Inputs, combine: (p: number, q: number) => number): Outputs {
  const shape = tf.backend_util.assertAndGetBroadcastShape(x!.shape, y!.shape);
  const [p, q] = [tf.broadcastTo(x!, shape), tf.broadcastTo(y!, shape)];
  const [left, right] = [p.dataSync<"int32">(), q.dataSync<"int32">()];
  tf.dispose([p, q]);
  return tf.tensor(
    left.map((value, i) => combine(value, right[i]!)),
    shape,
    "int32",
  );
}

function bitcast(tf: Tf, [x]: Inputs, to: "float32" | "int32"): Outputs {
  const data = x!.dataSync<"int32">().slice();
  return tf.tensor(to === "int32" ? new Int32Array(data.buffer) : new Float32Array(data.buffer), x!.shape, to);
}

/** A float16 from its bits, and back: the value is one of float16 already. */
function halfOf(bits: number): number {
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  const size =
    exponent === 0
      ? fraction * 2 ** -24
      : exponent === 31
        ? fraction
          ? Number.NaN
          : Infinity
        : (1 + fraction / 1024) * 2 ** (exponent - 15);
  return bits & 0x8000 ? -size : size;
}

function halfBits(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  if (Number.isNaN(value)) return 0x7e00;
  const size = Math.abs(value);
  if (size === Infinity) return sign | 0x7c00;
  if (size < 2 ** -14) return sign | Math.round(size * 2 ** 24);
  const exponent = Math.floor(Math.log2(size));
  return sign | ((exponent + 15) << 10) | Math.round((size / 2 ** exponent - 1) * 1024);
}

/**
 * Bits as numbers of another size; wider ones gain an axis or take the last one in. Types by number: 0 int8, 1 uint8, 2 int16, 3 uint16,
 * 4 int32, 5 float32, 6 float16, 7 bfloat16, 8 int64, which is carried in 32 bits.
 */
function bitcastBytes(tf: Tf, [x]: Inputs, attrs: CustomAttrs): Outputs {
  const widths = [1, 1, 2, 2, 4, 4, 2, 2, 8];
  const [from, to] = [attrs["from"] as number, attrs["to"] as number];
  const values = x!.dataSync();
  const [wide, narrow] = [widths[from]!, widths[to]!];
  const bytes = new DataView(new ArrayBuffer(values.length * wide));
  const word = new DataView(new ArrayBuffer(4));
  values.forEach((value, i) => {
    const at = i * wide;
    if (wide === 1) bytes.setUint8(at, value);
    else if (from === 5) bytes.setFloat32(at, value, true);
    else if (from === 6) bytes.setUint16(at, halfBits(value), true);
    else if (from === 7) {
      word.setFloat32(0, value);
      bytes.setUint16(at, word.getUint16(0), true);
    } else if (wide === 2) bytes.setUint16(at, value, true);
    else bytes.setInt32(at, value, true);
    if (wide === 8) bytes.setInt32(at + 4, value < 0 ? -1 : 0, true);
  });
  const read = (at: number): number => {
    if (to === 0) return bytes.getInt8(at);
    if (to === 1) return bytes.getUint8(at);
    if (to === 2) return bytes.getInt16(at, true);
    if (to === 4) return bytes.getInt32(at, true);
    if (to === 5) return bytes.getFloat32(at, true);
    const bits = bytes.getUint16(at, true);
    if (to === 6) return halfOf(bits);
    word.setUint32(0, bits << 16);
    return to === 7 ? word.getFloat32(0) : bits;
  };
  const out = Array.from({ length: bytes.byteLength / narrow }, (_, i) => read(i * narrow));
  const shape = wide > narrow ? [...x!.shape, wide / narrow] : wide < narrow ? x!.shape.slice(0, -1) : x!.shape;
  return tf.tensor(out, shape, to >= 5 ? "float32" : "int32");
}

export const bitOps: Readonly<Record<string, CustomOp>> = {
  // TF.js has an op of this name whose executor finds no inputs.
  BitwiseAnd: { run: (tf, inputs) => bitwise(tf, inputs, (p, q) => p & q), uses: [bitwise] },
  BitwiseOr: { run: (tf, inputs) => bitwise(tf, inputs, (p, q) => p | q), uses: [bitwise] },
  BitwiseXor: { run: (tf, inputs) => bitwise(tf, inputs, (p, q) => p ^ q), uses: [bitwise] },
  BitcastToInt32: { run: (tf, inputs) => bitcast(tf, inputs, "int32"), uses: [bitcast] },
  BitcastBytes: { run: bitcastBytes, uses: [halfOf, halfBits] },
  BitcastToFloat32: { run: (tf, inputs) => bitcast(tf, inputs, "float32"), uses: [bitcast] },
};
