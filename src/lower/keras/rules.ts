/** Keras's layers: every family, one table. */
import { RuleTable } from "../rule.ts";
import { activationLayers } from "./activation.ts";
import { attentionLayers } from "./attention.ts";
import { convLayers } from "./conv.ts";
import { coreLayers } from "./core.ts";
import { functions } from "./function-table.ts";
import { layerRules } from "./layer.ts";
import { localLayers } from "./local.ts";
import { mergeLayers } from "./merge.ts";
import { normLayers } from "./norm.ts";
import { poolLayers } from "./pool.ts";
import { preprocessingLayers } from "./preprocessing.ts";
import { rawOps } from "./raw-ops.ts";
import { recurrentLayers } from "./recurrent.ts";
import { resizeLayers } from "./resize.ts";
import { wrapperLayers } from "./wrapper.ts";

export const kerasRules = new RuleTable([
  ...functions,
  ...rawOps,
  ...layerRules({
    ...activationLayers,
    ...coreLayers,
    ...convLayers,
    ...poolLayers,
    ...mergeLayers,
    ...normLayers,
    ...recurrentLayers,
    ...wrapperLayers,
    ...attentionLayers,
    ...localLayers,
    ...resizeLayers,
    ...preprocessingLayers,
  }),
]);
