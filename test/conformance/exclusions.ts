/** Cases in which the reference is the one that is off, each with its proof. One that starts to pass fails the run, unless it comes and goes. */
import type { Row } from "./suite.ts";

interface Exclusion {
  /** How the case's id ends. */
  readonly test: string;
  readonly reason: string;
  /** The only backend it is about. */
  readonly backend?: string;
  /** Depends on memory or threads of the reference: it may pass. */
  readonly comesAndGoes?: true;
}

const rounding =
  "some sums lie nearer to a border between two quantisation steps than float32 can tell, and layers behind it see another step: " +
  "of 100 352 in the first such layer 5 differ, each by 1";

const exclusions: readonly Exclusion[] = [
  {
    test: "test_reduce_log_sum_empty_set_expanded",
    backend: "webgl",
    reason: "the software GPU's logarithm of 0 is −127 · ln 2; WebGL leaves it undefined",
  },
  ...["[2x4]", "[3x5]"].map((shape) => ({
    test: `quick-gelu.jsonc/QuickGelu test/${shape}`,
    reason: "the last number that is expected is that of the input's opposite: x · σ(1.702 x) of a negative x is not positive",
  })),
  ...["BatchNorm1D_15.onnx", "BatchNorm2D_15.onnx"].map((test) => ({
    test,
    reason:
      "onnxruntime writes the running statistics over its inputs, which here are the very tensors that are scale and shift: " +
      "y = unit · (0.9 + 0.1 · variance) + 0.1 · mean instead of unit",
  })),
  ...["cast_FLOAT_to_STRING", "castlike_FLOAT_to_STRING", "castlike_FLOAT_to_STRING_expanded"].map((test) => ({
    test: `node/test_${test}`,
    backend: "onnxruntime",
    reason: "onnxruntime writes nine digits of a float, of the source model too, where the shortest that tell it are expected",
  })),
  ...["test_castlike_BFLOAT16_to_FLOAT", "test_castlike_BFLOAT16_to_FLOAT_expanded"].map((test) => ({
    test: `v1.13.1/node/${test}`,
    backend: "onnxruntime",
    reason: "the stored `like` has the shape [1], its model says [3,4], and onnxruntime holds it to that",
  })),
  {
    test: "attention_mask1d_fp16.onnx",
    reason:
      "weights are an input here, drawn as it is the scores reach 164 944, beyond float16: onnxruntime has infinities and NaN",
  },
  {
    test: "layout_transform_reshape.onnx",
    reason:
      "divides by x − mean + c, which is nearly 0 where it differs: the denominators agree to 1.4e-6, and that is 0.24 % of the smallest",
  },
  {
    test: "two_params_lora_model.onnx",
    reason: "onnxruntime does not write the result of a MatMul over 0 elements, and adds what it finds there",
    comesAndGoes: true,
  },
  {
    test: "gpt2_attention_opt_no_skiplayernorm.onnx",
    reason:
      "mean 4163, variance 7: onnxruntime computes E[x²] − E[x]², of which float32 holds no digit after the point; " +
      "against float64 its normalised values are 3e-5 off in one run and more in others",
    comesAndGoes: true,
  },
  {
    test: "centernet.json",
    backend: "onnxruntime",
    reason:
      "its peaks are where a heat map Equals its own pooled maximum: values that the sigmoid leaves one rounding apart in one runtime " +
      "and alike in the other; all 232 layers before that agree",
    comesAndGoes: true,
  },
  ...["qdq16", "qdq16_contrib", "qdq_contrib", "qdq"].map((kind) => ({
    test: `qdq_with_multi_consumer_dq_nodes.fixed.${kind}.onnx`,
    reason: rounding,
    comesAndGoes: true as const,
  })),
];

/** A difference that is the reference's own becomes a skip; an exclusion without a difference is told as wrong. */
export function excused(row: Row): Row {
  const found = exclusions.find(
    ({ test, backend }) => `/${row.test}`.endsWith(`/${test}`) && (backend === undefined || backend === row.backend),
  );
  if (!found) return row;
  if (row.status === "wrong") return { ...row, status: "skipped", reason: `${found.reason} (${row.reason})` };
  if (row.status === "passed" && !found.comesAndGoes) return { ...row, status: "wrong", reason: "excluded, but passes" };
  return row;
}
