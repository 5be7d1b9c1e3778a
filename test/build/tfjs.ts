/**
 * TF.js graph models made in code, as the files of a folder by name:
 *
 *   const files = tfjsModel({
 *     inputs: { x: spec("x", "float32", [-1, 3]) },
 *     outputs: { y: spec("act:0", "float32", [-1, 5]) },
 *     nodes: [op("MatMul", "fc", ["x", "w"], { T: float32 }), op("Relu", "act", ["fc"], { T: float32 })],
 *     weights: [{ name: "w", shape: [3, 5], dtype: "float32", data: random(15) }],
 *   });
 *
 * Placeholders and Consts are made from `inputs` and `weights`.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { bytesOf } from "../../src/graph/pack.ts";

type TfjsDType = "float32" | "int32" | "bool" | "string" | "complex64";
const dtypeNames = {
  float32: "DT_FLOAT",
  int32: "DT_INT32",
  bool: "DT_BOOL",
  string: "DT_STRING",
  complex64: "DT_COMPLEX64",
} as const;

export interface NodeDef {
  readonly name: string;
  readonly op: string;
  readonly input: readonly string[];
  readonly attr: Readonly<Record<string, object>>;
}

export interface TensorInfo {
  readonly name: string;
  readonly dtype: string;
  readonly tensorShape: object;
}

export interface Weight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: "float32" | "int32";
  readonly data: Float32Array | Int32Array;
}

export interface TfjsSpec {
  readonly inputs: Readonly<Record<string, TensorInfo>>;
  readonly outputs: Readonly<Record<string, TensorInfo>>;
  readonly nodes: readonly NodeDef[];
  readonly weights?: readonly Weight[];
  readonly library?: object;
  /** Cuts the weights at every so many bytes; default one shard. */
  readonly shardBytes?: number;
}

const dims = (shape: readonly number[]) => ({ dim: shape.map((size) => ({ size: String(size) })) });

/** An entry of the signature: `name` is `node:port`, an unset dim is -1. */
export const spec = (name: string, dtype: TfjsDType, shape: readonly number[]): TensorInfo => ({
  name,
  dtype: dtypeNames[dtype],
  tensorShape: dims(shape),
});

export const type = (dtype: TfjsDType) => ({ type: dtypeNames[dtype] });
export const ints = (...values: number[]) => ({ list: { i: values.map(String) } });
/** A string attribute, base64 as protobuf's JSON has bytes. */
export const text = (value: string) => ({ s: Buffer.from(value).toString("base64") });

export const op = (
  name: string,
  node: string,
  input: readonly string[],
  attr: Readonly<Record<string, object>> = { T: type("float32") },
): NodeDef => ({ name: node, op: name, input, attr });

export function tfjsModel({ inputs, outputs, nodes, weights = [], library, shardBytes }: TfjsSpec): Record<string, Uint8Array> {
  const placeholders = Object.values(inputs).map((info) =>
    op("Placeholder", info.name.replace(/:0$/, ""), [], { dtype: { type: info.dtype }, shape: { shape: info.tensorShape } }),
  );
  const consts = weights.map((w) =>
    op("Const", w.name, [], { dtype: type(w.dtype), value: { tensor: { tensorShape: dims(w.shape) } } }),
  );
  const data = Buffer.concat(weights.map((w) => bytesOf(w.data)));
  const shards: Record<string, Uint8Array> = {};
  const step = shardBytes ?? Math.max(data.length, 1);
  const count = Math.ceil(data.length / step);
  for (let i = 0; i < count; i++) shards[`group1-shard${i + 1}of${count}.bin`] = data.subarray(i * step, (i + 1) * step);
  const json = {
    format: "graph-model",
    modelTopology: { node: [...placeholders, ...consts, ...nodes], versions: { producer: 1 }, ...(library ? { library } : {}) },
    signature: { inputs, outputs },
    weightsManifest: [{ paths: Object.keys(shards), weights: weights.map(({ name, shape, dtype }) => ({ name, shape, dtype })) }],
  };
  return { "model.json": new TextEncoder().encode(JSON.stringify(json)), ...shards };
}

/** Writes files into a fresh folder that goes when the test ends. */
export async function folderOf(files: Readonly<Record<string, Uint8Array>>): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "modelwright-test-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  await mkdir(dir, { recursive: true });
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(dir, name), bytes);
  return dir;
}
