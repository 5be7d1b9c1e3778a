/** Sequences and sound: an LSTM tagger, a GRU translator, a depthwise net over audio. */
import { type Architecture, architecture, type Net } from "./net.ts";

/** Zero states as `torch.zeros(layers, batch, hidden)` traces. */
function zeroState(net: Net, like: string, layers: number, hidden: number): string {
  return net.op("Expand", [net.float(0), net.shape(layers, net.size(like, 0), hidden)]);
}

/** Weights of an LSTM (4 gates) or a GRU (3), both directions where there are two. */
function gates(net: Net, count: number, directions: number, from: number, hidden: number): string[] {
  const spread = Math.sqrt(1.5 / hidden);
  return [
    net.weight("W", [directions, count * hidden, from], spread),
    net.weight("R", [directions, count * hidden, hidden], spread),
    net.weight("B", [directions, 2 * count * hidden], 0.2),
  ];
}

export function lstmTagger(): Architecture {
  const [words, width, hidden, tags] = [31, 9, 7, 5];
  const sizes = [
    { batch: 2, sequence: 11 },
    { batch: 3, sequence: 4 },
  ];
  return architecture("LSTM tagger", { sizes }, (net) => {
    const ids = net.input("tokens", "int64", ["batch", "sequence"], words);
    let x = net.op("Gather", [net.weight("embedding.weight", [words, width], 1), ids]);
    for (const [layer, from] of [width, 2 * hidden].entries())
      x = net.within(`lstm.${layer}`, () => {
        const state = zeroState(net, ids, 2, hidden);
        const [y] = net.ops(
          "LSTM",
          [net.permute(x, 1, 0, 2), ...gates(net, 4, 2, from, hidden), "", state, state],
          { direction: "bidirectional", hidden_size: hidden },
          1,
        );
        const joined = net.op("Reshape", [net.permute(y!, 0, 2, 1, 3), net.ints(0, 0, -1)], { allowzero: 0 });
        return net.permute(joined, 1, 0, 2);
      });
    const logits = net.within("tags", () => net.linear(x, 2 * hidden, tags));
    return { scores: { value: net.op("LogSoftmax", [logits], { axis: 2 }), shape: ["batch", "sequence", tags] } };
  });
}

/** The decoder is unrolled over three steps: each attends to what the encoder saw and is fed the word it has just chosen. */
export function gruSeq2Seq(): Architecture {
  const [words, width, hidden, steps] = [23, 8, 10, 3];
  const sizes = [
    { batch: 2, sequence: 9 },
    { batch: 1, sequence: 5 },
  ];
  return architecture("GRU seq2seq", { sizes }, (net) => {
    const ids = net.input("source", "int64", ["batch", "sequence"], words);
    const table = net.weight("embedding.weight", [words, width], 1);
    const run = (x: string, state: string, weights: readonly string[]) =>
      net.ops("GRU", [x, ...weights, "", state], { hidden_size: hidden, linear_before_reset: 1 }, 2) as [string, string];
    const [seen, last] = net.within("encoder", () => {
      const x = net.permute(net.op("Gather", [table, ids]), 1, 0, 2);
      const [y, state] = run(x, zeroState(net, ids, 1, hidden), gates(net, 3, 1, width, hidden));
      return [net.permute(net.op("Squeeze", [y, net.ints(1)]), 1, 0, 2), state];
    });
    const weights = net.within("decoder", () => gates(net, 3, 1, width + hidden, hidden));
    const out = net.within("out", () => [net.weight("weight", [words, 2 * hidden], 1), net.weight("bias", [words], 0.1)]);
    let state = last;
    let word = net.op("ConstantOfShape", [net.shape(net.size(ids, 0))], {});
    word = net.op("Cast", [word], { to: 7 });
    const logits = Array.from({ length: steps }, () =>
      net.within("decoder", () => {
        const query = net.permute(state, 1, 2, 0);
        const scores = net.op("Softmax", [net.op("Squeeze", [net.op("MatMul", [seen, query]), net.ints(2)])], { axis: 1 });
        const context = net.op("MatMul", [net.op("Unsqueeze", [scores, net.ints(1)]), seen]);
        const embedded = net.op("Unsqueeze", [net.op("Gather", [table, word]), net.ints(1)]);
        const fed = net.permute(net.op("Concat", [embedded, context], { axis: 2 }), 1, 0, 2);
        const [y, next] = run(fed, state, weights);
        state = next;
        const flat = net.op("Squeeze", [net.op("Squeeze", [y, net.ints(1)]), net.ints(0)]);
        const both = net.op("Concat", [flat, net.op("Squeeze", [context, net.ints(1)])], { axis: 1 });
        const score = net.op("Gemm", [both, ...out], { transB: 1 });
        word = net.op("ArgMax", [score], { axis: 1, keepdims: 0, select_last_index: 0 });
        return net.op("Unsqueeze", [score, net.ints(1)]);
      }),
    );
    return { logits: { value: net.op("Concat", logits, { axis: 1 }), shape: ["batch", steps, words] } };
  });
}

/** Depthwise and pointwise 1-D convolutions, pooled over time. */
export function audioNet(): Architecture {
  const sizes = [
    { batch: 2, time: 401 },
    { batch: 1, time: 320 },
  ];
  return architecture("Depthwise audio net", { sizes }, (net) => {
    const wave = net.input("waveform", "float32", ["batch", 1, "time"]);
    let x = net.op("Relu", [net.batchNorm(net.conv(wave, 1, 8, [25], { stride: 5, bias: false }), 8)]);
    for (const [i, [from, to, stride]] of (
      [
        [8, 8, 1],
        [8, 12, 2],
        [12, 16, 2],
      ] as const
    ).entries())
      x = net.within(`blocks.${i}`, () => {
        const deep = net.batchNorm(net.conv(x, from, from, [9], { pad: 4, stride, group: from, bias: false }), from);
        return net.op("Relu", [net.batchNorm(net.conv(deep, from, to, [1], { bias: false }), to)]);
      });
    const pooled = net.op("AveragePool", [x], { kernel_shape: [2], strides: [2], pads: [0, 0], ceil_mode: 0 });
    const mean = net.op("ReduceMean", [pooled], { axes: [2], keepdims: 0 });
    return { output: { value: net.op("LogSoftmax", [net.gemm(mean, 16, 6)], { axis: 1 }), shape: ["batch", 6] } };
  });
}
