/**
 * HDF5 as any library since 1.8 reads it: superblock 2, groups whose links stand in their headers, datasets in one piece. The structure comes
 * first, then the numbers, which are asked for one dataset at a time.
 */
import type { ByteWriter } from "../../base/bytes.ts";
import { byteLength, type DType } from "../../base/dtype.ts";
import { modelError } from "../../base/problem.ts";
import {
  contiguous,
  dataspace,
  datatype,
  Encoder,
  encodeUtf8,
  groupInfo,
  link,
  linkInfo,
  listAttribute,
  type Message,
  messageType,
  noFill,
  objectHeader,
  textAttribute,
  widthOf,
} from "./encode.ts";

export interface NewDataset {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

export class NewGroup {
  /** A text of any length, or a list of texts whose bytes, each as wide as the longest, are at most `MAX_LIST`. */
  readonly attributes = new Map<string, string | readonly string[]>();
  readonly members = new Map<string, NewGroup | NewDataset>();

  /** The group of this path, made where it is not there. */
  group(path: string): NewGroup {
    let at: NewGroup = this;
    for (const name of steps(path)) {
      const found = at.members.get(name) ?? new NewGroup();
      if (!(found instanceof NewGroup)) throw taken(path);
      at.members.set(name, found);
      at = found;
    }
    return at;
  }

  dataset(path: string, dataset: NewDataset): void {
    const names = steps(path);
    const name = names.pop()!;
    const group = this.group(names.join("/"));
    if (group.members.has(name)) throw taken(path);
    group.members.set(name, dataset);
  }
}

const steps = (path: string): string[] => path.split("/").filter((name) => name !== "");
const taken = (path: string) => modelError("duplicate-name", "two things of one name in the HDF5 file", { tensor: path });

/** What of a list fits one attribute beside its name and type, as Keras reckons. */
export const MAX_LIST = 64512;

/** Bytes that a list takes as an attribute. */
export function listLength(list: readonly string[]): number {
  return widthOf(list.map(encodeUtf8)) * list.length;
}

/** Where structures and elements begin. */
const ALIGN = 8;
const aligned = (at: number): number => Math.ceil(at / ALIGN) * ALIGN;

const SUPERBLOCK = 48;

/** Writes the file whole. `bytesOf` gives the little-endian elements of a dataset, once each, in their order in the file. */
export async function writeHdf5(
  writer: ByteWriter,
  root: NewGroup,
  bytesOf: (dataset: NewDataset) => Promise<Uint8Array>,
): Promise<void> {
  const { head, datasets } = new Layout(root);
  await writer.write(head);
  let at = head.length;
  for (const { dataset, address, length } of datasets) {
    if (length === 0) continue;
    const bytes = await bytesOf(dataset);
    if (bytes.length !== length) throw new Error(`${bytes.length} bytes where a dataset takes ${length}`);
    if (address > at) await writer.write(new Uint8Array(address - at));
    await writer.write(bytes);
    at = address + length;
  }
}

interface Place {
  readonly dataset: NewDataset;
  readonly address: number;
  readonly length: number;
}

/** All but the numbers. Lengths depend on names and shapes alone, so that places are known before anything is written. */
class Layout {
  readonly head: Uint8Array;
  readonly datasets: readonly Place[];
  private readonly texts: Uint8Array[] = [];

  constructor(root: NewGroup) {
    const objects = inOrder(root);
    // Once with addresses of no meaning, for the lengths; texts are counted in the same order each time.
    const unknown = () => 0;
    const sizes = objects.map((object) => this.header(object, unknown, 0, { address: 0, length: 0 }).length);
    const addresses = new Map<NewGroup | NewDataset, number>();
    let at = SUPERBLOCK;
    for (const [i, object] of objects.entries()) {
      addresses.set(object, at);
      at = aligned(at + sizes[i]!);
    }
    const heap = at;
    const heapBytes = heapOf(this.texts.splice(0));
    const structure = heap + heapBytes.length;
    at = structure;
    const places = new Map<NewGroup | NewDataset, Place>();
    for (const dataset of objects) {
      if (dataset instanceof NewGroup) continue;
      const length = byteLength(
        dataset.dtype,
        dataset.shape.reduce((count, dim) => count * dim, 1),
      )!;
      // Nothing may lie behind the end that the superblock tells.
      if (length > 0) at = aligned(at);
      places.set(dataset, { dataset, address: at, length });
      at += length;
    }
    const e = new Encoder().put(superblock(at, addresses.get(root)!));
    for (const object of objects)
      e.fill(addresses.get(object)!).put(this.header(object, (each) => addresses.get(each)!, heap, places.get(object)));
    this.head = e.fill(heap).put(heapBytes).done();
    this.datasets = [...places.values()];
  }

  private header(
    object: NewGroup | NewDataset,
    addressOf: (object: NewGroup | NewDataset) => number,
    heap: number,
    place: Pick<Place, "address" | "length"> | undefined,
  ): Uint8Array {
    if (object instanceof NewGroup) {
      const links = [...object.members].map(([name, member]): Message => [messageType.link, link(name, addressOf(member))]);
      const attributes = [...object.attributes].map(([name, value]): Message => {
        if (typeof value !== "string") return [messageType.attribute, listAttribute(name, value.map(encodeUtf8))];
        const bytes = encodeUtf8(value);
        const index = this.texts.push(bytes);
        return [messageType.attribute, textAttribute(name, bytes.length, heap, index)];
      });
      return objectHeader([[messageType.linkInfo, linkInfo()], [messageType.groupInfo, groupInfo()], ...links, ...attributes]);
    }
    const type = datatype(object.dtype);
    if (!type) throw modelError("unsupported", `HDF5 has no numbers of type ${object.dtype}`);
    return objectHeader([
      [messageType.dataspace, dataspace(object.shape)],
      [messageType.datatype, type],
      [messageType.fill, noFill()],
      [messageType.layout, contiguous(place!.address, place!.length)],
    ]);
  }
}

/** Each group before its members; no recursion, since names may nest groups. */
function inOrder(root: NewGroup): readonly (NewGroup | NewDataset)[] {
  const found: (NewGroup | NewDataset)[] = [];
  const stack: (NewGroup | NewDataset)[] = [root];
  for (let object = stack.pop(); object; object = stack.pop()) {
    found.push(object);
    if (object instanceof NewGroup) stack.push(...[...object.members.values()].reverse());
  }
  return found;
}

const superblock = (end: number, root: number): Uint8Array =>
  new Encoder().u8(0x89).ascii("HDF\r\n\x1a\n").u8(2, 8, 8, 0).u64(0).none().u64(end).u64(root).sum().done();

/** The least that the library takes for a heap. */
const MIN_HEAP = 4096;
/** The number of an object is two bytes; 0 is the space left. */
const MAX_TEXTS = 0xffff;
const HEAP_HEAD = 16;
const OBJECT_HEAD = 16;

/** One collection of all texts, numbered from 1. */
function heapOf(texts: readonly Uint8Array[]): Uint8Array {
  if (texts.length === 0) return new Uint8Array();
  if (texts.length > MAX_TEXTS) throw new Error(`${texts.length} texts in one heap`);
  const taken = texts.reduce((sum, { length }) => sum + OBJECT_HEAD + aligned(length), HEAP_HEAD);
  const size = Math.max(taken, MIN_HEAP);
  const e = new Encoder().ascii("GCOL").u8(1, 0, 0, 0).u64(size);
  for (const [i, text] of texts.entries())
    e.u16(i + 1)
      .u16(1)
      .u32(0)
      .u64(text.length)
      .put(text)
      .fill(aligned(e.length));
  // What is left is an object too, if there is room to say so.
  if (size - taken >= OBJECT_HEAD)
    e.u16(0)
      .u16(0)
      .u32(0)
      .u64(size - taken);
  return e.fill(size).done();
}
