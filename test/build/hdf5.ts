/** HDF5 files as h5py writes them, small and in memory: groups, float32 datasets in one piece or in chunks, string attributes. */
import { zlibSync } from "fflate";
import { fletcher32 } from "../../src/formats/hdf5/checksum.ts";

export interface Group {
  readonly attributes?: Readonly<Record<string, string | readonly string[]>>;
  readonly members?: Readonly<Record<string, Group | Numbers>>;
}

export interface Numbers {
  readonly shape: readonly number[];
  readonly data: Float32Array;
  /** Elements of a chunk along each axis, and what each goes through. */
  readonly chunks?: { readonly dims: readonly number[]; readonly filters: readonly FilterName[] };
}

export type FilterName = "shuffle" | "deflate" | "fletcher32";

export const u16 = (n: number): number[] => [n & 255, n >> 8];
export const u32 = (n: number): number[] => [...u16(n & 0xffff), ...u16(n >>> 16)];
export const u64 = (n: number): number[] => [...u32(n >>> 0), ...u32(Math.floor(n / 2 ** 32))];
export const text = (s: string): number[] => [...new TextEncoder().encode(s)];
const padded = (bytes: readonly number[], to = 8): number[] => [
  ...bytes,
  ...new Array<number>((to - (bytes.length % to)) % to).fill(0),
];

class Writer {
  readonly bytes: number[] = new Array<number>(96).fill(0);

  put(bytes: readonly number[]): number {
    const at = this.bytes.length;
    for (const byte of padded(bytes)) this.bytes.push(byte);
    return at;
  }
}

export const dataspace = (shape: readonly number[]): number[] => [1, shape.length, 0, 0, ...u32(0), ...shape.flatMap(u64)];
export const float32 = [0x11, 0x20, 0x1f, 0, ...u32(4), ...u16(0), ...u16(32), 23, 8, 0, 23, ...u32(127)];

function header(writer: Writer, messages: readonly (readonly [type: number, data: readonly number[]])[]): number {
  const body = messages.flatMap(([type, data]) => {
    const bytes = padded(data);
    return [...u16(type), ...u16(bytes.length), 0, 0, 0, 0, ...bytes];
  });
  return writer.put([1, 0, ...u16(messages.length), ...u32(1), ...u32(body.length), ...u32(0), ...body]);
}

/** Several strings are of one width; one is in a heap, as h5py has it. */
function attribute(writer: Writer, name: string, value: string | readonly string[]): number[] {
  const list = typeof value === "string" ? [] : value.map(text);
  const width = Math.max(1, ...list.map((each) => each.length));
  const type = typeof value === "string" ? [0x19, 1, 1, 0, ...u32(16), 0x13, 0, 0, 0, ...u32(1)] : [0x13, 0, 0, 0, ...u32(width)];
  const space = dataspace(typeof value === "string" ? [] : [value.length]);
  const label = [...text(name), 0];
  const data =
    typeof value === "string" ? heaped(writer, text(value)) : list.flatMap((each) => padded(each, width).slice(0, width));
  return [
    1,
    0,
    ...u16(label.length),
    ...u16(type.length),
    ...u16(space.length),
    ...[label, type, space].flatMap((part) => padded(part)),
    ...data,
  ];
}

function heaped(writer: Writer, bytes: readonly number[]): number[] {
  const objects = [...u16(1), ...u16(1), ...u32(0), ...u64(bytes.length), ...padded(bytes)];
  const at = writer.put([...text("GCOL"), 1, 0, 0, 0, ...u64(16 + objects.length), ...objects]);
  return [...u32(bytes.length), ...u64(at), ...u32(1)];
}

export const isNumbers = (item: Group | Numbers): item is Numbers => "data" in item;

const filterIds: Readonly<Record<FilterName, number>> = { deflate: 1, shuffle: 2, fletcher32: 3 };

/** Bytes as the filters leave them. */
export function packed(bytes: Uint8Array, filters: readonly FilterName[]): Uint8Array {
  let data = bytes;
  for (const filter of filters)
    data = filter === "deflate" ? zlibSync(data, { level: 6 }) : filter === "shuffle" ? shuffled(data) : withSum(data);
  return data;
}

const withSum = (data: Uint8Array): Uint8Array => Uint8Array.of(...data, ...u32(fletcher32(data)));

/** First bytes of all elements, then second bytes … */
function shuffled(data: Uint8Array): Uint8Array {
  const count = data.length / 4;
  return Uint8Array.from(data, (_, i) => data[(i % count) * 4 + Math.floor(i / count)]!);
}

/** The chunk at a place of the grid, filled up with zeros where it hangs over. */
export function chunkAt({ shape, data }: Numbers, dims: readonly number[], place: readonly number[]): Uint8Array {
  const count = dims.reduce((product, dim) => product * dim, 1);
  const values = Float32Array.from({ length: count }, (_, i) => {
    let [rest, at, inside] = [i, 0, true];
    const own = [...dims].reverse().map((dim) => {
      const step = rest % dim;
      rest = Math.floor(rest / dim);
      return step;
    });
    own.reverse().forEach((step, axis) => {
      const whole = place[axis]! * dims[axis]! + step;
      inside &&= whole < shape[axis]!;
      at = at * shape[axis]! + whole;
    });
    return inside ? data[at]! : 0;
  });
  return new Uint8Array(values.buffer);
}

/** All places of the grid of chunks. */
export const gridOf = (shape: readonly number[], dims: readonly number[]): readonly (readonly number[])[] =>
  dims.reduce<readonly (readonly number[])[]>(
    (all, dim, axis) => all.flatMap((place) => Array.from({ length: Math.ceil(shape[axis]! / dim) }, (_, i) => [...place, i])),
    [[]],
  );

/** A header of a dataset whose chunks are listed by one node of a tree. */
function chunked(writer: Writer, item: Numbers, dims: readonly number[], filters: readonly FilterName[]): number {
  const keys = gridOf(item.shape, dims).flatMap((place) => {
    const bytes = packed(chunkAt(item, dims, place), filters);
    const at = writer.put([...bytes]);
    return [...u32(bytes.length), ...u32(0), ...place.flatMap((each, axis) => u64(each * dims[axis]!)), ...u64(0), ...u64(at)];
  });
  const last = [...u32(0), ...u32(0), ...item.shape.flatMap(u64), ...u64(4)];
  const none = new Array<number>(16).fill(255);
  const count = gridOf(item.shape, dims).length;
  const tree = writer.put([...text("TREE"), 1, 0, ...u16(count), ...none, ...keys, ...last]);
  const pipeline = filters.flatMap((name) => {
    const values = name === "shuffle" ? [4] : name === "deflate" ? [6] : [];
    return [
      ...u16(filterIds[name]),
      ...u16(0),
      ...u16(0),
      ...u16(values.length),
      ...values.flatMap(u32),
      ...values.flatMap(() => u32(0)),
    ];
  });
  return header(writer, [
    [1, dataspace(item.shape)],
    [3, float32],
    [8, [3, 2, dims.length + 1, ...u64(tree), ...dims.flatMap(u32), ...u32(4)]],
    ...(filters.length > 0 ? [[11, [1, filters.length, ...new Array<number>(6).fill(0), ...pipeline]] as const] : []),
  ]);
}

function object(writer: Writer, item: Group | Numbers): number {
  if (isNumbers(item) && item.chunks) return chunked(writer, item, item.chunks.dims, item.chunks.filters);
  if (isNumbers(item)) {
    const bytes = [...new Uint8Array(item.data.buffer, item.data.byteOffset, item.data.byteLength)];
    const at = writer.put(bytes);
    return header(writer, [
      [1, dataspace(item.shape)],
      [3, float32],
      [8, [3, 1, ...u64(at), ...u64(bytes.length)]],
    ]);
  }
  const members = Object.entries(item.members ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const names: number[] = new Array<number>(8).fill(0);
  const entries = members.flatMap(([name, member]) => {
    const at = names.length;
    names.push(...padded([...text(name), 0]));
    return [...u64(at), ...u64(object(writer, member)), ...u32(0), ...u32(0), ...u64(0), ...u64(0)];
  });
  const heapData = writer.put(names);
  const heap = writer.put([...text("HEAP"), 0, 0, 0, 0, ...u64(names.length), ...u64(1), ...u64(heapData)]);
  const node = writer.put([...text("SNOD"), 1, 0, ...u16(members.length), ...entries]);
  const none = new Array<number>(16).fill(255);
  const tree = writer.put([...text("TREE"), 0, 0, ...u16(1), ...none, ...u64(0), ...u64(node), ...u64(0)]);
  const attributes = Object.entries(item.attributes ?? {}).map(([name, value]) => [12, attribute(writer, name, value)] as const);
  return header(writer, [[17, [...u64(tree), ...u64(heap)]], ...attributes]);
}

export function hdf5(root: Group): Uint8Array {
  const writer = new Writer();
  const at = object(writer, root);
  const size = writer.bytes.length;
  const sizes = [0, 0, 0, 0, 0, 8, 8, 0, ...u16(4), ...u16(16), ...u32(0)];
  const undefinedAddress = new Array<number>(8).fill(255);
  const superblock = [
    0x89,
    ...text("HDF\r\n"),
    0x1a,
    0x0a,
    ...sizes,
    ...u64(0),
    ...undefinedAddress,
    ...u64(size),
    ...undefinedAddress,
  ];
  [...superblock, ...u64(0), ...u64(at), ...u32(0), ...u32(0), ...u64(0), ...u64(0)].forEach((byte, i) => {
    writer.bytes[i] = byte;
  });
  return Uint8Array.from(writer.bytes);
}
