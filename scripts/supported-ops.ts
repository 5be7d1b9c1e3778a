/** `npm run docs`: gathers what tests show of each operator, and writes docs/supported-ops.md anew. */
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { gatherEvidence } from "./supported-ops/gather.ts";
import { evidenceFile, evidenceText, readEvidence, renderSupportedOps } from "./supported-ops/render.ts";
import { gatherGraphs, graphsFile, graphsText, renderSupportedTensorflow } from "./supported-ops/tensorflow.ts";
import { renderSupportedTflite } from "./supported-ops/tflite.ts";

const evidence = await gatherEvidence(existsSync(evidenceFile) ? readEvidence() : new Map());
await writeFile(evidenceFile, evidenceText(evidence));
await writeFile("docs/supported-ops.md", renderSupportedOps(evidence));
await writeFile("docs/supported-tflite.md", renderSupportedTflite());
const graphs = await gatherGraphs();
await writeFile(graphsFile, graphsText(graphs));
await writeFile("docs/supported-tensorflow.md", renderSupportedTensorflow(graphs));
