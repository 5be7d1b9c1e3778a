/** What somebody stored of a TFLite model's inputs and outputs: the zoo's own, made with LiteRT and tfjs-tflite; Glow's; tflite-micro's. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { fromRaw } from "../../src/graph/elements.ts";
import type { SourceModel, SourceValue } from "../../src/graph/source.ts";
import { elementCount, type Tensor, tensorOf } from "../../src/graph/tensor.ts";
import type { Case } from "./suite.ts";

export interface StoredReference {
  readonly inputs: ReadonlyMap<string, Tensor>;
  readonly outputs: ReadonlyMap<string, Tensor>;
  /** How far LiteRT and tfjs-tflite, both genuine, are from each other: nobody can be nearer to both. */
  readonly apart: number;
}

export function referenceOf(test: Case, model: SourceModel): StoredReference | undefined {
  const stem = test.path.replace(/\.tflite$/, "");
  const csv = csvReference(stem, model);
  if (csv) return csv;
  const made = path.join(path.dirname(test.path.slice(0, -test.id.length)), "zoo", "ref-tflite", test.id);
  if (existsSync(`${made}.json`)) return madeReference(made, model);
  return existsSync(`${stem}.out0`) ? glowReference(stem, model) : undefined;
}

interface Place {
  readonly index: number;
  readonly shape: readonly number[];
  readonly at: number;
  readonly bytes: number;
}

interface Made {
  readonly inputs: readonly Place[];
  readonly outputs: readonly Place[];
  readonly maxAbsBetween: number | null;
}

/** Of ref-tflite: one JSON that says where what is, one file with all of it. */
function madeReference(file: string, model: SourceModel): StoredReference {
  const { inputs, outputs, maxAbsBetween } = JSON.parse(readFileSync(`${file}.json`, "utf8")) as Made;
  const all = new Uint8Array(gunzipSync(readFileSync(`${file}.bin.gz`)));
  const main = model.graphs[0]!;
  const read = (places: readonly Place[], ids: readonly number[]) =>
    new Map(
      places.map(({ index, shape, at, bytes }, i) => {
        const value = main.values[index] ?? main.values[ids[i]!]!;
        return [value.name, storedTensor(value, shape, all.slice(at, at + bytes))] as const;
      }),
    );
  return { inputs: read(inputs, main.inputs), outputs: read(outputs, main.outputs), apart: maxAbsBetween ?? 0 };
}

function storedTensor({ type }: SourceValue, shape: readonly number[], bytes: Uint8Array): Tensor {
  const dtype = type.dtype!;
  return { dtype, shape, data: fromRaw(dtype, elementCount(shape), bytes) };
}

/** Of Glow: a file an input or output, one byte and then the elements. */
function glowReference(stem: string, model: SourceModel): StoredReference {
  const main = model.graphs[0]!;
  const read = (kind: string, ids: readonly number[]) =>
    new Map(
      ids.map((id, i) => {
        const value = main.values[id]!;
        const bytes = new Uint8Array(readFileSync(`${stem}.${kind}${i}`)).slice(1);
        return [value.name, storedTensor(value, value.type.shape as readonly number[], bytes)] as const;
      }),
    );
  return { inputs: read("inp", main.inputs), outputs: read("out", main.outputs), apart: 0 };
}

/** Of tflite-micro: a file of codes an input, in the order of the graph, and one of what is expected. */
function csvReference(stem: string, model: SourceModel): StoredReference | undefined {
  const [folder, name] = [path.dirname(stem), path.basename(stem)];
  const main = model.graphs[0]!;
  const written = readdirSync(folder);
  const fileOf = (part: string) => written.find((each) => each.startsWith(`${name}_${part}_`) && each.endsWith(".csv"));
  const files = [...main.inputs.map((_, i) => fileOf(`input${i}`)), fileOf("golden")];
  if (main.outputs.length !== 1 || !files.every((file) => file !== undefined)) return undefined;
  const tensors = [...main.inputs, ...main.outputs].map((id, i) => {
    const value = main.values[id]!;
    const numbers = readFileSync(path.join(folder, files[i]!), "utf8")
      .split(/[,\s]+/)
      .filter((word) => word !== "")
      .map(Number);
    return [value.name, numbersAs(value, numbers)] as const;
  });
  return { inputs: new Map(tensors.slice(0, -1)), outputs: new Map(tensors.slice(-1)), apart: 0 };
}

/** Of the declared shape, or of as many elements as there are where the file declares other sizes than it computes. */
function numbersAs({ type }: SourceValue, numbers: readonly number[]): Tensor {
  const shape = (type.shape ?? []).map(Number);
  return tensorOf(type.dtype!, elementCount(shape) === numbers.length ? shape : [numbers.length], numbers);
}
