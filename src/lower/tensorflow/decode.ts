/** Greedy decoding of CTC: the best class at each time, repeats merged, blanks left out. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import type { Rule } from "../rule.ts";
import { int } from "../schema.ts";
import { flag, tfRule } from "./attrs.ts";

/** scores [time, batch, classes], lengths [batch] → a sparse tensor of classes [batch, time], and the scores' negative sums. */
function greedy(b: Builder, scores: Value, lengths: Value, merge: boolean, blank: number): readonly Value[] {
  const n = (value: number) => b.scalar("int32", value);
  // Batches first from here on.
  const best = b.transpose(b.cast(b.op("ArgMax", [scores, n(2)], { output_type: "int64" }), "int32"), [1, 0]);
  const greatest = b.transpose(b.reduce("Max", scores, [2], false), [1, 0]);
  const times = b.op("Range", [n(0), b.reshape(b.dim(best, 1), []), n(1)]);
  const within = b.op("Less", [times, b.op("ExpandDims", [b.cast(lengths, "int32"), n(1)])]);
  const last = b.op("Sub", [b.reshape(b.dim(scores, 2), []), n(1)]);
  const nothing = blank < 0 ? b.op("AddV2", [last, n(blank + 1)]) : n(blank);
  const told = b.op("LogicalAnd", [within, b.op("NotEqual", [best, nothing])]);
  const padded = b.op("PadV2", [best, b.reshape(b.ints([0, 0, 1, 0]), [2, 2]), n(-1)]);
  const before = b.op("Slice", [padded, b.ints([0, 0]), b.concat([b.ints([-1]), b.dim(best, 1)], 0)]);
  const kept = merge ? b.op("LogicalAnd", [told, b.op("NotEqual", [best, before])]) : told;
  const places = b.cast(b.op("Where", [kept]), "int32");
  const counts = b.cast(kept, "int32");
  const columns = b.op("Cumsum", [counts, n(1)], { exclusive: true, reverse: false });
  const rows = b.squeeze(b.slice(places, [0, 0], [-1, 1]), [1]);
  const indices = b.op("Pack", [rows, b.op("GatherNd", [columns, places])], { axis: 1 });
  const longest = b.reduce("Max", b.reduce("Sum", counts, [1], false), [0], true);
  const zero = b.op("ZerosLike", [greatest]);
  const sums = b.reduce("Sum", b.op("SelectV2", [within, greatest, zero]), [1], true);
  return [
    b.cast(indices, "int64"),
    b.cast(b.op("GatherNd", [best, places]), "int64"),
    b.cast(b.concat([b.dim(best, 0), longest], 0), "int64"),
    b.op("Neg", [sums]),
  ];
}

export const decoders: readonly Rule[] = [
  tfRule("CTCGreedyDecoder", [2, 2], { merge_repeated: flag(false), blank_index: int(-1) }, (b, [scores, lengths], a) =>
    greedy(b, scores, lengths, a.merge_repeated, a.blank_index),
  ),
];
