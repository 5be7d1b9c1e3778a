/** Stock TF.js's layers as the reference for Keras: any layer's output, and a parity that needs nothing stored. */
import { expect, it, onTestFinished } from "vitest";
import { MemorySink, memorySource, memorySources } from "../../src/base/memory.ts";
import { convert } from "../../src/convert.ts";
import { layersInMemory } from "../../src/convert-layers.ts";
import { readKeras } from "../../src/formats/keras/read.ts";
import { parseSourceMap } from "../../src/graph/map.ts";
import { layersReference } from "../../src/parity/reference.ts";
import { parity } from "../../src/parity.ts";
import { openTfjs } from "../../src/runtime/tfjs.ts";
import { numbers, sequential } from "../build/keras.ts";
import { random } from "../build/random.ts";
import { folderOf } from "../build/tfjs.ts";

const layers = [
  { op: "Dense", config: { units: 5, activation: "tanh" }, weights: { kernel: [3, 5], bias: [5] } },
  { op: "Dense", config: { units: 2, use_bias: false }, weights: { kernel: [5, 2] } },
];
const read = () => readKeras(memorySource("m.h5", sequential([3], layers)), memorySources());

it("gives the output of every layer by its name", async () => {
  const { model, files } = await read();
  const translated = (await layersInMemory(model, files))!;
  const reference = await layersReference({ ...translated, inputs: ["dense_1_input"] });
  onTestFinished(() => reference.close());
  expect(reference.kind).toBe("tfjs-layers");
  const x = random(12, 3);
  const feeds = new Map([["dense_1_input", { dtype: "float32" as const, shape: [4, 3], data: x }]]);
  const values = await reference.values(feeds, ["dense_2", "dense_1"]);
  const [kernel, bias, second] = [numbers([3, 5], 1).data, numbers([5], 2).data, numbers([5, 2], 11).data];
  for (let n = 0; n < 4; n++) {
    const hidden = Array.from(bias, (each, u) =>
      Math.tanh([0, 1, 2].reduce((sum, i) => sum + x[n * 3 + i]! * kernel[i * 5 + u]!, each)),
    );
    for (const [u, value] of hidden.entries()) expect(values.get("dense_1")!.data[n * 5 + u]).toBeCloseTo(value, 5);
    for (let o = 0; o < 2; o++)
      expect(values.get("dense_2")!.data[n * 2 + o]).toBeCloseTo(
        hidden.reduce((sum, h, i) => sum + h * second[i * 2 + o]!, 0),
        5,
      );
  }
  await expect(reference.values(feeds, ["dense_9"])).rejects.toThrow(/no layer gives this value/);
});

it("compares a Keras model, layer by layer, with nothing stored", async () => {
  const { model, files } = await read();
  const sink = new MemorySink();
  await convert(model, files, sink);
  const target = await openTfjs(await folderOf(sink.files), { backend: "cpu" });
  onTestFinished(() => target.close());
  const map = parseSourceMap(new TextDecoder().decode(sink.files["model.map.json"]));
  const report = await parity({ model, path: "m.h5", files, target, map, layers: true });
  expect([report.ok, report.reference.kind, report.outputs.length]).toEqual([true, "tfjs-layers", 1]);
  expect(report.layers!.filter(({ verdict }) => verdict === "equal" || verdict === "within").length).toBeGreaterThanOrEqual(2);
});
