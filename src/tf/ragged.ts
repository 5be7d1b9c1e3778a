/** Rows of different lengths, made dense, gathered and filled: TensorFlow's ops with int32 for all places. */
import type { Dim, Type } from "../graph/graph.ts";
import { outputTypes, unknown } from "./dims.ts";
import { type Call, define } from "./op.ts";

const places = (length: Dim): Type => ({ dtype: "int32", shape: [length] });

/** shape, values, fill, partitions …; attribute kinds: customops/ragged.ts */
function dense(call: Call): readonly Type[] {
  const depth = call.attr<readonly number[]>("kinds").filter((kind) => kind !== 0).length;
  const inner = call.shape(1)?.slice(1);
  const told = call.dims(0) ?? [];
  const shape = inner && [...unknown(depth + 1), ...inner];
  return [{ dtype: call.dtype(1), shape: shape?.map((dim, i) => (typeof told[i] === "number" && told[i] >= 0 ? told[i] : dim)) }];
}

/** splits …, values, indices */
function rows(call: Call): readonly Type[] {
  const [values, indices] = [call.inputs.length - 2, call.inputs.length - 1];
  const shape = call.shape(indices);
  const lead = shape ?? [];
  const outer = lead.slice(1).map((_, i) => {
    const before = lead.slice(0, i + 1);
    return places(
      before.every((dim) => typeof dim === "number") ? before.reduce<number>((n, dim) => n * (dim as number), 1) + 1 : undefined,
    );
  });
  const inner = outputTypes(values, () => places(undefined));
  const held = call.shape(values);
  return [...outer, ...inner, { dtype: call.dtype(values), shape: held && [undefined, ...held.slice(1)] }];
}

define(
  { name: "RaggedDense", infer: dense },
  { name: "RaggedRows", infer: rows },
  // places [n, rank], values, shape, fill
  {
    name: "FillEmptyRows",
    infer: (call) => [
      { dtype: "int32", shape: [undefined, call.shape(0)?.[1]] },
      { dtype: call.dtype(1), shape: [undefined] },
      { dtype: "bool", shape: [call.dims(2)?.[0]] },
      places(call.shape(1)?.[0]),
    ],
  },
);
