import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-layers";
import { expect, it } from "vitest";
import { layerOrder } from "../../../src/formats/keras/layer-order.ts";
import { savedLayers } from "../../build/layers.ts";
import { random } from "../../build/random.ts";

it("tells the order of layers as the library that Keras's was carried over to, from a configuration in any order", async () => {
  for (let seed = 1; seed <= 40; seed++) {
    const dice = random(400, seed);
    let at = 0;
    const pick = (count: number) => Math.floor(Math.abs(dice[at++]!) * 1000) % count;
    const values = [tf.input({ shape: [3], name: "a" }), tf.input({ shape: [3], name: "b" })];
    const layers = [0, 1, 2].map((i) => tf.layers.dense({ units: 3, name: `shared_${i}` }));
    for (let i = 0; i < 14; i++) {
      const any = () => values[pick(values.length)]!;
      const kind = pick(3);
      const layer =
        kind === 0
          ? tf.layers.add({ name: `add_${i}` })
          : kind === 1
            ? layers[pick(3)]!
            : tf.layers.dense({ units: 3, name: `d_${i}` });
      values.push(layer.apply(kind === 0 ? [any(), any()] : any()) as tf.SymbolicTensor);
    }
    const model = tf.model({ inputs: values.slice(0, 2), outputs: values.slice(-2) });
    const { "model.json": json } = await savedLayers(model);
    const whole = JSON.parse(new TextDecoder().decode(json)).modelTopology.config;
    const listed: readonly { readonly name: string }[] = whole.layers;
    const shuffled = { ...whole, layers: [...listed].sort((p, q) => (p.name < q.name ? 1 : -1)) };
    const isLayer = (name: string) => name !== "a" && name !== "b";
    expect(layerOrder(shuffled).filter(isLayer)).toEqual(model.layers.map(({ name }) => name).filter(isLayer));
  }
});
