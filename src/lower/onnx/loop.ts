/**
 * Loop and Scan. Few, known iterations are written out; others become a functional While, whose state is the iteration's number, the
 * condition, what the loop carries, a list for each scanned output, and what the body reads from outside.
 */
import type { Type, Value } from "../../graph/graph.ts";
import { isStatic } from "../../graph/graph.ts";
import type { GraphId } from "../../graph/source.ts";
import type { Builder } from "../../tf/build.ts";
import { constantOf, normalAxis } from "../../tf/op.ts";
import { isGroup } from "../group.ts";
import { type At, type Rule, rule } from "../rule.ts";
import { graph, int, ints } from "../schema.ts";
import { type Body, type Captures, captured } from "../scope.ts";
import { zero } from "../zero.ts";
import { asScalar, inverse, knownNumbers, range } from "./axis.ts";
import { capturedInputs, commonType, namedOutputs } from "./control.ts";

/** Loops of at most so many known iterations are written out: a While cannot be folded, fused, or run at once. */
const unrolledTrips = 16;
/** Sequences have no other form. */
const unrolledGroups = 256;
/** Types of what a loop carries may widen so often, dims to unknown, before they are taken to have no end. */
const maxWidenings = 3;

/** An outer value as the body sees it. */
type Outside = (value: Value) => Value;

/** A loop whose body is told the iteration's number. */
interface Loop {
  readonly body: GraphId;
  /** int64 scalar; undefined: until the condition fails. */
  readonly trips: Value | undefined;
  readonly condition: Value;
  readonly carried: readonly Value[];
  /** What the body takes, made of the iteration's number, the condition and what is carried. */
  readonly inputs: (iteration: Value, condition: Value, carried: readonly Value[], outside: Outside) => readonly Value[];
  /** Does the body's first output say whether to go on? */
  readonly conditional: boolean;
}

interface Done {
  readonly carried: readonly Value[];
  /** Stacked along axis 0. */
  readonly scanned: readonly Value[];
}

function run(b: Builder, loop: Loop, at: At): Done {
  if ([...loop.carried, loop.condition].some(isGroup)) return unrolled(b, loop, at) ?? refuse(at);
  return unrolled(b, loop, at) ?? whileLoop(b, loop, at);
}

const refuse = (at: At): never => {
  throw at.unsupported("a sequence carried through a loop whose length only the run knows");
};

const isTrue = (value: Value): boolean => Number(constantOf(value)?.data[0] ?? 0) !== 0;

/** undefined where the number of iterations is not known while lowering, or too large. */
function unrolled(b: Builder, loop: Loop, at: At): Done | undefined {
  const trips = loop.trips && knownNumbers(loop.trips)?.[0];
  const most = loop.carried.some(isGroup) ? unrolledGroups : unrolledTrips;
  if (trips === undefined || trips > most || trips < 1 || !isTrue(loop.condition)) return undefined;
  let { carried } = loop;
  const rows: (readonly Value[])[] = [];
  for (let i = 0; i < trips; i++) {
    const outputs = at.inline(
      loop.body,
      loop.inputs(b.scalar("int64", i), loop.condition, carried, (value) => value),
    );
    const rest = loop.conditional ? outputs.slice(1) : outputs;
    carried = rest.slice(0, carried.length);
    rows.push(rest.slice(carried.length));
    if (!loop.conditional) continue;
    const more = constantOf(outputs[0]!);
    if (!more && i < trips - 1) return undefined;
    if (more && Number(more.data[0]) === 0) break;
  }
  const scanned = (rows[0] ?? []).map((_, k) =>
    b.op(
      "Pack",
      rows.map((row) => row[k]!),
      { axis: 0 },
    ),
  );
  return { carried, scanned };
}

/** Lowers the body until what it gives fits what it takes. */
function settledBody(b: Builder, loop: Loop, at: At): { body: Body; types: readonly Type[] } {
  let types = loop.carried.map((value) => value.type);
  for (let widened = 0; ; widened++) {
    const [iteration, condition] = [
      b.input("iteration", { dtype: "int64", shape: [] }),
      b.input("condition", { dtype: "bool", shape: [] }),
    ];
    const carried = types.map((type, i) => b.input(`carried_${i}`, type));
    const captures: Captures = new Map();
    const given = loop.inputs(iteration, condition, carried, (value) => captured(b, captures, value, "outside"));
    const body = at.body(loop.body, given, [iteration, condition, ...carried], captures);
    const results = body.outputs.slice(loop.conditional ? 1 : 0);
    if (results.some(isGroup)) return refuse(at);
    const wider = types.map((type, i) => commonType(type, results[i]!.type, at));
    if (wider.every((type, i) => type === types[i])) return { body, types };
    if (widened === maxWidenings) throw at.unsupported("what the loop carries changes its dims without end");
    types = wider;
  }
}

function whileLoop(b: Builder, loop: Loop, at: At): Done {
  const { body, types } = settledBody(b, loop, at);
  const results = body.outputs.slice(loop.conditional ? 1 : 0);
  const scanned = results.slice(types.length);
  const captures = [...body.captures.keys()];
  const bounded = loop.trips && !beyondInt32(loop.trips) ? loop.trips : undefined;
  const limit = bounded && asScalar(b, bounded);

  // TF.js disposes of everything that a body makes and does not return, elements of lists included: each is returned as well.
  const state = [
    b.scalar("int64", 0),
    loop.condition,
    ...loop.carried,
    ...scanned.flatMap((value) => [emptyList(b, value.type), zero(b, value.dtype)]),
    ...captures,
    ...(limit ? [limit] : []),
  ];
  const first = 2 + types.length;
  const stateTypes = state.map((value, i): Type => {
    if (i >= 2 && i < first) return types[i - 2]!;
    const element = i >= first && i - first < 2 * scanned.length && (i - first) % 2 === 1;
    return element ? { dtype: value.dtype, shape: undefined } : value.type;
  });
  const placeholders = (): Value[] => stateTypes.map((type, i) => b.input(`state_${i}`, type));

  const tests = placeholders();
  const counted = limit ? b.op("Less", [tests[0]!, tests.at(-1)!]) : undefined;
  const goOn = counted ? b.op("LogicalAnd", [counted, tests[1]!]) : tests[1]!;
  const cond = at.define(`${at.place.node}_cond`, { inputs: tests, outputs: namedOutputs([goOn]) });

  const [iteration, condition, ...carried] = body.inputs as [Value, Value, ...Value[]];
  const lists = scanned.map(() => b.input("list", listType));
  const before = scanned.map((value) => b.input("element", { dtype: value.dtype, shape: undefined }));
  const invariants = capturedInputs(b, body, captures);
  const last = limit ? [b.input("trips", limit.type)] : [];
  const next = b.op("AddV2", [iteration, b.scalar("int64", 1)]);
  const pushed = scanned.map((value, i) => b.op("TensorListPushBack", [lists[i]!, value], { element_dtype: value.dtype }));
  const more = loop.conditional ? asScalar(b, body.outputs[0]!) : condition;
  const grown = scanned.flatMap((value, i) => [pushed[i]!, value]);
  const outputs = [next, more, ...results.slice(0, types.length), ...grown, ...invariants, ...last];
  const step = at.define(`${at.place.node}_body`, {
    inputs: [iteration, condition, ...carried, ...lists.flatMap((list, i) => [list, before[i]!]), ...invariants, ...last],
    outputs: namedOutputs(outputs),
  });

  const done = b.ops("StatelessWhile", state, { cond, body: step, output_types: stateTypes });
  const stacks = scanned.map((value, i) => stackList(b, done[first + 2 * i]!, value.type));
  return { carried: done.slice(2, first), scanned: stacks };
}

/** "Until the condition fails" is written as the greatest int64. */
const beyondInt32 = (trips: Value): boolean => (knownNumbers(trips)?.[0] ?? 0) >= 2 ** 31 - 1;

/** Of a handle: the hub has no type for lists. */
export const listType: Type = { dtype: "int32", shape: [] };

const elementShape = (b: Builder, { shape }: Type): Value =>
  shape ? b.ints(shape.map((dim) => (typeof dim === "number" ? dim : -1))) : b.scalar("int32", -1);

/** Where the element's dims are known the list begins with one that is cut off in the end: TF.js cannot stack an empty list. */
export function emptyList(b: Builder, element: Type): Value {
  const list = b.op("EmptyTensorList", [elementShape(b, element), b.scalar("int32", -1)], { element_dtype: element.dtype });
  if (!isStatic(element.shape)) return list;
  return b.op("TensorListPushBack", [list, b.op("Fill", [b.ints(element.shape), zero(b, element.dtype)])], {
    element_dtype: element.dtype,
  });
}

export function stackList(b: Builder, list: Value, element: Type): Value {
  const shape = element.shape && [undefined, ...element.shape];
  const stacked = b.op("TensorListStack", [list, elementShape(b, element)], {
    element_dtype: element.dtype,
    output_types: [{ dtype: element.dtype, shape }],
  });
  if (!isStatic(element.shape)) return stacked;
  return b.slice(stacked, [1, ...element.shape.map(() => 0)], [-1, ...element.shape.map(() => -1)]);
}

const yes = (b: Builder): Value => b.constant({ dtype: "bool", shape: [], data: Uint8Array.of(1) });

interface ScanSpec {
  readonly body: GraphId;
  /** Of the scanned inputs, then of the outputs. */
  readonly inputAxes: readonly number[];
  readonly inputBack: readonly boolean[];
  readonly outputAxes: readonly number[];
  readonly outputBack: readonly boolean[];
}

function scan(b: Builder, state: readonly Value[], scanned: readonly Value[], spec: ScanSpec, at: At): readonly Value[] {
  const axes = scanned.map((x, i) => normalAxis(spec.inputAxes[i] ?? 0, x.rank));
  const length = b.dim(scanned[0]!, axes[0]!);
  const trips = b.cast(b.reshape(length, []), "int64");
  const last = b.op("Sub", [trips, b.scalar("int64", 1)]);
  const done = run(
    b,
    {
      body: spec.body,
      trips,
      condition: yes(b),
      carried: state,
      conditional: false,
      inputs: (iteration, _, carried, outside) => {
        const place = (i: number) => (spec.inputBack[i] ? b.op("Sub", [outside(last), iteration]) : iteration);
        return [...carried, ...scanned.map((x, i) => b.gather(outside(x), place(i), axes[i]!))];
      },
    },
    at,
  );
  const stacked = done.scanned.map((y, i) => {
    const turned = spec.outputBack[i] ? b.op("ReverseV2", [y, b.ints([0])]) : y;
    const axis = normalAxis(spec.outputAxes[i] ?? 0, y.rank);
    const rest = range(y.rank).filter((each) => each !== axis);
    return axis === 0 ? turned : b.transpose(turned, inverse([axis, ...rest]));
  });
  return [...done.carried, ...stacked];
}

const flags = (list: readonly number[] | undefined): boolean[] => (list ?? []).map((each) => each !== 0);

export const loops: readonly Rule[] = [
  rule(
    "Loop",
    { since: 1, arity: [0, Number.POSITIVE_INFINITY], attrs: { body: graph() } },
    (b, [trips, condition, ...carried], a, at) => {
      const done = run(
        b,
        {
          body: a.body,
          trips,
          condition: condition ? asScalar(b, condition) : yes(b),
          carried: carried as readonly Value[],
          conditional: true,
          inputs: (iteration, go, values) => [iteration, go, ...values],
        },
        at,
      );
      return [...done.carried, ...done.scanned];
    },
  ),
  rule(
    "Scan",
    {
      since: 9,
      arity: [1, Number.POSITIVE_INFINITY],
      attrs: {
        body: graph(),
        num_scan_inputs: int(1),
        scan_input_axes: ints(),
        scan_input_directions: ints(),
        scan_output_axes: ints(),
        scan_output_directions: ints(),
      },
    },
    (b, inputs, a, at) => {
      const values = inputs as readonly Value[];
      const states = values.length - a.num_scan_inputs;
      const spec = {
        body: a.body,
        inputAxes: a.scan_input_axes ?? [],
        inputBack: flags(a.scan_input_directions),
        outputAxes: a.scan_output_axes ?? [],
        outputBack: flags(a.scan_output_directions),
      };
      return scan(b, values.slice(0, states), values.slice(states), spec, at);
    },
  ),
  // Everything has a leading batch dim, each row of which is scanned by itself.
  rule(
    "Scan",
    { since: 8, arity: [2, Number.POSITIVE_INFINITY], attrs: { body: graph(), num_scan_inputs: int(1), directions: ints() } },
    (b, [lengths, ...rest], a, at) => {
      if (lengths) throw at.unsupported("a scan of sequences of unequal lengths");
      const values = rest as readonly Value[];
      const batch = values[0]!.shape[0];
      if (typeof batch !== "number")
        throw at.unsupported("a scan over a batch that is not known", "give the input's shape with --input");
      const states = values.length - a.num_scan_inputs;
      const spec = { body: a.body, inputAxes: [], inputBack: flags(a.directions), outputAxes: [], outputBack: [] };
      const rows = range(batch).map((i) => {
        const row = values.map((value) => b.gather(value, b.scalar("int32", i), 0));
        return scan(b, row.slice(0, states), row.slice(states), spec, at);
      });
      return (rows[0] ?? []).map((_, k) =>
        b.op(
          "Pack",
          rows.map((row) => row[k]!),
          { axis: 0 },
        ),
      );
    },
  ),
];
