/** What hash tables hold: lines of asset files, and keys and values that a checkpoint has. Both become tensors of files made here. */

import type { ByteSources } from "../../base/bytes.ts";
import { crc32c, unmaskCrc } from "../../base/crc32c.ts";
import type { DType } from "../../base/dtype.ts";
import { memorySource } from "../../base/memory.ts";
import { ModelError, modelError } from "../../base/problem.ts";
import { decodeUtf8 } from "../../base/utf8.ts";
import { readVarint } from "../../base/varint.ts";
import type { Behind, Place } from "../../graph/behind.ts";
import { loadTensor } from "../../graph/decode.ts";
import { packTensor } from "../../graph/pack.ts";
import type { SourceAttr, SourceGraph, SourceNode, SourceTensor, ValueId } from "../../graph/source.ts";
import { type ModelFiles, tensorOf } from "../../graph/tensor.ts";
import type { Reading } from "../protobuf/reading.ts";
import { dtypeAttr } from "./attributes.ts";
import type { Bundle, StoredVariable } from "./bundle.ts";
import { type Binding, tensorOf as variableOf } from "./variables.ts";

/** Vocabularies of millions of words stay below. */
const MAX_ASSET = 256 * 2 ** 20;

const creating = /^(Mutable)?HashTable(V2)?$/;
const fromText = /^InitializeTableFromTextFile(V2)?$/;
const importing = /^LookupTableImport(V2)?$/;

export const isTable = ({ op }: SourceNode): boolean => creating.test(op);

/** What tables are filled from. */
export interface Contents {
  readonly graphs: readonly SourceGraph[];
  readonly behind: Behind;
  /** File names below `assets/`, by the value that stands for each. */
  readonly assets: ReadonlyMap<string, string>;
  readonly bundle: Bundle | undefined;
  /** Of the model's own file. */
  readonly constants: ModelFiles;
  readonly sources: ByteSources;
  readonly reading: Reading;
}

/** Keys and values as attributes of table nodes of the main graph, by node id; and the files that they are in. */
export interface Filled {
  readonly attrs: ReadonlyMap<number, Readonly<Record<string, SourceAttr>>>;
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** `firstFile` is the number of the first file that is made; `shards` that of the checkpoint's first. */
export async function tableContents(contents: Contents, shards: number, firstFile: number): Promise<Filled> {
  const { graphs, behind, reading } = contents;
  const main = graphs[0]!;
  const attrs = new Map<number, Readonly<Record<string, SourceAttr>>>();
  const made = new Made(firstFile);
  for (const graph of graphs)
    for (const node of graph.nodes) {
      const how = fromText.test(node.op) ? linesOf : importing.test(node.op) ? storedOf : undefined;
      if (!how || node.inputs[0] === undefined) continue;
      for (const table of behind.nodesOf(graph, node.inputs[0]).filter(isTable)) {
        if (main.nodes[table.id] !== table) continue;
        try {
          const pair = await how(contents, graph, node, table, made, shards);
          if (pair) attrs.set(table.id, { keys: { kind: "tensor", value: pair[0] }, values: { kind: "tensor", value: pair[1] } });
        } catch (error) {
          if (!(error instanceof ModelError)) throw error;
          const { code, reason, hint } = error.problem;
          reading.report("error", code, reason, { graph: main.name, node: table.name, op: table.op }, hint);
        }
      }
    }
  return { attrs, files: made.files };
}

type Pair = readonly [keys: SourceTensor, values: SourceTensor];

/** Files that hold what was read elsewhere in another form. */
class Made {
  readonly files = new Map<string, Uint8Array>();
  constructor(private readonly first: number) {}

  tensor(name: string, dtype: DType, words: readonly string[]): SourceTensor {
    const text = dtype === "string";
    const bytes = text ? prefixed(words) : packTensor(tensorOf(dtype, [words.length], words.map(Number)));
    let free = name;
    while (this.files.has(free)) free += "'";
    const file = this.first + this.files.size;
    this.files.set(free, bytes);
    const slices = [{ file, offset: 0, length: bytes.length }];
    return { dtype, shape: [words.length], slices, encoding: text ? "tfjs-strings" : "raw" };
  }
}

function prefixed(words: readonly string[]): Uint8Array {
  const all = words.map((word) => new TextEncoder().encode(word));
  const bytes = new Uint8Array(all.reduce((size, word) => size + 4 + word.length, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const word of all) {
    view.setUint32(at, word.length, true);
    bytes.set(word, at + 4);
    at += 4 + word.length;
  }
  return bytes;
}

const numberAttr = ({ attrs }: SourceNode, name: string, fallback: number): number =>
  attrs[name]?.kind === "int" ? Number(attrs[name].value) : fallback;

/** The file of a vocabulary, taken apart as the node says. */
async function linesOf(contents: Contents, graph: SourceGraph, node: SourceNode, table: SourceNode, made: Made): Promise<Pair> {
  const name = await assetOf(contents, graph, node.inputs[1]);
  const source = await contents.sources.open(name);
  if (source.size > MAX_ASSET) throw modelError("too-large", `a vocabulary of ${source.size} bytes: ${name}`);
  // TensorFlow leaves carriage returns out, wherever they are.
  const lines = decodeUtf8(await source.read(0, source.size))
    .replaceAll("\r", "")
    .split("\n");
  if (lines.at(-1) === "") lines.pop();
  const size = numberAttr(node, "vocab_size", -1);
  const kept = lines.slice(numberAttr(node, "offset", 0));
  if (size > kept.length) throw modelError("malformed", `${kept.length} lines in ${name} where the table takes ${size}`);
  const used = size < 0 ? kept : kept.slice(0, size);
  const delimiter = node.attrs["delimiter"]?.kind === "string" ? node.attrs["delimiter"].value : "\t";
  const column = (which: string) => {
    const index = numberAttr(node, which, -2);
    return used.map((line, i) => {
      if (index === -1) return String(i);
      const cell = index < 0 ? line : line.split(delimiter)[index];
      if (cell === undefined) throw modelError("malformed", `line ${i + 1} of ${name} has no column ${index}`);
      return cell;
    });
  };
  return [
    made.tensor(`${name} keys`, dtypeAttr(table.attrs, "key_dtype") ?? "string", column("key_index")),
    made.tensor(`${name} values`, dtypeAttr(table.attrs, "value_dtype") ?? "int64", column("value_index")),
  ];
}

/** What the SavedModel lists for the constant that stands for the file; else the last part of the path it holds. */
async function assetOf({ behind, assets, constants }: Contents, graph: SourceGraph, value: ValueId | undefined): Promise<string> {
  for (const place of value === undefined ? [] : behind.of(graph, value)) {
    const { name, tensor } = place.graph.values[place.value]!;
    const listed = assets.get(name);
    if (listed !== undefined) return `assets/${listed}`;
    if (tensor?.dtype !== "string") continue;
    const { dtype, shape } = tensor;
    const [path] = (await loadTensor({ dtype, shape, stored: tensor, files: constants })).data as string[];
    const own = path?.split(/[\\/]/).at(-1);
    if (own) return `assets/${own}`;
  }
  throw modelError("value-needed", "a vocabulary whose file the model does not name");
}

/** Keys and values that a restoring node reads; undefined where they come from elsewhere. */
async function storedOf(
  contents: Contents,
  graph: SourceGraph,
  node: SourceNode,
  _: SourceNode,
  made: Made,
  shards: number,
): Promise<Pair | undefined> {
  const { bundle, behind, sources, constants } = contents;
  const found: SourceTensor[] = [];
  for (const input of node.inputs.slice(1, 3)) {
    const [place] = input === undefined || !bundle ? [] : behind.of(graph, input);
    const binding = place && (await restoredKey(place, constants));
    const entry = binding && bundle!.entries.get(binding.key);
    if (!entry) return undefined;
    if (entry.dtype === "string") {
      const words = await storedStrings(sources, bundle!, entry);
      const tensor = made.tensor(binding.key, "string", words);
      found.push({ ...tensor, shape: entry.shape ?? tensor.shape });
    } else {
      const tensor = variableOf(binding, bundle!, shards);
      if (typeof tensor === "string") throw modelError("bad-tensor", tensor);
      found.push(tensor);
    }
  }
  return found.length === 2 ? [found[0]!, found[1]!] : undefined;
}

async function restoredKey({ graph, value }: Place, files: ModelFiles): Promise<Binding | undefined> {
  const { producer } = graph.values[value]!;
  const node = producer === undefined ? undefined : graph.nodes[producer]!;
  const names = node?.op === "RestoreV2" ? graph.values[node.inputs[1] ?? -1]?.tensor : undefined;
  if (!names) return undefined;
  const { dtype, shape } = names;
  const keys = (await loadTensor({ dtype, shape, stored: names, files })).data as string[];
  const key = keys[node!.outputs.indexOf(value)];
  return key === undefined ? undefined : { key };
}

/** Strings of a checkpoint, as text. */
export const storedStrings = async (sources: ByteSources, bundle: Bundle, entry: StoredVariable): Promise<string[]> =>
  (await storedBytes(sources, bundle, entry)).map(decodeUtf8);

/** Strings of a checkpoint: their lengths, a checksum of those, then their bytes. A `ModelError` where a checksum fails. */
export async function storedBytes(sources: ByteSources, bundle: Bundle, entry: StoredVariable): Promise<Uint8Array[]> {
  const shard = bundle.shards[entry.shard];
  const count = (entry.shape ?? []).reduce((product, dim) => product * dim, 1);
  if (shard === undefined || entry.size > MAX_ASSET || count > entry.size)
    throw modelError("malformed", `${count} strings in ${entry.size} bytes of shard ${entry.shard}`);
  const bytes = await (await sources.open(shard)).read(entry.offset, entry.size);
  const cursor = { at: 0, lo: 0, hi: 0 };
  const lengths = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    readVarint(bytes, bytes.length, cursor, entry.offset);
    lengths[i] = cursor.lo;
  }
  const damaged = () => modelError("checksum", `strings fail their checksum in ${shard}`, { offset: entry.offset }, "the file is damaged: fetch it again"); // biome-ignore format: one clause
  const start = cursor.at + 4;
  if (start > bytes.length) throw damaged();
  const sum = crc32c(new Uint8Array(lengths.buffer));
  const stored = new DataView(bytes.buffer, bytes.byteOffset).getUint32(cursor.at, true);
  if (unmaskCrc(stored) !== sum) throw damaged();
  if (entry.crc !== undefined && crc32c(bytes.subarray(cursor.at), sum) !== entry.crc) throw damaged();
  let at = start;
  return Array.from(lengths, (length) => {
    if (at + length > bytes.length) throw damaged();
    at += length;
    return bytes.subarray(at - length, at);
  });
}

/** The sources with the files that were made here. */
export function withFiles(sources: ByteSources, files: ReadonlyMap<string, Uint8Array>): ByteSources {
  return {
    open: async (name) => {
      const bytes = files.get(name);
      return bytes ? memorySource(name, bytes) : sources.open(name);
    },
  };
}
