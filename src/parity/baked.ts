/** A converted model that normalises its own image, run on what the source wants: normalised images. */
import { modelError } from "../base/problem.ts";
import type { Baked } from "../graph/map.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { Run } from "../runtime/run.ts";

/** The same target, fed with x · std + mean where the source is fed with x. */
export function feedRaw(target: Run & { readonly backend: string }, baked: Baked): Run & { readonly backend: string } {
  return {
    backend: target.backend,
    inputs: target.inputs,
    outputs: target.outputs,
    run: (feeds, fetches) => {
      const image = feeds.get(baked.input);
      return target.run(image ? new Map([...feeds, [baked.input, raw(image, baked)]]) : feeds, fetches);
    },
    close: () => target.close(),
  };
}

function raw(image: Tensor, { input, mean, std, axis }: Baked): Tensor {
  const { data, shape } = image;
  if (!(data instanceof Float32Array)) throw modelError("bake", `an image of type ${image.dtype}`, { tensor: input });
  // Elements that share a channel lie together.
  const run = axis === null ? data.length : shape.slice(axis + 1).reduce((product, dim) => product * dim, 1);
  const channels = axis === null ? 1 : shape[axis]!;
  const of = (values: readonly number[], i: number) => values[values.length === 1 ? 0 : Math.floor(i / run) % channels]!;
  return { ...image, data: data.map((x, i) => x * of(std, i) + of(mean, i)) };
}
