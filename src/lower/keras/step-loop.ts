/** A recurrent layer over a sequence of unknown length: a While whose state is the step's number, the cell's state, and the outputs so far. */
import type { Type, Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { namedOutputs } from "../onnx/control.ts";
import { emptyList, listType, stackList } from "../onnx/loop.ts";
import type { At } from "../rule.ts";
import { type Captures, captured } from "../scope.ts";
import { zero } from "../zero.ts";

export interface StepLoop {
  /** [N, T, …, G·U] */
  readonly projected: Value;
  /** Which steps count, [N, T]; undefined: all. */
  readonly mask: Value | undefined;
  /** What goes from step to step, as it is before the first: each [N, …, U], the output first. */
  readonly initial: readonly Value[];
  readonly backwards: boolean;
  /** Are the outputs of all steps wanted? */
  readonly all: boolean;
  /** One step; `outside` is how a value from outside the loop is seen. */
  readonly step: (
    x: Value,
    mask: Value | undefined,
    state: readonly Value[],
    outside: (value: Value) => Value,
  ) => readonly Value[];
}

/** The last state, and where wanted the outputs [N, T, …, U] in the order of the steps. */
export function loopSteps(
  b: Builder,
  loop: StepLoop,
  at: At,
): { readonly states: readonly Value[]; readonly all: Value | undefined } {
  const counter: Type = { dtype: "int32", shape: [] };
  const captures: Captures = new Map();
  const outside = (value: Value): Value => captured(b, captures, value, "outside");
  const length = b.reshape(b.dim(loop.projected, 1), []);

  const number = b.input("step", counter);
  const states = loop.initial.map((value, i) => b.input(`state_${i}`, value.type));
  const one = b.scalar("int32", 1);
  const place = loop.backwards ? b.op("Sub", [b.op("Sub", [outside(length), one]), number]) : number;
  const counts = loop.mask && b.gather(outside(loop.mask), place, 1);
  const next = loop.step(b.gather(outside(loop.projected), place, 1), counts, states, outside);
  const output = next[0]!;
  // TF.js disposes of everything that a body makes and does not return, elements of lists included.
  const element: Type = { dtype: output.dtype, shape: undefined };
  const lists = loop.all ? [b.input("list", listType), b.input("element", element)] : [];
  const grown = loop.all ? [b.op("TensorListPushBack", [lists[0]!, output], { element_dtype: output.dtype }), output] : [];
  outside(length);
  const kept = [...captures.keys()];
  const inner = kept.map((value) => captures.get(value)!);
  const body = at.define(`${at.place.node}_body`, {
    inputs: [number, ...states, ...lists, ...inner],
    outputs: namedOutputs([b.op("AddV2", [number, one]), ...next, ...grown, ...inner]),
  });

  const types = [counter, ...states.map(({ type }) => type), ...lists.map(({ type }) => type), ...inner.map(({ type }) => type)];
  const tests = types.map((type, i) => b.input(`state_${i}`, type));
  // A length that is known is a constant, which a body simply has.
  const limit = kept.includes(length) ? tests[types.length - kept.length + kept.indexOf(length)]! : length;
  const cond = at.define(`${at.place.node}_cond`, {
    inputs: tests,
    outputs: namedOutputs([b.op("Less", [tests[0]!, limit])]),
  });

  const begin = loop.all ? [emptyList(b, output.type), zero(b, output.dtype)] : [];
  const done = b.ops("StatelessWhile", [b.scalar("int32", 0), ...loop.initial, ...begin, ...kept], {
    cond,
    body,
    output_types: types,
  });
  const first = 1 + states.length;
  const rest = loop.projected.shape.slice(2).map((_, i) => i + 2);
  const stacked = loop.all ? b.transpose(stackList(b, done[first]!, output.type), [1, 0, ...rest]) : undefined;
  return { states: done.slice(1, first), all: stacked };
}
