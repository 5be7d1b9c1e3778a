/** TensorProto and TensorShapeProto → where elements are and what their dims are. Nothing is decoded; graph/elements.ts knows the encodings. */
import { bitsOf, type DType } from "../../base/dtype.ts";
import type { Place } from "../../base/problem.ts";
import type { Slice, SourceDim, SourceTensor } from "../../graph/source.ts";
import { elementCount } from "../../graph/tensor.ts";
import type { Fields } from "../protobuf/fields.ts";
import type { Reading } from "../protobuf/reading.ts";
import { type Run as FieldRun, packedSlices, taggedSlices } from "../protobuf/runs.ts";
import { dtypeOf, typeName } from "./dtypes.ts";
import { Dimension, TensorProto, TensorShape } from "./schema.ts";

/** One occurrence of a typed field. */
interface Run extends FieldRun {
  /** Elements; undefined where they were left in the file and have no fixed width. */
  readonly count: number | undefined;
}

/** Width of an element of a typed field; 0: varints. */
const widths: Readonly<Record<number, number>> = {
  [TensorProto.float]: 4,
  [TensorProto.double]: 8,
  [TensorProto.int]: 0,
  [TensorProto.complex64]: 4,
  [TensorProto.int64]: 0,
  [TensorProto.bool]: 0,
  [TensorProto.complex128]: 8,
  [TensorProto.half]: 0,
  [TensorProto.uint32]: 0,
  [TensorProto.uint64]: 0,
};

/** Undefined where the rank is not known. */
export function readShape(f: Fields): readonly SourceDim[] | undefined {
  const dims: SourceDim[] = [];
  let known = true;
  while (f.next()) {
    if (f.field === TensorShape.dim) dims.push(readDim(f.message()));
    else if (f.field === TensorShape.unknownRank) known = f.int() === 0;
  }
  return known ? dims : undefined;
}

function readDim(f: Fields): SourceDim {
  let size: number | string = 0;
  while (f.next()) if (f.field === Dimension.size) size = f.int64();
  return typeof size === "string" || size < 0 ? null : size;
}

/** Undefined where the file says nothing usable; the reason is among the problems. */
export function readTensor(f: Fields, reading: Reading, place: Place): SourceTensor | undefined {
  reading.spend(1, f.offset);
  const { offset } = f;
  const found = locate(f);
  if (typeof found !== "string") return found;
  reading.report("error", "bad-tensor", found, { ...place, offset });
  return undefined;
}

/** The tensor, or in words why there is none. */
function locate(f: Fields): SourceTensor | string {
  let code = 0;
  let dims: readonly SourceDim[] | undefined = [];
  let content: Slice | undefined;
  const typed = new Map<number, Run[]>();
  while (f.next()) {
    const width = widths[f.field];
    if (f.field === TensorProto.dtype) code = f.int();
    else if (f.field === TensorProto.shape) dims = readShape(f.message());
    else if (f.field === TensorProto.content) content = { file: 0, offset: f.start, length: f.length };
    else if (width !== undefined || f.field === TensorProto.string) {
      const runs = typed.get(f.field) ?? [];
      if (runs.length === 0) typed.set(f.field, runs);
      runs.push(runOf(f, width));
    }
  }
  const dtype = dtypeOf(code);
  if (!dtype) return code === 0 ? "a tensor without a data type" : `a tensor of ${typeName(code)}`;
  if (!dims?.every((dim) => typeof dim === "number")) return "a tensor of unknown shape";
  const shape = dims as readonly number[];
  const count = elementCount(shape);
  if (!Number.isSafeInteger(count)) return `a tensor of more elements than can be counted: ${shape.join("×")}`;
  if (content && content.length > 0) {
    if (dtype === "string") return "strings in tensor_content";
    return { dtype, shape, slices: [content], encoding: "raw" };
  }
  const [field, ...more] = typed;
  if (more.length > 0) return "a tensor whose elements are in several fields";
  return field ? typedTensor(dtype, shape, count, field[0], field[1]) : { dtype, shape, slices: [], encoding: "raw-splat" };
}

function runOf(f: Fields, width: number | undefined): Run {
  const packed = f.wire === 2 && width !== undefined;
  let count: number | undefined = 1;
  if (packed) count = width ? f.length / width : f.elided ? undefined : f.payload().reduce((n, b) => n + (b < 0x80 ? 1 : 0), 0);
  return { packed, at: f.offset, start: f.start, end: f.start + f.length, count };
}

/** Fewer elements than the shape takes: the last one repeats. */
function typedTensor(dtype: DType, shape: readonly number[], count: number, field: number, runs: readonly Run[]): SourceTensor {
  const packed = runs.every((run) => run.packed);
  const kind = field === TensorProto.string ? "utf8-repeated" : widths[field] === 0 ? "varint" : "raw";
  const tagged = packed || kind === "utf8-repeated" ? kind : `${kind}-tagged`;
  const slices = packed ? packedSlices(runs) : taggedSlices(runs);
  const width = dtype.startsWith("complex") ? 2 : 1;
  const given = runs.reduce((sum, run) => sum + (run.count ?? Number.NaN), 0) / width;
  // A varint says at most its width; that there are as many as the shape takes is checked when they are decoded.
  if (given === count || (Number.isNaN(given) && bitsOf[dtype] !== undefined)) return { dtype, shape, slices, encoding: tagged };
  return { dtype, shape, slices, encoding: `${tagged}-${given === 1 ? "splat" : "last"}` };
}
