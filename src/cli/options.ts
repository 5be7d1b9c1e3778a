/** Option values of the command line, checked and in the form the pipelines take. */
import { readFile } from "node:fs/promises";
import type { OpenOptions } from "../formats/open.ts";
import type { QuantizedType } from "../formats/tfjs/layout.ts";
import type { Dim, Shape } from "../graph/graph.ts";
import { type Backend, backends } from "../legalize/backends.ts";
import type { Bake } from "../lower/bake.ts";
import { UsageError } from "./usage.ts";

/** cac gives one value, several, or none. */
export function list(value: unknown): readonly string[] {
  if (value === undefined) return [];
  return (Array.isArray(value) ? value : [value]).map(String);
}

/** `A,B`; undefined where the option was not given. */
export function names(value: unknown): readonly string[] | undefined {
  const found = list(value).flatMap((each) => each.split(",").filter((name) => name !== ""));
  return found.length === 0 ? undefined : found;
}

/** Which of a SavedModel's graphs is meant, and which of its signatures. */
export function opening(signature: unknown, tags: unknown): OpenOptions {
  // An empty list is that of a graph without tags.
  const tagged = tags === "" ? [] : names(tags);
  return { ...(signature === undefined ? {} : { signature: String(signature) }), ...(tagged && { tags: tagged }) };
}

/** `NAME:1x3x?xwidth`, split at the last colon; `NAME:` is a scalar. */
export function inputShapes(specs: readonly string[]): ReadonlyMap<string, Shape> {
  return new Map(
    specs.map((spec) => {
      const colon = spec.lastIndexOf(":");
      if (colon <= 0) throw new UsageError(`--input wants NAME:SHAPE, not ${spec}`);
      const dims = spec.slice(colon + 1);
      return [spec.slice(0, colon), dims === "" ? [] : dims.split("x").map((dim) => parseDim(dim, spec))];
    }),
  );
}

function parseDim(dim: string, spec: string): Dim {
  if (dim === "?") return undefined;
  if (/^\d+$/.test(dim)) return Number(dim);
  if (/^[A-Za-z_]\w*$/.test(dim)) return dim;
  throw new UsageError(`--input ${spec}: ${dim || "nothing"} is no dim; a number, ? or a symbol is`);
}

const kinds: readonly QuantizedType[] = ["float16", "uint8", "uint16"];

/** How a weight is to be stored. */
export interface Quantization {
  (weight: string): QuantizedType | undefined;
  /** Globs that no weight has matched since this was last asked. */
  unmatched(): readonly string[];
}

/** `KIND`, or `KIND:GLOB,GLOB`: which source weights are stored how. */
export function quantization(specs: readonly string[]): Quantization | undefined {
  if (specs.length === 0) return undefined;
  const met = new Set<string>();
  const rules = specs.map((spec) => {
    const [kind, ...rest] = spec.split(":");
    const found = kinds.find((each) => each === kind);
    if (!found) throw new UsageError(`--quantize wants one of ${kinds.join(", ")}, not ${kind}`);
    const globs = rest.length === 0 ? ["*"] : rest.join(":").split(",");
    return { kind: found, globs: globs.map((glob) => ({ glob, pattern: globPattern(glob) })) };
  });
  const kindOf = (weight: string): QuantizedType | undefined => {
    // All are tried, so that one whose weights an earlier one takes is not told as matching none.
    for (const { glob, pattern } of rules.flatMap(({ globs }) => globs)) if (pattern.test(weight)) met.add(glob);
    return rules.find(({ globs }) => globs.some(({ pattern }) => pattern.test(weight)))?.kind;
  };
  const unmatched = () => {
    const missed = rules.flatMap(({ globs }) => globs).filter(({ glob }) => glob !== "*" && !met.has(glob));
    met.clear();
    return missed.map(({ glob }) => glob);
  };
  return Object.assign(kindOf, { unmatched });
}

/** `*` is any run of characters, `?` one. */
function globPattern(glob: string): RegExp {
  const escaped = glob
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replace(/\*/g, ".*")
    .replace(/\?/g, ".");
  return new RegExp(`^${escaped}$`, "s");
}

/** `mean=A,B,C,std=D,E,F`, either may be left out, each of one value or one a channel; undefined where the option was not given. */
export function normalisation(value: unknown): Bake | undefined {
  if (value === undefined) return undefined;
  const wrong = () => new UsageError(`--bake wants mean=A,B,C,std=D,E,F with one value each or one a channel, not ${value}`);
  const found: Record<string, number[]> = {};
  for (const part of String(value).split(/,(?=[a-z])/)) {
    const [name = "", numbers] = part.split("=");
    if ((name !== "mean" && name !== "std") || found[name] || !numbers) throw wrong();
    found[name] = numbers.split(",").map((text) => (text.trim() === "" ? Number.NaN : Number(text)));
  }
  const { mean = [0], std = [1] } = found;
  const lengths = new Set([mean.length, std.length].filter((length) => length > 1));
  if (lengths.size > 1 || ![...mean, ...std].every(Number.isFinite) || std.includes(0)) throw wrong();
  return { mean, std };
}

/** What is put there otherwise, or read by TF.js itself. */
const takenKeys = new Set(["signature", "structuredOutputKeys", "state", "preprocessing", "baked"]);

/** `KEY:FILE,KEY:FILE`, each a file of JSON; undefined where the option was not given. */
export async function metadata(value: unknown): Promise<Readonly<Record<string, unknown>> | undefined> {
  const specs = names(value);
  if (!specs) return undefined;
  const entries = specs.map(async (spec) => {
    const colon = spec.indexOf(":");
    if (colon <= 0) throw new UsageError(`--metadata wants KEY:FILE, not ${spec}`);
    const [key, file] = [spec.slice(0, colon), spec.slice(colon + 1)];
    if (takenKeys.has(key)) throw new UsageError(`--metadata ${spec}: the key is taken: ${key}`);
    try {
      return [key, JSON.parse(await readFile(file, "utf8"))] as const;
    } catch (error) {
      throw new UsageError(`--metadata ${spec}: ${(error as Error).message}`);
    }
  });
  return Object.fromEntries(await Promise.all(entries));
}

export function backendOf(value: unknown): Backend | undefined {
  if (value === undefined) return undefined;
  const found = backends.find((each) => each === value);
  if (!found) throw new UsageError(`--backend wants one of ${backends.join(", ")}, not ${value}`);
  return found;
}

/** A number of at least `least`; undefined where the option was not given. */
export function numberOf(value: unknown, option: string, least = 0, whole = true): number | undefined {
  if (value === undefined) return undefined;
  const number = value === "" ? Number.NaN : Number(value);
  if (!Number.isFinite(number) || !(number >= least) || (whole && !Number.isSafeInteger(number)))
    throw new UsageError(`--${option} wants a ${whole ? "whole " : ""}number of at least ${least}, not ${value}`);
  return number;
}

export function oneOf<T extends string>(value: unknown, option: string, words: readonly T[]): T | undefined {
  if (value === undefined) return undefined;
  const found = words.find((word) => word === value);
  if (!found) throw new UsageError(`--${option} wants one of ${words.join(", ")}, not ${value}`);
  return found;
}
