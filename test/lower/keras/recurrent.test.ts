/** What recurrent layers keep from call to call, and cells of several kinds. */
import "@tensorflow/tfjs-backend-cpu";
import { loadGraphModel } from "@tensorflow/tfjs-converter";
import { zipSync } from "fflate";
import { beforeAll, expect, it } from "vitest";
import { MemorySink } from "../../../src/base/memory.ts";
import { convert } from "../../../src/convert.ts";
import { readTfjsFiles } from "../../../src/runtime/tfjs-files.ts";
import { hdf5 } from "../../build/hdf5.ts";
import { kerasFile, numbers, sequential } from "../../build/keras.ts";
import { random } from "../../build/random.ts";
import { core, graphOutputs, readModel } from "./tfjs.ts";

beforeAll(async () => {
  core.enableProdMode();
  await core.setBackend("cpu");
});

const [batch, features, units] = [2, 4, 3];
const gates = { SimpleRNN: 1, GRU: 3, LSTM: 4 } as const;
const config = { units, activation: "tanh", recurrent_activation: "sigmoid", reset_after: false, return_sequences: true };
const weights = (count: number) => ({
  kernel: [features, count * units],
  recurrent_kernel: [units, count * units],
  bias: [count * units],
});

it.each(Object.keys(gates) as (keyof typeof gates)[])(
  "a stateful %s over two halves gives what one over the whole gives",
  async (op) => {
    const layer = (stateful: boolean) => ({ op, config: { ...config, stateful }, weights: weights(gates[op]) });
    const x = random(batch * 6 * features, 3);
    const half = (i: number) => {
      const rows = Array.from({ length: batch }, (_, n) => x.slice((n * 6 + 3 * i) * features, (n * 6 + 3 * i + 3) * features));
      return Float32Array.from(rows.flatMap((row) => [...row]));
    };
    const whole = await readModel(sequential([6, features], [layer(false)]));
    const [expected] = await graphOutputs(whole, [{ dtype: "float32", shape: [batch, 6, features], data: x }]);

    const stored = [layer(true)];
    const first = {
      class_name: op,
      config: { name: `${op.toLowerCase()}_1`, ...stored[0]!.config, batch_input_shape: [batch, 3, features] },
    };
    const opened = await readModel(kerasFile({ class_name: "Sequential", config: { name: "s", layers: [first] } }, stored));
    const sink = new MemorySink();
    const { ok, state, problems } = await convert(opened.model, opened.files, sink);
    expect([ok, problems]).toEqual([true, []]);
    const name = `${op.toLowerCase()}_1`;
    expect(state).toEqual((op === "LSTM" ? ["h", "c"] : ["h"]).map((kind) => `state/${name}/${kind}`));
    const { artifacts, signature } = await readTfjsFiles(sink.files);
    const { inputs, outputs } = signature as Required<typeof signature>;
    const model = await loadGraphModel({ load: async () => artifacts });
    const [input] = Object.keys(inputs).filter((each) => !state.includes(each));
    let states = state.map((): core.Tensor => core.zeros([batch, units]));
    for (const i of [0, 1]) {
      const fed = core.tensor(half(i), [batch, 3, features]);
      const feeds = Object.fromEntries([
        [inputs[input!]!.name, fed],
        ...state.map((each, k) => [inputs[each]!.name, states[k]!]),
      ]);
      const fetches = [name, ...state].map((each) => outputs[each]!.name);
      const [y, ...next] = model.execute(feeds, fetches) as core.Tensor[];
      const data = y!.dataSync();
      for (let n = 0; n < batch; n++)
        for (let t = 0; t < 3; t++)
          for (let u = 0; u < units; u++)
            expect(data[(n * 3 + t) * units + u]).toBeCloseTo(expected!.data[(n * 6 + 3 * i + t) * units + u] as number, 5);
      states = next;
    }
  },
);

it("finds the weights of each cell of a stack in an archive, whatever their names' order", async () => {
  const kinds = ["LSTMCell", "GRUCell", "LSTMCell"] as const;
  const sizes = [features, units, units];
  const cell = { class_name: "StackedRNNCells", config: { cells: kinds.map((class_name) => ({ class_name, config })) } };
  const layer = { class_name: "RNN", config: { name: "rnn", cell, return_sequences: true, batch_shape: [null, 5, features] } };
  const stored = kinds.map((kind, i) => {
    const count = kind === "LSTMCell" ? 4 : 3;
    return [[sizes[i]!, count * units], [units, count * units], [count * units]].map((shape, k) => numbers(shape, 3 * i + k + 1)); // biome-ignore format: a row
  });
  const vars = (list: (typeof stored)[number]) => ({ members: { vars: { members: { 0: list[0]!, 1: list[1]!, 2: list[2]! } } } });
  const members = { lstm_cell: vars(stored[0]!), gru_cell: vars(stored[1]!), lstm_cell_1: vars(stored[2]!) };
  const weights = hdf5({ members: { layers: { members: { rnn: { members: { cell: { members: { cells: { members } } } } } } } } });
  const json = new TextEncoder().encode(JSON.stringify({ class_name: "Sequential", config: { name: "s", layers: [layer] } }));
  const archive = zipSync({ "config.json": [json, { level: 0 }], "model.weights.h5": [weights, { level: 0 }] });
  const x = random(batch * 5 * features, 3);
  const fed = [{ dtype: "float32", shape: [batch, 5, features], data: x }] as const;
  const [actual] = await graphOutputs(await readModel(archive, "m.keras"), fed);
  const named = Object.fromEntries(stored.flatMap((list, i) => list.map((tensor, k) => [`cell_${i}_${k}`, tensor])));
  const group = { attributes: { weight_names: Object.keys(named) }, members: named };
  const plain = hdf5({
    attributes: { model_config: new TextDecoder().decode(json), keras_version: "2.15.0" },
    members: { model_weights: { attributes: { layer_names: ["rnn"] }, members: { rnn: group } } },
  });
  const [expected] = await graphOutputs(await readModel(plain), fed);
  for (let i = 0; i < expected!.data.length; i++) expect(actual!.data[i]).toBeCloseTo(expected!.data[i] as number, 6);
});
