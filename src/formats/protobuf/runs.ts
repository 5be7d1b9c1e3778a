/** Repeated fields of a message as slices of its file. */
import type { Slice } from "../../graph/source.ts";

/** One occurrence of a repeated field, in bytes of the file. */
export interface Run {
  readonly packed: boolean;
  /** With the key (and length), for runs of unpacked elements. */
  readonly at: number;
  readonly start: number;
  readonly end: number;
}

/** Runs with their keys; neighbours become one, so that a million unpacked elements are one slice. */
export function taggedSlices(runs: readonly Run[]): Slice[] {
  const out: { file: number; offset: number; length: number }[] = [];
  for (const { at, end } of runs) {
    const last = out.at(-1);
    if (last && last.offset + last.length === at) last.length = end - last.offset;
    else out.push({ file: 0, offset: at, length: end - at });
  }
  return out;
}

/** Runs without their keys and lengths: what packed elements are made of. */
export function packedSlices(runs: readonly Run[]): Slice[] {
  return runs.map(({ start, end }) => ({ file: 0, offset: start, length: end - start }));
}
