/** Files that are not what their name says. Only asked after a reader has failed: the first bytes alone are no proof. */
import type { ByteSource } from "../base/bytes.ts";
import { type ModelError, modelError } from "../base/problem.ts";

const HEAD = 256;

interface Foreign {
  readonly matches: (head: string) => boolean;
  readonly reason: string;
  readonly hint: string;
}

const foreign: readonly Foreign[] = [
  {
    matches: (head) => head.startsWith("version https://git-lfs"),
    reason: "a Git LFS pointer, not the model itself",
    hint: "fetch it with git lfs pull",
  },
  { matches: (head) => /^\s*<(!doctype|html)/i.test(head), reason: "a web page, not a model", hint: "download the raw file" },
  {
    matches: (head) => /^\s*(node|versions|library|meta_graphs)\s*[{:]/.test(head),
    reason: "a TensorFlow graph as text",
    hint: "rename it to .pbtxt",
  },
  {
    matches: (head) => head.startsWith("PK\x03\x04"),
    reason: "a zip archive, not a model of this kind",
    hint: "unpack it first",
  },
  { matches: (head) => head.startsWith("\x1f\x8b"), reason: "a compressed archive, not a model", hint: "unpack it first" },
  { matches: (head) => head.startsWith("\x89HDF"), reason: "an HDF5 file", hint: "rename it to .h5" },
  { matches: (head) => head.slice(4, 8) === "TFL3", reason: "a TensorFlow Lite model", hint: "rename it to .tflite" },
  {
    matches: (head) => head.slice(4, 8) === "ORTM",
    reason: "a model in ORT format",
    hint: "use the .onnx file it was made from",
  },
];

/** The better error for a file that `head` gives away, if it does. */
export async function foreignFile(source: ByteSource): Promise<ModelError | undefined> {
  if (source.size === 0) return modelError("empty-file", "the file is empty", { offset: 0 });
  // A character a byte, so that offsets hold.
  const head = String.fromCharCode(...(await source.read(0, Math.min(HEAD, source.size))));
  const found = foreign.find(({ matches }) => matches(head));
  return found && modelError("not-this-format", found.reason, { offset: 0 }, found.hint);
}
