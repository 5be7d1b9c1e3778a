/** The ONNX dialect: every family, one table. */
import { RuleTable } from "../rule.ts";
import { activation } from "./activation.ts";
import { bits } from "./bits.ts";
import { constants } from "./constant.ts";
import { elementwise } from "./elementwise.ts";
import { gathers } from "./gather.ts";
import { pads } from "./pad.ts";
import { reduce } from "./reduce.ts";
import { reshapes } from "./reshape.ts";
import { scatters } from "./scatter.ts";
import { slices } from "./slice.ts";
import { softmax } from "./softmax.ts";

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
]);
