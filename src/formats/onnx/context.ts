/** What one reading of a file shares: its files, its graphs, its problems, and how much it may still take. */
import { Reading } from "../protobuf/reading.ts";
import type { GraphDraft } from "./draft.ts";

export class Context extends Reading {
  readonly graphs: GraphDraft[] = [];
  private readonly fileIds = new Map<string, number>();

  constructor(
    readonly fileName: string,
    readonly irVersion: number,
  ) {
    super();
    this.fileIds.set("", 0);
  }

  /** Index in `SourceModel.files` of a file beside the model; the path must have passed `confinedPath`. */
  fileId(path: string): number {
    let id = this.fileIds.get(path);
    if (id === undefined) {
      id = this.fileIds.size;
      this.fileIds.set(path, id);
    }
    return id;
  }

  get files(): string[] {
    return [...this.fileIds.keys()].map((path) => path || this.fileName);
  }
}
