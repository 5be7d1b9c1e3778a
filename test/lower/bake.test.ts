import { afterAll, beforeAll, expect, it } from "vitest";
import { MemorySink } from "../../src/base/memory.ts";
import { convert } from "../../src/convert.ts";
import { parseSourceMap, sourceMapName } from "../../src/graph/map.ts";
import { elementCount, type Tensor } from "../../src/graph/tensor.ts";
import type { Bake } from "../../src/lower/bake.ts";
import { feedRaw } from "../../src/parity/baked.ts";
import { TfjsWorker } from "../../src/runtime/tfjs.ts";
import { type Dim, node, onnxModel, openOnnx, tensor, type ValueSpec, value } from "../build/onnx.ts";
import { random } from "../build/random.ts";

let worker: TfjsWorker;
beforeAll(async () => {
  worker = await TfjsWorker.start("cpu");
});
afterAll(() => worker.close());

const mean = [123.7, 116.3, 103.5];
const std = [58.4, 57.1, 57.4];

async function converted(bake: Bake, ...inputs: ValueSpec[]) {
  const { model, files } = await openOnnx(
    onnxModel({ graph: { inputs, outputs: [value("y", "float32")], nodes: [node("Neg", ["x"], ["y"])] } }),
  );
  const sink = new MemorySink();
  const { problems } = await convert(model, files, sink, { bake });
  expect(problems).toEqual([]);
  return sink.files;
}

const image = (...dims: Dim[]) => value("x", "float32", dims);

it.each<[string, Dim[], number[], number[], number[], (i: number) => number]>([
  ["channels first", ["n", 3, 5, 7], [2, 3, 5, 7], mean, std, (i) => Math.floor(i / 35) % 3],
  ["channels last", ["n", 5, 7, 3], [2, 5, 7, 3], mean, std, (i) => i % 3],
  ["one image", [3, 5, 7], [3, 5, 7], mean, std, (i) => Math.floor(i / 35)],
  ["one value for all", ["n", 2, 5, 7], [3, 2, 5, 7], [127.5], [63], () => 0],
  ["one deviation, a mean a channel", ["n", 3, 5, 7], [2, 3, 5, 7], mean, [63], (i) => Math.floor(i / 35) % 3],
])("%s: pixels go in, and parity's own inputs come back as they were", async (_, dims, shape, m, s, channel) => {
  const files = await converted({ mean: m, std: s }, image(...dims));
  const loaded = await worker.load(files);
  const count = elementCount(shape);
  const pixels = tensor(
    "x",
    "float32",
    shape,
    random(count, 5).map((v) => 128 + 100 * v),
  );
  const outputs = await worker.run(loaded, new Map([["x", pixels]]), ["y"]);
  const expected = Float32Array.from(pixels.data as Float32Array, (pixel, i) => {
    const c = channel(i);
    return -(pixel - m[m.length === 1 ? 0 : c]!) / s[s.length === 1 ? 0 : c]!;
  });
  const { data } = outputs.get("y") as Tensor & { data: Float32Array };
  expected.forEach((each, i) => {
    expect(data[i]).toBeCloseTo(each, 5);
  });

  const baked = parseSourceMap(new TextDecoder().decode(files[sourceMapName])).baked!;
  const run = {
    run: worker.run.bind(worker, loaded),
    inputs: loaded.inputs,
    outputs: loaded.outputs,
    backend: "cpu",
    close: async () => {},
  };
  const x = tensor("x", "float32", shape, random(count, 9));
  const { data: negated } = (await feedRaw(run, baked).run(new Map([["x", x]]), ["y"])).get("y") as Tensor & {
    data: Float32Array;
  };
  (x.data as Float32Array).forEach((each, i) => {
    expect(negated[i]).toBeCloseTo(-each, 5);
  });
});

it("refuses where the image or its channels cannot be told", async () => {
  const bake = { mean, std };
  await expect(converted(bake, image("n", 5))).rejects.toThrow("no input has the rank of an image");
  await expect(converted(bake, image("n", 3, 5, 3))).rejects.toThrow(
    "channels of input x of shape nx3x5x3 may come first or last",
  );
  await expect(converted(bake, image("n", 4, 5, 7))).rejects.toThrow("has no axis of 3 channels");
  await expect(converted(bake, value("x", "uint8", [1, 3, 5, 7]))).rejects.toThrow("input x is of type uint8");
  await expect(converted(bake, image(1, 3, 5, 7), value("z", "float32", [1, 3, 5, 7]))).rejects.toThrow(
    "several inputs may be images: x, z",
  );
});
