/** A layer applied to every step of a sequence: steps become samples, and samples steps again. */
import { type LayerFn, type Layers, Weights } from "./layer.ts";
import { maskTakers, withMask } from "./masks.ts";

const timeDistributed: LayerFn = ({ b, config, inputs, weights, at, inner, mask }) => {
  const [x] = inputs;
  const layer = config.layer("layer");
  // A model within is a graph of its own.
  const graph = config.json["layer"];
  if (!x || (!layer && typeof graph !== "number")) throw at.invalid("a wrapper without a layer");
  const [batch, steps, ...rest] = x.shape;
  if (rest.some((dim) => typeof dim !== "number"))
    throw at.unsupported("steps of a size that is not known", "give the input's shape with --input");
  const counts = mask();
  if (counts && (typeof graph === "number" || maskTakers.includes(layer!.op)))
    throw at.unsupported("a mask for a layer that sees one step at a time");
  const samples = typeof batch === "number" && typeof steps === "number" ? batch * steps : undefined;
  if (samples === undefined && rest.includes(0)) throw at.unsupported("steps without elements, of a number that is not known");
  const flat = b.reshapeTo(x, [samples, ...rest], [undefined]);
  const outputs = layer ? inner(layer.op, layer.config, [flat], weights) : at.inline(graph as number, [flat]);
  if (outputs.length === 0) throw at.invalid("a layer without an output");
  const like = [[x, 0] as const, [x, 1] as const];
  return outputs.map((y) => withMask(b, b.reshapeTo(y, [batch, steps, ...y.shape.slice(1)], like), counts));
};

/** What training has estimated of the kernel's greatest singular value. */
const estimate = /(^|\/)(sn_u|vector_u|0)$/;

/** The kernel is stored as it was normalised last, so that the layer within is all that is left. */
const spectral: LayerFn = ({ config, inputs, weights, at, inner }) => {
  const layer = config.layer("layer");
  if (!layer) throw at.invalid("a wrapper without a layer");
  const own = weights.list.filter(({ name }) => !estimate.test(name) || name.includes("layer/"));
  return inner(layer.op, layer.config, inputs, new Weights(own, at));
};

export const wrapperLayers: Layers = { TimeDistributed: timeDistributed, SpectralNormalization: spectral };
