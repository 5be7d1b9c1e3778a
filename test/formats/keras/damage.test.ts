/** Archives that are cut or spoilt: a located problem, or the very weights that were saved. */
import { zipSync } from "fflate";
import { expect, it } from "vitest";
import { memorySource, memorySources } from "../../../src/base/memory.ts";
import { ModelError } from "../../../src/base/problem.ts";
import { readKeras } from "../../../src/formats/keras/read.ts";
import { loadTensor } from "../../../src/graph/decode.ts";
import { hdf5 } from "../../build/hdf5.ts";
import { numbers, sequentialConfig } from "../../build/keras.ts";

const kernel = numbers([3, 5], 1);
const config = sequentialConfig([3], [{ op: "Dense", config: { units: 5 } }]);
const vars = { members: { 0: kernel, 1: numbers([5], 2) } };
const weights = hdf5({ members: { layers: { members: { dense: { members: { vars } } } } } });
const json = new TextEncoder().encode(JSON.stringify(config));
const level = 0 as const;
const archive = zipSync({ "config.json": [json, { level }], "model.weights.h5": [weights, { level }] });

/** The kernel, or undefined where the archive has lost it and says so. */
async function kernelOf(bytes: Uint8Array): Promise<unknown> {
  const { model, files } = await readKeras(memorySource("m.keras", bytes), memorySources());
  const stored = model.graphs[0]!.values.find(({ tensor }) => tensor?.shape.length === 2)?.tensor;
  if (!stored) return undefined;
  return (await loadTensor({ dtype: stored.dtype, shape: stored.shape, stored, files })).data;
}

it("as it is", async () => {
  expect(await kernelOf(archive)).toEqual(kernel.data);
});

it("cut at every 64th byte", async () => {
  for (let length = 0; length < archive.length; length += 64) {
    const error = await kernelOf(archive.slice(0, length)).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ModelError);
    expect((error as ModelError).problem.offset).toBeGreaterThanOrEqual(0);
  }
});

it("a bit flipped at every third byte: never another weight", async () => {
  for (let at = 0; at < archive.length; at += 3) {
    const spoilt = archive.map((byte, i) => (i === at ? byte ^ (1 << (at % 8)) : byte));
    const result = await kernelOf(spoilt).catch((thrown: unknown) => thrown);
    if (result instanceof ModelError || result === undefined) continue;
    expect(result).toEqual(kernel.data);
  }
});
