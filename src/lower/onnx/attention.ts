/** Attention of ai.onnx: 3-D or 4-D inputs, grouped heads, masks, past keys and values, softcap. */

import type { Value } from "../../graph/graph.ts";
import { dtypeOfCode } from "../../graph/onnx-types.ts";
import type { Builder } from "../../tf/build.ts";
import { type At, type Rule, rule } from "../rule.ts";
import { bool, float, int, optionalFloat, optionalInt } from "../schema.ts";
import { difference, sizeAt, sizeVector } from "./dims.ts";
import { type Attended, attend, beforeEnd, biasWhere, causal, joinHeads, splitHeads } from "./scores.ts";

interface Attrs {
  readonly is_causal: boolean;
  readonly kv_num_heads: number | undefined;
  readonly q_num_heads: number | undefined;
  readonly qk_matmul_output_mode: number;
  readonly scale: number | undefined;
  readonly softcap: number;
  readonly softmax_precision: number | undefined;
}

/** [B, S, H·D] as [B, H, S, D]; 4-D values are that already. */
function withHeads(b: Builder, x: Value, heads: number | undefined, at: At): Value {
  if (x.rank === 4) return x;
  const width = x.shape[2];
  if (x.rank !== 3 || heads === undefined) throw at.invalid(`a rank-${x.rank} input without a number of heads`);
  if (typeof width !== "number") throw at.unsupported("heads of unknown width");
  if (width % heads !== 0) throw at.invalid(`${heads} heads over a width of ${width}`);
  return splitHeads(b, x, heads);
}

interface Inputs {
  readonly q: Value;
  readonly k: Value;
  readonly v: Value;
  readonly mask: Value | undefined;
  readonly pastKey: Value | undefined;
  readonly lengths: Value | undefined;
}

/** All masks as one bias; undefined where every key is seen. */
function biasOf(b: Builder, { q, k, mask, pastKey, lengths }: Inputs, isCausal: boolean): Value | undefined {
  const [queries, keys] = [sizeAt(b, q, 2), sizeAt(b, k, 2)];
  const parts: Value[] = [];
  if (mask) parts.push(toKeys(b, mask.dtype === "bool" ? biasWhere(b, mask, q.dtype) : mask, k));
  if (isCausal) {
    // Of one query behind a past too, which onnxruntime shows all keys: there is but one new key then where a model decodes.
    const past = pastKey && sizeVector(b, sizeAt(b, pastKey, 2));
    const offset = lengths ? b.reshape(b.op("Sub", [b.cast(lengths, "int32"), sizeVector(b, queries)]), [-1, 1, 1, 1]) : past;
    parts.push(biasWhere(b, causal(b, queries, keys, offset), q.dtype));
  }
  if (lengths) parts.push(biasWhere(b, beforeEnd(b, lengths, keys), q.dtype));
  return parts.length === 0 ? undefined : parts.reduce((total, part) => b.op("AddV2", [total, part]));
}

/** A mask over fewer keys than there are hides the others. */
function toKeys(b: Builder, mask: Value, k: Value): Value {
  const [given, all] = [mask.shape[mask.rank - 1], k.shape[2]];
  if (given === all || given === 1 || mask.rank === 0) return mask;
  if (typeof given === "number" && typeof all === "number" && given > all) return mask; // its shape rule will refuse it
  const missing = sizeVector(b, difference(b, sizeAt(b, k, 2), sizeAt(b, mask, -1)));
  const zeros = b.ints(new Array<number>(2 * mask.rank - 1).fill(0));
  const pads = b.reshape(b.concat([zeros, missing], 0), [mask.rank, 2]);
  return b.op("PadV2", [mask, pads, b.scalar(mask.dtype, Number.NEGATIVE_INFINITY)]);
}

function attention(b: Builder, inputs: readonly (Value | undefined)[], a: Attrs, at: At): readonly Value[] {
  const [query, key, value, mask, pastKey, pastValue, lengths] = inputs;
  const q = withHeads(b, query!, a.q_num_heads, at);
  const newKeys = withHeads(b, key!, a.kv_num_heads, at);
  const newValues = withHeads(b, value!, a.kv_num_heads, at);
  const k = pastKey ? b.concat([pastKey, newKeys], 2) : newKeys;
  const v = pastValue ? b.concat([pastValue, newValues], 2) : newValues;
  checkHeads(q, k, at);
  const width = q.shape[3];
  if (a.scale === undefined && typeof width !== "number") throw at.unsupported("heads of unknown width");
  const softmaxType = a.softmax_precision ? dtypeOfCode(a.softmax_precision) : undefined;
  const attended = attend(b, {
    q,
    k,
    v,
    scale: a.scale ?? 1 / Math.sqrt(width as number),
    bias: biasOf(b, { q, k, v, mask, pastKey, lengths }, a.is_causal),
    maybeEmpty: mask !== undefined || lengths !== undefined,
    softcap: a.softcap,
    ...(softmaxType && { softmaxType }),
  });
  return [query!.rank === 3 ? joinHeads(b, attended.y) : attended.y, k, v, stage(attended, a.qk_matmul_output_mode, at)];
}

function checkHeads(q: Value, k: Value, at: At): void {
  const [heads, kv] = [q.shape[1], k.shape[1]];
  if (heads === kv && heads !== undefined) return;
  if (typeof heads !== "number" || typeof kv !== "number") throw at.unsupported("an unknown number of heads");
  if (heads % kv !== 0) throw at.invalid(`${heads} heads of queries over ${kv} of keys`);
}

function stage({ stages }: Attended, mode: number, at: At): Value {
  const found = stages[mode];
  if (!found) throw at.invalid(`qk_matmul_output_mode ${mode}`);
  return found;
}

export const attentions: readonly Rule[] = [
  rule(
    "Attention",
    {
      since: 23,
      arity: [3, 7],
      attrs: {
        is_causal: bool(false),
        kv_num_heads: optionalInt(),
        q_num_heads: optionalInt(),
        qk_matmul_output_mode: int(0),
        scale: optionalFloat(),
        softcap: float(0),
        softmax_precision: optionalInt(),
      },
    },
    (b, inputs, a, at) => attention(b, inputs, a, at),
  ),
];
