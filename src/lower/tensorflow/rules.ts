/** The TensorFlow dialect: every family, one table. */
import { type Rule, RuleTable } from "../rule.ts";
import { arrays } from "./arrays.ts";
import { assignments } from "./assignment.ts";
import { complexes, complexForms, linear, overParts, withComplex } from "./complex.ts";
import { controls } from "./control.ts";
import { decoders } from "./decode.ts";
import { elementwise } from "./elementwise.ts";
import { gathers } from "./gather.ts";
import { images } from "./image.ts";
import { losses } from "./loss.ts";
import { matrices } from "./matrix.ts";
import { nn } from "./nn.ts";
import { quantization } from "./quantize.ts";
import { raggeds } from "./ragged.ts";
import { randoms } from "./random.ts";
import { reductions } from "./reduce.ts";
import { refused } from "./refused.ts";
import { resizes } from "./resize.ts";
import { recurrents } from "./rnn.ts";
import { scatters } from "./scatter.ts";
import { segments } from "./segment.ts";
import { shapes } from "./shape.ts";
import { spaces } from "./space.ts";
import { sparse } from "./sparse.ts";
import { stateRules } from "./states.ts";
import { tables } from "./tables.ts";
import { texts } from "./text.ts";
import { variables } from "./variables.ts";

const rows: readonly Rule[] = [
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
  ...tables,
  ...assignments,
  ...randoms,
  ...sparse,
  ...texts,
  ...raggeds,
  ...decoders,
  ...stateRules,
  ...refused,
];

/** Rows that mean the same for both parts of complex numbers, or have a form for them. */
function forComplex(row: Rule): Rule {
  const form = complexForms[row.op];
  return form ? withComplex(row, form) : linear.has(row.op) ? overParts(row) : row;
}

export const tensorflowRules = new RuleTable([...rows.map(forComplex), ...complexes]);
