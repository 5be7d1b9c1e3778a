/** Variables saved in parts: a region of a tensor, found in the parts that cover it. */
import type { Slice } from "../../graph/source.ts";
import { elementCount } from "../../graph/tensor.ts";
import type { Fields } from "../protobuf/fields.ts";
import { Extent, TensorSlice } from "./schema.ts";

/** A range of each axis; a length of −1 is all of it. */
export interface Region {
  readonly starts: readonly number[];
  readonly lengths: readonly number[];
}

/** TensorSliceProto. */
export function readRegion(f: Fields): Region {
  const [starts, lengths]: [number[], number[]] = [[], []];
  while (f.next()) {
    if (f.field !== TensorSlice.extent) continue;
    const extent = f.message();
    let [start, length] = [0, -1];
    while (extent.next()) {
      if (extent.field === Extent.start) start = Number(extent.int64());
      else if (extent.field === Extent.length) length = Number(extent.int64());
    }
    starts.push(start);
    lengths.push(length);
  }
  return { starts, lengths };
}

/** What RestoreV2 is told of a tensor: its dims, then a range of each, `10 5 0,4:-`; undefined where it is the whole. */
export function regionIn(spec: string): Region | undefined {
  const parts = spec.trim().split(" ");
  const ranges = parts.at(-1)?.split(":") ?? [];
  if (spec.trim() === "" || ranges.length !== parts.length - 1) return undefined;
  const pairs = ranges.map((range) => (range === "-" ? [0, -1] : range.split(",").map(Number)));
  return { starts: pairs.map(([start = 0]) => start), lengths: pairs.map(([, length = -1]) => length) };
}

const byte = (code: number): string => String.fromCharCode(code & 0xff);

/** A number as ordered code has it: its length in bytes, then those. */
function unsigned(value: number): string {
  const bytes: string[] = [];
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(byte(rest % 256));
  return byte(bytes.length) + bytes.join("");
}

/** Leading ones tell how many bytes there are; the bits of a negative number are those of its complement, inverted. */
function signed(value: number): string {
  const size = BigInt(value < 0 ? -value - 1 : value);
  const bits = size === 0n ? 0 : size.toString(2).length;
  const count = Math.floor(bits / 7) + 1;
  const header = ((1n << BigInt(count)) - 1n) << BigInt(8 * count - count);
  const pattern = BigInt.asUintN(8 * count, BigInt(value)) ^ BigInt.asUintN(8 * count, header);
  return Array.from({ length: count }, (_, i) => byte(Number((pattern >> BigInt(8 * (count - 1 - i))) & 0xffn))).join("");
}

/** The key of a part, a byte a character, as the checkpoint's index has it. */
export function keyOfPart(name: string, { starts, lengths }: Region): string {
  const utf8 = Array.from(new TextEncoder().encode(name), byte).join("");
  const escaped = utf8.replace(/[\0\xff]/g, (code) => (code === "\0" ? "\0\xff" : "\xff\0"));
  const ranges = starts.map((start, axis) => signed(start) + signed(lengths[axis]!));
  return `${unsigned(0)}${escaped}\0\x01${unsigned(starts.length)}${ranges.join("")}`;
}

/** A part and where the file holds it. */
export interface Part {
  readonly region: Region;
  readonly file: number;
  readonly offset: number;
}

/** Ranges of bytes that one tensor may be made of; a partition along the last axis has one a row and part. */
const MAX_RUNS = 2 ** 20;

/** The region's bytes in order; in words why they cannot be had. `width` in bytes. */
export function bytesOf(
  shape: readonly number[],
  wanted: Region | undefined,
  parts: readonly Part[],
  width: number,
): Slice[] | string {
  const rank = shape.length;
  const full = (region: Region | undefined): Region => ({
    starts: shape.map((_, axis) => region?.starts[axis] ?? 0),
    lengths: shape.map((dim, axis) => {
      const length = region?.lengths[axis] ?? -1;
      return length < 0 ? dim - (region?.starts[axis] ?? 0) : length;
    }),
  });
  const target = full(wanted);
  const inside = ({ starts, lengths }: Region) =>
    starts.length === rank &&
    starts.every((start, axis) => start >= 0 && lengths[axis]! >= 0 && start + lengths[axis]! <= shape[axis]!);
  if ((wanted && wanted.starts.length !== rank) || !inside(target)) return "a part that lies outside the variable";
  const runs: { readonly at: number; readonly slice: Slice }[] = [];
  for (const part of parts) {
    const own = full(part.region);
    if (part.region.starts.length !== rank || !inside(own)) return "a part that lies outside the variable";
    const low = target.starts.map((start, axis) => Math.max(start, own.starts[axis]!));
    const high = low.map((_, axis) =>
      Math.min(target.starts[axis]! + target.lengths[axis]!, own.starts[axis]! + own.lengths[axis]!),
    );
    const lengths = low.map((start, axis) => high[axis]! - start);
    if (lengths.some((length) => length <= 0)) continue;
    const count = runsIn(lengths, own.lengths, target.lengths);
    if (runs.length + count > MAX_RUNS) return `a variable in more than ${MAX_RUNS} pieces`;
    const run = elementCount(lengths) / count;
    for (let i = 0; i < count; i++) {
      const place = placeOf(i * run, lengths).map((index, axis) => index + low[axis]!);
      const from = flat(place, own);
      runs.push({
        at: flat(place, target) * width,
        slice: { file: part.file, offset: part.offset + from * width, length: run * width },
      });
    }
  }
  return inOrder(runs, elementCount(target.lengths) * width);
}

/** In how many pieces a box lies that is contiguous neither in the part nor in the target before a certain axis. */
function runsIn(box: readonly number[], part: readonly number[], target: readonly number[]): number {
  let axis = box.length - 1;
  while (axis >= 0 && box[axis] === part[axis] && box[axis] === target[axis]) axis--;
  return elementCount(box.slice(0, Math.max(axis, 0)));
}

function placeOf(index: number, dims: readonly number[]): number[] {
  const place = new Array<number>(dims.length);
  let rest = index;
  for (let axis = dims.length - 1; axis >= 0; axis--) {
    place[axis] = rest % dims[axis]!;
    rest = Math.floor(rest / dims[axis]!);
  }
  return place;
}

const flat = (place: readonly number[], { starts, lengths }: Region): number =>
  place.reduce((sum, index, axis) => sum * lengths[axis]! + index - starts[axis]!, 0);

/** Pieces laid end to end, neighbours in a file as one. */
function inOrder(runs: { readonly at: number; readonly slice: Slice }[], size: number): Slice[] | string {
  const out: { file: number; offset: number; length: number }[] = [];
  let end = 0;
  for (const { at, slice } of runs.sort((a, b) => a.at - b.at)) {
    if (at !== end) return "a variable whose parts do not fit together";
    end += slice.length;
    const last = out.at(-1);
    if (last?.file === slice.file && last.offset + last.length === slice.offset) last.length += slice.length;
    else out.push({ ...slice });
  }
  return end === size ? out : "a variable of which parts are missing";
}
