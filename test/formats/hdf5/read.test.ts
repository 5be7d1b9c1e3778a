import { describe, expect, it } from "vitest";
import { memorySource } from "../../../src/base/memory.ts";
import { ModelError } from "../../../src/base/problem.ts";
import { find, openHdf5 } from "../../../src/formats/hdf5/read.ts";
import { hdf5 } from "../../build/hdf5.ts";

const numbers = { shape: [2, 3], data: Float32Array.of(1.5, -2, 0.25, 7, -11, 13) };
const file = hdf5({
  attributes: { about: '{"a": "ü"}', names: ["one", "three", "größer"] },
  members: { a: { members: { deep: { members: { kernel: numbers } }, empty: {} } }, bias: { ...numbers, shape: [6] } },
});
const open = (bytes: Uint8Array) => openHdf5(memorySource("m.h5", bytes));

describe("openHdf5", () => {
  it("finds groups, attributes of both kinds of strings, and datasets as places", async () => {
    const root = await open(file);
    expect([...(await root.members()).keys()]).toEqual(["a", "bias"]);
    expect(await root.strings("about")).toEqual(['{"a": "ü"}']);
    expect(await root.strings("names")).toEqual(["one", "three", "größer"]);
    expect(await root.strings("other")).toBeUndefined();
    expect((await (await find(root, "a/empty"))!.members()).size).toBe(0);
    const { type, shape, layout } = (await find(root, "a/deep/kernel"))!.dataset!;
    expect([type.dtype, shape]).toEqual(["float32", [2, 3]]);
    if (layout.kind !== "contiguous") throw new Error(layout.kind);
    expect(new Float32Array(file.slice(layout.offset, layout.offset + layout.length).buffer)).toEqual(numbers.data);
  });

  it("reads a file within another", async () => {
    const root = await openHdf5(memorySource("m.keras", Uint8Array.of(...new Array(24).fill(9), ...file)), 24);
    const { layout } = (await find(root, "bias"))!.dataset!;
    const plain = (await find(await open(file), "bias"))!.dataset!.layout;
    if (layout.kind !== "contiguous" || plain.kind !== "contiguous") throw new Error(layout.kind);
    expect(layout.offset).toBe(plain.offset + 24);
  });

  it("meets every cut and every flipped bit with a located problem, or with a tree", async () => {
    const walk = async (bytes: Uint8Array) => {
      const root = await open(bytes);
      await root.strings("about");
      await root.strings("names");
      for (const path of ["a/deep/kernel", "a/empty", "bias"]) await find(root, path);
    };
    const variants = [
      ...Array.from({ length: file.length }, (_, length) => file.slice(0, length)),
      ...Array.from({ length: file.length }, (_, at) => file.map((byte, i) => (i === at ? byte ^ (1 << (at % 8)) : byte))),
    ];
    for (const bytes of variants) {
      const error = await walk(bytes).catch((thrown: unknown) => thrown);
      if (error === undefined) continue;
      expect(error).toBeInstanceOf(ModelError);
      expect((error as ModelError).problem.offset).toBeGreaterThanOrEqual(0);
    }
  });
});
