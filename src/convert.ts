/** From a read model to a written TF.js graph model. */
import type { ByteSink } from "./base/bytes.ts";
import type { Problem } from "./base/problem.ts";
import { customOps } from "./customops/table.ts";
import { customOpsModule, customOpsName, type OwnOps } from "./customops/write.ts";
import type { QuantizedType } from "./formats/tfjs/layout.ts";
import { type WriteOptions, writeTfjs } from "./formats/tfjs/write.ts";
import type { Graph, Node, Type } from "./graph/graph.ts";
import { sourceMap, sourceMapName } from "./graph/map.ts";
import { nodesOf } from "./graph/order.ts";
import { findPreprocessing, labelsOf } from "./graph/preprocessing.ts";
import type { SourceModel } from "./graph/source.ts";
import type { ModelFiles } from "./graph/tensor.ts";
import type { UserOps } from "./lower/user-ops.ts";
import { isUserOp, userOpName } from "./tf/user-op.ts";
import { type Translated, type TranslateOptions, translate } from "./translate.ts";
import { version } from "./version.ts";
import { blocksNamed, evaluateNamed, weightNames } from "./weights.ts";

export interface ConvertOptions extends TranslateOptions {
  /** Lossy storage of float weights, asked for by source name. */
  readonly quantize?: (weight: string) => QuantizedType | undefined;
  readonly shardBytes?: number;
  /** For `userDefinedMetadata` of model.json, beside what is put there anyway. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** `predict` gives the outputs by name and not as a list. */
  readonly structuredOutputs?: boolean;
  /** Share of the weights written, 0 to 1. */
  readonly onProgress?: (share: number) => void;
}

export interface TensorPlan {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly (number | string | null)[] | null;
}

export interface Converted {
  readonly ok: boolean;
  readonly problems: readonly Problem[];
  readonly files: readonly string[];
  readonly nodes: Translated["nodes"];
  /** On disk. */
  readonly weightBytes: number;
  readonly customOps: readonly string[];
  readonly inputs: readonly TensorPlan[];
  readonly outputs: readonly TensorPlan[];
  readonly state: readonly string[];
  readonly ms: { readonly lower: number; readonly optimize: number; readonly write: number };
}

/** Fills the sink and commits it; where a problem is an error, nothing is written and `ok` is false. */
export async function convert(
  model: SourceModel,
  files: ModelFiles,
  sink: ByteSink,
  options: ConvertOptions = {},
): Promise<Converted> {
  const translated = await translate(model, files, options);
  const { graph, problems, nodes, ms } = translated;
  const plans = {
    inputs: graph.inputs.map((value) => plan(value.node.attrs["name"] as string, value.type)),
    outputs: graph.outputs.map(({ name, value }) => plan(name, value.type)),
  };
  const custom = customOpsIn(graph);
  const base = { problems, nodes, customOps: custom, state: translated.lowered.states, ...plans };
  if (problems.some((each) => each.severity === "error"))
    return { ...base, ok: false, files: [], weightBytes: 0, ms: { ...ms, write: 0 } };
  const started = performance.now();
  try {
    const { baked } = translated.lowered;
    const preprocessing = await findPreprocessing(model, files);
    const labels = labelsOf(model);
    const metadata = {
      ...keptMetadata(model, graph),
      ...options.metadata,
      ...(base.state.length > 0 && { state: base.state }),
      ...(preprocessing.length > 0 && { preprocessing }),
      ...(labels.length > 0 && { labels }),
      ...(baked && { baked }),
      ...(options.structuredOutputs && { structuredOutputKeys: graph.outputs.map(({ name }) => name) }),
    };
    const written = await writeTfjs(graph, sink, {
      ...writeOptions(translated, options),
      ...(Object.keys(metadata).length > 0 && { metadata }),
    });
    const map = { ...sourceMap(translated.tracked, written.graph, written.nameOf, translated.forms), ...(baked && { baked }) };
    await writeText(sink, sourceMapName, JSON.stringify(map));
    if (custom.length > 0)
      await writeText(sink, customOpsName, customOpsModule(custom, options.userOps && ownOps(options.userOps)));
    await sink.commit();
    return {
      ...base,
      ok: true,
      files: [...written.files, sourceMapName, ...(custom.length > 0 ? [customOpsName] : [])],
      weightBytes: written.weightBytes,
      ms: { ...ms, write: performance.now() - started },
    };
  } catch (error) {
    await sink.abort();
    throw error;
  }
}

/** What a TF.js model says of itself to its program; without names of outputs that it no longer has. */
function keptMetadata({ userMetadata = {} }: SourceModel, { outputs }: Graph): Readonly<Record<string, unknown>> {
  const { signature: _, state, structuredOutputKeys: keys, ...kept } = userMetadata;
  const names = new Set(outputs.map(({ name }) => name));
  const hasStates = Array.isArray(state) && state.every((name) => names.has(name));
  const hasKeys = Array.isArray(keys) && keys.length === outputs.length;
  return { ...kept, ...(hasStates && { state }), ...(hasKeys && { structuredOutputKeys: keys }) };
}

/** Names of the ops, in the graph and its functions, that TF.js gets from custom-ops.mjs. */
function customOpsIn(graph: Graph): string[] {
  const found = new Set<string>();
  for (const each of [graph, ...graph.functions.values()])
    for (const node of nodesOf(each)) if (customOps.has(node.op) || isUserOp(node.op)) found.add(node.op);
  return [...found].sort();
}

const ownOps = ({ text, ops }: UserOps): OwnOps => ({
  text,
  places: new Map(ops.map(({ domain = "", op }, i) => [userOpName(domain, op), i])),
});

/** A small file of a conversion. */
export async function writeText(sink: ByteSink, name: string, text: string): Promise<void> {
  const writer = await sink.create(name);
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
}

function writeOptions(translated: Translated, { quantize, shardBytes, onProgress, signal }: ConvertOptions): WriteOptions {
  const sources = weightNames(translated.lowered);
  return {
    generator: `modelwright ${version}`,
    names: nodeNames(translated),
    evaluate: (value) => evaluateNamed(value, sources),
    blocks: (value) => blocksNamed(value, sources),
    quantize: (value) =>
      quantize
        ? sources(value)
            .map(quantize)
            .find((kind) => kind)
        : undefined,
    ...(shardBytes === undefined ? {} : { shardBytes }),
    ...(onProgress && { onWeight: (written: number, total: number) => onProgress(total === 0 ? 1 : written / total) }),
    signal,
  };
}

/** Nodes are called what the source calls the value they compute. */
function nodeNames({ tracked }: Translated): Map<Node, string> {
  const names = new Map<Node, string>();
  for (const [source, value] of tracked) if (!names.has(value.node)) names.set(value.node, source.slice(source.indexOf("/") + 1));
  return names;
}

/** As `--json` tells an input or output. */
export function plan(name: string, { dtype, shape }: Type): TensorPlan {
  return { name, dtype, shape: shape?.map((dim) => dim ?? null) ?? null };
}
