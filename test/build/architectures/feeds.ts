/** Inputs for a network built in code: seeded, the same for the original and what is made of it. */
import { elementCount, type Tensor, tensorOf } from "../../../src/graph/tensor.ts";
import { noise } from "../random.ts";
import type { Architecture } from "./net.ts";

/** @param dims values for the symbols of the shapes */
export function feedsOf({ inputs }: Architecture, dims: Readonly<Record<string, number>>): Map<string, Tensor> {
  return new Map(
    inputs.map(({ name, dtype, shape, below = 2 }, seed) => {
      const sizes = shape.map((dim) => (typeof dim === "number" ? dim : dims[dim!]!));
      const values = noise(elementCount(sizes), seed + 77);
      const drawn = dtype === "float32" ? values.map((x) => 1.7 * x + 0.1) : values.map((x) => Math.floor(((x + 1) / 2) * below));
      return [name, tensorOf(dtype, sizes, drawn)];
    }),
  );
}
