/** HDF5 files as h5py writes them, small and in memory: groups, float32 datasets in one piece, string attributes. */

export interface Group {
  readonly attributes?: Readonly<Record<string, string | readonly string[]>>;
  readonly members?: Readonly<Record<string, Group | Numbers>>;
}

export interface Numbers {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

const u16 = (n: number): number[] => [n & 255, n >> 8];
const u32 = (n: number): number[] => [...u16(n & 0xffff), ...u16(n >>> 16)];
const u64 = (n: number): number[] => [...u32(n >>> 0), ...u32(Math.floor(n / 2 ** 32))];
const text = (s: string): number[] => [...new TextEncoder().encode(s)];
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

const dataspace = (shape: readonly number[]): number[] => [1, shape.length, 0, 0, ...u32(0), ...shape.flatMap(u64)];
const float32 = [0x11, 0x20, 0x1f, 0, ...u32(4), ...u16(0), ...u16(32), 23, 8, 0, 23, ...u32(127)];

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

const isNumbers = (item: Group | Numbers): item is Numbers => "data" in item;

function object(writer: Writer, item: Group | Numbers): number {
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
