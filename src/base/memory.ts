/** Bytes in memory behind the same door as files: tests, virtual workspaces, members of an archive. */
import type { ByteSink, ByteSource, ByteSources, ByteWriter } from "./bytes.ts";
import { modelError } from "./problem.ts";

export function memorySource(name: string, bytes: Uint8Array): ByteSource {
  return {
    name,
    size: bytes.length,
    read: async (offset, length) => {
      if (offset + length > bytes.length) throw endOfFile(name, offset, length, bytes.length);
      // Not `slice`: of a Node Buffer that is a view.
      return new Uint8Array(bytes.subarray(offset, offset + length));
    },
  };
}

/** Named files in memory; a name that is not there is a `ModelError`. */
export function memorySources(files: Readonly<Record<string, Uint8Array>> = {}): ByteSources {
  return {
    open: async (name) => {
      const bytes = Object.hasOwn(files, name) ? files[name] : undefined;
      if (!bytes) throw modelError("file-missing", `no such file: ${name}`);
      return memorySource(name, bytes);
    },
  };
}

/** The one wording for a read past the end. */
export function endOfFile(name: string, offset: number, length: number, size: number) {
  return modelError("truncated", `${length} bytes wanted where ${name} has ${Math.max(size - offset, 0)}`, { offset });
}

/** Files in memory; `files` holds them once committed. */
export class MemorySink implements ByteSink {
  readonly files: Record<string, Uint8Array> = {};
  private readonly staged = new Map<string, Uint8Array[]>();

  async create(name: string): Promise<ByteWriter> {
    const parts: Uint8Array[] = [];
    this.staged.set(name, parts);
    return {
      write: async (bytes) => {
        parts.push(new Uint8Array(bytes));
      },
      close: async () => {},
    };
  }

  async commit(): Promise<void> {
    for (const [name, parts] of this.staged) this.files[name] = join(parts);
  }

  async abort(): Promise<void> {
    this.staged.clear();
  }
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
