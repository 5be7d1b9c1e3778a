/** A Pad before a window goes into the window's own padding. */
import type { Node, Value } from "../../graph/graph.ts";
import { numbers, uniform } from "../constants.ts";
import { any, op } from "../pattern.ts";
import { type Rewrite, rewrite } from "../rewrite.ts";

const ints = (node: Node, name: string): readonly number[] => (node.attrs[name] as readonly number[] | undefined) ?? [];

/** Pads of [rank, 2] that touch spatial axes only, and are not negative. */
function spatialPads(pads: Value, rank: number): readonly number[] | undefined {
  const all = numbers(pads);
  if (!all || all.length !== 2 * rank || all.some((pad) => pad < 0)) return undefined;
  const channels = 2 * (rank - 1);
  return all[0] === 0 && all[1] === 0 && all[channels] === 0 && all[channels + 1] === 0 ? all : undefined;
}

/** Conv2D(Pad(x, 0)) → Conv2D with explicit padding. Conv3D is left alone: TF.js does not read its explicit padding. */
export const padToConv: Rewrite = rewrite(
  "pad-to-conv",
  op(["Conv2D", "DepthwiseConv2dNative"], [op("PadV2", [any("x"), any("pads"), any("value")], "pad"), any("w")], "conv"),
  ({ x, pads, value, w, conv }, b) => {
    const more = x.type.shape && spatialPads(pads, x.type.shape.length);
    const padding = conv.attrs["padding"];
    if (!more || uniform(value) !== 0 || padding === "SAME" || conv.attrs["data_format"] === "NCHW") return undefined;
    const own = padding === "EXPLICIT" ? ints(conv, "explicit_paddings") : more.map(() => 0);
    const explicit = more.map((pad, i) => pad + own[i]!);
    return b.op(conv.op, [x, w], { ...conv.attrs, padding: "EXPLICIT", explicit_paddings: explicit });
  },
);

/** What TensorFlow's SAME pads before and after. */
function samePads(size: number, kernel: number, stride: number): readonly [number, number] {
  const total = Math.max((Math.ceil(size / stride) - 1) * stride + kernel - size, 0);
  return [Math.floor(total / 2), total - Math.floor(total / 2)];
}

/** MaxPool(Pad(x, −∞)) → MaxPool with SAME, where that pads alike: pools know no other padding. */
export const padToPool: Rewrite = rewrite(
  "pad-to-pool",
  op("MaxPool", [op("PadV2", [any("x"), any("pads"), any("value")], "pad")], "pool"),
  ({ x, pads, value, pool }, b) => {
    const shape = x.staticShape ?? x.type.shape;
    const more = shape?.length === 4 ? spatialPads(pads, 4) : undefined;
    if (!shape || !more || pool.attrs["padding"] !== "VALID" || pool.attrs["data_format"] === "NCHW") return undefined;
    if (uniform(value) !== Number.NEGATIVE_INFINITY) return undefined;
    const [kernel, strides] = [ints(pool, "ksize"), ints(pool, "strides")];
    const alike = [1, 2].every((axis) => {
      const size = shape[axis];
      if (typeof size !== "number") return false;
      const [before, after] = samePads(size, kernel[axis]!, strides[axis]!);
      return before === more[2 * axis] && after === more[2 * axis + 1];
    });
    return alike ? b.op("MaxPool", [x], { ...pool.attrs, padding: "SAME" }) : undefined;
  },
);
