/** The weights of a written model: what is stored how, cut into shards. */
import type { ByteSink, ByteWriter } from "../../base/bytes.ts";
import type { DType } from "../../base/dtype.ts";
import { modelError } from "../../base/problem.ts";
import { packTensor } from "../../graph/pack.ts";
import type { Tensor } from "../../graph/tensor.ts";
import type { Layout, QuantizedType } from "./layout.ts";
import type { Json } from "./topology.ts";

export interface WeightSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly quantization?: {
    readonly dtype: QuantizedType;
    readonly scale?: number;
    readonly min?: number;
    readonly original_dtype?: string;
  };
}

/** Weights that are fetched together, and the files they are in. */
export interface WeightGroup {
  readonly paths: readonly string[];
  readonly weights: readonly WeightSpec[];
}

/** A weight as bytes and manifest entry. */
export function encodeWeight(name: string, tensor: Tensor, layout: Layout): { spec: WeightSpec; bytes: Uint8Array } {
  const { dtype, shape } = tensor;
  const plain = { name, shape, dtype };
  const as = (quantization: NonNullable<WeightSpec["quantization"]>, bytes: Uint8Array) => ({
    spec: { ...plain, quantization },
    bytes,
  });
  if (typeof layout === "object") {
    const { codes: kind, scale, min } = layout;
    const values = tensor.data as Float32Array;
    const codes = kind === "uint8" ? new Uint8Array(values.length) : new Uint16Array(values.length);
    for (let i = 0; i < codes.length; i++) {
      codes[i] = Math.round((values[i]! - min) / scale);
      if (Math.fround(codes[i]! * scale + min) !== values[i]) throw new Error(`${name} has no code for ${values[i]}`);
    }
    return as({ dtype: kind, scale, min, original_dtype: dtype }, new Uint8Array(codes.buffer));
  }
  switch (layout) {
    case "plain":
      return { spec: plain, bytes: dtype === "string" ? packStrings(tensor.data as string[]) : packTensor(tensor) };
    case "half":
      checkHalf(tensor.data as Float32Array, name);
      return as({ dtype: "float16", original_dtype: "float32" }, packTensor({ ...tensor, dtype: "float16" }));
    default:
      return affine(plain, tensor.data as Float32Array, layout);
  }
}

const greatestHalf = 65504;

function checkHalf(values: Float32Array, name: string): void {
  for (const value of values)
    if (Math.abs(value) > greatestHalf && Number.isFinite(value))
      throw modelError(
        "fp16-overflow",
        `a weight does not fit float16: ${value}`,
        { tensor: name },
        "Leave this weight out of --quantize",
      );
}

/** Halves to the even neighbour, as numpy rounds. */
function rounded(x: number): number {
  const floor = Math.floor(x);
  const past = x - floor;
  return past < 0.5 || (past === 0.5 && floor % 2 === 0) ? floor : floor + 1;
}

/** As tensorflowjs_converter does it: codes from 0 on, scale and min such that 0 is exact where it lies within the range. */
function affine(plain: WeightSpec, values: Float32Array, kind: "uint8" | "uint16"): { spec: WeightSpec; bytes: Uint8Array } {
  let [least, greatest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  let isNumber = true;
  for (const value of values) {
    if (value < least) least = value;
    if (value > greatest) greatest = value;
    isNumber &&= !Number.isNaN(value);
  }
  if (values.length === 0) [least, greatest] = [0, 0];
  if (!isNumber || !Number.isFinite(least) || !Number.isFinite(greatest))
    throw modelError(
      "not-finite",
      `a weight that is not finite has no ${kind} codes`,
      { tensor: plain.name },
      "Leave this weight out of --quantize",
    );
  const levels = kind === "uint8" ? 255 : 65535;
  const scale = greatest === least ? 1 : (greatest - least) / levels;
  const spans = greatest > least && least <= 0 && greatest >= 0;
  const min = spans ? 0 - rounded((0 - least) / scale) * scale : least;
  const codes = kind === "uint8" ? new Uint8Array(values.length) : new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) codes[i] = Math.min(Math.max(rounded((values[i]! - min) / scale), 0), levels);
  return {
    spec: { ...plain, quantization: { dtype: kind, scale, min, original_dtype: "float32" } },
    bytes: new Uint8Array(codes.buffer),
  };
}

/** Each string as its length (uint32) and its UTF-8 bytes. */
function packStrings(values: readonly string[]): Uint8Array {
  const encoded = values.map((value) => new TextEncoder().encode(value));
  const bytes = new Uint8Array(encoded.reduce((total, each) => total + 4 + each.length, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const each of encoded) {
    view.setUint32(at, each.length, true);
    bytes.set(each, at + 4);
    at += 4 + each.length;
  }
  return bytes;
}

/** Pieces up to here are gathered before they are written: a model has thousands of scalars and biases, and each write is a trip. */
const smallPiece = 64 * 1024;
const gatheredBytes = 4 * smallPiece;

/** Cuts a stream of bytes into files of exactly `size`, the last one shorter; the count is known beforehand, since names hold it. */
export class Shards {
  readonly paths: string[] = [];
  private writer: ByteWriter | undefined;
  private room = 0;
  private gathered = new Uint8Array(gatheredBytes);
  private filled = 0;

  constructor(
    private readonly sink: ByteSink,
    private readonly size: number,
    private readonly total: number,
    /** Of the manifest, from 1. */
    private readonly group = 1,
  ) {}

  async write(bytes: Uint8Array): Promise<void> {
    const isSmall = bytes.length <= smallPiece;
    if (!isSmall || this.filled + bytes.length > gatheredBytes) await this.flush();
    if (!isSmall) return this.put(bytes);
    this.gathered.set(bytes, this.filled);
    this.filled += bytes.length;
  }

  async close(): Promise<void> {
    await this.flush();
    await this.writer?.close();
    this.writer = undefined;
  }

  private async flush(): Promise<void> {
    const bytes = this.gathered.subarray(0, this.filled);
    this.filled = 0;
    if (bytes.length === 0) return;
    // A sink may keep what it is given.
    this.gathered = new Uint8Array(gatheredBytes);
    await this.put(bytes);
  }

  private async put(bytes: Uint8Array): Promise<void> {
    let at = 0;
    while (at < bytes.length) {
      if (this.room === 0) await this.next();
      const take = Math.min(this.room, bytes.length - at);
      await this.writer!.write(bytes.subarray(at, at + take));
      this.room -= take;
      at += take;
    }
  }

  private async next(): Promise<void> {
    await this.writer?.close();
    this.writer = undefined;
    const count = Math.ceil(this.total / this.size);
    if (this.paths.length >= count) throw new Error(`more weight bytes than the ${this.total} announced`);
    const name = `group${this.group}-shard${this.paths.length + 1}of${count}.bin`;
    this.paths.push(name);
    this.writer = await this.sink.create(name);
    this.room = this.size;
  }
}

export const manifest = (...groups: readonly WeightGroup[]): Json =>
  groups.map(({ paths, weights }) => ({ paths, weights: weights as unknown as Json }));
