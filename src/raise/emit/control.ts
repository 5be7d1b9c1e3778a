/**
 * If and While. A branch reads what it takes from the graph around it; a While is a Loop without a trip count, whose condition is computed
 * once before it and then at the end of each turn. What a turn only hands on is read from around the loop as well.
 */
import type { Type, Value } from "../../graph/graph.ts";
import { int } from "../../graph/onnx-graph.ts";
import { dtypeCodes } from "../../graph/onnx-types.ts";
import { type OnnxBuilder, Ref, Scope } from "../build.ts";
import { ownOutput } from "../finish.ts";
import { type EmitAt, type EmitRule, emitted, emittedOne } from "../rule.ts";

/** Builds a nested graph; its outputs are made in it. */
function nested(o: OnnxBuilder, name: string, make: (scope: Scope) => readonly Ref[]): Scope {
  const outer = o.scope;
  const scope = new Scope(name, outer);
  o.scope = scope;
  try {
    const results = make(scope);
    const claimed = new Set<Ref>(scope.inputs);
    scope.outputs = results.map((ref) => ownOutput(ref, claimed, o));
  } finally {
    o.scope = outer;
  }
  return scope;
}

/** Results of a control-flow node; handles of lists are sequences. */
function results(
  o: OnnxBuilder,
  op: string,
  inputs: readonly (Ref | undefined)[],
  attrs: Record<string, Scope>,
  like: readonly Ref[],
  types: readonly Type[],
): readonly Ref[] {
  const made = o.raw(
    op,
    inputs,
    attrs,
    like.map(({ dtype }) => dtype),
    types.map(({ shape }) => shape),
  );
  made.forEach((ref, i) => {
    ref.sequence = like[i]!.sequence;
    if (ref.sequence) ref.shape = like[i]!.shape;
  });
  return made;
}

function branches(o: OnnxBuilder, [condition, ...captured]: readonly Ref[], at: EmitAt): readonly Ref[] {
  const graph = (attr: string) => {
    const name = at.text(attr, "");
    return nested(o, name, () => at.nesting.inline(name, captured));
  };
  const [yes, no] = [graph("then_branch"), graph("else_branch")];
  const types = at.attrs["output_types"] as readonly Type[];
  const test = condition!.dtype === "bool" ? condition! : o.cast(condition!, "bool");
  return results(o, "If", [test], { then_branch: yes, else_branch: no }, yes.outputs, types);
}

function whileLoop(o: OnnxBuilder, state: readonly Ref[], at: EmitAt): readonly Ref[] {
  const [cond, body] = [at.text("cond", ""), at.text("body", "")];
  const types = at.attrs["output_types"] as readonly Type[];
  const fixed = at.nesting.function(body);
  const isInvariant = (i: number) => fixed.outputs[i]!.value === fixed.inputs[i];
  const carried = state.flatMap((_, i) => (isInvariant(i) ? [] : [i]));
  const [first] = at.nesting.inline(cond, state);
  const turn = nested(o, body, (scope) => {
    const iteration = new Ref("int64", [], undefined);
    const goOn = new Ref("bool", [], undefined);
    const own = state.map((outer, i) => (isInvariant(i) ? outer : inner(outer, types[i]!, fixed.inputs[i]!)));
    iteration.hint = "iteration";
    goOn.hint = "go_on";
    scope.inputs = [iteration, goOn, ...carried.map((i) => own[i]!)];
    const next = at.nesting.inline(body, own);
    const after = next.map((ref, i) => (isInvariant(i) ? own[i]! : ref));
    const [again] = at.nesting.inline(cond, after);
    return [scalarBool(o, again!), ...carried.map((i) => after[i]!)];
  });
  const start = scalarBool(o, first!);
  const looped = results(
    o,
    "Loop",
    [undefined, start, ...carried.map((i) => state[i]!)],
    { body: turn },
    turn.outputs.slice(1),
    carried.map((i) => types[i]!),
  );
  return state.map((outer, i) => (isInvariant(i) ? outer : looped[carried.indexOf(i)]!));
}

const scalarBool = (o: OnnxBuilder, x: Ref): Ref => {
  const bool = o.cast(x, "bool");
  return bool.shape?.length === 0 ? bool : o.reshape(bool, []);
};

/** What a turn takes: of the declared type, since dims may change from turn to turn. */
function inner(outer: Ref, type: Type, placeholder: Value): Ref {
  const ref = new Ref(outer.dtype, outer.sequence ? outer.shape : type.shape, undefined);
  ref.sequence = outer.sequence;
  ref.hint = placeholder.node.attrs["name"] as string;
  return ref;
}

function sequence(o: OnnxBuilder, op: string, inputs: readonly Ref[], dtype: Ref["dtype"], attrs = {}): Ref {
  const made = o.raw(op, inputs, attrs, [dtype])[0]!;
  made.sequence = true;
  return made;
}

export const control: readonly EmitRule[] = [
  emitted("StatelessIf", branches),
  emitted("StatelessWhile", whileLoop),
  // The element's dtype is told by what is pushed first; the attribute says it too.
  emittedOne("EmptyTensorList", (o, _, at) => {
    const dtype = at.dtype("element_dtype");
    return sequence(o, "SequenceEmpty", [], dtype, { dtype: int(dtypeCodes[dtype]) });
  }),
  emittedOne("TensorListPushBack", (o, [list, element]) => sequence(o, "SequenceInsert", [list!, element!], element!.dtype)),
  emittedOne("TensorListStack", (o, [list], at) => {
    const [type] = at.attrs["output_types"] as readonly Type[];
    return o.raw("ConcatFromSequence", [list!], { axis: int(0), new_axis: int(1) }, [type!.dtype], [type!.shape])[0]!;
  }),
];
