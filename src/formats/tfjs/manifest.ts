/** weightsManifest → where each weight's bytes are: a group's shards laid end to end, a weight after the other, some across two shards. */
import type { ByteSource, ByteSources } from "../../base/bytes.ts";
import { byteLength, type DType } from "../../base/dtype.ts";
import { confinedPath } from "../../base/path.ts";
import { ModelError, type Place, type Problem, problem } from "../../base/problem.ts";
import type { Coding, Slice, SourceTensor } from "../../graph/source.ts";
import { elementCount } from "../../graph/tensor.ts";
import type { JsonPath, JsonText } from "./json.ts";

/** Weights of all groups; a manifest of more is taken for a broken one. */
const MAX_WEIGHTS = 2 ** 20;
/** Shards that a name promises beyond those listed, as far as is looked. */
const MAX_UNLISTED = 1024;
/** Read at once while the lengths of strings are walked. */
const STRING_WINDOW = 64 * 1024;

export interface Manifest {
  readonly weights: ReadonlyMap<string, SourceTensor>;
  /** Byte offset of each weight's entry. */
  readonly places: ReadonlyMap<string, number>;
  /** Shards, relative to the model's folder; slices count them from 1. */
  readonly files: readonly string[];
  readonly problems: readonly Problem[];
}

interface Shard {
  readonly file: number;
  /** Undefined: the file is not there. */
  readonly source: ByteSource | undefined;
  readonly size: number;
}

/** What the manifest calls types, and how an element of each is stored. */
const dtypes: Readonly<Record<string, DType>> = {
  float32: "float32",
  int32: "int32",
  bool: "bool",
  string: "string",
  complex64: "complex64",
};

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === "object" && value !== null;

/** Reads the manifest at `path` of the text: opens every shard for its size, and reads of their content only the lengths of strings. */
export async function readManifest(json: JsonText, path: JsonPath, manifest: unknown, sources: ByteSources): Promise<Manifest> {
  const reader = new ManifestReader(json, sources);
  if (!Array.isArray(manifest)) reader.report("error", "no-weights", "no weightsManifest, or one that is no list", path);
  else for (const [i, group] of manifest.entries()) await reader.group(group, [...path, i]);
  return reader;
}

class ManifestReader implements Manifest {
  readonly weights = new Map<string, SourceTensor>();
  readonly places = new Map<string, number>();
  readonly files: string[] = [];
  readonly problems: Problem[] = [];

  constructor(
    private readonly json: JsonText,
    private readonly sources: ByteSources,
  ) {}

  report(severity: Problem["severity"], code: string, reason: string, path: JsonPath, hint?: string, place: Place = {}): void {
    this.problems.push(problem(severity, code, reason, { ...place, offset: this.json.offsetOf(path) }, hint));
  }

  async group(group: unknown, path: JsonPath): Promise<void> {
    if (!isObject(group) || !Array.isArray(group["paths"]) || !Array.isArray(group["weights"])) {
      this.report("error", "malformed", "a group of weights without paths or weights", path);
      return;
    }
    const offsets = this.json.elements([...path, "weights"]);
    const shards = await this.shards(group["paths"], [...path, "paths"]);
    let at = 0;
    let whole = true;
    for (const [i, spec] of group["weights"].entries()) {
      const place = { offset: offsets[i] ?? 0 };
      const found = await this.weight(spec, at, shards);
      if (typeof found === "string") {
        const tensor = isObject(spec) && typeof spec["name"] === "string" ? { tensor: spec["name"] } : {};
        this.problems.push(problem("error", "bad-weight", found, { ...place, ...tensor }));
        whole = false;
        break;
      }
      const { name, tensor, length } = found;
      if (this.weights.has(name))
        this.problems.push(problem("error", "duplicate-name", "a second weight of this name", { ...place, tensor: name }));
      this.weights.set(name, tensor);
      this.places.set(name, place.offset);
      at += length;
    }
    this.unlisted(group["paths"], [...path, "paths"]);
    if (whole) this.sizes(shards, at, [...path, "paths"]);
  }

  /** Shards by whose names there are more than the manifest lists: `group1-shard1of3.bin` alone. */
  private unlisted(paths: readonly unknown[], path: JsonPath): void {
    const names = paths.filter((each) => typeof each === "string");
    const shard = /^(.*shard)(\d+)of(\d+)(\D*)$/.exec(names.at(-1) ?? "");
    if (!shard) return;
    const [, front, , count, back] = shard as unknown as [string, string, string, string, string];
    const wanted = Math.min(Number(count), names.length + MAX_UNLISTED);
    for (let i = 1; i <= wanted; i++) {
      const name = `${front}${i}of${count}${back}`;
      if (names.includes(name)) continue;
      this.report("warning", "shard-unlisted", `a shard that the manifest does not list: ${name}`, path);
      return;
    }
  }

  /** More or fewer bytes in the files than the weights take. */
  private sizes(shards: readonly Shard[], wanted: number, path: JsonPath): void {
    if (shards.some(({ source }) => !source)) return;
    const given = shards.reduce((sum, { size }) => sum + size, 0);
    if (given < wanted) {
      const reason = `${given} bytes in the weight files where the manifest takes ${wanted}`;
      this.report("error", "weights-short", reason, path, "a file is cut, or one is not listed");
    } else if (given > wanted) {
      const begins = shards.map((_, i) => shards.slice(0, i).reduce((sum, { size }) => sum + size, 0));
      const spare = begins.findIndex((begin, i) => begin >= wanted && shards[i]!.size > 0);
      const reason =
        spare >= 0
          ? `a weight file that no weight is in: ${this.files[shards[spare]!.file - 1]}`
          : `${given - wanted} bytes in the weight files that no weight is in`;
      this.report("warning", "weights-long", reason, spare >= 0 ? [...path, spare] : path);
    }
  }

  private async shards(paths: readonly unknown[], at: JsonPath): Promise<Shard[]> {
    const shards: { file: number; source: ByteSource | undefined; size: number }[] = [];
    for (const [i, path] of paths.entries()) {
      const name = typeof path === "string" ? confinedPath(path) : undefined;
      if (name === undefined) {
        this.report("error", "file-outside", `a weight file outside the model's folder: ${path}`, [...at, i]);
        continue;
      }
      this.files.push(name);
      const source = await this.open(name, [...at, i]);
      shards.push({ file: this.files.length, source, size: source?.size ?? 0 });
    }
    // Shards are cut at one size, all but the last; so what follows a missing one can still be found.
    const cut = shards.slice(0, -1).find(({ source }) => source)?.size;
    for (const shard of shards) if (!shard.source) shard.size = cut ?? 0;
    return shards;
  }

  private async open(name: string, path: JsonPath): Promise<ByteSource | undefined> {
    try {
      return await this.sources.open(name);
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
      const { code, reason } = error.problem;
      this.report("error", code, reason, path, code === "file-missing" ? "put the weight files beside model.json" : undefined);
      return undefined;
    }
  }

  /** The weight whose bytes begin at `at` of its group; a text says why it cannot be read, and then where the next begins is not known. */
  private async weight(spec: unknown, at: number, shards: readonly Shard[]) {
    if (this.weights.size >= MAX_WEIGHTS) return `more than ${MAX_WEIGHTS} weights`;
    if (!isObject(spec) || typeof spec["name"] !== "string") return "a weight without a name";
    const { name, shape } = spec;
    const dtype = dtypes[String(spec["dtype"])];
    if (!dtype) return `a weight of a type that TF.js does not load: ${spec["dtype"]}`;
    if (!Array.isArray(shape) || !shape.every((dim) => Number.isSafeInteger(dim) && dim >= 0)) return `no shape: ${shape}`;
    const count = elementCount(shape);
    if (!Number.isSafeInteger(count)) return `more elements than can be counted: ${shape.join("×")}`;
    const coding = spec["quantization"] === undefined ? undefined : codingOf(spec["quantization"]);
    if (typeof coding === "string") return coding;
    const length = dtype === "string" ? await stringBytes(shards, at, count) : byteLength(coding?.codes ?? dtype, count)!;
    if (length === undefined) return "strings that run past the end of the weight files";
    const slices = runs(shards, at, length);
    const stored = { dtype, shape: shape as readonly number[], slices };
    const tensor: SourceTensor = coding
      ? { ...stored, encoding: "coded", coding }
      : { ...stored, encoding: dtype === "string" ? "tfjs-strings" : "raw" };
    return { name: name as string, tensor, length };
  }
}

/** `{dtype, scale, min}`, which loaders undo; float16 has neither scale nor least value. */
function codingOf(quantization: unknown): Coding | string {
  const { dtype, scale, min } = isObject(quantization) ? quantization : {};
  if (dtype === "float16") return { codes: "float16", scale: 1, min: 0 };
  if (dtype !== "uint8" && dtype !== "uint16") return `a quantisation that TF.js does not load: ${dtype}`;
  if (typeof scale !== "number" || typeof min !== "number") return "a quantisation without scale or min";
  return { codes: dtype, scale, min };
}

/** The files' runs that hold bytes `at` to `at + length` of the shards laid end to end. What is past their end is left out. */
function runs(shards: readonly Shard[], at: number, length: number): Slice[] {
  const found: Slice[] = [];
  let start = 0;
  for (const { file, size } of shards) {
    const from = Math.max(at, start);
    const to = Math.min(at + length, start + size);
    if (from < to) found.push({ file, offset: from - start, length: to - from });
    start += size;
  }
  return found;
}

/** Bytes that `count` strings take, each behind its length of four; undefined where the files end before. */
async function stringBytes(shards: readonly Shard[], at: number, count: number): Promise<number | undefined> {
  let window = new Uint8Array();
  let from = at;
  let next = at;
  for (let i = 0; i < count; i++) {
    if (next + 4 > from + window.length || next < from) {
      from = next;
      window = await bytesOf(shards, from, STRING_WINDOW);
      if (window.length < 4) return undefined;
    }
    next += 4 + new DataView(window.buffer, window.byteOffset + next - from, 4).getUint32(0, true);
  }
  return next - at;
}

async function bytesOf(shards: readonly Shard[], at: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const parts = runs(shards, at, length);
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let to = 0;
  for (const { file, offset, length: size } of parts) {
    const source = shards.find((shard) => shard.file === file)?.source;
    if (!source) return new Uint8Array();
    bytes.set(await source.read(offset, size), to);
    to += size;
  }
  return bytes;
}
