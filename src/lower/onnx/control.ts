/** If, Loop and Scan: what is settled while lowering is inlined, the rest becomes a functional If or While. */
import type { Type, Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { constantOf } from "../../tf/op.ts";
import { isGroup } from "../group.ts";
import { type At, type Rule, rule } from "../rule.ts";
import { graph } from "../schema.ts";
import type { Body } from "../scope.ts";
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

function branch(b: Builder, condition: Value, bodies: readonly [Body, Body], at: At): readonly Value[] {
  const [yes, no] = bodies;
  if (yes.outputs.length !== no.outputs.length)
    throw at.invalid(`branches of ${yes.outputs.length} and ${no.outputs.length} outputs`);
  if ([...yes.outputs, ...no.outputs].some(isGroup))
    throw at.unsupported("a sequence that depends on a condition known only when it runs");
  const captures = [...new Set([...yes.captures.keys(), ...no.captures.keys()])];
  const [thenBranch, elseBranch] = [yes, no].map((body, i) =>
    at.define(`${at.place.node}_${i === 0 ? "then" : "else"}`, {
      inputs: capturedInputs(b, body, captures),
      outputs: namedOutputs(body.outputs),
    }),
  );
  const types = yes.outputs.map((value, i) => commonType(value.type, no.outputs[i]!.type, at));
  return b.ops("StatelessIf", [condition, ...captures], {
    then_branch: thenBranch!,
    else_branch: elseBranch!,
    output_types: types,
  });
}

export const control: readonly Rule[] = [
  rule("If", { since: 1, arity: [1, 1], attrs: { then_branch: graph(), else_branch: graph() } }, (b, [condition], a, at) => {
    const known = settled(condition);
    if (known !== undefined) return at.inline(known ? a.then_branch : a.else_branch, []);
    return branch(b, asScalar(b, condition), [at.body(a.then_branch, []), at.body(a.else_branch, [])], at);
  }),
];
