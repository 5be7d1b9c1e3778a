/** What one reading of a file shares: its tables, its files, its problems. */
import type { Slice } from "../../graph/source.ts";
import type { Pages } from "../flatbuffers/pages.ts";
import { FlatReader, type Table } from "../flatbuffers/reader.ts";
import type { TableName } from "../flatbuffers/schema.ts";
import { Reports } from "../reports.ts";
import { tflite } from "./schema.ts";

export type Tflite = typeof tflite;
export type TfliteTable<N extends TableName<Tflite>> = Table<Tflite, N>;

/** What is called, and which version of it. */
export interface Operator {
  readonly op: string;
  readonly domain: string;
  readonly version: number;
}

/** Operators of the file itself have no domain. */
export const customDomain = "custom";

export class Context extends Reports {
  readonly reader: FlatReader<Tflite>;
  readonly operators: Operator[] = [];
  /** Undefined: empty. */
  readonly buffers: (Slice | undefined)[] = [];
  /** By id; a reason where the file says nothing usable. */
  readonly external = new Map<number, Slice | string>();
  readonly files: string[];
  graphs = 0;

  constructor(
    fileName: string,
    readonly pages: Pages,
  ) {
    super();
    this.reader = new FlatReader(pages, tflite);
    this.files = [fileName];
  }

  /** Reads items one after the other; pages that are missing are read in between. */
  each(count: number, work: (i: number) => void): Promise<void> {
    return this.pages.each(count, work, () => this.mark());
  }

  /** One item, with its result. */
  async one<T>(work: () => T): Promise<T> {
    const results: T[] = [];
    await this.each(1, () => {
      results[0] = work();
    });
    return results[0]!;
  }

  private mark(): () => void {
    const [restore, { length }] = [this.reader.mark(), this.problems];
    return () => {
      restore();
      this.problems.length = length;
    };
  }
}
