/** Functions in the places of their calls, and functional If and While. */
import type { Dim, Type, Value } from "../../graph/graph.ts";
import type { GraphId } from "../../graph/source.ts";
import type { Builder } from "../../tf/build.ts";
import { constantOf } from "../../tf/op.ts";
import { elementsOf } from "../group.ts";
import type { At, Rule } from "../rule.ts";
import { graphs } from "../schema.ts";
import { type DimSource, dense, isResolved, knownNumber } from "./arrays.ts";
import { body, tfRule } from "./attrs.ts";

/** Loops whose condition stays known for at most so many rounds are written out. */
const unrolledRounds = 16;
/** Types of a loop's state may widen so often, dims to unknown, before they are taken to have no end. */
const maxWidenings = 3;

const settled = (value: Value): boolean | undefined => {
  const tensor = constantOf(value);
  return tensor && Number(tensor.data[0]) !== 0;
};

/** TensorFlow takes any type for a condition: numbers but 0 are true. */
function asCondition(b: Builder, x: Value): Value {
  return b.cast(x.type.shape?.length === 0 ? x : b.reshape(x, []), "bool");
}

/** What is surely said of a value that is one or the other; `a` itself where that says no less. */
function commonType(a: Type, b: Type, at: At): Type {
  if (a.dtype !== b.dtype) throw at.invalid(`a value that is ${a.dtype} and ${b.dtype}`);
  if (!a.shape) return a;
  if (a.shape.length !== b.shape?.length) return { dtype: a.dtype, shape: undefined };
  if (a.shape.every((dim, i) => dim === b.shape![i] || dim === undefined)) return a;
  return { dtype: a.dtype, shape: a.shape.map((dim, i) => (dim === b.shape![i] ? dim : undefined)) };
}

const named = (values: readonly Value[]) => values.map((value, i) => ({ name: `output_${i}`, value }));

/** Small constants are simply known in a body; TF.js would carry them for nothing. */
const isCarried = (value: Value): boolean => constantOf(value) === undefined && !isResolved(value);

/** What a loop or a branch cannot carry: arrays become tensors, handles and what was never written stay as they are. */
function carriable(b: Builder, value: Value, at: At): Value {
  return elementsOf(value) ? dense(b, value, at) : value;
}

interface Branches {
  /** What TF.js carries into each of them. */
  readonly carried: readonly Value[];
  /** Names of their functions. */
  readonly names: readonly string[];
  /** Of their results. */
  readonly types: readonly Type[];
}

/** The graphs as functions of the same operands, behind one for each of `ahead` that they do not read. */
function branches(
  b: Builder,
  ahead: readonly Value[],
  values: readonly Value[],
  graphs: readonly GraphId[],
  labels: readonly string[],
  at: At,
): Branches {
  const given = values.map((value) => carriable(b, value, at));
  const carried = [...new Set(given.filter(isCarried))];
  const bodies = graphs.map((graph) => {
    const own = carried.map((value, i) => b.input(`input_${i}`, value.type));
    const inputs = given.map((value) => (isCarried(value) ? own[carried.indexOf(value)]! : value));
    const unread = ahead.map((value, i) => b.input(`ahead_${i}`, value.type));
    return { own: [...unread, ...own], outputs: at.body(graph, inputs, own).outputs.map((value) => carriable(b, value, at)) };
  });
  const [first, ...others] = bodies.map(({ outputs }) => outputs);
  for (const other of others)
    if (other.length !== first!.length) throw at.invalid(`branches of ${first!.length} and ${other.length} results`);
  if (bodies.some(({ outputs }) => outputs.some(isResolved)))
    throw at.unsupported("an array that depends on a condition known only when it runs");
  return {
    carried,
    names: bodies.map(({ own, outputs }, i) =>
      at.define(`${at.place.node}_${labels[i]}`, { inputs: own, outputs: named(outputs) }),
    ),
    types: first!.map((value, i) => others.reduce((type, other) => commonType(type, other[i]!.type, at), value.type)),
  };
}

function branch(
  b: Builder,
  condition: Value,
  values: readonly Value[],
  graphs: readonly [GraphId, GraphId],
  at: At,
): readonly Value[] {
  const known = settled(condition);
  if (known !== undefined) return at.inline(known ? graphs[0] : graphs[1], values);
  const { carried, names, types } = branches(b, [], values, graphs, ["then", "else"], at);
  return b.ops("StatelessIf", [asCondition(b, condition), ...carried], {
    then_branch: names[0]!,
    else_branch: names[1]!,
    output_types: types,
  });
}

/** One of many: Ifs within each other. An index outside of them means the last. */
function choose(b: Builder, index: Value, values: readonly Value[], graphs: readonly GraphId[], at: At): readonly Value[] {
  const last = graphs.length - 1;
  const place = knownNumber(index);
  if (place !== undefined) return at.inline(graphs[place >= 0 && place < last ? place : last]!, values);
  if (last === 0) return at.inline(graphs[0]!, values);
  const labels = graphs.map((_, i) => `branch_${i}`);
  const { carried, names, types } = branches(b, [index], values, graphs, labels, at);
  const step = (i: number, rest: string, operands: readonly Value[]) =>
    b.ops("StatelessIf", [b.op("Equal", [operands[0]!, b.scalar("int32", i)]), ...operands], {
      then_branch: names[i]!,
      else_branch: rest,
      output_types: types,
    });
  let rest = names[last]!;
  for (let i = last - 1; i > 0; i--) {
    const own = [index, ...carried].map((value, k) => b.input(`input_${k}`, value.type));
    rest = at.define(`${at.place.node}_from_${i}`, { inputs: own, outputs: named(step(i, rest, own)) });
  }
  return step(0, rest, [index, ...carried]);
}

interface Loop {
  readonly cond: GraphId;
  readonly body: GraphId;
}

/** undefined where the condition is not known before it runs, or is true too often. */
function unrolled(state: readonly Value[], { cond, body }: Loop, at: At): readonly Value[] | undefined {
  let values = state;
  for (let round = 0; round <= unrolledRounds; round++) {
    const [condition] = at.inline(cond, values);
    const known = condition && settled(condition);
    if (known === undefined) return undefined;
    if (!known) return values;
    values = at.inline(body, values);
  }
  return undefined;
}

/** How a place of the state looks inside the loop. */
type Place =
  /** Known or resolved, and never changed: it is simply there. */
  | { readonly kind: "fixed"; readonly value: Value }
  /** Carried, and given back as it came: a weight. */
  | { readonly kind: "state"; readonly start: Value; readonly type: Type };

/** Lowers the body until what it gives fits what it takes. */
function whileLoop(b: Builder, state: readonly Value[], { cond, body }: Loop, at: At): readonly Value[] {
  const starts = state.map((value) => carriable(b, value, at));
  let places = starts.map(
    (start): Place => (isResolved(start) ? { kind: "fixed", value: start } : { kind: "state", start, type: start.type }),
  );
  const inputs = (): Value[] =>
    places.map((place, i) => (place.kind === "fixed" ? place.value : b.input(`state_${i}`, place.type)));
  for (let widened = 0; ; widened++) {
    const given = inputs();
    const results = at.body(body, given, given).outputs.map((value) => carriable(b, value, at));
    const dimOf: DimSource = (dim) => found(b, starts, dim);
    const next = places.map((place, i) =>
      settle(b, place, { start: starts[i]!, given: given[i]!, result: results[i]! }, dimOf, at),
    );
    if (next.every((place, i) => place === places[i])) return finish(b, places, given, results, cond, inputs, at);
    if (widened === maxWidenings) throw at.unsupported("what the loop carries changes its dims without end");
    places = next;
  }
}

/** A dim that one of the values has. */
function found(b: Builder, values: readonly Value[], dim: Dim): Value | undefined {
  for (const value of values) {
    const axis = typeof dim === "string" ? (value.type.shape?.indexOf(dim) ?? -1) : -1;
    if (axis >= 0) return b.dim(value, axis);
  }
  return undefined;
}

/** A place of the state before the loop, as the body takes it, and as the body gives it back. */
interface Passage {
  readonly start: Value;
  readonly given: Value;
  readonly result: Value;
}

function settle(b: Builder, place: Place, { start, given, result }: Passage, dimOf: DimSource, at: At): Place {
  if (place.kind === "fixed") {
    if (result === given) return place;
    if (isResolved(result)) throw at.unsupported("an array that a loop passes on without its elements");
    if (!isResolved(given)) return { kind: "state", start, type: commonType(start.type, result.type, at) };
    // Written within the loop: from now on it is carried as one tensor.
    const [, ...element] = result.shape;
    const zeroes = dense(b, start, at, { dtype: result.dtype, shape: element }, dimOf);
    return { kind: "state", start: zeroes, type: zeroes.type };
  }
  // A small constant that never changes is known inside too.
  if (result === given && constantOf(place.start)) return { kind: "fixed", value: place.start };
  const type = commonType(place.type, result.type, at);
  return type === place.type ? place : { ...place, type };
}

function finish(
  b: Builder,
  places: readonly Place[],
  given: readonly Value[],
  results: readonly Value[],
  cond: GraphId,
  inputs: () => Value[],
  at: At,
): readonly Value[] {
  const moving = places.flatMap((place, i) => (place.kind === "state" ? [{ place, i }] : []));
  const pick = (values: readonly Value[]) => moving.map(({ i }) => values[i]!);
  const tested = inputs();
  const [condition] = at.body(cond, tested, tested).outputs;
  const test = at.define(`${at.place.node}_cond`, { inputs: pick(tested), outputs: named([asCondition(b, condition!)]) });
  const step = at.define(`${at.place.node}_body`, { inputs: pick(given), outputs: named(pick(results)) });
  const done = b.ops(
    "StatelessWhile",
    moving.map(({ place }) => place.start),
    { cond: test, body: step, output_types: moving.map(({ place }) => place.type) },
  );
  const ends = new Map(moving.map(({ i }, k) => [i, done[k]!]));
  return places.map((place, i) => (place.kind === "fixed" ? place.value : ends.get(i)!));
}

const loop = (op: string): Rule =>
  tfRule(op, [0, Number.POSITIVE_INFINITY], { cond: body(), body: body() }, (b, values, a, at) => {
    const state = values as readonly Value[];
    return unrolled(state, a, at) ?? whileLoop(b, state, a, at);
  });

export const controls: readonly Rule[] = [
  ...["PartitionedCall", "StatefulPartitionedCall", "BatchFunction"].map((op) =>
    tfRule(op, [0, Number.POSITIVE_INFINITY], { f: body() }, (_, values, a, at) => at.inline(a.f, values as readonly Value[])),
  ),
  ...["If", "StatelessIf"].map((op) =>
    tfRule(op, [1, Number.POSITIVE_INFINITY], { then_branch: body(), else_branch: body() }, (b, [condition, ...values], a, at) =>
      branch(b, condition, values as Value[], [a.then_branch, a.else_branch], at),
    ),
  ),
  ...["Case", "StatelessCase"].map((op) =>
    tfRule(op, [1, Number.POSITIVE_INFINITY], { branches: graphs() }, (b, [index, ...values], a, at) =>
      choose(b, index, values as Value[], a.branches, at),
    ),
  ),
  ...["While", "StatelessWhile"].map(loop),
  ...["Merge", "RefMerge"].map((op) =>
    tfRule(op, [1, Number.POSITIVE_INFINITY], {}, (_, __, ___, at) => {
      throw at.unsupported(
        "a Merge without the Switches that belong to it: which input it takes only TensorFlow's runtime knows",
      );
    }),
  ),
  ...["Enter", "RefEnter", "Exit", "RefExit", "NextIteration", "RefNextIteration"].map((op) =>
    tfRule(op, [1, 1], {}, (_, __, ___, at) => {
      throw at.unsupported("a loop that is not regular: a variable without Merge, Switch and NextIteration of its own");
    }),
  ),
  // What is left of the first version's control flow where it is not regular: only a condition that is known can be followed.
  ...["Switch", "RefSwitch"].map((op) =>
    tfRule(op, [2, 2], {}, (_, [x, condition], __, at) => {
      if (settled(condition) === undefined) throw at.unsupported("a Switch without the Merge that belongs to it");
      return [x, x];
    }),
  ),
];
