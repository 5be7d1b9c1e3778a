/** Entry of the tfjs-node process: TensorFlow itself, by the package that the user has. */
import { createRequire } from "node:module";
import type * as core from "@tensorflow/tfjs-core";
import type { DType } from "../base/dtype.ts";
import { modelError } from "../base/problem.ts";
import { type Tensor, tensorOf } from "../graph/tensor.ts";
import { serve } from "../protocol/rpc.ts";
import { carry } from "./carry.ts";
import type { TfjsNodeApi } from "./tfjs-node-api.ts";

type Named = Record<string, core.Tensor>;

/** What is used of the package. */
interface TfjsNode {
  readonly version: Readonly<Record<string, string>>;
  readonly node: {
    loadSavedModel(
      folder: string,
      tags: string[],
      signature: string,
    ): Promise<{ predict(inputs: Named): core.Tensor | core.Tensor[] | Named }>;
  };
  tensor(data: unknown, shape: number[], dtype: string): core.Tensor;
}

let tf: TfjsNode | undefined;
let model: Awaited<ReturnType<TfjsNode["node"]["loadSavedModel"]>> | undefined;

const api: TfjsNodeApi = {
  async start(entry) {
    try {
      tf = createRequire(import.meta.url)(entry) as TfjsNode;
      return tf.version["tfjs-node"] ?? tf.version["tfjs"] ?? "unknown";
    } catch (error) {
      throw modelError("reference-unavailable", `tfjs-node does not load: ${reasonOf(error)}`);
    }
  },

  async load(folder, tags, signature) {
    if (!tf) throw new Error("load before start");
    try {
      model = await tf.node.loadSavedModel(folder, [...tags], signature);
    } catch (error) {
      throw modelError("reference-refused", `TensorFlow refuses the model: ${reasonOf(error)}`);
    }
  },

  async run(feeds) {
    if (!tf || !model) throw new Error("run before load");
    const inputs = Object.fromEntries([...feeds].map(([name, tensor]) => [name, fed(tf!, name, tensor)]));
    try {
      const found = model.predict(inputs);
      if (Array.isArray(found) || "dataSync" in found) throw new Error("outputs without names");
      const outputs = new Map(Object.entries(found as Named).map(([name, value]) => [name, taken(value)]));
      for (const value of Object.values(found as Named)) value.dispose();
      return outputs;
    } catch (error) {
      throw modelError("reference-failed", `TensorFlow fails: ${reasonOf(error)}`);
    } finally {
      for (const value of Object.values(inputs)) value.dispose();
    }
  },
};

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error)).split("\n")[0]!;

/** In the types of TF.js, from which the package makes those of the signature. */
function fed(node: TfjsNode, name: string, tensor: Tensor): core.Tensor {
  const { dtype, shape, data } = carry(tensor, name);
  return node.tensor(dtype === "bool" ? Array.from(data as Uint8Array, Boolean) : data, [...shape], dtype);
}

function taken(value: core.Tensor): Tensor {
  const shape = [...value.shape];
  if (value.dtype === "string") return { dtype: "string", shape, data: [...(value.dataSync<"string">() as unknown as string[])] };
  return tensorOf(value.dtype as DType, shape, value.dataSync());
}

if (!process.send) throw new Error("tfjs-node-child runs as a child process");
process.on("disconnect", () => process.exit());
serve<TfjsNodeApi>(
  {
    post: (message) => process.send!(message),
    listen(listener) {
      process.on("message", listener);
      return () => process.off("message", listener);
    },
  },
  api,
);
