/** Files of a model while they arrive in pieces. */
import { modelError } from "../../src/base/problem.ts";

interface Arriving {
  readonly bytes: Uint8Array<ArrayBuffer>;
  received: number;
}

export class ReceivedFiles {
  private readonly files = new Map<string, Arriving>();

  /** Throws a `ModelError` `gpu-out-of-memory` where the page cannot hold so much. */
  announce(name: string, size: number): void {
    try {
      this.files.set(name, { bytes: new Uint8Array(size), received: 0 });
    } catch {
      throw modelError("gpu-out-of-memory", `the page cannot hold a file of ${size} bytes: ${name}`);
    }
  }

  put(name: string, offset: number, bytes: Uint8Array): void {
    const file = this.files.get(name);
    if (!file || offset + bytes.length > file.bytes.length) throw new Error(`a piece of no announced file: ${name} at ${offset}`);
    file.bytes.set(bytes, offset);
    file.received += bytes.length;
  }

  has(name: string): boolean {
    return this.files.has(name);
  }

  /** All bytes; a `ModelError` where the file is missing or has not arrived whole. */
  take(name: string): ArrayBuffer {
    const file = this.files.get(name);
    if (!file) throw modelError("file-missing", `no such file: ${name}`);
    if (file.received !== file.bytes.length)
      throw new Error(`${name} has not arrived: ${file.received} of ${file.bytes.length} bytes`);
    return file.bytes.buffer;
  }

  clear(): void {
    this.files.clear();
  }
}
