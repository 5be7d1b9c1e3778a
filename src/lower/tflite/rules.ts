/** The TFLite dialect: every family, one table. */
import { RuleTable } from "../rule.ts";
import { activations } from "./activation.ts";
import { blocks } from "./blocks.ts";
import { borrowed } from "./borrowed.ts";
import { control } from "./control.ts";
import { convolutions } from "./conv.ts";
import { customs } from "./custom.ts";
import { detections } from "./detection.ts";
import { elementwise } from "./elementwise.ts";
import { flex } from "./flex.ts";
import { landmarks } from "./landmark.ts";
import { lookups } from "./lookup.ts";
import { products } from "./matmul.ts";
import { pools } from "./pool.ts";
import { recurrent } from "./recurrent.ts";
import { reductions } from "./reduce.ts";
import { reshapes } from "./reshape.ts";
import { resizes } from "./resize.ts";
import { slices } from "./slice.ts";
import { stablehlo } from "./stablehlo.ts";
import { stablehloGathers } from "./stablehlo-gather.ts";
import { stablehloProducts } from "./stablehlo-product.ts";
import { stablehloReductions } from "./stablehlo-reduce.ts";
import { stablehloSorts } from "./stablehlo-sort.ts";
import { states } from "./state.ts";

export const tfliteRules = new RuleTable([
  ...elementwise,
  ...activations,
  ...convolutions,
  ...products,
  ...pools,
  ...reshapes,
  ...slices,
  ...reductions,
  ...resizes,
  ...recurrent,
  ...borrowed,
  ...blocks,
  ...control,
  ...detections,
  ...customs,
  ...flex,
  ...landmarks,
  ...stablehlo,
  ...stablehloReductions,
  ...stablehloProducts,
  ...stablehloGathers,
  ...stablehloSorts,
  ...lookups,
  ...states,
]);
