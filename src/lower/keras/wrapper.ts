/** A layer applied to every step of a sequence: steps become samples, and samples steps again. */
import type { LayerFn, Layers } from "./layer.ts";

const timeDistributed: LayerFn = ({ b, config, inputs, weights, at, inner }) => {
  const [x] = inputs;
  const layer = config.layer("layer");
  if (!x || !layer) throw at.invalid("a wrapper without a layer");
  const [batch, steps, ...rest] = x.shape;
  if (rest.some((dim) => typeof dim !== "number"))
    throw at.unsupported("steps of a size that is not known", "give the input's shape with --input");
  const samples = typeof batch === "number" && typeof steps === "number" ? batch * steps : undefined;
  const flat = b.reshapeTo(x, [samples, ...rest], [undefined]);
  const [y] = inner(layer.op, layer.config, [flat], weights);
  if (!y) throw at.invalid("a layer without an output");
  const like = [[x, 0] as const, [x, 1] as const];
  return [b.reshapeTo(y, [batch, steps, ...y.shape.slice(1)], like)];
};

export const wrapperLayers: Layers = { TimeDistributed: timeDistributed };
