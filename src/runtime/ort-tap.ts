/**
 * Makes any value of the main graph an output. A repeated embedded message is merged by every protobuf reader, so a second
 * `ModelProto.graph` that holds nothing but outputs, appended to the file's bytes, is enough; nothing is parsed or rewritten.
 */
const MODEL_GRAPH = 7;
const GRAPH_OUTPUT = 12;
const VALUE_NAME = 1;

/** What to append to a ModelProto for these values. */
export function tapBytes(names: readonly string[]): Uint8Array {
  if (names.length === 0) return new Uint8Array(0);
  return field(MODEL_GRAPH, join(names.map((name) => field(GRAPH_OUTPUT, field(VALUE_NAME, new TextEncoder().encode(name))))));
}

function field(id: number, payload: Uint8Array): Uint8Array {
  const lengthDelimited = 2;
  return join([varint((id << 3) | lengthDelimited), varint(payload.length), payload]);
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
