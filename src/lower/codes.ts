/** Codes that nothing reads as codes are never computed: what stands for them in the target are the numbers before they are coded. */
import { bitsOf, isInteger } from "../base/dtype.ts";
import { type GraphOutput, sizeOf, type Value } from "../graph/graph.ts";
import type { CodeForm } from "../graph/map.ts";
import { constantOf } from "../tf/op.ts";

/** What has more elements says what, not how: no rule asks for its numbers, and products are taken with its codes. */
const maxParameters = 64;

/** Codes that stay codes in the file, also where there are few enough to be dequantised at once. */
export const isWeight = ({ node, dtype, type }: Value): boolean =>
  node.constant && isInteger(dtype) && bitsOf[dtype]! <= 8 && (sizeOf(type.shape) ?? 0) > maxParameters;

export interface Decoded {
  readonly values: ReadonlyMap<string, Value>;
  /** By the same names: how the codes follow from what stands for them. */
  readonly forms: ReadonlyMap<string, CodeForm>;
}

const scalarOf = (value: Value): number | undefined => {
  const tensor = value.rank === 0 ? constantOf(value) : undefined;
  return tensor && Number(tensor.data[0]);
};

/** Outputs of the graph are computed as they are. */
export function decoded(values: ReadonlyMap<string, Value>, outputs: readonly GraphOutput[]): Decoded {
  const kept = new Set(outputs.map(({ value }) => value));
  const found = new Map<string, Value>();
  const forms = new Map<string, CodeForm>();
  for (const [name, value] of values) {
    const { op, inputs } = value.node;
    const [scale, zeroPoint] = op === "Quantize" ? inputs.slice(1).map(scalarOf) : [];
    if (scale === undefined || zeroPoint === undefined || kept.has(value)) {
      found.set(name, value);
      continue;
    }
    const [x] = inputs as readonly [Value];
    const [steps, factor] = x.node.op === "Mul" ? x.node.inputs : [];
    const inSteps = steps && factor && scalarOf(factor) === scale;
    found.set(name, inSteps ? steps : x);
    forms.set(name, { scale: inSteps ? 1 : scale, zeroPoint });
  }
  return { values: found, forms };
}
