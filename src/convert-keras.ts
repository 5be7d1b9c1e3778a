/** From a TF.js layers model, or another Keras model, to the .h5 file that Keras loads. */
import type { ByteSink } from "./base/bytes.ts";
import { throwIfCancelled } from "./base/cancel.ts";
import { byteLength } from "./base/dtype.ts";
import { type Converted, type ConvertOptions, writeText } from "./convert.ts";
import { writeHdf5 } from "./formats/hdf5/write.ts";
import { kerasFile } from "./formats/keras/write.ts";
import { sourceMapName } from "./graph/map.ts";
import { packTensor } from "./graph/pack.ts";
import type { SourceModel } from "./graph/source.ts";
import { elementCount, type ModelFiles } from "./graph/tensor.ts";
import { evaluate } from "./tf/evaluate.ts";
import { translateToLayers } from "./translate-layers.ts";

/** The file that is written. */
export const kerasName = "model.h5";

/** As `convert`; layers that TF.js has, or whose class is the user's. */
export async function convertToKeras(
  model: SourceModel,
  files: ModelFiles,
  sink: ByteSink,
  options: Pick<ConvertOptions, "onProgress" | "signal"> = {},
): Promise<Converted> {
  const { onProgress, signal } = options;
  const { layers, map, ok, base, ms } = await translateToLayers(model, files, "keras", signal);
  if (!ok) return { ...base, ok, files: [], weightBytes: 0, ms: { ...ms, write: 0 } };
  const started = performance.now();
  try {
    const all = layers.weights.map((weight) => {
      const { dtype, staticShape } = weight.value;
      return { ...weight, dtype, shape: staticShape!, bytes: byteLength(dtype, elementCount(staticShape!)) ?? 0 };
    });
    const { root, weights } = kerasFile(layers.topology, all);
    const total = all.reduce((sum, { bytes }) => sum + bytes, 0);
    let written = 0;
    const writer = await sink.create(kerasName);
    await writeHdf5(writer, root, async (dataset) => {
      throwIfCancelled(signal);
      const { value, bytes } = weights.get(dataset)!;
      const packed = packTensor(await evaluate(value));
      written += bytes;
      onProgress?.(written / total);
      return packed;
    });
    await writer.close();
    await writeText(sink, sourceMapName, JSON.stringify(map));
    await sink.commit();
    const took = { ...ms, write: performance.now() - started };
    return { ...base, ok, files: [kerasName, sourceMapName], weightBytes: written, ms: took };
  } catch (error) {
    await sink.abort();
    throw error;
  }
}
