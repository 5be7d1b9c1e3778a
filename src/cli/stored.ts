/** `--inputs PATH`: a folder of input_N.pb, or an .npz, .npy, .pb or .json file. */
import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import type { ByteSource } from "../base/bytes.ts";
import { readNpy, readNpz } from "../formats/npy/read.ts";
import { readTensorProto } from "../formats/onnx/tensor.ts";
import { type Decoders, readStored, type StoredSet } from "../parity/stored.ts";
import { openFile } from "./files.ts";
import { UsageError } from "./usage.ts";

const whole = (source: ByteSource): Promise<Uint8Array> => source.read(0, source.size);

const decoders: Decoders = {
  pb: async (source) => [readTensorProto(await whole(source))],
  npy: async (source) => [{ name: "", tensor: readNpy(await whole(source)) }],
  npz: readNpz,
};

export async function readStoredInputs(from: string): Promise<StoredSet> {
  const info = await stat(from).catch(() => undefined);
  if (!info) throw new UsageError(`--inputs: no such file or folder: ${from}`);
  const names = info.isDirectory() ? (await readdir(from)).sort().map((name) => path.join(from, name)) : [from];
  const files = names.filter((name) => /\.(pb|npy|npz|json)$/.test(name));
  if (files.length === 0) throw new UsageError(`--inputs: no .pb, .npy, .npz or .json in ${from}`);
  return readStored(await Promise.all(files.map(openFile)), decoders);
}
