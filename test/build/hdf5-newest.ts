/** HDF5 in its newest form, as h5py writes it with libver="latest": headers with sums, links in them, many attributes in a heap of their own. */
import { lookup3 } from "../../src/formats/hdf5/checksum.ts";
import { chunkAt, dataspace, float32, type Group, isNumbers, type Numbers, packed, text, u16, u32, u64 } from "./hdf5.ts";

const undefinedAddress = new Array<number>(8).fill(255);
const summed = (bytes: readonly number[]): number[] => [...bytes, ...u32(lookup3(Uint8Array.from(bytes)))];

class Writer {
  readonly bytes: number[] = new Array<number>(48).fill(0);

  put(bytes: readonly number[]): number {
    const at = this.bytes.length;
    for (const byte of bytes) this.bytes.push(byte);
    return at;
  }
}

type Message = readonly [type: number, data: readonly number[]];

/** The messages in two blocks, the second behind a continuation. */
function header(writer: Writer, messages: readonly Message[]): number {
  const body = (list: readonly Message[]) => list.flatMap(([type, data]) => [type, ...u16(data.length), 0, ...data]);
  const half = Math.ceil(messages.length / 2);
  const rest = summed([...text("OCHK"), ...body(messages.slice(half))]);
  const more = writer.put(rest);
  const first = body([...messages.slice(0, half), [16, [...u64(more), ...u64(rest.length)]]]);
  return writer.put(summed([...text("OHDR"), 2, 1, ...u16(first.length), ...first]));
}

/** Strings of one width, in the attribute itself. */
function attribute(name: string, value: string | readonly string[]): number[] {
  const list = (typeof value === "string" ? [value] : value).map(text);
  const width = Math.max(1, ...list.map((each) => each.length));
  const type = [0x13, 0, 0, 0, ...u32(width)];
  const space = typeof value === "string" ? [2, 0, 0, 0] : [2, 1, 0, 1, ...u64(list.length)];
  const label = [...text(name), 0];
  const data = list.flatMap((each) => [...each, ...new Array<number>(width - each.length).fill(0)]);
  return [3, 0, ...u16(label.length), ...u16(type.length), ...u16(space.length), 0, ...label, ...type, ...space, ...data];
}

/** Objects in one block of a heap, and a tree of one leaf that names them. */
function dense(writer: Writer, objects: readonly (readonly number[])[], kind: "links" | "attributes"): Message {
  const head = 5 + 8 + 2;
  const block: number[] = [...text("FHDB"), 0, ...u64(0), ...u16(0)];
  const ids = objects.map((bytes) => {
    const at = block.length;
    block.push(...bytes);
    return [0, ...u16(at), ...u16(bytes.length)];
  });
  const size = 2 ** Math.ceil(Math.log2(block.length + head));
  const root = writer.put([...block, ...new Array<number>(size - block.length).fill(0)]);
  const idLength = kind === "links" ? 7 : 8;
  const heap = writer.put(
    summed([
      ...text("FRHP"),
      0,
      ...u16(idLength),
      ...u16(0),
      0,
      ...u32(4096),
      ...[u64(0), undefinedAddress, u64(0), undefinedAddress, ...new Array<number[]>(8).fill(u64(0))].flat(),
      ...u16(4),
      ...u64(size),
      ...u64(2 ** 15),
      ...u16(16),
      ...u16(0),
      ...u64(root),
      ...u16(0),
    ]),
  );
  const records = ids.map((id) => {
    const padded = [...id, ...new Array<number>(idLength - id.length).fill(0)];
    return kind === "links" ? [...u32(0), ...padded] : [...padded, 0, ...u32(0), ...u32(0)];
  });
  const type = kind === "links" ? 5 : 8;
  const leaf = writer.put(summed([...text("BTLF"), 0, type, ...records.flat()]));
  const each = records[0]!.length;
  const tree = writer.put(
    summed([
      ...text("BTHD"),
      0,
      type,
      ...u32(4096),
      ...u16(each),
      ...u16(0),
      100,
      40,
      ...u64(leaf),
      ...u16(ids.length),
      ...u64(ids.length),
    ]),
  );
  return [kind === "links" ? 2 : 21, [0, 0, ...u64(heap), ...u64(tree)]];
}

function dataset(writer: Writer, item: Numbers): number {
  const { dims, filters } = item.chunks ?? { dims: item.shape, filters: [] };
  const bytes = packed(chunkAt(item, dims, item.shape.map(() => 0)), filters); // biome-ignore format: one clause
  const at = writer.put([...bytes]);
  const filtered = filters.length > 0 ? [...u64(bytes.length), ...u32(0)] : [];
  const layout = item.chunks
    ? [4, 2, filters.length > 0 ? 2 : 0, dims.length + 1, 4, ...[...dims, 4].flatMap(u32), 1, ...filtered, ...u64(at)]
    : [4, 1, ...u64(at), ...u64(bytes.length)];
  const ids = { deflate: 1, shuffle: 2, fletcher32: 3 };
  const pipeline = filters.flatMap((name) => {
    const values = name === "shuffle" ? [4] : name === "deflate" ? [6] : [];
    return [...u16(ids[name]), ...u16(0), ...u16(values.length), ...values.flatMap(u32)];
  });
  return header(writer, [
    [1, dataspace(item.shape)],
    [3, float32],
    [8, layout],
    ...(filters.length > 0 ? [[11, [2, filters.length, ...pipeline]] as const] : []),
  ]);
}

/** Members and attributes beyond this are in heaps. */
const MAX_COMPACT = 3;

function object(writer: Writer, item: Group | Numbers): number {
  if (isNumbers(item)) return dataset(writer, item);
  const links = Object.entries(item.members ?? {}).map(([name, member]) => {
    const label = text(name);
    return [1, 0, label.length, ...label, ...u64(object(writer, member))];
  });
  const attributes = Object.entries(item.attributes ?? {}).map(([name, value]) => attribute(name, value));
  return header(writer, [
    ...(links.length > MAX_COMPACT ? [dense(writer, links, "links")] : links.map((link): Message => [6, link])),
    ...(attributes.length > MAX_COMPACT
      ? [dense(writer, attributes, "attributes")]
      : attributes.map((each): Message => [12, each])),
  ]);
}

/** Chunked datasets are of one chunk. */
export function newestHdf5(root: Group): Uint8Array {
  const writer = new Writer();
  const at = object(writer, root);
  const head = summed([
    0x89,
    ...text("HDF\r\n"),
    0x1a,
    0x0a,
    ...[2, 8, 8, 0],
    ...u64(0),
    ...undefinedAddress,
    ...u64(writer.bytes.length),
    ...u64(at),
  ]);
  head.forEach((byte, i) => {
    writer.bytes[i] = byte;
  });
  return Uint8Array.from(writer.bytes);
}
