/** LayerNormalization as onnxruntime's optimiser leaves it: with a residual, over embeddings, and under its name before opset 17. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { type At, type Rule, rule } from "../rule.ts";
import { float, int } from "../schema.ts";
import { asScalar } from "./axis.ts";
import { countTo, sizeAt } from "./dims.ts";
import { layerNorm, rmsNorm } from "./norm.ts";

const domain = "com.microsoft";
const last = (epsilon: number) => ({ axis: -1, epsilon, stash_type: 1 });

const plus = (b: Builder, x: Value, y: Value | undefined): Value => (y ? b.op("AddV2", [x, y]) : x);

/** Sum of word, position and segment embeddings. */
function embeddings(
  b: Builder,
  ids: Value,
  segments: Value | undefined,
  tables: readonly (Value | undefined)[],
  positions: Value | undefined,
): Value {
  const [words, places, parts] = tables;
  const place = positions ?? b.op("ExpandDims", [countTo(b, sizeAt(b, ids, 1)), b.scalar("int32", 0)]);
  const sum = b.op("AddV2", [b.gather(words!, ids, 0), b.gather(places!, place, 0)]);
  return segments && parts ? b.op("AddV2", [sum, b.gather(parts, segments, 0)]) : sum;
}

interface Embedding {
  readonly ids: Value;
  readonly segments: Value | undefined;
  readonly words: Value | undefined;
  readonly places: Value | undefined;
  readonly parts: Value | undefined;
  readonly scale: Value | undefined;
  readonly shift: Value | undefined;
  readonly mask: Value | undefined;
  readonly positions: Value | undefined;
}

function embedded(b: Builder, e: Embedding, epsilon: number, at: At): readonly (Value | undefined)[] {
  const { ids, words, places, scale, shift, mask } = e;
  if (!words || !places || !scale || !shift) throw at.invalid("an embedding, gamma or beta is missing");
  const sum = embeddings(b, ids, e.segments, [words, places, e.parts], e.positions);
  const [y] = layerNorm(b, sum, scale, shift, last(epsilon));
  // The mask becomes the length of each sequence; without one onnxruntime writes zeroes.
  const lengths = mask
    ? b.reduce("Sum", mask, [1], false)
    : b.op("Fill", [b.shapeVector([ids.shape[0]], [[ids, 0]]), b.scalar("int32", 0)]);
  return [y, lengths, sum];
}

export const skipNorms: readonly Rule[] = [
  rule(
    "LayerNormalization",
    { since: 1, arity: [2, 3], attrs: { axis: int(-1), epsilon: float(1e-5), stash_type: int(1) } },
    (b, [x, scale, shift], a) => layerNorm(b, x, scale, shift, a),
  ),
  rule(
    "SimplifiedLayerNormalization",
    { since: 1, arity: [2, 2], attrs: { axis: int(-1), epsilon: float(1e-5), stash_type: int(1) } },
    (b, [x, scale], a) => rmsNorm(b, x, scale, a),
  ),
  rule(
    "SkipLayerNormalization",
    { domain, since: 1, arity: [3, 5], attrs: { epsilon: float(1e-12) } },
    (b, [x, skip, scale, shift, bias], a) => {
      const sum = plus(b, b.op("AddV2", [x, skip]), bias);
      const [y, mean, deviation] = layerNorm(b, sum, scale, shift, last(a.epsilon));
      return [y, mean, deviation, sum];
    },
  ),
  rule(
    "SkipSimplifiedLayerNormalization",
    { domain, since: 1, arity: [3, 4], attrs: { epsilon: float(1e-12) } },
    (b, [x, skip, scale, bias], a) => {
      const sum = plus(b, b.op("AddV2", [x, skip]), bias);
      const [y, deviation] = rmsNorm(b, sum, scale, last(a.epsilon));
      return [y, undefined, deviation, sum];
    },
  ),
  rule("SimplifiedLayerNormalization", { domain, since: 1, arity: [2, 2], attrs: { epsilon: float(1e-5) } }, (b, [x, scale], a) =>
    rmsNorm(b, x, scale, last(a.epsilon)),
  ),
  rule(
    "EmbedLayerNormalization",
    { domain, since: 1, arity: [1, 9], attrs: { epsilon: float(1e-12), mask_index_type: int(0) } },
    (b, [ids, segments, words, places, parts, scale, shift, mask, positions], a, at) =>
      embedded(b, { ids, segments, words, places, parts, scale, shift, mask, positions }, a.epsilon, at),
  ),
  // Tables, gamma and beta as codes, each with a scale and a zero point for all of it.
  rule(
    "QEmbedLayerNormalization",
    { domain, since: 1, arity: [1, 18], attrs: { epsilon: float(1e-12) } },
    (b, [ids, segments, ...rest], a, at) => {
      const [words, places, parts, scale, shift] = [0, 1, 2, 3, 4].map((i) => {
        const [codes, step, zero] = [rest[i], rest[6 + i], rest[11 + i]];
        return codes && step && zero && b.op("Dequantize", [codes, asScalar(b, step), asScalar(b, zero)]);
      });
      return embedded(
        b,
        { ids, segments, words, places, parts, scale, shift, mask: rest[5], positions: undefined },
        a.epsilon,
        at,
      );
    },
  ),
];
