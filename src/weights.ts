/** Weights as they are written: a fault names the weight of the source. */
import { ModelError, modelError } from "./base/problem.ts";
import type { Value } from "./graph/graph.ts";
import { topological } from "./graph/order.ts";
import type { StoredTensor, Tensor } from "./graph/tensor.ts";
import type { Lowered } from "./lower/lower.ts";
import { foldedFrom } from "./tf/build.ts";
import { blocksOf, evaluate } from "./tf/evaluate.ts";

/** Source names of the stored tensors that a constant is made of. */
export function weightNames(lowered: Lowered): (value: Value) => readonly string[] {
  const byTensor = new Map<unknown, string>();
  for (const [source, value] of lowered.values)
    if (value.node.op === "Const") byTensor.set(value.node.attrs["value"], source.slice(source.indexOf("/") + 1));
  return (value) => {
    const found = new Set<string>();
    for (const node of topological([value]))
      if (node.op === "Const") for (const tensor of ancestors(node.attrs["value"] as Tensor)) add(found, byTensor.get(tensor));
    return [...found];
  };
}

const add = (found: Set<string>, name: string | undefined): unknown => name !== undefined && found.add(name);

/** The tensor and all that it was folded from. */
function ancestors(tensor: Tensor | StoredTensor): ReadonlySet<Tensor | StoredTensor> {
  const all = new Set([tensor]);
  for (const each of all) for (const from of foldedFrom(each)) all.add(from);
  return all;
}

export async function evaluateNamed(value: Value, sources: (value: Value) => readonly string[]): ReturnType<typeof evaluate> {
  try {
    return await evaluate(value);
  } catch (error) {
    throw named(error, value, sources);
  }
}

export function blocksNamed(value: Value, sources: (value: Value) => readonly string[]): AsyncIterable<Uint8Array> | undefined {
  const blocks = blocksOf(value);
  return blocks && told(blocks);

  async function* told(inner: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      yield* inner;
    } catch (error) {
      throw named(error, value, sources);
    }
  }
}

function named(error: unknown, value: Value, sources: (value: Value) => readonly string[]): unknown {
  const [tensor] = sources(value);
  if (!(error instanceof ModelError) || tensor === undefined) return error;
  const { problem } = error;
  return modelError(problem.code, problem.reason, { tensor, ...problem }, problem.hint);
}
