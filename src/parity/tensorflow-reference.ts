/** TensorFlow itself as the side that is right, where the user has it. */
import { modelError } from "../base/problem.ts";
import type { SourceModel } from "../graph/source.ts";
import { findTfjsNode, TfjsNodeProcess, tfjsNodeHint } from "../runtime/tfjs-node.ts";
import type { Reference } from "./reference.ts";

const savedModel = /^(.*)[/\\]saved_model\.pb$/;

/** Whether TensorFlow is there and runs such a file. */
export const isTensorflowReady = (path: string): boolean => savedModel.test(path) && findTfjsNode() !== undefined;

/** Runs the SavedModel of this file by one of its signatures. `ModelError` `no-reference` where TensorFlow is not there, or runs no such file. */
export async function tensorflowReference(path: string, { metadata }: SourceModel, signal?: AbortSignal): Promise<Reference> {
  const folder = savedModel.exec(path)?.[1];
  const { tags = "", signature } = metadata;
  if (folder === undefined || signature === undefined)
    throw modelError("no-reference", "TensorFlow runs SavedModels by a signature, and this is none", {}, tfjsNodeHint);
  const process = await TfjsNodeProcess.start(folder, tags.split(",").filter(Boolean), signature, signal);
  return {
    kind: "tfjs-node",
    version: process.version,
    async values(feeds, names) {
      const outputs = await process.run(feeds, signal);
      return new Map(
        names.map((name) => {
          const tensor = outputs.get(name);
          if (!tensor) throw modelError("no-reference", "TensorFlow gives the outputs of a signature only", { tensor: name });
          return [name, tensor];
        }),
      );
    },
    close: () => process.close(),
  };
}
