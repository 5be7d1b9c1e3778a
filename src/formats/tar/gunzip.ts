/** A gzip file unpacked into memory, in pieces, its checksum compared. */
import { Gunzip } from "fflate";
import type { ByteSource } from "../../base/bytes.ts";
import { crc32 } from "../../base/crc32.ts";
import { endOfFile } from "../../base/memory.ts";
import { modelError } from "../../base/problem.ts";

/** Unpacked bytes in all: models on TensorFlow Hub stay below, and a bomb is stopped here. */
const MAX_UNPACKED = 2 ** 31;
/** Read and unpacked at once: deflate makes of it at most a gigabyte, in pieces that are counted as they come. */
const WINDOW = 2 ** 16;
/** A checksum and the length, behind the last block. */
const TRAILER = 8;

/** The unpacked bytes as a file of that name. A `ModelError` where it is cut, damaged or past the limit. */
export async function gunzip(source: ByteSource, name: string, limit = MAX_UNPACKED): Promise<ByteSource> {
  const pieces: Uint8Array[] = [];
  let [size, sum, members] = [0, 0, 0];
  const stream = new Gunzip((piece) => {
    size += piece.length;
    if (size > limit) throw modelError("too-large", `an archive that unpacks to more than ${limit} bytes`, { offset: 0 });
    sum = crc32(piece, sum);
    pieces.push(piece);
  });
  stream.onmember = () => members++;
  for (let at = 0; at < source.size; at += WINDOW) {
    const length = Math.min(WINDOW, source.size - at);
    const bytes = await source.read(at, length);
    inflate(stream, bytes, at + length === source.size, at);
  }
  if (members < 2) await compareTrailer(source, size, sum);
  return pieced(name, pieces, size);
}

function inflate(stream: Gunzip, bytes: Uint8Array, last: boolean, offset: number): void {
  try {
    stream.push(bytes, last);
  } catch (error) {
    if (!(error instanceof Error) || "problem" in error) throw error;
    throw modelError("malformed", `the archive cannot be unpacked: ${error.message}`, { offset });
  }
}

async function compareTrailer(source: ByteSource, size: number, sum: number): Promise<void> {
  const offset = source.size - TRAILER;
  if (offset < 0) throw endOfFile(source.name, 0, TRAILER, source.size);
  const bytes = await source.read(offset, TRAILER);
  const trailer = new DataView(bytes.buffer, bytes.byteOffset);
  if (trailer.getUint32(0, true) !== sum >>> 0 || trailer.getUint32(4, true) !== size)
    throw modelError("checksum", `${source.name} fails its checksum`, { offset }, "the file is damaged or cut: fetch it again");
}

/** Pieces end to end. */
function pieced(name: string, pieces: readonly Uint8Array[], size: number): ByteSource {
  const starts: number[] = [];
  let at = 0;
  for (const piece of pieces) {
    starts.push(at);
    at += piece.length;
  }
  return {
    name,
    size,
    read: async (offset, length) => {
      if (offset < 0 || length < 0 || offset + length > size) throw endOfFile(name, offset, length, size);
      const out = new Uint8Array(length);
      let [low, high] = [0, pieces.length];
      while (low + 1 < high) {
        const middle = (low + high) >> 1;
        if (starts[middle]! <= offset) low = middle;
        else high = middle;
      }
      for (let i = low, done = 0; done < length; i++) {
        const from = offset + done - starts[i]!;
        const part = pieces[i]!.subarray(from, from + length - done);
        out.set(part, done);
        done += part.length;
      }
      return out;
    },
  };
}
