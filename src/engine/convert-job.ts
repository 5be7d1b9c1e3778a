/** A conversion for the editor: reads, writes, and says what became of the model. */

import { ModelError, modelError } from "../base/problem.ts";
import { inputShapes, normalisation, quantization } from "../cli/options.ts";
import { DestinationError, openSink } from "../cli/sink.ts";
import { convert } from "../convert.ts";
import { convertToLayers } from "../convert-layers.ts";
import { convertToOnnx } from "../convert-onnx.ts";
import type { SourceModel } from "../graph/source.ts";
import type { ConvertRequest, ConvertView, Progress } from "../protocol/engine.ts";
import { storedBytes } from "../protocol/model-view.ts";
import { readModel } from "./models.ts";
import { ownOpsFrom } from "./own-ops.ts";

const converters = { tfjs: convert, "tfjs-layers": convertToLayers, onnx: convertToOnnx };

/** Reading and translating are this part of the bar; writing is the rest. */
const translateShare = 0.2;

/** A `ModelError` with the first error where the model does not convert; `folder-not-empty` where `force` would do. */
export async function convertModel(request: ConvertRequest, progress: Progress, signal: AbortSignal): Promise<ConvertView> {
  progress("reading", 0);
  const { model, files } = await readModel(request.path, request);
  const sink = await openSink(request.out, { force: request.force }).catch(destinationFault);
  try {
    progress("converting", translateShare / 4);
    const quantize = quantization(request.quantize ? [request.quantize] : []);
    const bake = normalisation(request.bake);
    const converted = await converters[request.to ?? "tfjs"](model, files, sink, {
      optimize: request.optimize,
      userOps: await ownOpsFrom(request.ownOps),
      inputShapes: inputShapes(request.inputs),
      ...(quantize && { quantize }),
      ...(bake && { bake }),
      ...(request.quantized && { quantized: request.quantized }),
      ...(request.outputs.length > 0 ? { outputs: request.outputs } : {}),
      ...(request.shardBytes === undefined ? {} : { shardBytes: request.shardBytes }),
      ...(request.opset === undefined ? {} : { opset: request.opset }),
      ...(request.for && { for: request.for }),
      onProgress: (share) => progress("writing", translateShare + share * (1 - translateShare)),
      signal,
    });
    const error = converted.problems.find(({ severity }) => severity === "error");
    if (!converted.ok) throw error ? new ModelError(error) : new Error("the conversion failed and said nothing");
    const { nodes, weightBytes, customOps, problems } = converted;
    return {
      out: request.out,
      files: converted.files,
      nodes: { source: nodes.source, final: nodes.final },
      weightBytes: { source: sourceBytes(model), final: weightBytes },
      customOps,
      problems,
    };
  } catch (error) {
    await sink.abort();
    return destinationFault(error);
  }
}

function destinationFault(error: unknown): never {
  if (error instanceof DestinationError) throw modelError(error.isForeign ? "folder-not-empty" : "destination", error.message);
  throw error;
}

function sourceBytes(model: SourceModel): number {
  let bytes = 0;
  for (const graph of model.graphs) for (const { tensor } of graph.values) if (tensor) bytes += storedBytes(tensor);
  return bytes;
}
