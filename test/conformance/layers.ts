/** A layers model in stock TF.js, as a user's program loads it. */
import "@tensorflow/tfjs-backend-cpu";
import * as core from "@tensorflow/tfjs-core";
import { loadLayersModel } from "@tensorflow/tfjs-layers";
import type { Tensor } from "../../src/graph/tensor.ts";

/** The outputs in order; in words why it does not load or run. */
export async function runLayers(
  files: Readonly<Record<string, Uint8Array>>,
  inputs: readonly Tensor[],
): Promise<readonly Tensor[] | string> {
  core.enableProdMode();
  await core.setBackend("cpu");
  const json = JSON.parse(new TextDecoder().decode(files["model.json"]));
  const paths: string[] = json.weightsManifest.flatMap(({ paths }: { paths: string[] }) => paths);
  const artifacts: core.io.ModelArtifacts = {
    modelTopology: json.modelTopology,
    weightSpecs: json.weightsManifest.flatMap(({ weights }: { weights: object[] }) => weights),
    weightData: paths.map((name) => files[name]!.slice().buffer),
  };
  try {
    const model = await loadLayersModel({ load: async () => artifacts });
    const fed = inputs.map(({ data, shape, dtype }) => core.tensor(data as Float32Array, [...shape], dtype as "float32"));
    const result = model.predict(fed, { batchSize: 4096 });
    const results = Array.isArray(result) ? result : [result];
    const outputs = results.map(
      (each): Tensor => ({ dtype: each.dtype as "float32", shape: each.shape, data: each.dataSync<"float32">() }),
    );
    core.dispose([...fed, ...results]);
    model.dispose();
    return outputs;
  } catch (error) {
    return (error as Error).message.split("\n")[0]!;
  }
}
