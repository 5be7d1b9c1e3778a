/** A conversion for the editor: reads, writes, and says what became of the model. */

import { ModelError, modelError } from "../base/problem.ts";
import { DestinationError, openSink } from "../cli/sink.ts";
import { convert } from "../convert.ts";
import type { Shape } from "../graph/graph.ts";
import type { SourceModel } from "../graph/source.ts";
import type { ConvertRequest, ConvertView, Progress } from "../protocol/engine.ts";
import { storedBytes } from "../protocol/model-view.ts";
import { readModel } from "./models.ts";
import { ownOpsFrom } from "./own-ops.ts";

/** Reading and translating are this part of the bar; writing is the rest. */
const translateShare = 0.2;

/** A `ModelError` with the first error where the model does not convert; `folder-not-empty` where `force` would do. */
export async function convertModel(request: ConvertRequest, progress: Progress, signal: AbortSignal): Promise<ConvertView> {
  progress("reading", 0);
  const { model, files } = await readModel(request.path);
  const sink = await openSink(request.out, { force: request.force }).catch(destinationFault);
  try {
    progress("converting", translateShare / 4);
    const converted = await convert(model, files, sink, {
      optimize: request.optimize,
      userOps: await ownOpsFrom(request.ownOps),
      inputShapes: inputShapes(request.inputs),
      ...(request.outputs.length > 0 ? { outputs: request.outputs } : {}),
      ...(request.shardBytes === undefined ? {} : { shardBytes: request.shardBytes }),
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

/** `NAME:2x?xN`; splits at the last colon. */
export function inputShapes(specs: readonly string[]): Map<string, Shape> {
  return new Map(
    specs.map((spec) => {
      const colon = spec.lastIndexOf(":");
      const dims = spec.slice(colon + 1).split("x");
      return [spec.slice(0, colon), dims.map((dim) => (dim === "?" ? undefined : /^\d+$/.test(dim) ? Number(dim) : dim))];
    }),
  );
}

function sourceBytes(model: SourceModel): number {
  let bytes = 0;
  for (const graph of model.graphs) for (const { tensor } of graph.values) if (tensor) bytes += storedBytes(tensor);
  return bytes;
}
