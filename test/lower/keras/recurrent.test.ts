/** What recurrent layers keep from call to call, and cells of several kinds. */
import "@tensorflow/tfjs-backend-cpu";
import { loadGraphModel } from "@tensorflow/tfjs-converter";
import { beforeAll, expect, it } from "vitest";
import { MemorySink } from "../../../src/base/memory.ts";
import { convert } from "../../../src/convert.ts";
import { readTfjsFiles } from "../../../src/runtime/tfjs-files.ts";
import { kerasFile, sequential } from "../../build/keras.ts";
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
