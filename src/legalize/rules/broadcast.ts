/** BroadcastTo: TF.js leaves an axis that should become empty as it is. */
import { type Dim, sizeOf, type Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { dimsOf } from "../../tf/op.ts";
import { type LegalAt, type LegalRule, legal } from "../rule.ts";
import { choose } from "./sizes.ts";

/** How often an axis repeats; undefined where the run alone can tell, and it may be 0 times. */
function repeatsOf(own: Dim, wanted: Dim): number | undefined {
  if (own !== 1 && own !== undefined && (own === wanted || typeof own === "number")) return 1;
  return own === 1 && typeof wanted === "number" ? wanted : undefined;
}

function broadcastTo(b: Builder, inputs: readonly Value[], at: LegalAt): Value {
  const [x, shape] = inputs as [Value, Value];
  const out = at.node.outputs[0]!.type.shape;
  if (sizeOf(out) === 0) return b.op("Fill", [shape, unseen(b, x)]);
  const own = x.type.shape;
  if (!out || !own) return at.same(b, inputs)[0]!;
  const padded: readonly Dim[] = [...new Array<number>(out.length - own.length).fill(1), ...own];
  const dims = dimsOf(shape);
  const repeats = out.map((dim, i) => repeatsOf(padded[i], dim ?? dims?.[i]));
  if (!repeats.includes(undefined)) return at.same(b, inputs)[0]!;
  // Tile takes 0 repeats.
  const full = b.reshapeTo(
    x,
    padded,
    padded.map((_, i) => [x, i - out.length + own.length]),
  );
  // An axis of 1 repeats as often as the shape says, and what is known of that stays known.
  const counts = padded.every((own, i) => own === 1 || repeats[i] !== undefined)
    ? shape
    : choose(b, b.op("Equal", [shape, b.op("Shape", [full])]), b.scalar("int32", 1), shape);
  const parts = repeats.map((count, i) =>
    count === undefined ? b.slice(padded[i] === 1 ? shape : counts, [i], [1]) : b.ints([count]),
  );
  return b.op("Tile", [full, b.concat(parts, 0)]);
}

/** An element for a tensor of none. */
const unseen = (b: Builder, { dtype }: Value): Value =>
  dtype === "string" ? b.constant({ dtype, shape: [], data: [""] }) : b.cast(b.scalar("float32", 0), dtype);

export const broadcasts: readonly LegalRule[] = [legal("BroadcastTo", (b, inputs, at) => [broadcastTo(b, inputs, at)])];
