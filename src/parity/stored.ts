/** Inputs and expected outputs that somebody stored: .pb, .npy, .npz, .json, by name or by number. */
import type { ByteSource } from "../base/bytes.ts";
import { isFloat, isInteger } from "../base/dtype.ts";
import { modelError } from "../base/problem.ts";
import { allocate, type Elements, elementCount, type Tensor } from "../graph/tensor.ts";
import type { ValueSpec } from "../runtime/run.ts";
import { representable } from "./inputs.ts";

/** A tensor as a file gives it; the name may be empty. */
export interface NamedTensor {
  readonly name: string;
  readonly tensor: Tensor;
}

/** Readers of the binary formats by file ending, without the dot: this layer knows no formats. */
export type Decoders = Readonly<Record<"pb" | "npy" | "npz", (source: ByteSource) => Promise<readonly NamedTensor[]>>>;

/** One value, whose type may hang on what it is for. */
interface StoredValue {
  readonly name: string;
  readonly index: number | undefined;
  tensorFor(spec: ValueSpec): Tensor;
}

export interface StoredSet {
  readonly inputs: readonly StoredValue[];
  readonly outputs: readonly StoredValue[];
}

/** Nobody writes larger inputs as text; JSON.parse would need many times the size. */
const MAX_JSON_BYTES = 64 * 1024 * 1024;

/** Reads the files that hold tensors and passes over others; `output_N` files are expected outputs, the rest inputs. */
export async function readStored(files: readonly ByteSource[], decoders: Decoders): Promise<StoredSet> {
  const inputs: StoredValue[] = [];
  const outputs: StoredValue[] = [];
  for (const file of files) {
    const [, stem = "", ending = ""] = /([^/\\]*)\.(\w+)$/.exec(file.name) ?? [];
    const numbered = /^(input|output)_(\d+)$/.exec(stem);
    const into = numbered?.[1] === "output" ? outputs : inputs;
    const index = numbered ? Number(numbered[2]) : undefined;
    if (ending === "json") into.push(...(await readJson(file)));
    else if (ending === "pb" || ending === "npy") {
      const [first] = await decoders[ending](file);
      if (first)
        into.push(fixed({ ...first, name: first.name || (numbered ? "" : stem) }, index ?? (files.length === 1 ? 0 : undefined)));
    } else if (ending === "npz") {
      for (const named of await decoders.npz(file)) {
        const position = /^(?:arr|input)_(\d+)$/.exec(named.name)?.[1];
        into.push(fixed(named, position === undefined ? undefined : Number(position)));
      }
    }
  }
  return { inputs, outputs };
}

function fixed({ name, tensor }: NamedTensor, index: number | undefined): StoredValue {
  return { name, index, tensorFor: (spec) => coerce(tensor, spec) };
}

/** A tensor for each spec that has one: by name first, then by number among those without a name of the model's. */
export function assign(values: readonly StoredValue[], specs: readonly ValueSpec[]): Map<string, Tensor> {
  const found = new Map<string, Tensor>();
  const names = new Set(specs.map((spec) => spec.name));
  for (const [position, spec] of specs.entries()) {
    const value =
      values.find((it) => it.name === spec.name) ??
      values.find((it) => it.index === position && (it.name === "" || !names.has(it.name)));
    if (value) found.set(spec.name, representable(value.tensorFor(spec)));
  }
  return found;
}

/** The same values in the dtype the model declares; `ModelError` where a value or the kind of type would change. */
function coerce(tensor: Tensor, { name, dtype }: ValueSpec): Tensor {
  if (dtype === undefined || dtype === tensor.dtype) return tensor;
  const wrong = () => modelError("input-dtype", `${dtype} wanted, the file holds ${tensor.dtype}`, { tensor: name });
  if (Array.isArray(tensor.data)) throw wrong();
  if (!(isFloat(dtype) && isFloat(tensor.dtype)) && !(isInteger(dtype) && isInteger(tensor.dtype))) throw wrong();
  const data = allocate(dtype, tensor.data.length);
  for (let i = 0; i < tensor.data.length; i++) {
    set(data, i, tensor.data[i]!);
    if (isInteger(dtype) && Number(data[i]) !== Number(tensor.data[i])) throw wrong();
  }
  return { dtype, shape: tensor.shape, data };
}

function set(data: Elements, i: number, value: number | bigint): void {
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) data[i] = BigInt(value);
  else (data as Float32Array)[i] = Number(value);
}

/** `{"name": nested arrays | {"shape": […], "data": […]}}`; "NaN", "Infinity" and whole numbers beyond 2^53 as strings. */
async function readJson(file: ByteSource): Promise<StoredValue[]> {
  if (file.size > MAX_JSON_BYTES)
    throw modelError("too-large", `${file.name} is larger than ${MAX_JSON_BYTES} bytes: ${file.size}`);
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(await file.read(0, file.size)));
  } catch (error) {
    throw modelError("malformed", `${file.name} is no JSON: ${(error as Error).message}`);
  }
  if (typeof json !== "object" || json === null) throw modelError("malformed", `${file.name} holds no object of tensors by name`);
  if (Array.isArray(json)) return [jsonValue("", 0, json, file.name)];
  return Object.entries(json).map(([name, value]) => jsonValue(name, undefined, value, file.name));
}

function jsonValue(name: string, index: number | undefined, value: unknown, file: string): StoredValue {
  const { shape, flat } = flatten(value, `${file}: ${name || "the array"}`);
  return { name, index, tensorFor: (spec) => jsonTensor(shape, flat, spec) };
}

function flatten(value: unknown, what: string): { shape: number[]; flat: readonly unknown[] } {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    const { shape, dims, data } = value as { shape?: number[]; dims?: number[]; data?: unknown[] };
    const given = shape ?? dims;
    if (!Array.isArray(given) || !Array.isArray(data) || elementCount(given) !== data.length) {
      throw modelError("malformed", `${what} has not as many values as its shape: ${data?.length ?? 0}`);
    }
    return { shape: given, flat: data };
  }
  const shape: number[] = [];
  let flat: readonly unknown[] = [value];
  while (flat.length > 0 && flat.every(Array.isArray)) {
    const rows = flat as readonly unknown[][];
    const length = rows[0]!.length;
    if (rows.some((row) => row.length !== length)) throw modelError("malformed", `${what} has rows of unequal length`);
    shape.push(length);
    flat = rows.flat(1);
  }
  if (flat.some(Array.isArray)) throw modelError("malformed", `${what} mixes values and rows`);
  return { shape, flat };
}

function jsonTensor(shape: readonly number[], flat: readonly unknown[], { name, dtype = "float32" }: ValueSpec): Tensor {
  if (dtype === "string") return { dtype, shape, data: flat.map(String) };
  const data = allocate(dtype, flat.length);
  const wrong = (value: unknown) => modelError("input-dtype", `no ${dtype}: ${JSON.stringify(value)}`, { tensor: name });
  for (const [i, value] of flat.entries()) {
    if (!["number", "string", "boolean"].includes(typeof value) || value === "") throw wrong(value);
    try {
      set(data, i, isInteger(dtype) ? BigInt(value as number | string | boolean) : Number(value));
    } catch {
      throw wrong(value);
    }
    const kept = Number(data[i]);
    if (dtype === "bool" && kept > 1) throw wrong(value);
    if (isFloat(dtype) ? Number.isNaN(kept) && value !== "NaN" : kept !== Number(value)) throw wrong(value);
  }
  return { dtype, shape, data };
}
