/** `Model.key`: what a component of a pipeline is, and the names it holds. */
import type { EntryBytes } from "./bytes.ts";

export interface ModelKey {
  /** Under which name ML.NET finds the code that loads it: `ConcatTransform`, `FastTreeRegressionExec`. */
  readonly loader: string;
  /** Its string table from the start: of a transform its columns. */
  readonly strings: readonly string[];
}

export const modelKeyMagic = "ML\0MODEL";

/** Where the header keeps the table of strings: ends in bytes, then the characters. */
const STRING_TABLE = 32;
const LOADER = 80;
const LOADER_WIDTH = 24;
/** A vocabulary has thousands; a report needs none of them. */
const MAX_STRINGS = 16;

export function readModelKey(entry: EntryBytes): ModelKey {
  if (!entry.startsWith(modelKeyMagic)) throw entry.fail("no header of an ML.NET model");
  const loader = entry.seek(LOADER).fixed(LOADER_WIDTH);
  entry.seek(STRING_TABLE);
  const [table, tableBytes, chars, charBytes] = [entry.uint64(), entry.uint64(), entry.uint64(), entry.uint64()];
  const strings: string[] = [];
  let from = 0;
  for (let i = 0; i < Math.min(tableBytes / 8, MAX_STRINGS); i++) {
    const end = entry.seek(table + 8 * i).uint64();
    if (end < from || end > charBytes || end % 2 !== 0) throw entry.fail(`string ${i} ends at ${end} of ${charBytes}`);
    strings.push(utf16(entry.seek(chars + from).take(end - from)));
    from = end;
  }
  return { loader, strings };
}

const utf16 = (bytes: Uint8Array): string => new TextDecoder("utf-16le").decode(bytes);
