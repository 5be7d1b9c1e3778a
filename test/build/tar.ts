/** Tar archives made in code. */
import { concat } from "./protobuf.ts";

export interface TarFile {
  readonly name: string;
  readonly content: Uint8Array;
  /** Default a plain file. */
  readonly kind?: string;
}

const utf8 = new TextEncoder();

function header({ name, content, kind = "0" }: TarFile): Uint8Array {
  const bytes = new Uint8Array(512);
  const put = (at: number, text: string) => bytes.set(utf8.encode(text), at);
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, "0");
  put(0, name);
  put(100, "0000644\0");
  put(124, `${octal(content.length, 11)}\0`);
  put(136, "00000000000\0");
  put(148, "        ");
  put(156, kind);
  put(257, "ustar\x0000");
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  put(148, `${octal(sum, 6)}\0 `);
  return bytes;
}

export function tar(files: readonly TarFile[]): Uint8Array {
  const parts = files.flatMap((file) => [header(file), file.content, new Uint8Array((512 - (file.content.length % 512)) % 512)]);
  return concat([...parts, new Uint8Array(1024)]);
}
