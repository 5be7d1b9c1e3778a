/** Models of TF.js's own layers, saved into memory as TF.js writes them. */
import type { io } from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";

/** `model.json` and its one shard. */
export async function savedLayers(model: LayersModel): Promise<Record<string, Uint8Array>> {
  let saved: io.ModelArtifacts | undefined;
  await model.save({
    save: async (artifacts) => {
      saved = artifacts;
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: "JSON" } };
    },
  });
  const { modelTopology, weightSpecs, weightData, format, generatedBy, convertedBy } = saved!;
  const shard = "weights.bin";
  const json = {
    modelTopology,
    format,
    generatedBy,
    convertedBy,
    weightsManifest: [{ paths: [shard], weights: weightSpecs }],
  };
  return {
    "model.json": new TextEncoder().encode(JSON.stringify(json)),
    [shard]: new Uint8Array((Array.isArray(weightData) ? weightData[0] : weightData) as ArrayBuffer),
  };
}
