/** Transforms whose sizes are known only when the model runs: Fourier's over any axis, and columns put together to an image. */
import type { CustomAttrs, CustomOp, Inputs, Outputs, Tf } from "./op.ts";

/**
 * x [..., parts] of real numbers (1) or complex ones (2), the number of points (0: as many as there are), the axis. Attributes inverse,
 * onesided: of a real signal the half that says all; backward, real numbers from that half.
 */
function fourier(tf: Tf, [x, points, axis]: Inputs, attrs: CustomAttrs): Outputs {
  const shape = x!.shape;
  const rank = shape.length;
  const given = axis!.dataSync()[0]!;
  const along = given < 0 ? given + rank : given;
  if (along < 0 || along >= rank - 1) throw new Error(`a transform along axis ${given} of a signal of rank ${rank}`);
  const [inverse, half] = [attrs["inverse"] === true, attrs["onesided"] === true];
  const back = inverse && half;
  const size = shape[along]!;
  const n = points!.dataSync()[0]! || (back ? 2 * (size - 1) : size);
  const parts = shape[rank - 1]!;
  const inner = shape.slice(along + 1, rank - 1).reduce((product, dim) => product * dim, 1);
  const outer = shape.slice(0, along).reduce((product, dim) => product * dim, 1);
  const taken = Math.min(size, back ? Math.floor(n / 2) + 1 : n);
  const kept = half && !inverse ? Math.floor(n / 2) + 1 : n;
  const data = x!.dataSync<"float32">();
  const cos = Float64Array.from({ length: n }, (_, i) => Math.cos((2 * Math.PI * i) / n));
  const sin = Float64Array.from({ length: n }, (_, i) => Math.sin((2 * Math.PI * i) / n) * (inverse ? 1 : -1));
  const made = back ? 1 : 2;
  const out = new Float32Array(outer * kept * inner * made);
  for (let o = 0; o < outer; o++)
    for (let i = 0; i < inner; i++)
      for (let k = 0; k < kept; k++) {
        let [real, imaginary] = [0, 0];
        for (let t = 0; t < taken; t++) {
          const at = ((o * size + t) * inner + i) * parts;
          const [re, im] = [data[at]!, parts === 2 ? data[at + 1]! : 0];
          const turn = (t * k) % n;
          // The half that is missing is the conjugate of what is there.
          const weight = back && t > 0 && 2 * t !== n ? 2 : 1;
          real += weight * (re * cos[turn]! - im * sin[turn]!);
          imaginary += re * sin[turn]! + im * cos[turn]!;
        }
        const to = ((o * kept + k) * inner + i) * made;
        out[to] = inverse ? real / n : real;
        if (made === 2) out[to + 1] = inverse ? imaginary / n : imaginary;
      }
  return tf.tensor(out, [...shape.slice(0, along), kept, ...shape.slice(along + 1, rank - 1), made], "float32");
}

/** [N, C · block, L], the image's sizes, the block's sizes → [N, C, image …]; blocks that overlap add up. Attributes strides, dilations, pads. */
function columnsToImage(tf: Tf, [x, imageSizes, blockSizes]: Inputs, attrs: CustomAttrs): Outputs {
  const image = Array.from(imageSizes!.dataSync());
  const block = Array.from(blockSizes!.dataSync());
  const list = (name: string) => attrs[name] as readonly number[];
  const [strides, dilations, pads] = [list("strides"), list("dilations"), list("pads")];
  const volume = (sizes: readonly number[]) => sizes.reduce((product, dim) => product * dim, 1);
  const counts = image.map((size, i) => {
    const room = size + pads[i]! + pads[block.length + i]! - (block[i]! - 1) * dilations[i]! - 1;
    return Math.floor(room / strides[i]!) + 1;
  });
  const [batch, columns, length] = x!.shape as [number, number, number];
  const elements = volume(block);
  if (columns % elements !== 0 || length !== volume(counts))
    throw new Error(`columns of ${columns} × ${length} for blocks of ${block} in an image of ${image}`);
  const places = (at: number, sizes: readonly number[]): number[] => {
    const found = new Array<number>(sizes.length);
    let rest = at;
    for (let i = sizes.length - 1; i >= 0; i--) {
      found[i] = rest % sizes[i]!;
      rest = Math.floor(rest / sizes[i]!);
    }
    return found;
  };
  const data = x!.dataSync<"float32">();
  const area = volume(image);
  const planes = (batch * columns) / elements;
  const sums = new Float64Array(planes * area);
  for (let e = 0; e < elements; e++) {
    const inBlock = places(e, block);
    for (let l = 0; l < length; l++) {
      const window = places(l, counts);
      const at = window.map((place, i) => place * strides[i]! + inBlock[i]! * dilations[i]! - pads[i]!);
      if (at.some((place, i) => place < 0 || place >= image[i]!)) continue;
      const pixel = at.reduce((flat, place, i) => flat * image[i]! + place, 0);
      for (let p = 0; p < planes; p++) sums[p * area + pixel]! += data[(p * elements + e) * length + l]!;
    }
  }
  return tf.tensor(Float32Array.from(sums), [batch, columns / elements, ...image], "float32");
}

export const transformOps: Readonly<Record<string, CustomOp>> = {
  FourierAlong: { run: fourier },
  ColumnsToImage: { run: columnsToImage },
};
