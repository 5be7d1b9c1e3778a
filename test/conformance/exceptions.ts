/** Cases whose stored outputs cannot be taken at their word: each with its reason, and what is done instead. */
export interface Exception {
  readonly test: RegExp;
  readonly reason: string;
  /** Where it counts; absent: everywhere. */
  readonly backend?: RegExp;
  /** Tolerance relative to the greatest stored value. */
  readonly rtol: number;
}

const exceptions: readonly Exception[] = [
  {
    test: /test_averagepool_2d_ceil_last_window_starts_on_pad$/,
    reason: "the stored outputs are rounded to four digits",
    rtol: 1e-3,
  },
  {
    test: /test_sin$/,
    backend: /^web/,
    reason: "WGSL promises sines to 2⁻¹¹, GLSL nothing, and the software GPU is as far off",
    rtol: 2 ** -11,
  },
];

export const exceptionFor = (test: string, backend: string): Exception | undefined =>
  exceptions.find((each) => each.test.test(test) && (each.backend?.test(backend) ?? true));

/** Where the check of a backend and what happens on it differ, and why that stays. */
const disputes: readonly { readonly test: RegExp; readonly backend: RegExp; readonly reason: string }[] = [
  {
    test: /test_averagepool_3d_dilations_large_count_include_pad_is_1_ceil_mode_is_False$/,
    backend: /^web/,
    reason: "a program of five axes that the software GPU's compiler refuses",
  },
  { test: /test_convinteger_with_padding$/, backend: /^webgpu$/, reason: "a program for integers with a type error in its WGSL" },
  {
    test: /test_(affine_grid_3d_align_corners|stft$)/,
    backend: /^webgpu$/,
    reason: "whether a tensor is small enough for the host shows only when it runs",
  },
];

export const isDisputed = (test: string, backend: string): boolean =>
  disputes.some((each) => each.test.test(test) && each.backend.test(backend));
