/** The same networks to ONNX, as they are and by way of TF.js: onnxruntime computes what it computes of the original, at every size. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MemorySink, memorySource, memorySources } from "../src/base/memory.ts";
import { convert } from "../src/convert.ts";
import { convertToOnnx } from "../src/convert-onnx.ts";
import { readOnnx } from "../src/formats/onnx/read.ts";
import { onnxName } from "../src/formats/onnx/write.ts";
import { readTfjs } from "../src/formats/tfjs/read.ts";
import type { SourceNode } from "../src/graph/source.ts";
import type { Tensor } from "../src/graph/tensor.ts";
import { compare } from "../src/parity/compare.ts";
import { asDeclared } from "../src/parity/onnx-target.ts";
import { toleranceFor } from "../src/parity/tolerance.ts";
import { OrtProcess } from "../src/runtime/ort.ts";
import { convNeXt, efficientNet, mobileNetV2, resNet50 } from "./build/architectures/cnn.ts";
import { deepLab, uNet, yolo } from "./build/architectures/dense.ts";
import { feedsOf } from "./build/architectures/feeds.ts";
import type { Architecture } from "./build/architectures/net.ts";
import { audioNet, gruSeq2Seq, lstmTagger } from "./build/architectures/recurrent.ts";
import { bert, gpt2, swin, vit, whisper } from "./build/architectures/transformers.ts";
import { openOnnx } from "./build/onnx.ts";

const convolutional: readonly (() => Architecture)[] = [mobileNetV2, resNet50, efficientNet, convNeXt, uNet, deepLab, yolo];
const all = [...[...convolutional, audioNet], ...[bert, gpt2, whisper, vit, swin, lstmTagger, gruSeq2Seq]];

let folder: string;
let ort: OrtProcess;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "modelwright-"));
  ort = await OrtProcess.start();
});
afterAll(async () => {
  await ort.close();
  await rm(folder, { recursive: true });
});

describe.each(all.map((make) => [make().name, make] as const))("%s", (_, make) => {
  const made = make();

  it("to ONNX agrees with the original", async () => {
    const { model, files } = await openOnnx(made.bytes);
    const bytes = await raised(model, files);
    await expectSame(made, bytes);
    // What came as N C H W, went through N H W C and is N C H W again leaves nothing of the way behind.
    if (!convolutional.includes(make)) return;
    const transposes = ({ graphs }: typeof model) => graphs[0]!.nodes.filter(isOfImages).length;
    const { model: written } = await readOnnx(memorySource(onnxName, bytes), memorySources());
    expect(transposes(written)).toBeLessThanOrEqual(transposes(model));
  }, 60_000);

  it("to TF.js to ONNX agrees with the original", async () => {
    const { model, files } = await openOnnx(made.bytes);
    const sink = new MemorySink();
    expect((await convert(model, files, sink)).ok).toBe(true);
    const tfjs = await readTfjs(memorySource("model.json", sink.files["model.json"]!), memorySources(sink.files));
    await expectSame(made, await raised(tfjs.model, tfjs.files));
  }, 60_000);
});

/** Of four axes or more: what moves channels. */
const isOfImages = ({ op, attrs: { perm } }: SourceNode): boolean =>
  op === "Transpose" && perm?.kind === "ints" && perm.value.length > 3;

async function raised(...[model, files]: [Parameters<typeof convertToOnnx>[0], Parameters<typeof convertToOnnx>[1]]) {
  const sink = new MemorySink();
  const { problems } = await convertToOnnx(model, files, sink);
  expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
  return sink.files[onnxName]!;
}

async function expectSame(made: Architecture, bytes: Uint8Array): Promise<void> {
  for (const dims of made.sizes) {
    const feeds = feedsOf(made, dims);
    const [expected, actual] = [await run(made.bytes, feeds), await run(bytes, feeds)];
    expect([...actual.keys()].sort()).toEqual([...expected.keys()].sort());
    for (const [name, tensor] of expected) {
      const { verdict, firstBad, note } = compare(tensor, actual.get(name)!, { tolerance: toleranceFor("float32") });
      expect({ dims, name, verdict, firstBad, note }).toMatchObject({ verdict: expect.stringMatching(/equal|within/) });
    }
  }
}

async function run(bytes: Uint8Array, feeds: ReadonlyMap<string, Tensor>): Promise<Map<string, Tensor>> {
  const file = path.join(folder, "model.onnx");
  await writeFile(file, bytes);
  const model = await ort.load(file);
  const names = model.outputs.map(({ name }) => name);
  const found = await ort.run(model, asDeclared(feeds, model.inputs), names);
  await ort.unload(model);
  return found;
}
