/** What a model is in a word, which loader takes it, which do not, and what is missing. Loaders refuse each other's models with riddles. */
import type { SourceModel } from "./source.ts";

export interface Kind {
  readonly what: string;
  /** Takes the model as it is. */
  readonly loader: string;
  /** Those that are tried by mistake. */
  readonly note?: string;
}

const keras: Kind = {
  what: "Keras model",
  loader: "keras.models.load_model",
  note: "tf.loadLayersModel and tf.loadGraphModel take the model.json that converting it makes",
};

const converting = "tf.loadGraphModel takes the model.json that converting it makes";

/** By the first words of the format's version, else by dialect. */
const kinds: Readonly<Record<string, Kind>> = {
  onnx: { what: "ONNX model", loader: "onnxruntime" },
  tflite: { what: "TensorFlow Lite model", loader: "LiteRT" },
  tensorflow: { what: "TensorFlow model", loader: "TensorFlow", note: converting },
  SavedModel: { what: "TensorFlow SavedModel", loader: "tf.saved_model.load", note: converting },
  "frozen GraphDef": { what: "frozen TensorFlow graph", loader: "tf.import_graph_def", note: converting },
  MetaGraph: { what: "TensorFlow training graph", loader: "tf.train.import_meta_graph", note: converting },
  tfjs: { what: "TF.js model", loader: "TF.js" },
  "graph model": { what: "TF.js graph model", loader: "tf.loadGraphModel", note: "tf.loadLayersModel refuses it" },
  "layers model": {
    what: "TF.js layers model",
    loader: "tf.loadLayersModel",
    note: "tf.loadGraphModel takes the graph model that converting it makes",
  },
  "weights manifest": {
    what: "TF.js weights without a graph",
    loader: "tf.io.loadWeights",
    note: "no loader of models takes them",
  },
  keras,
};

export function kindOf({ dialect, formatVersion }: SourceModel): Kind {
  const words = formatVersion.split(",")[0]!.replace(/ \d+$/, "");
  return (Object.hasOwn(kinds, words) ? kinds[words] : undefined) ?? kinds[dialect]!;
}

const named = 3;
const few = (names: readonly string[]): string => `${names.slice(0, named).join(", ")}${names.length > named ? " …" : ""}`;

/** One sentence. */
export function diagnose(model: SourceModel): string {
  const { what, loader, note } = kindOf(model);
  const sets = Object.entries(model.opsets).map(([domain, version]) => `${domain || "opset"} ${version}`);
  const made = model.producer ? `, made by ${model.producer}` : "";
  const besides = model.files.length > 1 ? `, weights in ${few(model.files.slice(1))}` : "";
  const missing = missingFiles(model);
  const lacks = missing.length > 0 ? `; missing: ${few(missing)}` : "";
  const first = model.problems.find(({ severity }) => severity === "error");
  const advice = first?.hint === undefined ? "" : `; ${first.hint}`;
  return `${what} for ${loader}, ${[model.formatVersion, ...sets].join(", ")}${made}${besides}${note ? `; ${note}` : ""}${lacks}${advice}`;
}

/** Files beside the model that reading did not find. */
function missingFiles({ problems }: SourceModel): string[] {
  const found = problems.map(({ reason }) => /no such file: (.+)$/.exec(reason)?.[1]);
  return [...new Set(found.filter((name) => name !== undefined))];
}
