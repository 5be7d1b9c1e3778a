/** All custom ops by the name that they have in a written model. */
import { bitOps } from "./bits.ts";
import { coupledOps } from "./coupled.ts";
import { decodeOps } from "./decode.ts";
import { drawOps } from "./draw.ts";
import { factorOps } from "./factor.ts";
import { hashOps } from "./hash.ts";
import { matrixOps } from "./matrix.ts";
import type { CustomOp } from "./op.ts";
import { raggedOps } from "./ragged.ts";
import { regionOps } from "./region.ts";
import { scatterOps } from "./scatter.ts";
import { specialOps } from "./special.ts";
import { suppressionOps } from "./suppression.ts";
import { stringOps } from "./text.ts";
import { transformOps } from "./transform.ts";
import { uniqueOps } from "./unique.ts";
import { wordOps } from "./words.ts";

export const customOps: ReadonlyMap<string, CustomOp> = new Map(
  Object.entries({
    ...scatterOps,
    ...bitOps,
    ...matrixOps,
    ...regionOps,
    ...factorOps,
    ...specialOps,
    ...stringOps,
    ...transformOps,
    ...uniqueOps,
    ...hashOps,
    ...decodeOps,
    ...coupledOps,
    ...wordOps,
    ...raggedOps,
    ...suppressionOps,
    ...drawOps,
  }),
);
