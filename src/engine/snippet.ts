/** What loads a conversion and runs it once, TypeScript or C#: right loader, input names, shapes, data types, layout. */
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { modelError } from "../base/problem.ts";
import { openFile, sourcesBeside } from "../cli/files.ts";
import { type Column, csharpSnippet } from "../csharp.ts";
import { readOnnx } from "../formats/onnx/read.ts";
import { onnxName } from "../formats/onnx/write.ts";
import { preprocessingNotes } from "../graph/preprocessing-notes.ts";
import type { ValueId } from "../graph/source.ts";

/** V8's longest string; a larger model.json is not ours. */
const maxJsonBytes = 512 * 2 ** 20;

interface TensorInfo {
  readonly name?: string;
  readonly dtype?: string;
  readonly tensorShape?: { readonly dim?: readonly { readonly size?: string | number }[]; readonly unknownRank?: boolean };
  readonly resourceId?: number;
}

interface Signature {
  readonly inputs?: Readonly<Record<string, TensorInfo>>;
  readonly outputs?: Readonly<Record<string, TensorInfo>>;
}

interface ModelJson {
  readonly modelTopology?: { readonly node?: readonly { readonly op?: string }[] };
  readonly signature?: Signature;
  readonly userDefinedMetadata?: {
    readonly signature?: Signature;
    readonly preprocessing?: unknown;
    readonly baked?: unknown;
    readonly labels?: unknown;
  };
}

export interface SnippetModel {
  readonly inputs: Readonly<Record<string, TensorInfo>>;
  readonly outputs: Readonly<Record<string, TensorInfo>>;
  readonly customOps: boolean;
  /** Said of the inputs, a line each. */
  readonly notes?: readonly string[];
  /** Control flow and dynamic shapes cannot run synchronously. */
  readonly asynchronous: boolean;
}

/** Ops for which TF.js refuses `execute`. */
const asynchronousOps = new Set([
  ...["While", "StatelessWhile", "If", "StatelessIf", "Switch", "Merge", "Enter", "Exit", "NextIteration", "LoopCond", "Where"],
  ...["NonMaxSuppressionV2", "NonMaxSuppressionV3", "NonMaxSuppressionV4", "NonMaxSuppressionV5"],
  ...["HashTable", "HashTableV2", "LookupTableFindV2", "TensorArrayV3", "TensorListReserve", "TensorListFromTensor"],
]);

export async function snippetFor(folder: string): Promise<string> {
  const path = join(folder, "model.json");
  if (await isFile(join(folder, onnxName))) return csharpFor(join(folder, onnxName));
  const { size } = await stat(path).catch(() => {
    throw modelError("file-missing", `no model.json in ${folder}`);
  });
  if (size > maxJsonBytes) throw modelError("too-large", `model.json is larger than ${maxJsonBytes} bytes: ${size}`);
  let json: ModelJson;
  try {
    json = JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    throw modelError("malformed", `model.json is no JSON: ${(error as Error).message}`);
  }
  const signature = json.userDefinedMetadata?.signature ?? json.signature ?? {};
  const customOps = await isFile(join(folder, "custom-ops.mjs"));
  const asynchronous = customOps || (json.modelTopology?.node ?? []).some(({ op }) => asynchronousOps.has(op ?? ""));
  const notes = preprocessingNotes(json.userDefinedMetadata ?? {});
  return snippetText({ inputs: signature.inputs ?? {}, outputs: signature.outputs ?? {}, customOps, notes, asynchronous });
}

const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** Of a written ONNX model, whose metadata tells what is known of its images. */
async function csharpFor(path: string): Promise<string> {
  const { model } = await readOnnx(await openFile(path), sourcesBeside(path));
  const { values, nodes, inputs, outputs } = model.graphs[0]!;
  const column = (id: ValueId): Column => {
    const { name, type, producer } = values[id]!;
    return { name, dtype: type.dtype, shape: type.shape, op: producer === undefined ? undefined : nodes[producer]?.op };
  };
  return csharpSnippet({
    inputs: inputs.filter((id) => !values[id]!.tensor).map(column),
    outputs: outputs.map(column),
    notes: preprocessingNotes({
      preprocessing: parsed(model.metadata["modelwright.preprocessing"]),
      baked: parsed(model.metadata["modelwright.baked"]),
    }),
  });
}

/** Metadata that is no JSON says nothing. */
function parsed(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Pure, for the tests. */
export function snippetText({ inputs, outputs, customOps, notes = [], asynchronous }: SnippetModel): string {
  const feeds = Object.entries(inputs).filter(([, { resourceId }]) => resourceId === undefined);
  const results = Object.keys(outputs);
  const lines = ['import * as tf from "@tensorflow/tfjs";'];
  if (customOps) lines.push('import { register } from "./custom-ops.mjs";', "", "register(tf);");
  lines.push(
    "",
    'const model = await tf.loadGraphModel("model.json"); // the address of the converted folder',
    "",
    ...notes.map((note) => `// ${note}`),
    "const inputs = {",
  );
  for (const [name, info] of feeds) lines.push(`  ${key(name)}: ${tensorText(info)}, // ${typeText(info)}`);
  lines.push("};");
  const call = asynchronous ? "await model.executeAsync" : "model.execute";
  const [only] = results;
  if (results.length === 1) {
    lines.push(
      `const ${variable(only!)} = ${call}(inputs, ${JSON.stringify(only)}) as tf.Tensor; // ${typeText(outputs[only!]!)}`,
    );
    lines.push("", `console.log(${variable(only!)}.shape, await ${variable(only!)}.data());`);
  } else {
    lines.push(`const outputs = ${call}(inputs, [`);
    for (const name of results) lines.push(`  ${JSON.stringify(name)}, // ${typeText(outputs[name]!)}`);
    lines.push("]) as tf.Tensor[];", "", "for (const output of outputs) console.log(output.shape, await output.data());");
    const states = feeds.map(([name]) => name).filter((name) => name.startsWith("state/") && results.includes(name));
    if (states.length > 0) lines.push("", "// What this run leaves, the next run takes; the first takes zeros.");
    for (const name of states) lines.push(`inputs[${JSON.stringify(name)}] = outputs[${results.indexOf(name)}];`);
  }
  return `${lines.join("\n")}\n`;
}

const identifier = /^[A-Za-z_$][\w$]*$/;
const reserved = new Set([
  "tf",
  "model",
  "inputs",
  "outputs",
  "register",
  "console",
  "await",
  "default",
  "class",
  "function",
  "new",
  "in",
  "out",
]);
const key = (name: string): string => (identifier.test(name) ? name : JSON.stringify(name));
const variable = (name: string): string => (identifier.test(name) && !reserved.has(name) ? name : "output");

const dtypes: Readonly<Record<string, string>> = {
  DT_FLOAT: "float32",
  DT_INT32: "int32",
  DT_BOOL: "bool",
  DT_STRING: "string",
  DT_COMPLEX64: "complex64",
};
const dtypeOf = ({ dtype = "" }: TensorInfo): string => dtypes[dtype] ?? (dtype || "float32");

/** Undefined where even the rank is open. */
function dimsOf({ tensorShape }: TensorInfo): number[] | undefined {
  if (!tensorShape || tensorShape.unknownRank) return undefined;
  return (tensorShape.dim ?? []).map(({ size }) => Number(size ?? 0));
}

/** `float32 [?,3,224,224]`: in the layout of the source, whatever the graph does inside. */
function typeText(info: TensorInfo): string {
  const dims = dimsOf(info);
  return dims ? `${dtypeOf(info)} [${dims.map((dim) => (dim < 0 ? "?" : dim)).join(",")}]` : `${dtypeOf(info)}, any shape`;
}

/** Zeros of the right type; an open dim is 1. */
function tensorText(info: TensorInfo): string {
  const shape = `[${(dimsOf(info) ?? [1]).map((dim) => (dim < 0 ? 1 : dim)).join(", ")}]`;
  const dtype = dtypeOf(info);
  if (dtype === "string") return `tf.fill(${shape}, "", "string")`;
  return dtype === "float32" ? `tf.zeros(${shape})` : `tf.zeros(${shape}, "${dtype}")`;
}
