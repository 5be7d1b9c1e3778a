/** The TensorFlow dialect: every family, one table. */
import { RuleTable } from "../rule.ts";
import { arrays } from "./arrays.ts";
import { assignments } from "./assignment.ts";
import { controls } from "./control.ts";
import { elementwise } from "./elementwise.ts";
import { gathers } from "./gather.ts";
import { images } from "./image.ts";
import { losses } from "./loss.ts";
import { matrices } from "./matrix.ts";
import { nn } from "./nn.ts";
import { quantization } from "./quantize.ts";
import { reductions } from "./reduce.ts";
import { resizes } from "./resize.ts";
import { recurrents } from "./rnn.ts";
import { scatters } from "./scatter.ts";
import { segments } from "./segment.ts";
import { shapes } from "./shape.ts";
import { spaces } from "./space.ts";
import { variables } from "./variables.ts";

export const tensorflowRules = new RuleTable([
  ...elementwise,
  ...reductions,
  ...shapes,
  ...gathers,
  ...scatters,
  ...segments,
  ...spaces,
  ...nn,
  ...matrices,
  ...losses,
  ...images,
  ...resizes,
  ...quantization,
  ...recurrents,
  ...arrays,
  ...controls,
  ...variables,
  ...assignments,
]);
