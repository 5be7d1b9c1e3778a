const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
/** Below this a loop beats the call into the decoder; names are mostly short ASCII. */
const SHORT = 32;

/**
 * UTF-8 text. Bytes that are not UTF-8 become `\xNN`, never U+FFFD: two different broken names must stay different.
 */
export function decodeUtf8(bytes: Uint8Array): string {
  if (bytes.length <= SHORT) {
    const text = shortAscii(bytes);
    if (text !== undefined) return text;
  }
  try {
    return strict.decode(bytes);
  } catch {
    return Array.from(bytes, (b) => (b < 0x80 ? String.fromCharCode(b) : `\\x${b.toString(16)}`)).join("");
  }
}

/** Undefined where the bytes are not UTF-8. */
export function strictUtf8(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}

function shortAscii(bytes: Uint8Array): string | undefined {
  let text = "";
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    if (byte >= 0x80) return undefined;
    text += String.fromCharCode(byte);
  }
  return text;
}
