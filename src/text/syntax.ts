/** How names, types and attributes are spelled in the text projection; its grammar is media/model-text.tmLanguage.json. */
import type { DType } from "../base/dtype.ts";
import type { SourceAttr, SourceDim, SourceType } from "../graph/source.ts";

/** Elements of a list that are written; the rest are counted. VS Code stops colouring lines over 20 000 characters. */
const maxListItems = 24;
const maxStringLength = 200;

/** Names that need no quotes: they hold nothing the syntax uses. A colon is fine inside (`conv:0`). */
const plainName = /^[\w.:/\\$@+*^~!?%&|<>;#-]*[\w./\\$@+*^~!?%&|<>;-]$/;
/** Control characters and what editors take for line ends. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a line of text
const unsafe = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

const escaped = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;

export function nameText(name: string): string {
  if (plainName.test(name) && !name.startsWith("#")) return name;
  return stringText(name, Number.POSITIVE_INFINITY);
}

export function stringText(text: string, limit = maxStringLength): string {
  const cut = text.length > limit ? `${text.slice(0, limit)}…` : text;
  return `"${cut.replace(/["\\]/g, "\\$&").replace(/\n/g, "\\n").replace(unsafe, escaped)}"`;
}

export function dtypeText(dtype: DType | undefined): string {
  if (dtype === undefined) return "?";
  if (dtype === "string") return "str";
  if (dtype === "bfloat16") return "bf16";
  return dtype
    .replace(/^float(?=\d)/, "f")
    .replace(/^uint/, "u")
    .replace(/^int/, "i")
    .replace(/^complex/, "c");
}

const dimText = (dim: SourceDim): string => (dim === null ? "?" : typeof dim === "number" ? String(dim) : nameText(dim));

export function shapeText(shape: readonly SourceDim[] | undefined): string {
  return shape ? `[${shape.map(dimText).join(",")}]` : "[…]";
}

/** `f32[batch,128]`; what is not a tensor in its own words. Of codes, what they stand for: `i8[1,9]{scale,zero point}`. */
export function typeText(type: SourceType): string {
  if (type.other !== undefined) return nameText(type.other.replace(/\s+/g, ""));
  if (type.dtype === undefined && type.shape === undefined) return "?";
  return `${dtypeText(type.dtype)}${shapeText(type.shape)}${quantizationText(type.quantization)}`;
}

/** No spaces: a type is one word of the syntax. */
function quantizationText(quantization: SourceType["quantization"]): string {
  if (!quantization) return "";
  const { scale, zeroPoint, axis, block } = quantization;
  if (block) return `{blocks:${block.size}}`;
  return scale.length === 1 ? `{${floatText(scale[0]!)},${zeroPoint[0]}}` : `{scales:${scale.length},axis:${axis}}`;
}

/** The shortest decimal that is the same float32: attributes are float32, and 1e-5 is not 0.000009999999747378752. */
export function floatText(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
  if (Math.fround(value) !== value) return String(value);
  for (let digits = 1; digits <= 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return Object.is(value, -0) ? "-0" : String(short);
  }
  return String(value);
}

function list<T>(items: readonly T[], text: (item: T) => string): string {
  const shown = items.slice(0, maxListItems).map(text).join(",");
  return items.length > maxListItems ? `[${shown},… ${items.length - maxListItems} more]` : `[${shown}]`;
}

/** The value after `name=`; undefined for sub-graphs, which are blocks of their own. */
export function attrText(attr: SourceAttr): string | undefined {
  switch (attr.kind) {
    case "int":
    case "bool":
      return String(attr.value);
    case "float":
      return floatText(attr.value);
    case "string":
      return stringText(attr.value);
    case "ints":
      return list(attr.value, String);
    case "floats":
      return list(attr.value, floatText);
    case "strings":
      return list(attr.value, (item) => stringText(item, maxListItems));
    case "dtype":
      return dtypeText(attr.value);
    case "shape":
      return shapeText(attr.value ?? undefined);
    case "tensor":
      return typeText(attr.value);
    case "tensors":
      return list(attr.value, typeText);
    case "sparse":
      return `sparse ${dtypeText(attr.values.dtype)}${shapeText(attr.shape)}`;
    case "type":
      return typeText(attr.value);
    case "ref":
      return `$${nameText(attr.value)}`;
    case "unknown":
      return stringText(attr.value);
    case "graph":
    case "graphs":
      return undefined;
  }
}
