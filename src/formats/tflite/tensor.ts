/** Tensor → SourceValue: its type, what its codes stand for, and where its elements are. Nothing is decoded here. */
import type { Place } from "../../base/problem.ts";
import type { Quantization, Slice, SourceTensor, SourceType, SourceValue, Sparsity, ValueId } from "../../graph/source.ts";
import { elementCount } from "../../graph/tensor.ts";
import type { Context, TfliteTable } from "./context.ts";
import { dtypeOf } from "./types.ts";

export interface TensorDraft {
  readonly type: SourceType;
  readonly variable: boolean;
  readonly tensor?: SourceTensor;
  /** A tensor without elements needs no bytes to be a constant; who makes it decides. */
  readonly empty: boolean;
}

export function readTensor(table: TfliteTable<"Tensor">, context: Context, place: Place): TensorDraft {
  const shape = shapeOf(table);
  const word = table.get("type");
  const dtype = dtypeOf(word);
  const quantization = readQuantization(table.get("quantization"), context, place);
  const type: SourceType = {
    dtype,
    shape,
    ...(dtype ? {} : { other: word.toLowerCase() }),
    ...(quantization ? { quantization } : {}),
  };
  const stored = table.get("shape") ?? [];
  const draft = { type, variable: table.get("is_variable"), empty: elementCount(stored) === 0 };
  const slice = dataOf(table, context, place);
  if (!slice || !dtype) return draft;
  const bad = stored.find((dim) => dim < 0);
  if (bad !== undefined || !Number.isSafeInteger(elementCount(stored))) {
    context.report("error", "bad-tensor", `a tensor of shape ${stored.join("×")}`, { ...place, offset: table.at });
    return draft;
  }
  const sparsity = table.get("sparsity");
  const found = sparsity && readSparsity(sparsity, context);
  if (found)
    return {
      ...draft,
      tensor: { dtype, shape: stored, slices: [slice, ...found.slices], encoding: "sparse", sparsity: found.sparsity },
    };
  const encoding = dtype === "string" ? "tflite-strings" : "raw";
  return { ...draft, tensor: { dtype, shape: stored, slices: [slice], encoding } };
}

/** `shape_signature` has −1 for what may change. Old files leave the shape of scalars out and say nothing of the rank. */
function shapeOf(table: TfliteTable<"Tensor">): SourceType["shape"] {
  const shape = table.get("shape");
  const signature = table.get("shape_signature");
  const said = signature && signature.length === (shape?.length ?? 0) ? signature : shape;
  if (!said?.length && !table.get("has_rank")) return table.get("buffer") === 0 ? undefined : [];
  return (said ?? []).map((dim) => (dim < 0 ? null : dim));
}

function dataOf(table: TfliteTable<"Tensor">, context: Context, place: Place): Slice | undefined {
  const external = table.get("external_buffer");
  if (external !== 0) {
    const found = context.external.get(external) ?? `no external buffer ${external}`;
    if (typeof found !== "string") return found;
    context.report("error", "bad-tensor", found, { ...place, offset: table.at });
    return undefined;
  }
  const buffer = table.get("buffer");
  if (buffer < Math.max(context.buffers.length, 1)) return context.buffers[buffer];
  const reason = `buffer ${buffer} of ${context.buffers.length}`;
  context.report("error", "bad-tensor", reason, { ...place, offset: table.at });
  return undefined;
}

function readQuantization(
  table: TfliteTable<"QuantizationParameters"> | undefined,
  context: Context,
  place: Place,
): Quantization | undefined {
  if (!table) return undefined;
  const axis = table.get("quantized_dimension");
  const details = table.get("details") as TfliteTable<"BlockwiseQuantization" | "CustomQuantization"> | undefined;
  if (details?.name === "BlockwiseQuantization") {
    const { scales, zeroPoints, size } = blockwise(details as TfliteTable<"BlockwiseQuantization">);
    const block = { scales, ...(zeroPoints > 0 ? { zeroPoints } : {}), size };
    return { scale: [], zeroPoint: [], axis, block };
  }
  if (details)
    context.report("warning", "custom-quantization", "quantisation in a form of its own", { ...place, offset: table.at });
  const scale = table.get("scale") ?? [];
  if (scale.length === 0) return undefined;
  const zero = table.get("zero_point") ?? [];
  if (zero.length > 1 && zero.length !== scale.length) {
    const reason = `${zero.length} zero points for ${scale.length} scales`;
    context.report("error", "bad-quantization", reason, { ...place, offset: table.at });
  }
  return { scale, zeroPoint: scale.map((_, i) => zero[zero.length === scale.length ? i : 0] ?? 0), axis };
}

const blockwise = (table: TfliteTable<"BlockwiseQuantization">) => ({
  scales: table.get("scales") as ValueId,
  zeroPoints: table.get("zero_points") as ValueId,
  size: table.get("block_size"),
});

const indexTypes = { Int32Vector: "int32", Uint16Vector: "uint16", Uint8Vector: "uint8" } as const;
type IndexVector = TfliteTable<keyof typeof indexTypes>;

/** The levels, and where their segments and indices are. */
function readSparsity(
  table: TfliteTable<"SparsityParameters">,
  { reader }: Context,
): { readonly sparsity: Sparsity; readonly slices: readonly Slice[] } {
  const slices: Slice[] = [];
  const levels: Sparsity["levels"][number][] = [];
  const written = table.get("dim_metadata");
  const vector = (list: IndexVector) => {
    const run = reader.vectorBytes(list as TfliteTable<"Int32Vector">, "values") ?? { offset: list.at, length: 0 };
    slices.push({ file: 0, ...run });
    return indexTypes[list.name];
  };
  for (let i = 0; i < (written?.length ?? 0); i++) {
    const level = written!.at(i);
    const [segments, indices] = [level.get("array_segments"), level.get("array_indices")] as (IndexVector | undefined)[];
    levels.push(
      segments && indices ? { segments: vector(segments), indices: vector(indices) } : { size: level.get("dense_size") },
    );
  }
  return { sparsity: { order: table.get("traversal_order") ?? [], blocks: table.get("block_map") ?? [], levels }, slices };
}

/** A value as the graph lists it. */
export function sourceValue(
  id: ValueId,
  name: string,
  draft: TensorDraft,
): { -readonly [K in keyof SourceValue]: SourceValue[K] } {
  return {
    id,
    name,
    type: draft.type,
    ...(draft.tensor ? { tensor: draft.tensor } : {}),
    ...(draft.variable ? { variable: true as const } : {}),
  };
}
