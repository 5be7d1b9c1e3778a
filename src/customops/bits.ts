/** Bitwise logic with broadcasting, and the same 32 bits as another type. */
import type { CustomOp, Inputs, Outputs, Tf } from "./op.ts";

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

export const bitOps: Readonly<Record<string, CustomOp>> = {
  // TF.js has an op of this name whose executor finds no inputs.
  BitwiseAnd: { run: (tf, inputs) => bitwise(tf, inputs, (p, q) => p & q), uses: [bitwise] },
  BitwiseOr: { run: (tf, inputs) => bitwise(tf, inputs, (p, q) => p | q), uses: [bitwise] },
  BitwiseXor: { run: (tf, inputs) => bitwise(tf, inputs, (p, q) => p ^ q), uses: [bitwise] },
  BitcastToInt32: { run: (tf, inputs) => bitcast(tf, inputs, "int32"), uses: [bitcast] },
  BitcastToFloat32: { run: (tf, inputs) => bitcast(tf, inputs, "float32"), uses: [bitcast] },
};
