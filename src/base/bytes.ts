/** The only door to bytes: the core reads through `ByteSource` and writes through `ByteSink`, and never sees a file system. */

export interface ByteSource {
  /** For messages: a file name, not necessarily a path. */
  readonly name: string;
  /** Bytes in all. */
  readonly size: number;
  /** Exactly `length` bytes from `offset`; a `ModelError` with the offset where the source is shorter. The caller owns the array. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** Opens the files that belong to a model: itself, external data, shards. Names are relative to the model's folder. */
export interface ByteSources {
  /** A `ModelError` where the name leaves the folder or the file is absent. */
  open(name: string): Promise<ByteSource>;
}

export interface ByteWriter {
  write(bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** Writes a set of files beside their destination; nothing is seen there before `commit`. */
export interface ByteSink {
  create(name: string): Promise<ByteWriter>;
  commit(): Promise<void>;
  /** Leaves what was there. Safe to call after any failure, and twice. */
  abort(): Promise<void>;
}
