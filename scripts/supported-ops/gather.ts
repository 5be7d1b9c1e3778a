/** What the conformance suites have shown of each operator: rows of test/conformance/out/, their models checked again for where they run. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { check } from "../../src/check.ts";
import { openFile, sourcesBeside } from "../../src/cli/files.ts";
import { readOnnx } from "../../src/formats/onnx/read.ts";
import { nodeLabel, type SourceModel } from "../../src/graph/source.ts";
import type { Backend } from "../../src/legalize/backends.ts";
import { onnxRules } from "../../src/lower/onnx/rules.ts";
import type { Row } from "../../test/conformance/suite.ts";
import { zooFolder } from "../../test/conformance/suite.ts";
import { readCompared } from "./compared.ts";
import { type Evidence, type OpEvidence, ruleKey } from "./render.ts";

const suites = ["onnx", "onnx-models", "mlnet"];

/** Where no suite or no test has been run, or their models are not here, what they have shown stays as in `known`. */
export async function gatherEvidence(known: Evidence): Promise<Evidence> {
  const compared = readCompared() ?? new Set([...known].flatMap(([op, { unit }]) => (unit ? [op] : [])));
  const shown = (await conformance()) ?? new Map([...known].map(([op, each]) => [op, { ...each, unit: false }]));
  for (const { op, domain } of onnxRules.all())
    if (compared.has(ruleKey(domain, op))) entry(shown, ruleKey(domain, op)).unit = true;
  return new Map([...shown].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function entry(found: Map<string, OpEvidence>, op: string): OpEvidence {
  let known = found.get(op);
  if (!known) {
    known = { unit: false, passed: 0, refused: 0, missing: { cpu: 0, wasm: 0, webgl: 0, webgpu: 0 } };
    found.set(op, known);
  }
  return known;
}

async function conformance(): Promise<Map<string, OpEvidence> | undefined> {
  const zoo = zooFolder();
  const results = suites.map((suite) => `test/conformance/out/${suite}.json`).filter((file) => existsSync(file));
  if (!zoo || results.length === 0) return undefined;
  const found = new Map<string, OpEvidence>();
  for (const file of results)
    for (const row of JSON.parse(readFileSync(file, "utf8")) as Row[]) {
      const model = modelOf(path.join(zoo, row.test));
      if (!model || (row.status !== "passed" && row.status !== "refused")) continue;
      // A fault of ours in one model is the conformance run's to tell; the evidence is of the others.
      await count(found, row, model).catch((error: Error) => console.warn(`${row.test}: ${error.message}`));
    }
  return found;
}

function modelOf(test: string): string | undefined {
  const file = test.endsWith(".onnx") ? test : path.join(test, "model.onnx");
  return existsSync(file) ? file : undefined;
}

/** A pass counts for every operator that the model needs; a refusal for those refused. */
async function count(found: Map<string, OpEvidence>, { status }: Row, file: string): Promise<void> {
  const { model, files } = await readOnnx(await openFile(file), sourcesBeside(file));
  const { nodes, missing } = await check(model, files);
  const passed = new Set<string>();
  const refused = new Set<string>();
  const lacking = new Map<string, Set<Backend>>();
  for (const [place, op] of placesOf(model)) {
    const verdict = nodes.get(place);
    if (verdict === undefined) continue;
    if (status === "passed") passed.add(op);
    else if (verdict === "unsupported") refused.add(op);
    for (const backend of missing.get(place) ?? []) lacking.set(op, (lacking.get(op) ?? new Set()).add(backend));
  }
  for (const op of refused) entry(found, op).refused++;
  for (const op of passed) {
    const counts = entry(found, op);
    counts.passed++;
    for (const backend of lacking.get(op) ?? []) counts.missing[backend]++;
  }
}

function* placesOf(model: SourceModel): Iterable<readonly [place: string, op: string]> {
  for (const graph of model.graphs)
    for (const node of graph.nodes) yield [`${graph.name}/${nodeLabel(graph, node)}`, ruleKey(node.domain, node.op)];
}
