/** The stub for a layer of the user's: it loads the weights, says what is missing, and computes once that is filled in. */
import "@tensorflow/tfjs-backend-cpu";
import * as layers from "@tensorflow/tfjs-layers";
import { beforeAll, expect, it } from "vitest";
import { MemorySink } from "../../../src/base/memory.ts";
import { convertToLayers } from "../../../src/convert-layers.ts";
import { customWeightNames } from "../../../src/lower/keras/custom-layers.ts";
import { numbers, sequential } from "../../build/keras.ts";
import { random } from "../../build/random.ts";
import { core, readModel } from "./tfjs.ts";

beforeAll(async () => {
  core.enableProdMode();
  await core.setBackend("cpu");
});

it("registers a class with the layer's weights, and says what is to be filled in", async () => {
  const own = { op: 'Gated>Scale"', config: { power: 2 }, weights: { scale: [3], offset: [3] } };
  const dense = { op: "Dense", config: { units: 2, use_bias: false }, weights: { kernel: [3, 2] } };
  const { model, files } = await readModel(sequential([3], [own, dense]));
  const sink = new MemorySink();
  const { ok, problems, files: written } = await convertToLayers(model, files, sink);
  expect([ok, written.at(-1)]).toEqual([true, "custom-layers.mjs"]);
  expect(problems).toMatchObject([{ severity: "warning", code: "custom-layer", op: own.op }]);
  const module = new TextDecoder().decode(sink.files["custom-layers.mjs"]);
  const { register } = (await import(`data:text/javascript,${encodeURIComponent(module)}`)) as { register(tf: object): void };
  const tf = {
    ...core,
    layers: { Layer: layers.layers.Layer ?? layers.LayersModel },
    initializers: layers.initializers,
    serialization: core.serialization,
  };
  register(tf);
  const json = JSON.parse(new TextDecoder().decode(sink.files["model.json"]));
  const [group] = json.weightsManifest;
  const weightData = sink.files[group.paths[0]]!.slice().buffer;
  const load = async () => ({ modelTopology: json.modelTopology, weightSpecs: group.weights, weightData });
  const loaded = await layers.loadLayersModel({ load });
  const x = random(6, 3);
  expect(() => loaded.predict(core.tensor2d(x, [2, 3]))).toThrow(/is to be filled in/);
  const custom = loaded.layers[1] as layers.layers.Layer & {
    own: { read(): core.Tensor }[];
    call(inputs: core.Tensor[]): core.Tensor;
  };
  custom.call = ([input]: core.Tensor[]) => core.add(core.mul(input!, custom.own[0]!.read()), custom.own[1]!.read());
  const y = (loaded.predict(core.tensor2d(x, [2, 3])) as core.Tensor).dataSync();
  const [scale, offset, kernel] = [numbers([3], 1).data, numbers([3], 2).data, numbers([3, 2], 11).data];
  for (let n = 0; n < 2; n++)
    for (let u = 0; u < 2; u++) {
      let sum = 0;
      for (let i = 0; i < 3; i++) sum += (x[n * 3 + i]! * scale[i]! + offset[i]!) * kernel[i * 2 + u]!;
      expect(y[n * 2 + u]).toBeCloseTo(sum, 5);
    }
});

it("names weights as a class would", () => {
  expect(customWeightNames(["layer/kernel:0", "layer/inner/kernel:0", "0", "vars/1"])).toEqual([
    "kernel",
    "kernel_1",
    "weight_0",
    "weight_1",
  ]);
});
