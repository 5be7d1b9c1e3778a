/** What is said of a file, spoilt as it may be. */
import { ModelError, type Problem } from "../../src/base/problem.ts";
import { loadTensor } from "../../src/graph/decode.ts";
import type { SourceModel } from "../../src/graph/source.ts";
import type { ModelFiles } from "../../src/graph/tensor.ts";
import { tensorsOf } from "../../src/graph/verify.ts";

/** The problem that stopped it, or those of the model. Anything but a ModelError is a fault of ours and fails the test. */
export async function examine(
  file: Uint8Array,
  open: (file: Uint8Array) => Promise<{ readonly model: SourceModel; readonly files: ModelFiles }>,
): Promise<readonly Problem[]> {
  try {
    const { model, files } = await open(file);
    JSON.stringify(model);
    for (const graph of model.graphs)
      for (const { tensor: stored } of tensorsOf(graph))
        await loadTensor({ dtype: stored.dtype, shape: stored.shape, stored, files }).catch(onlyModelError);
    return model.problems;
  } catch (error) {
    return [onlyModelError(error)];
  }
}

function onlyModelError(error: unknown): Problem {
  if (error instanceof ModelError) return error.problem;
  throw error;
}
