/** Networks as PyTorch exports them: every layer the same as in onnxruntime, on both backends, at two sizes, and no layout left behind. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MemorySink } from "../src/base/memory.ts";
import { convert } from "../src/convert.ts";
import { parseSourceMap, type SourceMap, sourceMapName } from "../src/graph/map.ts";
import type { SourceModel } from "../src/graph/source.ts";
import type { Tensor } from "../src/graph/tensor.ts";
import { parity } from "../src/parity.ts";
import { TfjsWorker } from "../src/runtime/tfjs.ts";
import { convNeXt, efficientNet, mobileNetV2, resNet50 } from "./build/architectures/cnn.ts";
import { deepLab, uNet, yolo } from "./build/architectures/dense.ts";
import { feedsOf } from "./build/architectures/feeds.ts";
import type { Architecture } from "./build/architectures/net.ts";
import { audioNet, gruSeq2Seq, lstmTagger } from "./build/architectures/recurrent.ts";
import { bert, gpt2, swin, vit, whisper } from "./build/architectures/transformers.ts";
import { openOnnx } from "./build/onnx.ts";

const all: readonly (() => Architecture)[] = [
  ...[mobileNetV2, resNet50, efficientNet, convNeXt, uNet, deepLab, yolo, audioNet],
  ...[bert, gpt2, whisper, vit, swin, lstmTagger, gruSeq2Seq],
];

let folder: string;
let workers: readonly TfjsWorker[];
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "modelwright-"));
  workers = await Promise.all([TfjsWorker.start("cpu"), TfjsWorker.start("wasm")]);
});
afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.close()));
  await rm(folder, { recursive: true });
});

describe.each(all.map((make) => [make().name, make] as const))("%s", (_, make) => {
  it("agrees with onnxruntime layer by layer", async () => {
    const made = make();
    const file = path.join(folder, "model.onnx");
    await writeFile(file, made.bytes);
    const { model, files } = await openOnnx(made.bytes);
    const sink = new MemorySink();
    const { problems } = await convert(model, files, sink);
    expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
    const map = parseSourceMap(new TextDecoder().decode(sink.files[sourceMapName]));
    expect(layoutsLeft(sink, model, map)).toEqual([]);
    for (const worker of workers)
      for (const dims of made.sizes) {
        const loaded = await worker.load(sink.files);
        const target = {
          backend: worker.backend,
          inputs: loaded.inputs,
          outputs: loaded.outputs,
          run: (feeds: ReadonlyMap<string, Tensor>, fetches: readonly string[]) => worker.run(loaded, feeds, fetches),
          close: async () => {},
        };
        const stored = { path: JSON.stringify(dims), set: { inputs: storedInputs(made, dims), outputs: [] } };
        const report = await parity({ model, path: file, target, map, stored, layers: true });
        const where = `${worker.backend} ${stored.path}`;
        expect({ where, problems: report.problems, first: report.firstDifference }).toEqual({ where, problems: [] });
        expect({ where, bad: report.outputs.filter(({ verdict }) => !fine(verdict)) }).toEqual({ where, bad: [] });
        const compared = new Set(report.layers!.filter(({ verdict }) => fine(verdict)).map((layer) => layer.target));
        expect({ where, unproven: unproven(model, map, compared) }).toEqual({ where, unproven: [] });
        await worker.unload(loaded);
      }
  }, 60_000);
});

const storedInputs = (made: Architecture, dims: Readonly<Record<string, number>>) =>
  [...feedsOf(made, dims)].map(([name, tensor]) => ({ name, index: undefined, tensorFor: () => tensor }));

const fine = (verdict: string): boolean => verdict === "equal" || verdict === "within";

/** Convolutions and products of the source without a compared value among what they became. */
function unproven(model: SourceModel, map: SourceMap, compared: ReadonlySet<string>): string[] {
  const weighty = model.graphs[0]!.nodes.filter(({ op }) =>
    ["Conv", "ConvTranspose", "MatMul", "Gemm", "LSTM", "GRU"].includes(op),
  );
  const proven = new Set(
    map.nodes.filter(({ target }) => [0, 1, 2].some((port) => compared.has(`${target}:${port}`))).flatMap(({ source }) => source),
  );
  return weighty.map(({ name }) => name).filter((name) => !proven.has(`${model.graphs[0]!.name}/${name}`));
}

interface Topology {
  readonly node: readonly { readonly name: string; readonly op: string; readonly input?: readonly string[] }[];
}

/** Transposes that neither take an input nor give an output nor are there because the source has one. */
function layoutsLeft(sink: MemorySink, model: SourceModel, map: SourceMap): string[] {
  const { modelTopology, signature } = JSON.parse(new TextDecoder().decode(sink.files["model.json"])) as {
    modelTopology: Topology;
    signature: { outputs: Record<string, { name: string }> };
  };
  const main = model.graphs[0]!;
  const own = new Set(main.nodes.filter(({ op }) => op === "Transpose").map(({ name }) => `${main.name}/${name}`));
  const asked = new Set(map.nodes.filter(({ source }) => source.some((name) => own.has(name))).map(({ target }) => target));
  const given = new Set(Object.values(signature.outputs).map(({ name }) => name.replace(/:0$/, "")));
  const nodes = new Map(modelTopology.node.map((node) => [node.name, node]));
  /** Is it an input, but for its shape? */
  const isInput = (name: string): boolean => {
    const { op, input } = nodes.get(name)!;
    return op === "Placeholder" || (["Reshape", "ExpandDims"].includes(op) && isInput(input![0]!));
  };
  return [...nodes.values()]
    .filter(({ op, name, input }) => op === "Transpose" && !asked.has(name) && !given.has(name) && !isInput(input![0]!))
    .map(({ name }) => name);
}
