/** The table of the first step: hub ops that ONNX lacks, or has channels-first. What is not here passes as it is. */
import type { Decompose } from "../rule.ts";
import { bitcasts } from "./bitcast.ts";
import { bits } from "./bits.ts";
import { crops } from "./crop.ts";
import { dilations } from "./dilation.ts";
import { layouts } from "./layout.ts";
import { simpler } from "./simpler.ts";
import { tiny } from "./tiny.ts";

const families = [layouts, simpler, bits, bitcasts, crops, dilations, tiny];

export const decomposeRules: ReadonlyMap<string, Decompose> = new Map(
  families.flat().map(({ op, decompose }) => [op, decompose]),
);
