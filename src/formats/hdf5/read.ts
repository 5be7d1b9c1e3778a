/** HDF5: groups, attributes of strings, datasets, as h5py writes them by default and as it does when asked for the newest form. Only structure is read. */
import type { ByteSource } from "../../base/bytes.ts";
import { modelError } from "../../base/problem.ts";
import { Hdf5Bytes, type Part } from "./bytes.ts";
import { ChunkedSource } from "./chunks.ts";
import { denseObjects } from "./dense.ts";
import { readFilters, unknownFilter } from "./filters.ts";
import {
  type Attribute,
  type ElementType,
  heapText,
  type Layout,
  readAttribute,
  readDataspace,
  readDense,
  readFill,
  readLayout,
  readLink,
  readType,
  text,
} from "./messages.ts";

/** Headers, nodes and entries of a file in all; a model of ten thousand layers has some hundred thousand. */
const MAX_STEPS = 2 ** 22;
/** Levels of a group's tree. */
const MAX_DEPTH = 32;

export interface Dataset {
  readonly type: ElementType;
  readonly shape: readonly number[];
  /** Elements in one piece are a place in the file. */
  readonly layout: Layout;
  /** Elements in chunks as a file of their own, put together as it is read; in words why that cannot be. */
  unpacked(name: string): ByteSource | string;
}

export interface Hdf5Object {
  /** Members, where it is a group, in the order of their names. */
  members(): Promise<ReadonlyMap<string, Hdf5Object>>;
  readonly dataset: Dataset | undefined;
  /** Strings of the attribute, one or several; undefined where there is none, or it holds no strings. */
  strings(attribute: string): Promise<readonly string[] | undefined>;
}

/** The root group. A `ModelError` with the offset where the file is no HDF5, cut, or in a form that is not read. */
export async function openHdf5(source: ByteSource, base = 0): Promise<Hdf5Object> {
  const file = new Hdf5Bytes(source);
  file.base = base;
  return new File(file).root();
}

/** The object at a path; undefined where there is none. */
export async function find(root: Hdf5Object, path: string): Promise<Hdf5Object | undefined> {
  let at: Hdf5Object | undefined = root;
  for (const name of path.split("/")) if (name !== "") at = (await at?.members())?.get(name);
  return at;
}

const signature = "\x89HDF\r\n\x1a\n";

class File {
  private steps = 0;

  constructor(readonly bytes: Hdf5Bytes) {}

  async root(): Promise<Hdf5Object> {
    const { source, base } = this.bytes;
    const p = await this.bytes.part(0, Math.min(96, source.size - base));
    if (text(p.bytes.subarray(0, 4)) !== text(new Uint8Array([0x89, 0x48, 0x44, 0x46])))
      throw modelError("not-this-format", "no HDF5 file: its signature is not there", { offset: base });
    p.expect(signature);
    const version = p.u8();
    if (version === 2 || version === 3) return this.newest(p);
    if (version > 3) throw modelError("unsupported-version", `an HDF5 superblock of version ${version}`, { offset: base + 8 });
    p.skip(4);
    this.bytes.offsetSize = width(p);
    this.bytes.lengthSize = width(p);
    p.skip(version === 1 ? 13 : 9);
    p.skip(5 * this.bytes.offsetSize);
    return this.object(p.address());
  }

  /** Superblock of version 2 or 3. */
  private async newest(p: Part): Promise<Hdf5Object> {
    this.bytes.offsetSize = width(p);
    this.bytes.lengthSize = width(p);
    const { offsetSize } = this.bytes;
    p.sum(12 + 4 * offsetSize);
    p.skip(1 + 3 * offsetSize);
    return this.object(p.address());
  }

  async object(address: number): Promise<Hdf5Object> {
    const messages = await this.messages(address);
    const of = (type: number) => messages.filter((message) => message.type === type).map(({ data }) => data);
    const [space, type, layout, group, filters, fill] = [1, 3, 8, 17, 11, 5].map((kind) => of(kind)[0]);
    const attributes = new Map<string, Attribute>();
    const dense = of(21)[0] && readDense(of(21)[0]!, 2);
    for (const message of [...of(12), ...(dense ? await denseObjects(this.bytes, dense) : [])]) {
      const attribute = readAttribute(message);
      attributes.set(attribute.name, attribute);
    }
    const table = group && { tree: group.address(), heap: group.address() };
    const links = of(2)[0] && readDense(of(2)[0]!, 8);
    const dataset =
      type && layout && this.dataset(readType(type), space && readDataspace(space), readLayout(layout), filters, fill);
    let members: Promise<ReadonlyMap<string, Hdf5Object>> | undefined;
    const read = async () => {
      if (table) return this.members(table.tree, table.heap);
      return this.linked([...of(6), ...(links ? await denseObjects(this.bytes, links) : [])]);
    };
    return {
      dataset,
      members: () => (members ??= read()),
      strings: async (name) => {
        const attribute = attributes.get(name);
        return attribute && this.strings(attribute);
      },
    };
  }

  private dataset(
    type: ElementType,
    space: readonly number[] | undefined,
    layout: Layout,
    filters: Part | undefined,
    fill: Part | undefined,
  ): Dataset {
    const shape = space ?? [0];
    const pipeline = filters ? readFilters(filters) : [];
    return {
      type,
      shape,
      layout,
      unpacked: (name) => {
        if (layout.kind !== "chunked") return "no chunks";
        if (!layout.chunks || shape.length === 0) return "weights that are laid down in an unknown way";
        const unknown = unknownFilter(pipeline);
        if (unknown !== undefined) return unknown;
        return new ChunkedSource(name, this.bytes, shape, type.size, layout.chunks, pipeline, fill && readFill(fill));
      },
    };
  }

  /** Members that the header, or its heap, links to. */
  private async linked(links: readonly Part[]): Promise<ReadonlyMap<string, Hdf5Object>> {
    const found = new Map<string, Hdf5Object>();
    for (const link of links) {
      this.step(link);
      const { name, address } = readLink(link);
      if (address !== undefined) found.set(name, await this.object(address));
    }
    return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  private step(p: Part): void {
    if (++this.steps > MAX_STEPS) throw p.fail(`more than ${MAX_STEPS} structures in the HDF5 file`);
  }

  private async messages(address: number): Promise<{ readonly type: number; readonly data: Part }[]> {
    const head = await this.bytes.part(address, 16);
    if (text(head.bytes.subarray(0, 4)) === "OHDR") return this.newMessages(address);
    const version = head.u8();
    if (version !== 1)
      throw modelError("unsupported-version", `an HDF5 object header of version ${version}`, { offset: head.offset });
    head.skip(1);
    const count = head.u16();
    head.skip(4);
    const found: { readonly type: number; readonly data: Part }[] = [];
    const blocks = [{ address: address + 16, length: head.u32() }];
    for (let block = blocks.shift(); block && found.length < count; block = blocks.shift()) {
      const p = await this.bytes.part(block.address, block.length);
      this.step(p);
      while (p.left >= 8 && found.length < count) {
        this.step(p);
        const type = p.u16();
        const size = p.u16();
        p.skip(4);
        const data = p.part(size);
        found.push({ type, data });
        if (type === 16) blocks.push({ address: data.address(), length: data.length() });
      }
    }
    return found;
  }

  /** A header of version 2: each block begins with a mark and ends with a sum. */
  private async newMessages(address: number): Promise<{ readonly type: number; readonly data: Part }[]> {
    const { source, base } = this.bytes;
    const head = await this.bytes.part(address, Math.min(34, source.size - base - address));
    head.expect("OHDR");
    const version = head.u8();
    if (version !== 2)
      throw modelError("unsupported-version", `an HDF5 object header of version ${version}`, { offset: head.offset });
    const flags = head.u8();
    if (flags & 0x20) head.skip(16);
    if (flags & 0x10) head.skip(4);
    const length = head.uint(1 << (flags & 3));
    const found: { readonly type: number; readonly data: Part }[] = [];
    const blocks = [{ address, begins: head.at, length: head.at + length + 4 }];
    for (let block = blocks.shift(); block; block = blocks.shift()) {
      const p = await this.bytes.part(block.address, block.length);
      this.step(p);
      if (block.address !== address) p.expect("OCHK");
      p.sum(block.length - 4);
      p.at = block.begins;
      const each = flags & 4 ? 6 : 4;
      while (p.left - 4 >= each) {
        this.step(p);
        const type = p.u8();
        const size = p.u16();
        p.skip(each - 3);
        const data = p.part(size);
        found.push({ type, data });
        if (type === 16) blocks.push({ address: data.address(), begins: 4, length: data.length() });
      }
    }
    return found;
  }

  /** Down a group's tree, level by level, to its nodes of entries; their names are in the group's heap. */
  private async members(tree: number, heap: number): Promise<ReadonlyMap<string, Hdf5Object>> {
    const names = await this.heap(heap);
    const found = new Map<string, Hdf5Object>();
    let level = [tree];
    for (let depth = 0; level.length > 0; depth++) {
      const next: number[] = [];
      for (const address of level) {
        const { children, leaf } = await this.treeNode(address);
        if (depth > MAX_DEPTH)
          throw modelError("malformed", "a group's tree that has no end", { offset: this.bytes.base + address });
        if (!leaf) next.push(...children);
        else for (const child of children) await this.entries(child, names, found);
      }
      level = next;
    }
    return found;
  }

  private async treeNode(address: number) {
    const { offsetSize, lengthSize } = this.bytes;
    const head = await this.bytes.part(address, 8 + 2 * offsetSize);
    head.expect("TREE");
    this.step(head);
    if (head.u8() !== 0) throw head.fail("a tree that is no group's");
    const leaf = head.u8() === 0;
    const count = head.u16();
    const p = await this.bytes.part(address + 8 + 2 * offsetSize, count * (offsetSize + lengthSize));
    const children = Array.from({ length: count }, () => {
      p.skip(lengthSize);
      return p.address();
    });
    return { children, leaf };
  }

  private async entries(address: number, names: Part, found: Map<string, Hdf5Object>): Promise<void> {
    const head = await this.bytes.part(address, 8);
    head.expect("SNOD");
    head.skip(2);
    const count = head.u16();
    const size = 2 * this.bytes.offsetSize + 24;
    const p = await this.bytes.part(address + 8, count * size);
    for (let i = 0; i < count; i++) {
      this.step(p);
      const at = p.address();
      const object = p.address();
      const softLink = p.u32() === 2;
      p.skip(20);
      if (!(at < names.bytes.length)) throw p.fail(`a name outside its heap: ${at}`);
      if (!softLink) found.set(text(names.bytes.subarray(at)), await this.object(object));
    }
  }

  private async heap(address: number): Promise<Part> {
    const { offsetSize, lengthSize } = this.bytes;
    const p = await this.bytes.part(address, 8 + 2 * lengthSize + offsetSize);
    p.expect("HEAP");
    p.skip(4);
    const size = p.length();
    p.skip(lengthSize);
    return this.bytes.part(p.address(), size);
  }

  private async strings({ type, shape, data }: Attribute): Promise<readonly string[] | undefined> {
    if (!type.text || !shape) return undefined;
    const count = shape.reduce((product, dim) => product * dim, 1);
    if (count * Math.max(type.size, 1) > data.bytes.length) throw data.fail("an attribute that is cut");
    const found: string[] = [];
    data.at = 0;
    for (let i = 0; i < count; i++) {
      const element = data.part(type.size);
      found.push(type.text === "fixed" ? text(element.bytes) : await heapText(element, this.bytes));
    }
    return found;
  }
}

function width(p: Part): number {
  const size = p.u8();
  if (size !== 2 && size !== 4 && size !== 8) throw p.fail(`addresses of ${size} bytes`);
  return size;
}
