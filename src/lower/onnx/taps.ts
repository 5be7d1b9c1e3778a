/** The arithmetic of Resize: which input elements an output element of one axis is made of. Nothing here knows graphs. */

export type Coordinates =
  | "half_pixel"
  | "half_pixel_symmetric"
  | "pytorch_half_pixel"
  | "align_corners"
  | "asymmetric"
  | "tf_half_pixel_for_nn"
  | "tf_crop_and_resize";
export type Rounding = "round_prefer_floor" | "round_prefer_ceil" | "floor" | "ceil" | "simple";
export type Mode = "nearest" | "linear" | "cubic";

export interface Sampling {
  readonly mode: Mode;
  readonly coordinates: Coordinates;
  readonly rounding: Rounding;
  readonly cubicA: number;
  readonly excludeOutside: boolean;
  readonly antialias: boolean;
}

export interface Resized {
  readonly input: number;
  readonly output: number;
  /** Output elements for one of input, as the file says it or output / input; kept in float32 as onnxruntime does. */
  readonly scale: number;
  /** Start and end of the region of interest, as shares of the axis. */
  readonly roi: readonly [number, number];
}

/** Weights by input index. Empty: outside the region, the extrapolation value stands there. */
export type Tap = ReadonlyMap<number, number>;

const f = Math.fround;

/** The place in the input of output element `i`, in float32 steps: at a tie the last bit decides which neighbour is nearest. */
export function coordinate(i: number, { input, output, scale, roi }: Resized, kind: Coordinates): number {
  switch (kind) {
    case "asymmetric":
      return f(i / scale);
    case "half_pixel":
      return f(f((i + 0.5) / scale) - 0.5);
    case "tf_half_pixel_for_nn":
      return f((i + 0.5) / scale);
    case "pytorch_half_pixel":
      return output > 1 ? f(f((i + 0.5) / scale) - 0.5) : 0;
    case "align_corners":
      return output > 1 ? f(f(i * (input - 1)) / (output - 1)) : 0;
    case "half_pixel_symmetric": {
      const adjustment = output / f(scale * input);
      return f(f(f((input / 2) * f(1 - f(adjustment))) + f((i + 0.5) / scale)) - 0.5);
    }
    case "tf_crop_and_resize": {
      const [start, end] = roi;
      if (output === 1) return f(0.5 * (start + end) * (input - 1));
      return f(start * (input - 1) + f(i * (end - start) * (input - 1)) / (output - 1));
    }
  }
}

function nearest(x: number, rounding: Rounding, shrinks: boolean): number {
  switch (rounding) {
    case "floor":
      return Math.floor(x);
    case "ceil":
      return Math.ceil(x);
    case "round_prefer_floor":
      return Math.ceil(x - 0.5);
    case "round_prefer_ceil":
      return Math.floor(x + 0.5);
    case "simple":
      return shrinks ? Math.ceil(x) : Math.trunc(x);
  }
}

const triangle = (d: number): number => Math.max(0, 1 - Math.abs(d));

/** Keys' cubic kernel. */
const cubic =
  (a: number) =>
  (d: number): number => {
    const x = Math.abs(d);
    if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
  };

/** What each output element of the axis is made of. */
export function tapsOf(axis: Resized, sampling: Sampling): readonly Tap[] {
  return Array.from({ length: axis.output }, (_, i) => tapOf(coordinate(i, axis, sampling.coordinates), axis, sampling));
}

function tapOf(x: number, { input, scale }: Resized, s: Sampling): Tap {
  if (s.coordinates === "tf_crop_and_resize" && (x < 0 || x > input - 1)) return new Map();
  const clamp = (i: number) => Math.min(Math.max(i, 0), input - 1);
  if (s.mode === "nearest") return new Map([[clamp(nearest(x, s.rounding, scale < 1)), 1]]);
  // Antialiasing widens the kernel where elements are left out.
  const stretch = s.antialias ? Math.min(scale, 1) : 1;
  const kernel = s.mode === "linear" ? triangle : cubic(s.cubicA);
  const reach = (s.mode === "linear" ? 1 : 2) / stretch;
  const weights = new Map<number, number>();
  let total = 0;
  for (let j = Math.floor(x - reach); j <= Math.ceil(x + reach); j++) {
    const weight = kernel((j - x) * stretch);
    if (weight === 0 || (s.excludeOutside && (j < 0 || j >= input))) continue;
    weights.set(clamp(j), (weights.get(clamp(j)) ?? 0) + weight);
    total += weight;
  }
  return new Map([...weights].map(([j, weight]) => [j, weight / total]));
}

/** How TensorFlow's two resize ops may count. */
export interface Variant {
  readonly align_corners: boolean;
  readonly half_pixel_centers: boolean;
}

export const variants: readonly Variant[] = [
  { align_corners: false, half_pixel_centers: true },
  { align_corners: true, half_pixel_centers: false },
  { align_corners: false, half_pixel_centers: false },
];

/** The element ResizeNearestNeighbor takes; `round` is how the backend's own arithmetic rounds. */
function nearestIn(i: number, input: number, output: number, v: Variant, round: (x: number) => number): number {
  const aligned = v.align_corners && output > 1;
  const ratio = aligned ? round((input - 1) / (output - 1)) : round(input / output);
  const x = round((v.half_pixel_centers ? i + 0.5 : i) * ratio);
  return Math.min(input - 1, v.align_corners ? Math.floor(x + 0.5) : Math.floor(x));
}

/** Does TensorFlow's op give the same elements on a backend that computes in double or in single precision? */
export function nearestEquals(taps: readonly Tap[], input: number, v: Variant): boolean {
  const exact = (x: number) => x;
  return taps.every((tap, i) => [exact, f].every((round) => tap.has(nearestIn(i, input, taps.length, v, round))));
}

/** Weights this close are the same: float32 coordinates are not more exact. */
const weightTolerance = 1e-5;

/** Does ResizeBilinear give the same weights? */
export function bilinearEquals(taps: readonly Tap[], input: number, v: Variant): boolean {
  const output = taps.length;
  const ratio = v.align_corners && output > 1 ? (input - 1) / (output - 1) : input / output;
  return taps.every((tap, i) => {
    const x = v.half_pixel_centers ? (i + 0.5) * ratio - 0.5 : i * ratio;
    const clamped = Math.min(Math.max(x, 0), input - 1);
    const low = Math.floor(clamped);
    const share = clamped - low;
    const expected = new Map([[low, 1 - share]]);
    if (share > 0) expected.set(low + 1, share);
    return [...new Set([...expected.keys(), ...tap.keys()])].every(
      (j) => Math.abs((expected.get(j) ?? 0) - (tap.get(j) ?? 0)) < weightTolerance,
    );
  });
}
