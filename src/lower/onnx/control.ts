/** If, Loop and Scan: what is settled while lowering is inlined, the rest becomes a functional If or While. */
import type { Type, Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { constantOf } from "../../tf/op.ts";
import { contentOf, elementsOf, isGroup, isPresent, optionalOf, regrouped, sequenceOf } from "../group.ts";
import { type At, type Rule, rule } from "../rule.ts";
import { graph } from "../schema.ts";
import type { Body } from "../scope.ts";
import { zero } from "../zero.ts";
import { asScalar } from "./axis.ts";

/** A scalar or vector of one whose value is known. */
const settled = (value: Value): boolean | undefined => {
  const tensor = constantOf(value);
  return tensor && Number(tensor.data[0]) !== 0;
};

/** What is surely said of a value that is one or the other; `a` itself where that says no less. */
export function commonType(a: Type, b: Type, at: At): Type {
  if (a.dtype !== b.dtype) throw at.invalid(`one branch gives ${a.dtype}, the other ${b.dtype}`);
  if (a.shape?.length !== b.shape?.length) return { dtype: a.dtype, shape: undefined };
  if (!a.shape || a.shape.every((dim, i) => dim === b.shape![i] || dim === undefined)) return a;
  return { dtype: a.dtype, shape: a.shape.map((dim, i) => (dim === b.shape![i] ? dim : undefined)) };
}

/** Inputs of a body for the given outer values, those that it does not read included. */
export function capturedInputs(b: Builder, body: Body, captures: readonly Value[]): Value[] {
  return captures.map((outer, i) => body.captures.get(outer) ?? b.input(`unused_${i}`, outer.type));
}

export const namedOutputs = (values: readonly Value[]) => values.map((value, i) => ({ name: `output_${i}`, value }));

/** Outputs of two branches as plain values, and how what they become is put together again. */
interface Merged {
  readonly pairs: readonly (readonly [Value, Value])[];
  readonly build: (values: Iterator<Value>) => Value;
}

function merged(b: Builder, yes: Value, no: Value, at: At): Merged {
  if (!isGroup(yes) && !isGroup(no)) return { pairs: [[yes, no]], build: (values) => values.next().value as Value };
  const [first, second] = [elementsOf(yes), elementsOf(no)];
  if (first && second) {
    if (first.length !== second.length)
      throw at.unsupported("a sequence whose length depends on a condition known only when it runs");
    const inner = first.map((each, i) => merged(b, each, second[i]!, at));
    return {
      pairs: inner.flatMap(({ pairs }) => pairs),
      build: (values) =>
        sequenceOf(
          inner.map(({ build }) => build(values)),
          yes.dtype,
          b.origin,
        ),
    };
  }
  if (first || second) throw at.invalid("one branch gives a sequence, the other does not");
  const contents = [contentOf(yes), contentOf(no)];
  const some = contents.find((content) => content !== undefined);
  if (!some) return { pairs: [], build: () => optionalOf(undefined, yes.dtype, b.origin) };
  const inner = merged(b, contents[0] ?? standIn(b, some), contents[1] ?? standIn(b, some), at);
  return {
    pairs: [...inner.pairs, [isPresent(b, yes), isPresent(b, no)]],
    build: (values) => optionalOf(inner.build(values), yes.dtype, b.origin, values.next().value as Value),
  };
}

/** For what an empty optional does not hold; nobody may look at it. */
function standIn(b: Builder, like: Value): Value {
  if (isGroup(like))
    return regrouped(
      like,
      like.node.inputs.map((each) => standIn(b, each)),
    );
  const dims = (like.type.shape ?? []).map((dim) => (typeof dim === "number" ? dim : 1));
  return b.op("Fill", [b.ints(dims), zero(b, like.dtype)]);
}

function branch(b: Builder, condition: Value, bodies: readonly [Body, Body], at: At): readonly Value[] {
  const [yes, no] = bodies;
  if (yes.outputs.length !== no.outputs.length)
    throw at.invalid(`branches of ${yes.outputs.length} and ${no.outputs.length} outputs`);
  const outputs = yes.outputs.map((value, i) => merged(b, value, no.outputs[i]!, at));
  const pairs = outputs.flatMap((each) => each.pairs);
  const captures = [...new Set([...yes.captures.keys(), ...no.captures.keys()])];
  const [thenBranch, elseBranch] = [yes, no].map((body, i) =>
    at.define(`${at.place.node}_${i === 0 ? "then" : "else"}`, {
      inputs: capturedInputs(b, body, captures),
      outputs: namedOutputs(pairs.map((pair) => pair[i]!)),
    }),
  );
  const types = pairs.map(([value, other]) => commonType(value.type, other.type, at));
  const chosen = b.ops("StatelessIf", [condition, ...captures], {
    then_branch: thenBranch!,
    else_branch: elseBranch!,
    output_types: types,
  });
  const values = chosen[Symbol.iterator]();
  return outputs.map(({ build }) => build(values));
}

export const control: readonly Rule[] = [
  rule("If", { since: 1, arity: [1, 1], attrs: { then_branch: graph(), else_branch: graph() } }, (b, [condition], a, at) => {
    const known = settled(condition);
    if (known !== undefined) return at.inline(known ? a.then_branch : a.else_branch, []);
    return branch(b, asScalar(b, condition), [at.body(a.then_branch, []), at.body(a.else_branch, [])], at);
  }),
];
