/** NodeDefs as they are written: names still as text, attributes read once the library is known. */
import { modelError, type Place } from "../../base/problem.ts";
import type { Fields } from "../protobuf/fields.ts";
import type { Reading } from "../protobuf/reading.ts";
import { type AttrContext, type Attributes, readAttributes } from "./attributes.ts";
import { NodeDef } from "./schema.ts";

export interface WrittenNode {
  readonly name: string;
  readonly op: string;
  /** `node`, `node:port`, `^node`; in a function `argument` or `node:output:index`. */
  readonly inputs: readonly string[];
  readonly device: string;
  /** Reads the attributes; what they refer to is known only once all functions are. */
  readonly attributes: (context: AttrContext, place: Place) => Attributes;
  readonly offset: number;
}

export function readNode(f: Fields, reading: Reading): WrittenNode {
  const { offset } = f;
  reading.spend(1, offset);
  let [name, op, device] = ["", "", ""];
  const inputs: string[] = [];
  const attrs: Fields[] = [];
  while (f.next()) {
    switch (f.field) {
      case NodeDef.name:
        name = f.string();
        break;
      case NodeDef.op:
        op = f.string();
        break;
      case NodeDef.input:
        reading.spend(1, f.offset);
        inputs.push(f.string());
        break;
      case NodeDef.device:
        device = f.string();
        break;
      case NodeDef.attr:
        attrs.push(f.message());
        break;
    }
  }
  return { name, op, inputs, device, attributes: (context, place) => readAttributes(attrs, context, place), offset };
}

export interface Reference {
  readonly node: string;
  /** In functions: the output's name. */
  readonly output: string | undefined;
  readonly index: number;
}

/** Greatest port that is believed; While loops of whole training graphs have a few thousand. */
const MAX_PORT = 2 ** 20;

/** What an input refers to; undefined for a control input. */
export function reference(input: string, offset: number): Reference | undefined {
  if (input.startsWith("^")) return undefined;
  const [node = "", second, third] = input.split(":");
  const port = third ?? second ?? "0";
  const index = /^\d+$/.test(port) ? Number(port) : Number.NaN;
  if (!(index <= MAX_PORT)) throw modelError("malformed", `an input without a port: ${input}`, { offset });
  return { node, output: third === undefined ? undefined : second, index };
}
