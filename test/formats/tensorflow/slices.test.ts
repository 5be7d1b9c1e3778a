/** Variables in parts: keys as LevelDB's ordered code writes them, and regions put together from what covers them. */
import { describe, expect, it } from "vitest";
import { memorySource, memorySources } from "../../../src/base/memory.ts";
import { readTensorflow } from "../../../src/formats/tensorflow/read.ts";
import { bytesOf, keyOfPart, type Region, regionIn } from "../../../src/formats/tensorflow/slices.ts";
import { loadTensor } from "../../../src/graph/decode.ts";
import { type Tensor, tensorOf } from "../../../src/graph/tensor.ts";
import { random } from "../../build/random.ts";
import { bundle, constant, type MetaSpec, type NodeSpec, placeholder, type Sliced, savedModel } from "../../build/tensorflow.ts";

const region = (...ranges: readonly (readonly [number, number])[]): Region => ({
  starts: ranges.map(([start]) => start),
  lengths: ranges.map(([, length]) => length),
});
const hex = (text: string): string => Array.from(text, (c) => c.charCodeAt(0).toString(16).padStart(2, "0")).join(" ");

describe("the key of a part", () => {
  it("is what TensorFlow's ordered code writes", () => {
    expect(hex(keyOfPart("w", region([0, 5], [0, -1])))).toBe("00 77 00 01 01 02 80 85 80 7f");
    // 64 takes two bytes, 10 000 three.
    expect(hex(keyOfPart("a", region([64, 10_000])))).toBe("00 61 00 01 01 01 c0 40 e0 27 10");
  });

  it("is told to RestoreV2 in words", () => {
    expect(regionIn("10 5 2,4:-")).toEqual(region([2, 4], [0, -1]));
    expect(regionIn("")).toBeUndefined();
  });
});

const [rows, columns] = [7, 5];
const weight = tensorOf("float32", [rows, columns], random(rows * columns));
const cut = ([top, height]: readonly [number, number], [left, width]: readonly [number, number]): Tensor =>
  tensorOf(
    "float32",
    [height, width],
    Array.from({ length: height * width }, (_, at) =>
      Number(weight.data[(top + Math.floor(at / width)) * columns + left + (at % width)]),
    ),
  );

const variable = (name: string, shape: readonly number[]): NodeSpec => ({
  name,
  op: "VarHandleOp",
  attrs: { dtype: { type: "float32" }, shape: { shape }, shared_name: { s: name } },
});

async function heldBy(nodes: readonly NodeSpec[], name: string, files: Record<string, Uint8Array>) {
  const meta: MetaSpec = {
    tags: ["serve"],
    graph: { nodes: [placeholder("x", "float32", [3]), ...nodes] },
    signatures: { s: { inputs: {}, outputs: { y: { value: "x:0", dtype: "float32", shape: [3] } } } },
  };
  const bytes = savedModel(meta);
  const read = await readTensorflow(memorySource("saved_model.pb", bytes), memorySources({ "saved_model.pb": bytes, ...files }));
  const attr = read.model.graphs[0]!.nodes.find((node) => node.name === name)!.attrs["value"];
  if (attr?.kind !== "tensor") return read.model.problems.map(({ reason }) => reason).join();
  const { value: stored } = attr;
  const { dtype, shape } = stored;
  return { shape, data: (await loadTensor({ dtype, shape, stored, files: read.files })).data };
}

const saved = (parts: readonly (readonly [readonly [number, number], readonly [number, number]])[], left = 0) => {
  const tensors = parts.slice(left).map((part): [string, Tensor] => [keyOfPart("w", region(...part)), cut(...part)]);
  const sliced: Record<string, Sliced> = { w: { dtype: "float32", shape: [rows, columns], slices: parts } };
  return bundle("variables/variables", Object.fromEntries(tensors), false, sliced);
};

describe("a variable saved in parts", () => {
  it("is whole again, cut along either axis or both", async () => {
    const cuts = [
      [[[0, 4], [0, 5]], [[4, 3], [0, 5]]],
      [[[0, 7], [0, 2]], [[0, 7], [2, 3]]],
      [[[0, 3], [2, 3]], [[3, 4], [0, 2]], [[0, 3], [0, 2]], [[3, 4], [2, 3]]],
    ] as const; // biome-ignore format: a table
    for (const parts of cuts)
      expect(await heldBy([variable("w", [rows, columns])], "w", saved(parts))).toEqual({ shape: [7, 5], data: weight.data });
  });

  it("is read a part at a time, by parts that the checkpoint does not know", async () => {
    const text = (name: string, ...words: string[]) => constant(name, { dtype: "string", shape: [words.length], data: words });
    const nodes = [
      variable("w/part_0", [2, 5]),
      variable("w/part_1", [5, 5]),
      text("file", "f"),
      text("names", "w", "w"),
      text("slices", "7 5 0,2:-", "7 5 2,5:0,5"),
      { name: "all", op: "RestoreV2", inputs: ["file", "names", "slices"], attrs: { dtypes: { types: ["float32", "float32"] } } },
      { name: "a0", op: "AssignVariableOp", inputs: ["w/part_0", "all"] },
      { name: "a1", op: "AssignVariableOp", inputs: ["w/part_1", "all:1"] },
    ] satisfies readonly NodeSpec[];
    const files = saved([[[0, 4], [0, 5]], [[4, 3], [0, 5]]]); // biome-ignore format: a table
    expect(await heldBy(nodes, "w/part_0", files)).toEqual({ shape: [2, 5], data: cut([0, 2], [0, 5]).data });
    expect(await heldBy(nodes, "w/part_1", files)).toEqual({ shape: [5, 5], data: cut([2, 5], [0, 5]).data });
  });

  it("that lacks one, or whose parts overlap, is refused", async () => {
    const parts = [[[0, 4], [0, 5]], [[4, 3], [0, 5]]] as const; // biome-ignore format: a table
    const w = variable("w", [rows, columns]);
    expect(await heldBy([w], "w", saved(parts, 1))).toContain("of which a part is missing");
    expect(await heldBy([w], "w", saved([[[0, 4], [0, 5]]]))).toContain("of which parts are missing"); // biome-ignore format: a table
    expect(await heldBy([w], "w", saved([[[0, 4], [0, 5]], [[3, 4], [0, 5]]]))).toContain("do not fit together"); // biome-ignore format: a table
  });

  it("in too many pieces is refused before they are counted out", () => {
    const part = { region: region([0, 2 ** 21], [0, 1]), file: 1, offset: 0 };
    expect(bytesOf([2 ** 21, 2], undefined, [part], 4)).toContain("more than 1048576 pieces");
  });
});
