/** Flex operators: TensorFlow's own, each with its NodeDef, as protobuf, for options. */
import type { Place } from "../../base/problem.ts";
import type { SourceAttr } from "../../graph/source.ts";
import { readFlexbuffer } from "../flatbuffers/flexbuffer.ts";
import { Fields } from "../protobuf/fields.ts";
import { Reading } from "../protobuf/reading.ts";
import { readNode } from "../tensorflow/nodes.ts";
import type { Context } from "./context.ts";

export const flexPrefix = "Flex";

/** Attributes of the node that is the second of two strings; undefined where the options are something else. `offset`: of them in the file. */
export function nodeAttributes(
  options: Uint8Array,
  offset: number,
  context: Context,
  place: Place,
): Readonly<Record<string, SourceAttr>> | undefined {
  const found = readFlexbuffer(options, true);
  const bytes = Array.isArray(found) ? found[1] : undefined;
  if (!(bytes instanceof Uint8Array)) return undefined;
  const start = offset + bytes.byteOffset - options.byteOffset;
  const image = { name: context.files[0]!, size: start + bytes.length, bytes, holes: [], fields: 0 };
  const reading = new Reading();
  const node = readNode(new Fields(image, start, image.size, 0, start), reading);
  // Functions of the graph that it was part of are not in the file.
  const { attrs } = node.attributes({ reading, functions: new Map() }, place);
  for (const { severity, code, reason, ...at } of reading.problems) context.report(severity, code, reason, at);
  return attrs;
}
