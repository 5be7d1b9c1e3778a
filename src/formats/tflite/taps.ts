/**
 * Values of the main graph as outputs, by changing a few words of the file and appending a few: LiteRT refuses files that were repacked.
 * Signatures go, since they name outputs of their own, and dims that may change take the size the file gives them, since LiteRT.js runs no
 * others.
 */
import type { ByteSource } from "../../base/bytes.ts";
import { modelError } from "../../base/problem.ts";
import type { ValueId } from "../../graph/source.ts";
import { Pages } from "../flatbuffers/pages.ts";
import type { Run } from "../flatbuffers/schema.ts";
import { Context, type TfliteTable } from "./context.ts";

export interface Edit {
  readonly at: number;
  /** Written over what is there; behind the file for an edit at its end. */
  readonly bytes: Uint8Array;
}

/** `outputs` undefined: those that the file has. */
export async function tapEdits(source: ByteSource, outputs?: readonly ValueId[]): Promise<readonly Edit[]> {
  const context = new Context(source.name, new Pages(source));
  const model = await context.one(() => context.reader.root("Model"));
  const main = await context.one(() => model.get("subgraphs")!.at(0));
  const edits = new Edits(source.size);
  if (outputs) {
    const field = await context.one(() => context.reader.placeOf(main, "outputs"));
    if (field === undefined) throw modelError("malformed", "a graph without outputs", { offset: main.at });
    edits.repoint(field, outputs);
  }
  const signatures = await context.one(() => context.reader.placeOf(model, "signature_defs"));
  if (signatures !== undefined) edits.repoint(signatures, []);
  await settleShapes(main, context, edits);
  return edits.all();
}

async function settleShapes(main: TfliteTable<"SubGraph">, context: Context, edits: Edits): Promise<void> {
  const tensors = await context.one(() => main.get("tensors"));
  await context.each(tensors?.length ?? 0, (i) => {
    const tensor = tensors!.at(i);
    const signature = context.reader.vectorBytes(tensor, "shape_signature");
    const shape = tensor.get("shape") ?? [];
    if (signature && signature.length === 4 * shape.length) edits.numbers(signature, shape);
  });
}

class Edits {
  private readonly edits: Edit[] = [];
  private readonly tail: number[] = [];
  private readonly start: number;

  constructor(private readonly size: number) {
    this.start = Math.ceil(size / 4) * 4;
  }

  /** A field that refers to a vector refers to a new one. */
  repoint(field: number, numbers: readonly number[]): void {
    const target = this.start + 4 * this.tail.length;
    this.edits.push({ at: field, bytes: words([target - field]) });
    this.tail.push(numbers.length, ...numbers);
  }

  numbers({ offset }: Run, numbers: readonly number[]): void {
    this.edits.push({ at: offset, bytes: words(numbers) });
  }

  all(): readonly Edit[] {
    if (this.tail.length === 0) return this.edits;
    const padding = new Uint8Array(this.start - this.size);
    const bytes = Uint8Array.from([...padding, ...words(this.tail)]);
    return [...this.edits, { at: this.size, bytes }];
  }
}

const words = (numbers: readonly number[]): Uint8Array => new Uint8Array(Int32Array.from(numbers).buffer);
