/** Pools over regions whose sizes only the run knows; x is N C H W. */
import type { CustomAttrs, CustomOp, Inputs, Outputs, Tf } from "./op.ts";

/** rois [R, 5]: image, then left, top, right, bottom in whole elements after scaling. */
function roiMaxPool(tf: Tf, [x, rois]: Inputs, attrs: CustomAttrs): Outputs {
  const [, channels, height, width] = x!.shape as [number, number, number, number];
  const [data, regions] = [x!.dataSync<"float32">(), rois!.dataSync<"float32">()];
  const [rows, columns, scale] = [attrs["height"] as number, attrs["width"] as number, attrs["scale"] as number];
  const count = rois!.shape[0]!;
  const out = new Float32Array(count * channels * rows * columns);
  const clamp = (value: number, high: number) => Math.min(Math.max(value, 0), high);
  let at = 0;
  for (let r = 0; r < count; r++) {
    const [image, left, top, right, bottom] = Array.from(regions.subarray(5 * r, 5 * r + 5), (v, i) =>
      i === 0 ? v : Math.round(v * scale),
    ) as [number, number, number, number, number];
    const [tall, wide] = [Math.max(bottom - top + 1, 1) / rows, Math.max(right - left + 1, 1) / columns];
    for (let c = 0; c < channels; c++)
      for (let i = 0; i < rows; i++)
        for (let j = 0; j < columns; j++) {
          const [y0, y1] = [clamp(Math.floor(i * tall) + top, height), clamp(Math.ceil((i + 1) * tall) + top, height)];
          const [x0, x1] = [clamp(Math.floor(j * wide) + left, width), clamp(Math.ceil((j + 1) * wide) + left, width)];
          let best = y1 <= y0 || x1 <= x0 ? 0 : Number.NEGATIVE_INFINITY;
          for (let y = y0; y < y1; y++)
            for (let k = x0; k < x1; k++) best = Math.max(best, data[((image * channels + c) * height + y) * width + k]!);
          out[at++] = best;
        }
  }
  return tf.tensor(out, [count, channels, rows, columns], "float32");
}

/** The four elements round a place and their weights; none where it is more than one element outside. */
function corners(y: number, x: number, height: number, width: number): readonly (readonly [index: number, weight: number])[] {
  if (y < -1 || y > height || x < -1 || x > width) return [];
  const [row, column] = [Math.min(Math.max(y, 0), height - 1), Math.min(Math.max(x, 0), width - 1)];
  const [top, left] = [Math.floor(row), Math.floor(column)];
  const [bottom, right] = [Math.min(top + 1, height - 1), Math.min(left + 1, width - 1)];
  const [p, q] = [row - top, column - left];
  return [
    [top * width + left, (1 - p) * (1 - q)],
    [top * width + right, (1 - p) * q],
    [bottom * width + left, p * (1 - q)],
    [bottom * width + right, p * q],
  ];
}

/** As many samples a bin as its region is large; rois [R, 4] left, top, right, bottom, batches [R]. */
function roiAlignAdaptive(tf: Tf, [x, rois, batches]: Inputs, attrs: CustomAttrs): Outputs {
  const [, channels, height, width] = x!.shape as [number, number, number, number];
  const [data, regions, images] = [x!.dataSync<"float32">(), rois!.dataSync<"float32">(), batches!.dataSync<"int32">()];
  const [rows, columns, scale] = [attrs["height"] as number, attrs["width"] as number, attrs["scale"] as number];
  const [half, greatest] = [attrs["half_pixel"] as boolean, attrs["max"] as boolean];
  const count = rois!.shape[0]!;
  const out = new Float32Array(count * channels * rows * columns);
  let at = 0;
  for (let r = 0; r < count; r++) {
    const [left, top, right, bottom] = Array.from(regions.subarray(4 * r, 4 * r + 4), (v) => v * scale - (half ? 0.5 : 0)) as [
      number,
      number,
      number,
      number,
    ];
    const tall = (half ? bottom - top : Math.max(bottom - top, 1)) / rows;
    const wide = (half ? right - left : Math.max(right - left, 1)) / columns;
    const [down, across] = [Math.max(Math.ceil(tall), 0), Math.max(Math.ceil(wide), 0)];
    for (let c = 0; c < channels; c++) {
      const plane = (images[r]! * channels + c) * height * width;
      for (let i = 0; i < rows; i++)
        for (let j = 0; j < columns; j++) {
          let [sum, best] = [0, Number.NEGATIVE_INFINITY];
          for (let m = 0; m < down; m++)
            for (let n = 0; n < across; n++) {
              const terms = corners(
                top + (i + (m + 0.5) / down) * tall,
                left + (j + (n + 0.5) / across) * wide,
                height,
                width,
              ).map(([index, weight]) => data[plane + index]! * weight);
              sum += terms.reduce((total, term) => total + term, 0);
              best = Math.max(best, terms.length > 0 ? Math.max(...terms) : 0);
            }
          const samples = Math.max(down * across, 1);
          out[at++] = greatest ? (down * across === 0 ? 0 : best) : sum / samples;
        }
    }
  }
  return tf.tensor(out, [count, channels, rows, columns], "float32");
}

export const regionOps: Readonly<Record<string, CustomOp>> = {
  RoiMaxPool: { run: roiMaxPool },
  RoiAlignAdaptive: { run: roiAlignAdaptive, uses: [corners] },
};
