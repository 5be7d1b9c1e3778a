/** Transformers: BERT, GPT-2 with past, a Whisper encoder, ViT, Swin. Shapes are computed from shapes, as the tracer leaves them. */
import { float } from "../onnx.ts";
import { type Architecture, architecture, type Net } from "./net.ts";

const least = -3.4028234663852886e38;

/** [b, n, c] → [b, heads, n, c / heads], sizes read from the value as `view(x.size(0), x.size(1), …)` does. */
function heads(net: Net, x: string, count: number, width: number, perm: readonly number[] = [0, 2, 1, 3]): string {
  return net.permute(net.view(x, net.size(x, 0), net.size(x, 1), count, width / count), ...perm);
}

/** softmax(q kᵀ / √d + mask) v, heads joined again. */
function attend(net: Net, q: string, keysT: string, v: string, count: number, width: number, mask?: string): string {
  const scores = net.op("Div", [net.op("MatMul", [q, keysT]), net.float(Math.sqrt(width / count))]);
  const weights = net.op("Softmax", [mask ? net.op("Add", [scores, mask]) : scores], { axis: -1 });
  const joined = net.permute(net.op("MatMul", [weights, v]), 0, 2, 1, 3);
  return net.view(joined, net.size(joined, 0), net.size(joined, 1), width);
}

function selfAttention(net: Net, x: string, count: number, width: number, mask?: string): string {
  const q = heads(
    net,
    net.within("query", () => net.linear(x, width, width)),
    count,
    width,
  );
  const keysT = heads(
    net,
    net.within("key", () => net.linear(x, width, width)),
    count,
    width,
    [0, 2, 3, 1],
  );
  const v = heads(
    net,
    net.within("value", () => net.linear(x, width, width)),
    count,
    width,
  );
  return net.within("output", () => net.linear(attend(net, q, keysT, v, count, width, mask), width, width));
}

/** Norm first, then attention and a GELU network, each added to what came in. */
function preNormBlock(net: Net, x: string, count: number, width: number): string {
  const y = net.op("Add", [x, net.within("attn", () => selfAttention(net, net.layerNorm(x, width), count, width))]);
  const wide = net.within("mlp.fc1", () => net.gelu(net.linear(net.layerNorm(y, width), width, width * 3)));
  return net.op("Add", [y, net.within("mlp.fc2", () => net.linear(wide, width * 3, width))]);
}

/** LayerNorm as exporters before opset 17 write it out. */
function writtenNorm(net: Net, x: string, width: number): string {
  const centred = net.op("Sub", [x, net.op("ReduceMean", [x], { axes: [-1], keepdims: 1 })]);
  const variance = net.op("ReduceMean", [net.op("Pow", [centred, net.float(2)])], { axes: [-1], keepdims: 1 });
  const unit = net.op("Div", [centred, net.op("Sqrt", [net.op("Add", [variance, net.float(1e-12)])])]);
  const scaled = net.op("Mul", [unit, net.weight("LayerNorm.weight", [width], 0.3, 1)]);
  return net.op("Add", [scaled, net.weight("LayerNorm.bias", [width], 0.2)]);
}

/** As published: 110 million weights, 438 MB. */
export const bertBase = { width: 768, count: 12, words: 30_522, places: 512, layers: 12 };

export function bert(
  { width, count, words, places, layers } = { width: 24, count: 3, words: 37, places: 16, layers: 2 },
): Architecture {
  const sizes = [
    { batch_size: 2, sequence: 7 },
    { batch_size: 3, sequence: 5 },
  ];
  return architecture("BERT", { sizes }, (net) => {
    const tokens = ["input_ids", "attention_mask", "token_type_ids"].map((name) =>
      net.input(name, "int64", ["batch_size", "sequence"], name === "input_ids" ? words : 2),
    ) as [string, string, string];
    const [ids, mask, kinds] = tokens;
    const wide = net.op("Unsqueeze", [net.op("Unsqueeze", [mask, net.ints(1)]), net.ints(2)]);
    const masked = net.op("Mul", [net.op("Sub", [net.float(1), net.op("Cast", [wide], { to: 1 })]), net.float(least)]);
    const at = net.op("Slice", [
      net.store(
        "position_ids",
        "int64",
        [1, places],
        Array.from({ length: places }, (_, i) => i),
      ),
      net.ints(0),
      net.op("Unsqueeze", [net.size(ids, 1), net.ints(0)]),
      net.ints(1),
      net.ints(1),
    ]);
    let x = net.within("embeddings", () => {
      const look = (name: string, rows: number, ids: string) => net.op("Gather", [net.weight(name, [rows, width], 1), ids]);
      const sum = net.op("Add", [look("word_embeddings.weight", words, ids), look("token_type_embeddings.weight", 2, kinds)]);
      return writtenNorm(net, net.op("Add", [sum, look("position_embeddings.weight", places, at)]), width);
    });
    for (let i = 0; i < layers; i++)
      x = net.within(`encoder/layer.${i}`, () => {
        const y = writtenNorm(net, net.op("Add", [selfAttention(net, x, count, width, masked), x]), width);
        const inner = net.within("intermediate", () => net.gelu(net.linear(y, width, width * 4)));
        const out = net.within("output", () => net.linear(inner, width * 4, width));
        return writtenNorm(net, net.op("Add", [out, y]), width);
      });
    const first = net.op("Gather", [x, net.int(0)], { axis: 1 });
    const pooler = net.within("pooler", () => net.op("Tanh", [net.gemm(first, width, width)]));
    return {
      last_hidden_state: { value: x, shape: ["batch_size", "sequence", width] },
      pooler_output: { value: pooler, shape: ["batch_size", width] },
    };
  });
}

/** Keys and values of earlier tokens come in and go out; the causal mask is cut from a stored triangle by computed bounds. */
export function gpt2(): Architecture {
  const [width, count, words, most, layers] = [20, 2, 41, 16, 2];
  const sizes = [
    { batch: 2, past: 3, sequence: 5 },
    { batch: 1, past: 7, sequence: 1 },
    { batch: 3, past: 0, sequence: 4 },
  ];
  /** Conv1D: rows flattened, Gemm, rows back. */
  const conv1d = (net: Net, name: string, x: string, from: number, to: number) => {
    const [b, n] = [net.size(x, 0), net.size(x, 1)];
    const weights = [net.weight(`${name}.weight`, [from, to], Math.sqrt(3 / from)), net.weight(`${name}.bias`, [to], 0.1)];
    const y = net.op("Gemm", [net.view(x, -1, from), ...weights], { alpha: float(1), beta: float(1) });
    return net.view(y, b, n, to);
  };
  const newGelu = (net: Net, x: string) => {
    const cube = net.op("Mul", [net.op("Pow", [x, net.float(3)]), net.float(0.044715)]);
    const inner = net.op("Tanh", [net.op("Mul", [net.op("Add", [x, cube]), net.float(0.7978845608028654)])]);
    return net.op("Mul", [net.op("Mul", [x, net.float(0.5)]), net.op("Add", [inner, net.float(1)])]);
  };
  const attention = (net: Net, x: string, pastKey: string, pastValue: string) => {
    const parts = net.ops("Split", [conv1d(net, "c_attn", x, width, width * 3), net.ints(width, width, width)], { axis: 2 }, 3);
    const [q, k, v] = parts.map((part) => heads(net, part, count, width)) as [string, string, string];
    const key = net.op("Concat", [pastKey, k], { axis: -2 });
    const value = net.op("Concat", [pastValue, v], { axis: -2 });
    const scores = net.op("Div", [net.op("MatMul", [q, net.permute(key, 0, 1, 3, 2)]), net.float(Math.sqrt(width / count))]);
    const [all, now] = [net.size(key, -2), net.size(q, -2)];
    const triangle = Array.from({ length: most * most }, (_, i) => Number(i % most <= Math.floor(i / most)));
    const bounds = (from: string, to: string) => [
      net.op("Unsqueeze", [from, net.ints(0)]),
      net.op("Unsqueeze", [to, net.ints(0)]),
    ];
    const rows = net.op("Slice", [
      net.store("attn.bias", "bool", [1, 1, most, most], triangle),
      ...bounds(net.op("Sub", [all, now]), all),
      net.ints(2),
      net.ints(1),
    ]);
    const causal = net.op("Slice", [rows, net.ints(0), net.op("Unsqueeze", [all, net.ints(0)]), net.ints(3), net.ints(1)]);
    const weights = net.op("Softmax", [net.op("Where", [causal, scores, net.float(least)])], { axis: -1 });
    const joined = net.permute(net.op("MatMul", [weights, value]), 0, 2, 1, 3);
    const merged = net.view(joined, net.size(joined, 0), net.size(joined, 1), width);
    return { y: conv1d(net, "c_proj", merged, width, width), key, value };
  };
  return architecture("GPT-2", { sizes }, (net) => {
    const ids = net.input("input_ids", "int64", ["batch", "sequence"], words);
    const past = Array.from({ length: layers }, (_, i) =>
      (["key", "value"] as const).map((kind) =>
        net.input(`past_key_values.${i}.${kind}`, "float32", ["batch", count, "past", width / count]),
      ),
    );
    const before = net.size(past[0]![0]!, -2);
    const end = net.op("Add", [net.size(ids, -1), before]);
    const range = net.op("Range", [before, end, net.int(1)]);
    const places = net.op("Unsqueeze", [range, net.ints(0)]);
    const table = net.weight("wte.weight", [words, width], 1);
    let x = net.op("Add", [
      net.op("Gather", [table, ids]),
      net.op("Gather", [net.weight("wpe.weight", [most, width], 0.5), places]),
    ]);
    const present: Record<string, { value: string; shape: (number | string)[] }> = {};
    for (let i = 0; i < layers; i++)
      x = net.within(`transformer/h.${i}`, () => {
        const { y, key, value } = net.within("attn", () => attention(net, net.layerNorm(x, width), past[i]![0]!, past[i]![1]!));
        present[`present.${i}.key`] = { value: key, shape: ["batch", count, "total", width / count] };
        present[`present.${i}.value`] = { value, shape: ["batch", count, "total", width / count] };
        const sum = net.op("Add", [y, x]);
        const wide = newGelu(net, conv1d(net, "c_fc", net.layerNorm(sum, width), width, width * 4));
        return net.op("Add", [sum, conv1d(net, "mlp.c_proj", wide, width * 4, width)]);
      });
    const logits = net.within("lm_head", () => net.linear(net.layerNorm(x, width), width, words, false));
    return { logits: { value: logits, shape: ["batch", "sequence", words] }, ...present };
  });
}

/** Two 1-D convolutions over the spectrogram, then tokens. */
export function whisper(): Architecture {
  const [width, bins, frames] = [24, 10, 30];
  return architecture("Whisper encoder", { sizes: [{ batch_size: 2 }, { batch_size: 1 }] }, (net) => {
    const mel = net.input("input_features", "float32", ["batch_size", bins, frames]);
    const a = net.gelu(net.conv(mel, bins, width, [3], { pad: 1 }));
    const y = net.gelu(net.conv(a, width, width, [3], { pad: 1, stride: 2 }));
    let x = net.op("Add", [net.permute(y, 0, 2, 1), net.weight("embed_positions.weight", [frames / 2, width], 0.5)]);
    for (let i = 0; i < 2; i++) x = net.within(`layers.${i}`, () => preNormBlock(net, x, 4, width));
    return { last_hidden_state: { value: net.layerNorm(x, width), shape: ["batch_size", frames / 2, width] } };
  });
}

export function vit(): Architecture {
  const [width, patch, size] = [20, 8, 32];
  const patches = (size / patch) ** 2;
  return architecture("ViT", { sizes: [{ batch_size: 2 }, { batch_size: 3 }] }, (net) => {
    const image = net.input("pixel_values", "float32", ["batch_size", 3, size, size]);
    const grid = net.conv(image, 3, width, patch, { stride: patch });
    const tokens = net.permute(net.view(grid, net.size(grid, 0), width, patches), 0, 2, 1);
    const one = net.expand(net.weight("cls_token", [1, 1, width], 1), net.size(image, 0), -1, -1);
    let x = net.op("Add", [net.op("Concat", [one, tokens], { axis: 1 }), net.weight("pos_embed", [1, patches + 1, width], 0.5)]);
    for (let i = 0; i < 2; i++) x = net.within(`blocks.${i}`, () => preNormBlock(net, x, 4, width));
    const first = net.op("Gather", [net.layerNorm(x, width), net.int(0)], { axis: 1 });
    return { logits: { value: net.within("head", () => net.gemm(first, width, 11)), shape: ["batch_size", 11] } };
  });
}

/** Attention in windows, the second block over an image rolled by half a window, with a mask and stored position biases. */
export function swin(): Architecture {
  const [width, count, window, size] = [16, 2, 4, 8];
  const [cells, windows, tokens] = [size / window, (size / window) ** 2, window * window];
  const roll = (net: Net, x: string, by: number) =>
    [1, 2].reduce((y, axis) => {
      const at = by < 0 ? -by : size - by;
      return net.op("Concat", [net.slice(y, at, 2 ** 53, axis), net.slice(y, 0, at, axis)], { axis });
    }, x);
  const attention = (net: Net, x: string, mask: string | undefined) => {
    const qkv = net.view(net.linear(x, width, width * 3), -1, tokens, 3, count, width / count);
    const parts = net.permute(qkv, 2, 0, 3, 1, 4);
    const [q, k, v] = [0, 1, 2].map((i) => net.op("Gather", [parts, net.int(i)], { axis: 0 })) as [string, string, string];
    const scaled = net.op("Mul", [q, net.float(1 / Math.sqrt(width / count))]);
    const bias = net.op("Gather", [
      net.weight("relative_position_bias_table", [(2 * window - 1) ** 2, count], 0.5),
      net.constant("int64", [tokens * tokens], positions()),
    ]);
    const table = net.op("Unsqueeze", [net.permute(net.view(bias, tokens, tokens, count), 2, 0, 1), net.ints(0)]);
    let scores = net.op("Add", [net.op("MatMul", [scaled, net.permute(k, 0, 1, 3, 2)]), table]);
    if (mask) {
      const split = net.op("Add", [net.view(scores, -1, windows, count, tokens, tokens), mask]);
      scores = net.view(split, -1, count, tokens, tokens);
    }
    const y = net.permute(net.op("MatMul", [net.op("Softmax", [scores], { axis: -1 }), v]), 0, 2, 1, 3);
    return net.linear(net.view(y, -1, tokens, width), width, width);
  };
  const positions = () =>
    Array.from({ length: tokens * tokens }, (_, i) => {
      const [a, b] = [Math.floor(i / tokens), i % tokens];
      const row = Math.floor(a / window) - Math.floor(b / window) + window - 1;
      return row * (2 * window - 1) + (a % window) - (b % window) + window - 1;
    });
  /** −100 between tokens that rolling has made neighbours. */
  const shiftedMask = () => {
    const region = (at: number) => (at < size - window ? 0 : at < size - window / 2 ? 1 : 2);
    const of = (cell: number, token: number) => {
      const row = Math.floor(cell / cells) * window + Math.floor(token / window);
      return region(row) * 3 + region((cell % cells) * window + (token % window));
    };
    return Array.from({ length: windows * tokens * tokens }, (_, i) => {
      const [cell, a, b] = [Math.floor(i / tokens / tokens), Math.floor(i / tokens) % tokens, i % tokens];
      return of(cell, a) === of(cell, b) ? 0 : -100;
    });
  };
  const block = (net: Net, x: string, shift: number) => {
    const image = net.view(net.layerNorm(x, width), -1, size, size, width);
    const rolled = shift ? roll(net, image, -shift) : image;
    const parted = net.permute(net.view(rolled, -1, cells, window, cells, window, width), 0, 1, 3, 2, 4, 5);
    const mask = shift ? net.constant("float32", [1, windows, 1, tokens, tokens], shiftedMask()) : undefined;
    const y = net.within("attn", () => attention(net, net.view(parted, -1, tokens, width), mask));
    const merged = net.permute(net.view(y, -1, cells, cells, window, window, width), 0, 1, 3, 2, 4, 5);
    const whole = net.view(merged, -1, size, size, width);
    const back = net.view(shift ? roll(net, whole, shift) : whole, -1, size * size, width);
    const sum = net.op("Add", [x, back]);
    const wide = net.gelu(net.within("mlp.fc1", () => net.linear(net.layerNorm(sum, width), width, width * 3)));
    return net.op("Add", [sum, net.within("mlp.fc2", () => net.linear(wide, width * 3, width))]);
  };
  return architecture("Swin", { sizes: [{ batch_size: 2 }, { batch_size: 1 }] }, (net) => {
    const image = net.input("input", "float32", ["batch_size", 3, size * 4, size * 4]);
    const embedded = net.conv(image, 3, width, 4, { stride: 4 });
    let x = net.layerNorm(net.permute(net.view(embedded, -1, width, size * size), 0, 2, 1), width);
    for (const [i, shift] of [0, window / 2].entries()) x = net.within(`layers.0/blocks.${i}`, () => block(net, x, shift));
    const mean = net.op("ReduceMean", [net.layerNorm(x, width)], { axes: [1], keepdims: 0 });
    return { output: { value: net.within("head", () => net.gemm(mean, width, 11)), shape: ["batch_size", 11] } };
  });
}
