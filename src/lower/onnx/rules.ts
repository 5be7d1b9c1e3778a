/** The ONNX dialect: every family, one table. */
import { RuleTable } from "../rule.ts";
import { activation } from "./activation.ts";
import { attentions } from "./attention.ts";
import { bits } from "./bits.ts";
import { constants } from "./constant.ts";
import { contrib } from "./contrib.ts";
import { contribAttentions } from "./contrib-attention.ts";
import { control } from "./control.ts";
import { conv } from "./conv.ts";
import { crops } from "./crop.ts";
import { deforms } from "./deform.ts";
import { einsum } from "./einsum.ts";
import { elementwise } from "./elementwise.ts";
import { experts } from "./experts.ts";
import { fused } from "./fused.ts";
import { gathers } from "./gather.ts";
import { grids } from "./grid.ts";
import { groupQueries } from "./group-query.ts";
import { hashes } from "./hash.ts";
import { linearAttentions } from "./linear-attention.ts";
import { loops } from "./loop.ts";
import { losses } from "./loss.ts";
import { products } from "./matmul.ts";
import { ml } from "./ml/rules.ts";
import { nbits } from "./nbits.ts";
import { nhwc } from "./nhwc.ts";
import { norms } from "./norm.ts";
import { pads } from "./pad.ts";
import { pools } from "./pool.ts";
import { qlinear } from "./qlinear.ts";
import { quantization } from "./quantize.ts";
import { randoms } from "./random.ts";
import { recurrents } from "./recurrent.ts";
import { reduce } from "./reduce.ts";
import { refusals } from "./refused.ts";
import { regions } from "./region.ts";
import { reshapes } from "./reshape.ts";
import { resizes } from "./resize.ts";
import { rotaries } from "./rotary.ts";
import { scatters } from "./scatter.ts";
import { sequences } from "./sequence.ts";
import { signals } from "./signal.ts";
import { skipNorms } from "./skip-norm.ts";
import { slices } from "./slice.ts";
import { softmax } from "./softmax.ts";
import { space } from "./space.ts";
import { texts } from "./text.ts";
import { training } from "./training.ts";
import { unpools } from "./unpool.ts";

export const onnxRules = new RuleTable([
  ...elementwise,
  ...activation,
  ...softmax,
  ...reduce,
  ...reshapes,
  ...slices,
  ...pads,
  ...gathers,
  ...scatters,
  ...constants,
  ...bits,
  ...crops,
  ...einsum,
  ...losses,
  ...training,
  ...sequences,
  ...control,
  ...loops,
  ...ml,
  ...texts,
  ...randoms,
  ...refusals,
  ...conv,
  ...products,
  ...norms,
  ...pools,
  ...resizes,
  ...space,
  ...quantization,
  ...qlinear,
  ...recurrents,
  ...attentions,
  ...rotaries,
  ...fused,
  ...skipNorms,
  ...contribAttentions,
  ...grids,
  ...deforms,
  ...regions,
  ...unpools,
  ...signals,
  ...linearAttentions,
  ...nbits,
  ...contrib,
  ...experts,
  ...groupQueries,
  ...hashes,
  ...nhwc,
]);
