/** Files that are no model of a kind that is read here: what they are, what takes them, and the way to a model that is read. */
import type { ByteSource } from "../base/bytes.ts";
import { type ModelError, modelError } from "../base/problem.ts";

const HEAD = 512;

interface Foreign {
  /** What it is, and what loads it. */
  readonly reason: string;
  /** The way out. */
  readonly hint: string;
}

type Row = readonly [matches: RegExp, what: Foreign];

const again = "download the file itself, not its page";
const torch = "load it where it was made and export that: torch.onnx.export(model, inputs, 'model.onnx')";
const scikit = "export it to ONNX with skl2onnx";
const original = "convert the model that it was made from";

/** What servers and Git give in place of a file; by the first bytes, a character a byte. */
const mistakes: readonly Row[] = [
  [/^version https:\/\/git-lfs/, { reason: "a Git LFS pointer, not the file itself", hint: "fetch it with git lfs pull" }],
  [/^(\xef\xbb\xbf)?\s*<(!doctype|html)/i, { reason: "a web page, not a model", hint: again }],
  [/^\s*<\?xml[^>]*>\s*<Error>/, { reason: "an error message of a storage service, not a model", hint: again }],
  [/^404: Not Found|^\s*\{\s*"message"\s*:\s*"Not Found"/, { reason: "a server's word that there is no such file", hint: again }],
];

/** Only asked once a reader has failed: the first bytes alone are no proof. */
const contents: readonly Row[] = [
  ...mistakes,
  [/^\s*<\?xml[^>]*>\s*<net\s/, { reason: "an OpenVINO model, for its runtime", hint: original }],
  [/^\s*(node|versions|library|meta_graphs)\s*[{:]/, { reason: "a TensorFlow graph as text", hint: "rename it to .pbtxt" }],
  [
    /^PK␃␄.{26}[^/]{1,99}\/(data\.pkl|constants\.pkl|version|byteorder)/s,
    { reason: "a PyTorch model, for torch.load", hint: torch },
  ],
  [/^PK␃␄.{26}[^␀]*\.npy/s, { reason: "NumPy arrays, for numpy.load", hint: "give the model that they are fed to" }],
  [/^PK␃␄/, { reason: "a zip archive, not a model of this kind", hint: "unpack it first" }],
  [/^␟\x8b/, { reason: "a compressed file, not a model", hint: "unpack it, or name it .tar.gz if it is an archive" }],
  [/^\x89HDF/, { reason: "an HDF5 file", hint: "rename it to .h5" }],
  [/^.{4}TFL3/s, { reason: "a TensorFlow Lite model", hint: "rename it to .tflite" }],
  [/^.{4}ORTM/s, { reason: "a model in ORT format, for onnxruntime", hint: "use the .onnx file it was made from" }],
  [/^.{4}ET1[0-9]/s, { reason: "an ExecuTorch program, for its runtime", hint: torch }],
  [/^GGUF/, { reason: "a GGUF model, for llama.cpp", hint: original }],
  [/^\x93NUMPY/, { reason: "a NumPy array, for numpy.load", hint: "give the model that it is fed to" }],
  [/^.{5}␀␀␀\{"/s, { reason: "safetensors: weights without a graph", hint: torch }],
  [/^\x80[␂-␅]/, { reason: "a Python pickle, as PyTorch and scikit-learn write it", hint: `${torch}; or ${scikit}` }],
  [/^tree\nversion=/, { reason: "a LightGBM model", hint: "export it to ONNX with onnxmltools" }],
  [/^\s*\{\s*"(learner|version)"\s*:\s*[{[]/, { reason: "an XGBoost model", hint: "export it to ONNX with onnxmltools" }],
];

/** No binary model begins with so much that prints. */
const plainText = /^[\t\n\r\x20-\x7e]{64,}$/;
/** Models that are text themselves say better what is wrong with them. */
const ownText = /\.(json|pbtxt)$/i;
const text: Foreign = { reason: "plain text, no model", hint: "open the model that goes with it" };

/** By their names, where the first bytes say nothing. */
const names: readonly Row[] = [
  [/\.(pt|pth|ptl|torchscript|mar)$/i, { reason: "a PyTorch model, for torch.load", hint: torch }],
  [/\.pte$/i, { reason: "an ExecuTorch program, for its runtime", hint: torch }],
  [/\.safetensors$/i, { reason: "safetensors: weights without a graph", hint: torch }],
  [/\.(pkl|pickle|joblib)$/i, { reason: "a Python pickle, as scikit-learn's models are saved", hint: scikit }],
  [/\.ort$/i, { reason: "a model in ORT format, for onnxruntime", hint: "use the .onnx file it was made from" }],
  [
    /^group\d+-shard\d+of\d+(\.bin)?$/i,
    { reason: "a weight file of a TF.js model, without its graph", hint: "open the model.json beside it" },
  ],
  [
    /\.(index|data-\d{5}-of-\d{5})$/i,
    {
      reason: "a part of a TensorFlow checkpoint: variables without a graph",
      hint: "open the saved_model.pb above its folder, or the .meta file beside it",
    },
  ],
  [
    /\.ckpt$/i,
    {
      reason: "a checkpoint: weights without a graph",
      hint: `of TensorFlow: open the .meta file beside it; of PyTorch: ${torch}`,
    },
  ],
  [/\.(mlmodel|mlpackage|mlmodelc)$/i, { reason: "a Core ML model, for Apple's devices", hint: original }],
  [/\.(pdmodel|pdiparams|pdparams)$/i, { reason: "a PaddlePaddle model", hint: "export it with paddle2onnx" }],
  [/\.(caffemodel|prototxt)$/i, { reason: "a Caffe model", hint: "convert it to ONNX first" }],
  [/-symbol\.json$|-\d{4}\.params$/i, { reason: "an MXNet model", hint: "export it with mxnet.onnx.export_model" }],
  [/\.(engine|plan|trt)$/i, { reason: "a TensorRT engine, built for one GPU", hint: "use the .onnx file it was built from" }],
  [/\.(gguf|ggml)$/i, { reason: "a model of llama.cpp", hint: original }],
  [/\.(rknn|mnn|ncnn|dlc|hef|om)$/i, { reason: "a model compiled for a device", hint: original }],
  [/\.(param|nb|cfg|weights)$/i, { reason: "a model of ncnn, Paddle Lite or Darknet", hint: "convert it to ONNX first" }],
  [
    /\.bin$/i,
    {
      reason: "weights without a graph, of PyTorch, OpenVINO or TF.js",
      hint: "open the file of the graph beside it, or export the model to ONNX",
    },
  ],
  [/\.gz$/i, { reason: "a compressed file", hint: "unpack it, or name it .tar.gz if it is an archive" }],
];

/** The better error for a file that its content gives away, if it does. */
export async function foreignFile(source: ByteSource): Promise<ModelError | undefined> {
  if (source.size === 0) return modelError("empty-file", "the file is empty", { offset: 0 }, "fetch it again");
  const head = await headOf(source);
  const found = byContent(head) ?? (plainText.test(head) && !ownText.test(source.name) ? text : undefined);
  return found && modelError("not-this-format", found.reason, { offset: 0 }, found.hint);
}

/** The error for a file that no reader takes, going by its name; its content says more where it can. */
export async function unreadFile(source: ByteSource): Promise<ModelError | undefined> {
  const named = foreignName(source.name);
  return named && ((await foreignFile(source)) ?? named);
}

/** Whether a folder's or a file's name says that it is a model, though none that is read here. */
export const isForeignName = (name: string): boolean => names.some(([ending]) => ending.test(name));

export function foreignName(name: string): ModelError | undefined {
  const named = names.find(([ending]) => ending.test(name))?.[1];
  return named && modelError("unknown-format", named.reason, {}, named.hint);
}

/** What stands where a file of weights should be: of those, any bytes are possible, so only text counts. */
export async function mistakenWeights(source: ByteSource): Promise<{ reason: string; hint: string } | undefined> {
  return source.size === 0 ? undefined : byContent(await headOf(source), mistakes);
}

const byContent = (head: string, among = contents): Foreign | undefined => among.find(([matches]) => matches.test(head))?.[1];

/** A character a byte, so that offsets hold; those that do not print as their pictures, so that a pattern shows them. */
async function headOf(source: ByteSource): Promise<string> {
  const bytes = await source.read(0, Math.min(HEAD, source.size));
  return String.fromCharCode(...bytes).replace(/\p{Cc}/gu, (control) =>
    /\s|[\x80-\x9f]/.test(control) ? control : String.fromCharCode(0x2400 + control.charCodeAt(0)),
  );
}
