/** What a user's page would compute, and what it should: stock TF.js over HTTP against onnxruntime. */
import { createReadStream, existsSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { pathToFileURL } from "node:url";
import "@tensorflow/tfjs-backend-cpu";
import { loadGraphModel, registerOp } from "@tensorflow/tfjs-converter";
import * as tf from "@tensorflow/tfjs-core";
import ort from "onnxruntime-node";

export interface Numbers {
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

/** Inputs by name, all float32 or all int32 as TF.js takes them; int32 is int64 for onnxruntime. */
export interface Feed {
  readonly dtype: "float32" | "int32";
  readonly shape: readonly number[];
  readonly values: readonly number[];
}
export type Feeds = Readonly<Record<string, Feed>>;

/** Loads `model.json` of the folder as a page does, with its own operators, and runs it on the cpu backend. Outputs by signature name. */
export async function runTfjs(folder: string, feeds: Feeds): Promise<Record<string, Numbers>> {
  const server = createServer((request, response) => {
    const file = path.join(folder, path.basename(request.url ?? ""));
    pipeline(createReadStream(file), response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await tf.setBackend("cpu");
    const own = path.join(folder, "custom-ops.mjs");
    if (existsSync(own)) (await import(pathToFileURL(own).href)).register({ ...tf, registerOp });
    const { port } = server.address() as AddressInfo;
    const model = await loadGraphModel(`http://127.0.0.1:${port}/model.json`);
    const inputs = Object.entries(feeds).map(([name, feed]) => [name, tf.tensor([...feed.values], [...feed.shape], feed.dtype)]);
    const outputs = (await model.executeAsync(Object.fromEntries(inputs))) as tf.Tensor | tf.Tensor[];
    const list = Array.isArray(outputs) ? outputs : [outputs];
    const named = Object.keys((model.modelSignature as { outputs: object }).outputs);
    return Object.fromEntries(
      await Promise.all(list.map(async (t, i) => [named[i], { shape: t.shape, values: Array.from(await t.data()) }])),
    );
  } finally {
    server.close();
  }
}

/** The same on onnxruntime. */
export async function runOnnx(file: string, feeds: Feeds): Promise<Record<string, Numbers>> {
  const session = await ort.InferenceSession.create(file);
  const tensor = ({ dtype, shape, values }: Feed) =>
    dtype === "float32"
      ? new ort.Tensor("float32", Float32Array.from(values), shape)
      : new ort.Tensor("int64", BigInt64Array.from(values, BigInt), shape);
  const outputs = await session.run(Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, tensor(feed)])));
  return Object.fromEntries(
    Object.entries(outputs).map(([name, { dims, data }]) => [
      name,
      { shape: dims, values: Array.from(data as Float32Array, Number) },
    ]),
  );
}

/** Index of the first element beyond 1e-5 + 1e-4 · the largest expected, or undefined. Shapes must be compared apart. */
export function firstDifference(actual: Numbers, expected: Numbers): number | undefined {
  const scale = Math.max(...expected.values.map(Math.abs));
  const found = expected.values.findIndex(
    (value, i) => !(Math.abs(value - (actual.values[i] ?? Number.NaN)) <= 1e-5 + 1e-4 * scale),
  );
  return found < 0 ? undefined : found;
}
