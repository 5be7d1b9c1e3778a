/** The table of the second step: hub ops that ONNX nodes stand for. */
import type { Emit } from "../rule.ts";
import { control } from "./control.ts";
import { convolutions } from "./conv.ts";
import { detections } from "./detection.ts";
import { elementwise } from "./elementwise.ts";
import { gathers } from "./gather.ts";
import { linears } from "./linear.ts";
import { networks } from "./nn.ts";
import { quantizations } from "./quantize.ts";
import { randoms } from "./random.ts";
import { reductions } from "./reduce.ts";
import { shapes } from "./shape.ts";
import { signals } from "./signal.ts";
import { texts } from "./text.ts";

const families = [
  elementwise,
  shapes,
  convolutions,
  networks,
  linears,
  reductions,
  gathers,
  detections,
  quantizations,
  randoms,
  texts,
  signals,
  control,
];

export const emitRules: ReadonlyMap<string, Emit> = new Map(families.flat().map(({ op, emit }) => [op, emit]));
