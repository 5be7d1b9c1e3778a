/** Sequences and optionals, resolved while lowering: see lower/group.ts. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { normalAxis } from "../../tf/op.ts";
import { contentOf, elementsOf, isGroup, isPresent, optionalOf, sequenceOf } from "../group.ts";
import { type At, type Rule, rule } from "../rule.ts";
import { bool, graph, int, onnxType, raw, required } from "../schema.ts";
import { asScalar, knownNumbers, range } from "./axis.ts";

function elements(value: Value, at: At): readonly Value[] {
  const inside = contentOf(value);
  const found = inside && elementsOf(inside);
  if (!found) throw at.unsupported("a sequence whose elements are known only when it runs");
  return found;
}

/** A position, −1 the last; undefined where it is computed. */
function position(value: Value | undefined, length: number, at: At): number | undefined {
  const known = value && knownNumbers(value)?.[0];
  if (known === undefined) return undefined;
  if (known < -length || known > length) throw at.invalid(`position ${known} of a sequence of ${length}`);
  return known < 0 ? known + length : known;
}

const settled = (place: number | undefined, at: At): number => {
  if (place === undefined) throw at.unsupported("a position in a sequence that is computed", "make it constant");
  return place;
};

/** Elements of one shape are stacked, so that the run can choose. */
function elementAt(b: Builder, value: Value, where: Value, at: At): Value {
  const list = elements(value, at);
  const place = position(where, list.length, at);
  if (place === list.length) throw at.invalid(`position ${place} of a sequence of ${list.length}`);
  if (place !== undefined) return list[place]!;
  const shapes = new Set(list.map((each) => each.staticShape?.join()));
  if (shapes.size !== 1 || shapes.has(undefined))
    throw at.unsupported("a position in a sequence that is computed", "make it constant");
  const wrapped = b.op("FloorMod", [b.cast(asScalar(b, where), "int32"), b.scalar("int32", list.length)]);
  return b.gather(b.op("Pack", list, { axis: 0 }), wrapped, 0);
}

/** Pieces along an axis; without `sizes` each has one element and, unless kept, no such axis. */
function pieces(b: Builder, x: Value, sizes: Value | undefined, axis: number, keep: boolean, at: At): readonly Value[] {
  const dim = x.shape[axis];
  if (typeof dim !== "number")
    throw at.unsupported("a split into a sequence along a dim that is not known", "give the input's shape with --input");
  const known = sizes && knownNumbers(sizes);
  if (sizes && !known) throw at.unsupported("a split into a sequence by sizes that are computed");
  const each = known && sizes!.rank === 0 ? known[0]! : 1;
  const counts = known && sizes!.rank === 1 ? known : range(Math.ceil(dim / each)).map((i) => Math.min(each, dim - i * each));
  if (counts.length === 0) return [];
  const parts =
    counts.length === 1 ? [x] : b.ops("SplitV", [x, b.ints(counts), b.scalar("int32", axis)], { num_split: counts.length });
  return sizes || keep ? parts : parts.map((part) => b.squeeze(part, [axis]));
}

const many = Number.POSITIVE_INFINITY;

export const sequences: readonly Rule[] = [
  rule("SequenceEmpty", { since: 11, arity: [0, 0], attrs: { dtype: onnxType("float32") } }, (b, _, a) => [
    sequenceOf([], a.dtype ?? "float32", b.origin),
  ]),
  rule("SequenceConstruct", { since: 11, arity: [1, many], attrs: {} }, (b, inputs) => [
    sequenceOf(inputs as readonly Value[], "float32", b.origin),
  ]),
  rule("SequenceAt", { since: 11, arity: [2, 2], attrs: {} }, (b, [list, where], _, at) => [elementAt(b, list, where, at)]),
  rule("SequenceLength", { since: 11, arity: [1, 1], attrs: {} }, (b, [list], _, at) => [
    b.scalar("int64", elements(list, at).length),
  ]),
  rule("SequenceInsert", { since: 11, arity: [2, 3], attrs: {} }, (b, [list, tensor, where], _, at) => {
    const old = elements(list, at);
    const place = where ? settled(position(where, old.length, at), at) : old.length;
    return [sequenceOf([...old.slice(0, place), tensor, ...old.slice(place)], tensor.dtype, b.origin)];
  }),
  rule("SequenceErase", { since: 11, arity: [1, 2], attrs: {} }, (b, [list, where], _, at) => {
    const old = elements(list, at);
    const place = where ? settled(position(where, old.length, at), at) : old.length - 1;
    return [
      sequenceOf(
        old.filter((_, i) => i !== place),
        list.dtype,
        b.origin,
      ),
    ];
  }),
  rule("SplitToSequence", { since: 11, arity: [1, 2], attrs: { axis: int(0), keepdims: bool(true) } }, (b, [x, sizes], a, at) => [
    sequenceOf(pieces(b, x, sizes, normalAxis(a.axis, x.rank), a.keepdims, at), x.dtype, b.origin),
  ]),
  rule(
    "ConcatFromSequence",
    { since: 11, arity: [1, 1], attrs: { axis: required(int(0)), new_axis: bool(false) } },
    (b, [list], a, at) => {
      const parts = elements(list, at);
      if (parts.length === 0) throw at.unsupported("the concatenation of an empty sequence");
      const { rank } = parts[0]!;
      if (a.new_axis) return [b.op("Pack", parts, { axis: normalAxis(a.axis, rank + 1) })];
      return [b.concat(parts, normalAxis(a.axis, rank))];
    },
  ),
  rule("SequenceMap", { since: 17, arity: [1, many], attrs: { body: graph() } }, (b, inputs, a, at) => {
    const given = inputs as readonly Value[];
    const count = elements(given[0]!, at).length;
    const rows = range(count).map((i) =>
      at.inline(
        a.body,
        given.map((each) => elementsOf(each)?.[i] ?? each),
      ),
    );
    return at.node.outputs.map((_, k) =>
      sequenceOf(
        rows.map((row) => row[k]!),
        "float32",
        b.origin,
      ),
    );
  }),
  rule("Optional", { since: 15, arity: [0, 1], attrs: { type: raw() } }, (b, [x]) => [optionalOf(x, "float32", b.origin)]),
  rule("OptionalHasElement", { since: 15, arity: [0, 1], attrs: {} }, (b, [x], _, at) => {
    if (x && !isGroup(x) && at.given(0)?.other?.startsWith("optional"))
      throw at.unsupported("whether an optional input of the model is given", "export the model with the input, or without it");
    return [isPresent(b, x)];
  }),
  rule("OptionalGetElement", { since: 15, arity: [1, 1], attrs: {} }, (_, [x], _a, at) => {
    const content = contentOf(x);
    if (!content) throw at.invalid("the optional is empty");
    return [content];
  }),
];
