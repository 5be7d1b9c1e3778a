const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** UTF-8 text. Where the bytes are not UTF-8, those past ASCII become `\xNN`, never U+FFFD: two different broken names must stay different. */
export function decodeUtf8(bytes: Uint8Array): string {
  return strictUtf8(bytes) ?? Array.from(bytes, (b) => (b < 0x80 ? String.fromCharCode(b) : `\\x${b.toString(16)}`)).join("");
}

/** Undefined where the bytes are not UTF-8. */
export function strictUtf8(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}
