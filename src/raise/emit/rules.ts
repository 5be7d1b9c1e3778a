/** The table of the second step: hub ops that ONNX nodes stand for. */
import type { Emit } from "../rule.ts";
import { control } from "./control.ts";
import { convolutions } from "./conv.ts";
import { elementwise } from "./elementwise.ts";
import { gathers } from "./gather.ts";
import { networks } from "./nn.ts";
import { quantizations } from "./quantize.ts";
import { reductions } from "./reduce.ts";
import { shapes } from "./shape.ts";

const families = [elementwise, shapes, convolutions, networks, reductions, gathers, quantizations, control];

export const emitRules: ReadonlyMap<string, Emit> = new Map(families.flat().map(({ op, emit }) => [op, emit]));
