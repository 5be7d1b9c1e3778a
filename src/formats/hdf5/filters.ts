/** What the bytes of a chunk have gone through on their way to the file: deflate, a shuffle of their bytes, a sum behind them. */
import { unzlibSync } from "fflate";
import { modelError } from "../../base/problem.ts";
import type { Part } from "./bytes.ts";
import { adler32, fletcher32 } from "./checksum.ts";

export interface Filter {
  readonly id: number;
  readonly values: readonly number[];
}

const [DEFLATE, SHUFFLE, FLETCHER] = [1, 2, 3];
const others: Readonly<Record<number, string>> = {
  4: "szip",
  5: "nbit",
  6: "scale-offset",
  307: "bzip2",
  32000: "lzf",
  32001: "blosc",
  32015: "zstd",
};
/** HDF5's own limit. */
const MAX_FILTERS = 32;

export function readFilters(p: Part): readonly Filter[] {
  const version = p.u8();
  const count = p.u8();
  if (version !== 1 && version !== 2) throw p.fail(`filters of version ${version}`);
  if (count > MAX_FILTERS) throw p.fail(`${count} filters`);
  if (version === 1) p.skip(6);
  return Array.from({ length: count }, () => {
    const id = p.u16();
    const nameLength = version === 1 || id >= 256 ? p.u16() : 0;
    p.skip(2);
    const values = p.u16();
    p.skip(version === 1 ? Math.ceil(nameLength / 8) * 8 : nameLength);
    const list = Array.from({ length: values }, () => p.u32());
    if (version === 1 && values % 2 === 1) p.skip(4);
    return { id, values: list };
  });
}

/** Why the chunks cannot be read; undefined where they can. */
export function unknownFilter(filters: readonly Filter[]): string | undefined {
  const found = filters.find(({ id }) => id !== DEFLATE && id !== SHUFFLE && id !== FLETCHER);
  return found && `weights packed by ${others[found.id] ?? `filter ${found.id}`}`;
}

/** `size` bytes of a chunk; `mask` has a bit for each filter that was left out. Faults are at `offset`. */
export function unpackChunk(
  packed: Uint8Array,
  filters: readonly Filter[],
  mask: number,
  size: number,
  offset: number,
): Uint8Array {
  const fail = (reason: string) => modelError("malformed", reason, { offset });
  let bytes = packed;
  for (let i = filters.length - 1; i >= 0; i--) {
    const { id, values } = filters[i]!;
    if ((mask >> i) & 1) continue;
    if (id === FLETCHER) bytes = summed(bytes, fail);
    else if (id === DEFLATE) bytes = inflated(bytes, size, fail);
    else if (id === SHUFFLE) bytes = unshuffled(bytes, values[0] ?? 1);
    else throw fail(unknownFilter(filters)!);
  }
  if (bytes.length !== size) throw fail(`a chunk of ${bytes.length} bytes where ${size} are expected`);
  return bytes;
}

function summed(bytes: Uint8Array, fail: (reason: string) => Error): Uint8Array {
  const end = bytes.length - 4;
  if (end < 0) throw fail("a chunk without its checksum");
  const stored = new DataView(bytes.buffer, bytes.byteOffset + end, 4).getUint32(0, true);
  const sum = fletcher32(bytes.subarray(0, end));
  // Some releases on some machines have written the halves with their bytes swapped.
  const swapped = (((sum & 0x00ff00ff) << 8) | ((sum >>> 8) & 0x00ff00ff)) >>> 0;
  if (stored !== sum && stored !== swapped) throw fail("the checksum of a chunk does not agree");
  return bytes.subarray(0, end);
}

/** Sums may stand between the filters: `size` is the least that comes out, and four bytes more the most. */
function inflated(bytes: Uint8Array, size: number, fail: (reason: string) => Error): Uint8Array {
  try {
    // The room is given, so that nothing is unpacked that says it is larger than it can be.
    const out = unzlibSync(bytes, { out: new Uint8Array(size + 4 * MAX_FILTERS) });
    const stored = new DataView(bytes.buffer, bytes.byteOffset + bytes.length - 4, 4).getUint32(0);
    if (adler32(out) === stored) return out;
  } catch (error) {
    throw fail(`a chunk that cannot be unpacked: ${(error as Error).message}`);
  }
  throw fail("the checksum of a packed chunk does not agree");
}

/** First bytes of all elements, second bytes, and so on; what is left over stays behind. */
function unshuffled(bytes: Uint8Array, width: number): Uint8Array {
  if (width <= 1) return bytes;
  const count = Math.floor(bytes.length / width);
  const out = bytes.slice();
  for (let byte = 0; byte < width; byte++) for (let i = 0; i < count; i++) out[i * width + byte] = bytes[byte * count + i]!;
  return out;
}
