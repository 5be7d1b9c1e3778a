/** The command line of tensorflowjs_converter, put into the options of `convert`; docs/migrating.md says what becomes of each flag. */
import { UsageError } from "./usage.ts";

/** `switch`: true, or what is said; `optional`: a value may follow. */
type Kind = "value" | "switch" | "optional";

const flags: Readonly<Record<string, Kind>> = {
  input_format: "value",
  output_format: "value",
  signature_name: "value",
  saved_model_tags: "value",
  output_node_names: "value",
  weight_shard_size_bytes: "value",
  quantize_float16: "optional",
  quantize_uint8: "optional",
  quantize_uint16: "optional",
  quantization_bytes: "value",
  split_weights_by_layer: "switch",
  use_structured_outputs_names: "switch",
  metadata: "value",
  strip_debug_ops: "switch",
  skip_op_check: "switch",
  control_flow_v2: "switch",
  experiments: "switch",
  output_json: "switch",
  // Ours, which may stand among them.
  json: "switch",
  force: "switch",
};

export const converterFlags: readonly string[] = Object.keys(flags);

const layers = "tfjs_layers_model";
const graph = "tfjs_graph_model";
const keras = "keras";

interface Input {
  /** The dialect that the file must turn out to be of. */
  readonly from: string;
  /** What the old converter writes where no format is asked for. */
  readonly usual: string;
}

const inputs: Readonly<Record<string, Input>> = {
  tf_saved_model: { from: "tensorflow", usual: graph },
  tf_frozen_model: { from: "tensorflow", usual: graph },
  tf_hub: { from: "tensorflow", usual: graph },
  keras: { from: "keras", usual: layers },
  keras_keras: { from: "keras", usual: layers },
  keras_saved_model: { from: "tensorflow", usual: layers },
  tfjs_layers_model: { from: "keras", usual: keras },
  tfjs_graph_model: { from: "tfjs", usual: graph },
};

const targets: Readonly<Record<string, string>> = { [layers]: "tfjs-layers", [graph]: "tfjs", [keras]: "keras" };

/** As the command line's own parser gives them. */
export interface Translated {
  readonly models: readonly string[];
  readonly options: Readonly<Record<string, unknown>>;
  /** What of the flags has no effect here, for the user to read. */
  readonly notes: readonly string[];
}

/** Models whose operators the old converter could not check are written by it all the same, and end where they are run. */
const uncheckedNote =
  "--skip_op_check has no effect: what TF.js lacks is written with code for it, or refused; give operators of your own with --ops FILE";

/** `args`: what follows `convert`. A `UsageError` for what the old converter refuses too, and for formats that are not written here. */
export function fromConverter(args: readonly string[]): Translated {
  const { words, given } = split(args);
  const [input, out, ...rest] = words;
  if (input === undefined) throw new UsageError("INPUT is missing");
  if (out === undefined) throw new UsageError("OUTPUT is missing");
  if (rest.length > 0) throw new UsageError(`one INPUT and one OUTPUT, not also ${rest.join(" ")}`);
  if (/^https?:/i.test(input))
    throw new UsageError(`nothing is fetched from the network: download ${input}, unpack it and give the folder`);
  const format = String(given.get("input_format") ?? "tf_saved_model");
  const source = Object.hasOwn(inputs, format) ? inputs[format] : undefined;
  if (!source) throw new UsageError(`--input_format wants one of ${Object.keys(inputs).join(", ")}, not ${format}`);
  const asked = String(given.get("output_format") ?? source.usual);
  const to = Object.hasOwn(targets, asked) ? targets[asked] : undefined;
  if (!to) throw new UsageError(`${asked} is not written; --output_format wants one of ${Object.keys(targets).join(", ")}`);
  if (asked === keras && /\.keras$/i.test(out))
    throw new UsageError(`what is written is an .h5 file, which Keras does not load as ${out}`);
  const signature = given.get("signature_name");
  if (signature !== undefined && source.from !== "tensorflow")
    throw new UsageError(`--signature_name is for SavedModels, not for ${format}`);
  if (given.get("output_json") === false) throw new UsageError("--output_json=false: only model.json is written");
  const quantize = quantization(given);
  const options = {
    out,
    to,
    // A file there, where TF.js's models are folders.
    asFile: asked === keras || undefined,
    // By its layers a SavedModel is a Keras model.
    from: format === "keras_saved_model" && asked !== graph ? "keras" : source.from,
    signature,
    tags: given.get("saved_model_tags"),
    outputs: given.get("output_node_names"),
    shardBytes: given.get("weight_shard_size_bytes"),
    quantize: quantize.length > 0 ? quantize : undefined,
    splitByLayer: given.get("split_weights_by_layer"),
    structuredOutputs: given.get("use_structured_outputs_names"),
    metadata: given.get("metadata"),
    keepDebugOps: given.get("strip_debug_ops") === false || undefined,
    json: given.get("json"),
    force: given.get("force"),
  };
  return {
    models: [input],
    options: Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)),
    notes: given.get("skip_op_check") === true ? [uncheckedNote] : [],
  };
}

type Given = ReadonlyMap<string, string | boolean>;

/** Flags and the other words, as Python's argparse tells them apart; but a flag that may go without a value leaves INPUT and OUTPUT alone. */
function split(args: readonly string[]): { words: readonly string[]; given: Given } {
  let spare = plainWords(args) - 2;
  const words: string[] = [];
  const given = new Map<string, string | boolean>();
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (!arg.startsWith("--")) {
      words.push(arg);
      continue;
    }
    const { name, value, kind } = flagOf(arg);
    const next = args[i + 1];
    if (value !== undefined) given.set(name, kind === "switch" ? truth(value, name) : value);
    else if (kind === "value") {
      if (next === undefined) throw new UsageError(`--${name} wants a value`);
      given.set(name, next);
      i++;
    } else if (kind === "switch") {
      const said = next !== undefined && isTruth(next);
      given.set(name, said ? truth(next, name) : true);
      if (said) i++;
    } else if (spare > 0 && next !== undefined && !next.startsWith("--")) {
      given.set(name, next);
      spare--;
      i++;
    } else given.set(name, true);
  }
  return { words, given };
}

/** Words that are no flags, nor the values of flags that must have one. */
function plainWords(args: readonly string[]): number {
  let count = 0;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (!arg.startsWith("--")) {
      count++;
      continue;
    }
    const { value, kind } = flagOf(arg);
    const next = args[i + 1];
    if (value === undefined && (kind === "value" || (kind === "switch" && next !== undefined && isTruth(next)))) i++;
  }
  return count;
}

function flagOf(arg: string): { name: string; value: string | undefined; kind: Kind } {
  const equals = arg.indexOf("=");
  const name = arg.slice(2, equals < 0 ? undefined : equals);
  const kind = Object.hasOwn(flags, name) ? flags[name] : undefined;
  if (!kind) throw new UsageError(`--${name} is no flag of tensorflowjs_converter; ours are not mixed with its flags`);
  return { name, value: equals < 0 ? undefined : arg.slice(equals + 1), kind };
}

const isTruth = (word: string): boolean => /^(true|false|1|0|yes|no)$/i.test(word);

/** The old converter takes every word for true, `False` too. */
function truth(word: string, flag: string): boolean {
  if (!isTruth(word)) throw new UsageError(`--${flag} wants true or false, not ${word}`);
  return /^(true|1|yes)$/i.test(word);
}

const kinds = ["float16", "uint8", "uint16"];

/** As `--quantize` has it: those for some weights before the one for all others. */
function quantization(given: Given): readonly string[] {
  const some: string[] = [];
  const all: string[] = [];
  for (const kind of kinds) {
    const value = given.get(`quantize_${kind}`);
    // The old converter takes `=True` for the name of a weight.
    if (typeof value === "string" && value !== "" && !isTruth(value)) some.push(`${kind}:${value}`);
    else if (value !== undefined && (value === true || truth(value || "true", `quantize_${kind}`))) all.push(kind);
  }
  const bytes = given.get("quantization_bytes");
  if (bytes !== undefined) {
    if (some.length + all.length > 0) throw new UsageError("--quantization_bytes does not go with --quantize_…");
    if (bytes !== "1" && bytes !== "2") throw new UsageError(`--quantization_bytes wants 1 or 2, not ${bytes}`);
    all.push(bytes === "1" ? "uint8" : "uint16");
  }
  if (all.length > 1)
    throw new UsageError(`all weights as ${all.join(" and ")}: name the weights of one, e.g. --quantize_uint8=*/kernel`);
  return [...some, ...all];
}
