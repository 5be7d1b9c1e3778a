/** Puts the normalisation of an image, (x − mean) / std, in front of the model, so that it can be fed with pixels as they are. */
import { modelError } from "../base/problem.ts";
import type { Value } from "../graph/graph.ts";
import type { Baked } from "../graph/map.ts";
import type { Builder } from "../tf/build.ts";

export type Bake = Pick<Baked, "mean" | "std">;

/** Which input is the image, and where its channels are. A `ModelError` where that cannot be told. */
export function bakeInto(inputs: readonly Value[], { mean, std }: Bake): Baked {
  const images = inputs.filter((input) => input.type.shape && (input.rank === 4 || input.rank === 3));
  const [image] = images;
  const wrong = (reason: string) => modelError("bake", `nothing to bake mean and std into: ${reason}`);
  if (!image) throw wrong("no input has the rank of an image, 3 or 4");
  if (images.length > 1) throw wrong(`several inputs may be images: ${images.map(nameOf).join(", ")}`);
  if (image.dtype !== "float32") throw wrong(`input ${nameOf(image)} is of type ${image.dtype}`);
  const channels = Math.max(mean.length, std.length);
  const base = { input: nameOf(image), mean, std };
  if (channels === 1) return { ...base, axis: null };
  const places = [image.rank - 3, image.rank - 1].filter((axis) => image.shape[axis] === channels);
  const [axis] = places;
  if (axis === undefined)
    throw wrong(`input ${nameOf(image)} of shape ${image.shape.join("x")} has no axis of ${channels} channels`);
  if (places.length > 1)
    throw wrong(`channels of input ${nameOf(image)} of shape ${image.shape.join("x")} may come first or last`);
  return { ...base, axis };
}

/** The image as the model wants it, of the raw one. */
export function normalised(b: Builder, x: Value, { mean, std, axis }: Baked): Value {
  b.origin = { nodes: [], how: "inserted" };
  const perChannel = (values: readonly number[]): Value =>
    b.constant({
      dtype: "float32",
      shape: axis === null || values.length === 1 ? [] : [values.length, ...new Array<number>(x.rank - 1 - axis).fill(1)],
      data: Float32Array.from(values),
    });
  return b.op("RealDiv", [b.op("Sub", [x, perChannel(mean)]), perChannel(std)]);
}

const nameOf = (input: Value): string => input.node.attrs["name"] as string;
