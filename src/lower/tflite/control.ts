/** CALL, IF, WHILE and composites. Sub-graphs have inputs of their own and read nothing from outside. */
import type { Type, Value } from "../../graph/graph.ts";
import type { GraphId } from "../../graph/source.ts";
import type { Builder } from "../../tf/build.ts";
import { constantOf } from "../../tf/op.ts";
import { asScalar } from "../onnx/axis.ts";
import { commonType, namedOutputs } from "../onnx/control.ts";
import type { At, Rule } from "../rule.ts";
import { graph, graphs } from "../schema.ts";
import type { Body } from "../scope.ts";
import { lite } from "./rule.ts";

/** Loops of at most so many iterations, all known, are written out: a While cannot be folded, fused, or run at once. */
const unrolledTrips = 16;
/** Types of what a loop carries may widen so often, dims to unknown, before they are taken to have no end. */
const maxWidenings = 3;

const isTrue = (value: Value): boolean | undefined => {
  const tensor = constantOf(value);
  return tensor && Number(tensor.data[0]) !== 0;
};

function bodyOf(b: Builder, id: GraphId, types: readonly Type[], at: At): Body {
  return at.body(
    id,
    types.map((type, i) => b.input(`input_${i}`, type)),
  );
}

/** The branch that a condition picks. `captures` of bodies are empty, since sub-graphs see nothing of each other. */
export function branch(
  b: Builder,
  condition: Value,
  yes: GraphId,
  no: GraphId,
  inputs: readonly Value[],
  at: At,
): readonly Value[] {
  const known = isTrue(condition);
  if (known !== undefined) return at.inline(known ? yes : no, inputs);
  const types = inputs.map((input) => input.type);
  const bodies = [yes, no].map((id) => bodyOf(b, id, types, at)) as [Body, Body];
  const [then, otherwise] = bodies.map(({ outputs }) => outputs) as [readonly Value[], readonly Value[]];
  if (then.length !== otherwise.length) throw at.invalid(`branches of ${then.length} and ${otherwise.length} outputs`);
  const names = bodies.map((body, i) =>
    at.define(`${at.place.node}_${i === 0 ? "then" : "else"}`, { inputs: body.inputs, outputs: namedOutputs(body.outputs) }),
  );
  return b.ops("StatelessIf", [asScalar(b, condition), ...inputs], {
    then_branch: names[0]!,
    else_branch: names[1]!,
    output_types: then.map((value, i) => commonType(value.type, otherwise[i]!.type, at)),
  });
}

/** Undefined where it is not known how often, or too often. */
function unrolled(condition: GraphId, body: GraphId, inputs: readonly Value[], at: At): readonly Value[] | undefined {
  let carried = inputs;
  for (let trip = 0; trip <= unrolledTrips; trip++) {
    const more = isTrue(at.inline(condition, carried)[0]!);
    if (more === undefined) return undefined;
    if (!more) return carried;
    carried = at.inline(body, carried);
  }
  return undefined;
}

/** The body over types that what it gives fits into. */
function settled(
  b: Builder,
  id: GraphId,
  inputs: readonly Value[],
  at: At,
): { readonly body: Body; readonly types: readonly Type[] } {
  let types: readonly Type[] = inputs.map((input) => input.type);
  for (let widened = 0; ; widened++) {
    const body = bodyOf(b, id, types, at);
    if (body.outputs.length !== types.length)
      throw at.invalid(`a body of ${types.length} inputs and ${body.outputs.length} outputs`);
    const wider = types.map((type, i) => commonType(type, body.outputs[i]!.type, at));
    if (wider.every((type, i) => type === types[i])) return { body, types };
    if (widened === maxWidenings) throw at.unsupported("what the loop carries changes its dims without end");
    types = wider;
  }
}

export function loop(b: Builder, condition: GraphId, id: GraphId, inputs: readonly Value[], at: At): readonly Value[] {
  const known = unrolled(condition, id, inputs, at);
  if (known) return known;
  const { body, types } = settled(b, id, inputs, at);
  const test = bodyOf(b, condition, types, at);
  const cond = at.define(`${at.place.node}_cond`, {
    inputs: test.inputs,
    outputs: namedOutputs([asScalar(b, test.outputs[0]!)]),
  });
  const step = at.define(`${at.place.node}_body`, { inputs: body.inputs, outputs: namedOutputs(body.outputs) });
  return b.ops("StatelessWhile", inputs, { cond, body: step, output_types: types });
}

const many = Number.POSITIVE_INFINITY;
const values = (inputs: readonly (Value | undefined)[]) => inputs as readonly Value[];

/** The first branch for 0, the last for what is out of range. */
function cases(b: Builder, index: Value, branches: readonly GraphId[], inputs: readonly Value[], at: At): readonly Value[] {
  const known = constantOf(index);
  const last = branches.length - 1;
  if (known) {
    const picked = Number(known.data[0]);
    return at.inline(branches[picked >= 0 && picked <= last ? picked : last]!, inputs);
  }
  if (branches.length === 1) return at.inline(branches[0]!, inputs);
  if (branches.length > 2) throw at.unsupported(`a choice of ${branches.length} branches`);
  return branch(b, b.op("Equal", [index, b.scalar(index.dtype, 0)]), branches[0]!, branches[1]!, inputs, at);
}

export const control: readonly Rule[] = [
  lite("CALL", { arity: [0, many], attrs: { subgraph: graph() }, codes: true }, (_, inputs, a, at) =>
    at.inline(a.subgraph, values(inputs)),
  ),
  lite(
    "IF",
    { arity: [1, many], attrs: { then_subgraph_index: graph(), else_subgraph_index: graph() }, codes: true },
    (b, inputs, a, at) => {
      const [condition, ...rest] = values(inputs);
      return branch(b, condition!, a.then_subgraph_index, a.else_subgraph_index, rest, at);
    },
  ),
  ...["WHILE", "STABLEHLO_WHILE"].map((op) =>
    lite(
      op,
      { arity: [0, many], attrs: { cond_subgraph_index: graph(), body_subgraph_index: graph() }, codes: true },
      (b, inputs, a, at) => loop(b, a.cond_subgraph_index, a.body_subgraph_index, values(inputs), at),
    ),
  ),
  lite("STABLEHLO_CASE", { arity: [1, many], attrs: { branch_subgraph_indices: graphs() }, codes: true }, (b, inputs, a, at) => {
    const [index, ...rest] = values(inputs);
    return cases(b, index!, a.branch_subgraph_indices, rest, at);
  }),
  // What the composite stands for is spelt out in a sub-graph.
  lite(
    "STABLEHLO_COMPOSITE",
    { arity: [0, many], attrs: { decomposition_subgraph_index: graph() }, codes: true },
    (_, inputs, a, at) => at.inline(a.decomposition_subgraph_index, values(inputs)),
  ),
];
