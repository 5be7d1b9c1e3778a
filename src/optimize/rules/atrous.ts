/** A convolution between SpaceToBatchND and BatchToSpaceND is one with holes in its kernel: how TensorFlow wrote dilation before it had any. */
import { numbers } from "../constants.ts";
import { any, op } from "../pattern.ts";
import { merged, type Rewrite, rewrite } from "../rewrite.ts";

const isOnes = (list: unknown): boolean => !Array.isArray(list) || list.every((each) => each === 1);

/** BatchToSpaceND(Conv2D(SpaceToBatchND(x))) → Conv2D with dilation; what is padded less what is cropped becomes its padding. */
export const dilate: Rewrite = rewrite(
  "dilate",
  op(
    "BatchToSpaceND",
    [
      op(
        ["Conv2D", "DepthwiseConv2dNative"],
        [op("SpaceToBatchND", [any("x"), any("block"), any("pads")], "spread"), any("w")],
        "conv",
      ),
      any("unblock"),
      any("crops"),
    ],
    "joined",
  ),
  ({ x, block, pads, spread, w, conv, unblock, crops, joined }, b, site) => {
    const [rates, back, before, after] = [block, unblock, pads, crops].map(numbers);
    if (!rates || !back || !before || !after || x.type.shape?.length !== 4 || rates.length > 2) return undefined;
    if (rates.some((rate, i) => rate !== back[i]) || site.uses(conv.outputs[0]!) > 1) return undefined;
    const { strides, dilations, padding, data_format } = conv.attrs;
    if (padding !== "VALID" || !isOnes(strides) || !isOnes(dilations) || data_format === "NCHW") return undefined;
    const edges = before.map((pad, i) => pad - after[i]!);
    if (edges.some((edge) => edge < 0)) return undefined;
    const spatial = [...edges, ...new Array<number>(4 - edges.length).fill(0)];
    const plain = spatial.every((edge) => edge === 0);
    b.origin = merged("fused", spread, conv, joined);
    return b.op(conv.op, [x, w], {
      ...conv.attrs,
      dilations: [1, rates[0]!, rates[1] ?? 1, 1],
      ...(plain ? {} : { padding: "EXPLICIT", explicit_paddings: [0, 0, ...spatial, 0, 0] }),
    });
  },
);
