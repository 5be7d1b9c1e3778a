import "@tensorflow/tfjs-backend-cpu";
import { zipSync } from "fflate";
import { beforeAll, expect, it } from "vitest";
import { hdf5 } from "../../build/hdf5.ts";
import { kerasFile } from "../../build/keras.ts";
import { random } from "../../build/random.ts";
import { core, graphOf, graphOutputs, readModel } from "./tfjs.ts";

beforeAll(async () => {
  core.enableProdMode();
  await core.setBackend("cpu");
});

const [batch, width, depth] = [3, 4, 6];
const places = Float32Array.of(1, 5, 1, 0, 2, 3, 3, 3, 4, 0, 5, 2);
const fed = { dtype: "float32", shape: [batch, width], data: places } as const;

it.each(["multi_hot", "count"])("encodes categories, %s", async (output_mode) => {
  const y = await graphOf([width], [{ op: "CategoryEncoding", config: { num_tokens: depth, output_mode } }], fed);
  expect(y.shape).toEqual([batch, depth]);
  for (let n = 0; n < batch; n++)
    for (let d = 0; d < depth; d++) {
      const count = places.slice(n * width, (n + 1) * width).filter((place) => place === d).length;
      expect(y.data[n * depth + d]).toBe(output_mode === "count" ? count : Math.min(count, 1));
    }
});

it("encodes one category a sample", async () => {
  const one = { dtype: "float32", shape: [batch, 1], data: places.slice(3, 3 + batch) } as const;
  const config = { num_tokens: depth, output_mode: "one_hot" };
  const y = await graphOf([1], [{ op: "CategoryEncoding", config }], one);
  expect(y.shape).toEqual([batch, depth]);
  for (let n = 0; n < batch; n++) for (let d = 0; d < depth; d++) expect(y.data[n * depth + d]).toBe(one.data[n] === d ? 1 : 0);
});

it("sorts numbers into bins", async () => {
  const bounds = [-0.6, -0.25, 0, 0.5];
  const x = random(batch * width, 4);
  x[2] = -0.25;
  x[7] = 0.5;
  const config = { bin_boundaries: bounds, output_mode: "int" };
  const y = await graphOf([width], [{ op: "Discretization", config }], { dtype: "float32", shape: [batch, width], data: x });
  for (const [i, value] of x.entries()) expect(y.data[i]).toBe(bounds.filter((bound) => bound <= value).length);
});

/** A model of one lookup over an input of the type. */
async function lookUp(op: string, config: object, dtype: "string" | "int32", data: string[] | Int32Array) {
  const layer = { class_name: op, name: "lookup", config: { name: "lookup", ...config }, inbound_nodes: [[["x", 0, 0, {}]]] };
  const input = {
    class_name: "InputLayer",
    name: "x",
    config: { name: "x", batch_input_shape: [null, 4], dtype },
    inbound_nodes: [],
  };
  const model = { name: "m", layers: [input, layer], input_layers: [["x", 0, 0]], output_layers: [["lookup", 0, 0]] };
  const opened = await readModel(kerasFile({ class_name: "Functional", config: model }, []));
  const [y] = await graphOutputs(opened, [{ dtype, shape: [2, 4], data } as never]);
  return Array.from(y!.data as unknown as ArrayLike<number | string>);
}

const words = ["red", "blue", "", "pink", "green", "green", "red", "grey"];
const vocabulary = ["green", "red", "blue"];

it("looks words up behind a mask and the unknown word", async () => {
  const config = { vocabulary, num_oov_indices: 1, mask_token: "", oov_token: "[UNK]", output_mode: "int" };
  expect(await lookUp("StringLookup", config, "string", words)).toEqual([3, 4, 0, 1, 2, 2, 3, 1]);
});

it("takes a vocabulary that begins with the unknown word", async () => {
  const config = { vocabulary: ["[UNK]", ...vocabulary], num_oov_indices: 1, oov_token: "[UNK]", output_mode: "int" };
  expect(await lookUp("StringLookup", config, "string", words)).toEqual([2, 3, 0, 0, 1, 1, 2, 0]);
});

it("gives words for their places", async () => {
  const config = { vocabulary, num_oov_indices: 1, oov_token: "[UNK]", invert: true, output_mode: "int" };
  const back = await lookUp("StringLookup", config, "int32", Int32Array.of(3, 1, 2, 9, 0, 1, 1, 3));
  expect(back).toEqual(["blue", "green", "red", "[UNK]", "[UNK]", "green", "green", "blue"]);
});

it("looks numbers up, and encodes which occur", async () => {
  const config = { vocabulary: [12, 7, 30], num_oov_indices: 1, oov_token: -1, output_mode: "multi_hot" };
  const found = await lookUp("IntegerLookup", config, "int32", Int32Array.of(7, 7, 12, 99, 30, 12, 12, 12));
  expect(found).toEqual([1, 1, 1, 0, 0, 1, 0, 1]);
});

it("finds the words that an archive keeps beside the layer", async () => {
  const own = { name: "lookup", vocabulary: null, num_oov_indices: 1, mask_token: null, oov_token: "[UNK]", output_mode: "int" };
  const layer = { class_name: "StringLookup", config: { ...own, batch_shape: [null, 4], dtype: "string" } };
  const text = (value: string) => [new TextEncoder().encode(value), { level: 0 }] as const;
  const archive = zipSync({
    "config.json": [...text(JSON.stringify({ class_name: "Sequential", config: { name: "s", layers: [layer] } }))],
    "model.weights.h5": [hdf5({ members: { layers: { members: {} } } }), { level: 0 }],
    "assets/layers/string_lookup/vocabulary.txt": [...text(["[UNK]", ...vocabulary].join("\n"))],
  });
  const [y] = await graphOutputs(await readModel(archive, "m.keras"), [{ dtype: "string", shape: [2, 4], data: words }]);
  expect(Array.from(y!.data as Int32Array)).toEqual([2, 3, 0, 0, 1, 1, 2, 0]);
});

/** Of three buckets, as Keras's own documentation has it. */
const letters = ["A", "B", "C", "D", "E", "A", "B", "C"];
const buckets = [1, 0, 1, 1, 2, 1, 0, 1];

it("hashes words, with and without one that is masked", async () => {
  expect(await lookUp("Hashing", { num_bins: 3, output_mode: "int" }, "string", letters)).toEqual(buckets);
  const masked = await lookUp("Hashing", { num_bins: 3, mask_value: "" }, "string", ["A", "B", "", "C", "D", "", "A", "B"]);
  expect(masked).toEqual([1, 1, 0, 2, 2, 0, 1, 1]);
});

it("hashes numbers as they are written", async () => {
  const numbers = Int32Array.of(7, -12, 0, 30, 7, 99, 12345, -12);
  const written = Array.from(numbers, String);
  const config = { num_bins: 11 };
  const hashes = await lookUp("Hashing", config, "int32", numbers);
  expect(hashes).toEqual(await lookUp("Hashing", config, "string", written));
  expect(new Set(hashes).size).toBeGreaterThan(2);
});

it("tells several unknown words apart by their hash, and numbers by what is left of them", async () => {
  const config = { vocabulary: ["green"], num_oov_indices: 3, oov_token: "[UNK]", output_mode: "int" };
  expect(await lookUp("StringLookup", config, "string", ["green", ...letters.slice(1)])).toEqual([3, ...buckets.slice(1)]);
  const behind = { ...config, mask_token: "" };
  expect(await lookUp("StringLookup", behind, "string", ["", "green", ...letters.slice(2)])).toEqual([
    0,
    4,
    ...buckets.slice(2).map((bucket) => bucket + 1),
  ]);
  const numbers = { vocabulary: [12, 7], num_oov_indices: 2, oov_token: -1, output_mode: "int" };
  expect(await lookUp("IntegerLookup", numbers, "int32", Int32Array.of(12, 7, 9, 10, 7, 3, 0, 12))).toEqual([
    2, 3, 1, 0, 3, 1, 0, 2,
  ]);
});

it("refuses hashes that TensorFlow computes in another way", async () => {
  await expect(lookUp("Hashing", { num_bins: 3, salt: [1, 2] }, "string", words)).rejects.toThrow(/salt/);
  await expect(lookUp("HashedCrossing", { num_bins: 3 }, "string", words)).rejects.toThrow(/hash/);
});
