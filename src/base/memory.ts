/** Bytes in memory behind the same door as files: tests, virtual workspaces, members of an archive. */
import type { ByteSource, ByteSources } from "./bytes.ts";
import { modelError } from "./problem.ts";

export function memorySource(name: string, bytes: Uint8Array): ByteSource {
  return {
    name,
    size: bytes.length,
    read: async (offset, length) => {
      if (offset + length > bytes.length) throw endOfFile(name, offset, length, bytes.length);
      return bytes.slice(offset, offset + length);
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
