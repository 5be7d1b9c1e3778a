import { registerOp } from "@tensorflow/tfjs-converter";
import * as core from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import { beforeAll, describe, expect, it } from "vitest";
import { bitOps } from "../../src/customops/bits.ts";
import { coupledOps } from "../../src/customops/coupled.ts";
import { decodeOps } from "../../src/customops/decode.ts";
import { hashOps } from "../../src/customops/hash.ts";
import { matrixOps } from "../../src/customops/matrix.ts";
import { scatterOps } from "../../src/customops/scatter.ts";
import { customOps } from "../../src/customops/table.ts";
import { stringOps } from "../../src/customops/text.ts";
import { transformOps } from "../../src/customops/transform.ts";
import { uniqueOps } from "../../src/customops/unique.ts";
import { customOpsModule } from "../../src/customops/write.ts";

type Run = (node: { inputs: core.Tensor[]; attrs: Record<string, unknown> }) => core.Tensor | core.Tensor[];

/** What the text of the module registers: nothing of this project is in its scope. */
async function registered(names: readonly string[]): Promise<Map<string, Run>> {
  const url = `data:text/javascript,${encodeURIComponent(customOpsModule(names))}`;
  const { register } = (await import(/* @vite-ignore */ url)) as { register: (tf: object) => void };
  const found = new Map<string, Run>();
  register({ ...core, registerOp: (name: string, run: Run) => found.set(name, run) });
  return found;
}

const ints = (values: number[], shape: number[] = [values.length]) => core.tensor(values, shape, "int32");
const floats = (values: number[], shape: number[] = [values.length]) => core.tensor(values, shape, "float32");
const texts = (values: string[], shape: number[] = [values.length]) => core.tensor(values, shape, "string");

interface Trial {
  readonly inputs: () => core.Tensor[];
  readonly attrs?: Record<string, unknown>;
  readonly outputs: readonly { readonly shape: readonly number[]; readonly values: readonly unknown[] }[];
}

const scatterInputs = () => [floats([1, 2, 3, 4, 5, 6], [3, 2]), ints([2, 0, 2], [3, 1]), floats([7, -1, 2, 9, 0.5, 4], [3, 2])];

const trials: Readonly<Record<string, Trial>> = {
  TensorScatterMul: { inputs: scatterInputs, outputs: [{ shape: [3, 2], values: [2, 18, 3, 4, 17.5, -24] }] },
  TensorScatterMax: { inputs: scatterInputs, outputs: [{ shape: [3, 2], values: [2, 9, 3, 4, 7, 6] }] },
  TensorScatterMin: { inputs: scatterInputs, outputs: [{ shape: [3, 2], values: [1, 2, 3, 4, 0.5, -1] }] },
  BitwiseAnd: {
    inputs: () => [ints([12, -7, 5], [3, 1]), ints([10, 3])],
    outputs: [{ shape: [3, 2], values: [8, 0, 8, 1, 0, 1] }],
  },
  BitwiseOr: { inputs: () => [ints([12, -8]), ints([3])], outputs: [{ shape: [2], values: [15, -5] }] },
  BitwiseXor: { inputs: () => [ints([12, -8]), ints([6, 6])], outputs: [{ shape: [2], values: [10, -2] }] },
  BitcastToInt32: { inputs: () => [floats([1, -2])], outputs: [{ shape: [2], values: [0x3f800000, -0x40000000] }] },
  BitcastBytes: {
    inputs: () => [ints([0x12345678, -2])],
    attrs: { from: 4, to: 3 },
    outputs: [{ shape: [2, 2], values: [0x5678, 0x1234, 0xfffe, 0xffff] }],
  },
  BitcastToFloat32: {
    inputs: () => [ints([0x3f800000, 0x40490fdb])],
    outputs: [{ shape: [2], values: [1, Math.fround(Math.PI)] }],
  },
  MatrixDeterminant: {
    inputs: () => [floats([0, 2, 3, 5, 4, 1, 2, 2], [2, 2, 2])],
    outputs: [{ shape: [2], values: [-6, 6] }],
  },
  FourierAlong: {
    inputs: () => [floats([1, 2, 3, 4, 0, 6], [3, 2, 1]), ints([0], []), ints([-3], [])],
    attrs: { inverse: false, onesided: true },
    outputs: [
      {
        shape: [2, 2, 2],
        values: [4, 0, 12, 0, -0.5, -2.598076105117798, -3, 1.7320507764816284].map((x) => expect.closeTo(x, 5)),
      },
    ],
  },
  ColumnsToImage: {
    inputs: () => [floats([1, 2, 3, 4, 5, 6], [1, 2, 3]), ints([5]), ints([2])],
    attrs: { strides: [1], dilations: [3], pads: [0, 1] },
    outputs: [{ shape: [1, 1, 5], values: [1, 2, 3, 4, 5] }],
  },
  CoupledProbabilities: {
    inputs: () => [floats([2, 0.5, -1], [1, 3])],
    attrs: { a: [-1, -1, -1], b: [0, 0, 0] },
    outputs: [{ shape: [1, 3], values: [0.56899, 0.09709, 0.33392].map((x) => expect.closeTo(x, 4)) }],
  },
  BlockRepeats: {
    inputs: () => [ints([3, 1, 2, 3], [1, 4]), floats([5, 6, 7, 8], [1, 4])],
    attrs: { size: 2 },
    outputs: [{ shape: [1, 4], values: [5, Number.NEGATIVE_INFINITY, 7, 8] }],
  },
  TimeWarp: {
    inputs: () => [floats([1, 9, 9, 9, 1, 1], [2, 3])],
    outputs: [{ shape: [2, 3], values: [0, 1, 1, 0, 1, 2] }],
  },
  MurmurHash3: {
    inputs: () => [texts(["", "a", "hello, world"])],
    attrs: { seed: 0, wide: false, unsigned: false, modulus: 0 },
    outputs: [{ shape: [3], values: [0, 0x3c2569b2, 0x149bbb7f] }],
  },
  UniqueElements: {
    inputs: () => [floats([2, 1, 1, 3, 2, 1], [3, 2])],
    attrs: { flat: false, axis: 0, sorted: true },
    outputs: [
      { shape: [2, 2], values: [1, 3, 2, 1] },
      { shape: [2], values: [1, 0] },
      { shape: [3], values: [1, 0, 1] },
      { shape: [2], values: [1, 2] },
    ],
  },
  StringEqual: {
    inputs: () => [texts(["a", "b"], [2, 1]), texts(["b", "c", "a"])],
    outputs: [{ shape: [2, 3], values: [0, 0, 1, 1, 0, 0] }],
  },
  StringConcat: { inputs: () => [texts(["a", "b"]), texts(["!"])], outputs: [{ shape: [2], values: ["a!", "b!"] }] },
  StringGather: {
    inputs: () => [texts(["a", "b", "c", "d", "e", "f"], [2, 3]), ints([2, 0], [2, 1])],
    attrs: { axis: 1 },
    outputs: [{ shape: [2, 2, 1], values: ["c", "a", "f", "d"] }],
  },
  MatrixInverse: {
    inputs: () => [floats([0, 2, 4, 0, 2, 1, 0, 4], [2, 2, 2])],
    outputs: [{ shape: [2, 2, 2], values: [0, 0.25, 0.5, 0, 0.5, -0.125, 0, 0.25] }],
  },
  LookUp: {
    inputs: () => [texts(["x", "z", "y"]), texts(["y", "x"]), floats([0.5, 2]), floats([-1], [])],
    outputs: [{ shape: [3], values: [2, -1, 0.5] }],
  },
  RegexFullMatch: {
    inputs: () => [texts(["ab1", "ab", "xab1"]), texts(["[a-b]+\\d"])],
    outputs: [{ shape: [3], values: [1, 0, 0] }],
  },
  StringPieces: {
    inputs: () => [texts(["a,,b", "c"]), texts([","])],
    attrs: { maxsplit: -1 },
    outputs: [
      { shape: [2, 3], values: ["a", "", "b", "c", "", ""] },
      { shape: [2], values: [3, 1] },
    ],
  },
  NumberToText: {
    inputs: () => [floats([0.1, -2, 1e-7, 16777216, Number.NaN, Number.NEGATIVE_INFINITY])],
    outputs: [{ shape: [6], values: ["0.1", "-2", "1e-7", "16777216", "NaN", "-INF"] }],
  },
  TextToNumber: {
    inputs: () => [texts(["3.5", " 1e3", "-inf", "INF", "x"])],
    attrs: { whole: false },
    outputs: [{ shape: [5], values: [3.5, 1000, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, Number.NaN] }],
  },
  CountNgrams: {
    inputs: () => [
      ints([2, 3, 2, 5, 3, 5], [2, 3]),
      ints([2, 5, 2, 3, 2, 2]),
      ints([0, 2]),
      ints([3, 0, 1, 2]),
      floats([0.5, 2, 3, 4]),
    ],
    attrs: { min: 1, max: 2, skip: 1, mode: 2, width: 4 },
    outputs: [{ shape: [2, 4], values: [0, 2, 3, 8, 1, 0, 0, 0] }],
  },
  Tokenize: {
    inputs: () => [texts(["a-bc d", "e"], [2, 1]), texts(["-", " "]), texts(["#"]), texts([""])],
    attrs: { mark: false, least: 1 },
    outputs: [{ shape: [2, 1, 3], values: ["a", "bc", "d", "e", "#", "#"] }],
  },
  NormalizeText: {
    inputs: () => [texts(["Monday", "tuesday", "Friday"]), texts(["monday"])],
    attrs: { sensitive: false, change: 2 },
    outputs: [{ shape: [2], values: ["TUESDAY", "FRIDAY"] }],
  },
};

beforeAll(async () => {
  await core.setBackend("cpu");
  expect(typeof registerOp).toBe("function");
});

describe("custom ops, from the text that a model carries", () => {
  it("has a trial for every op of these families", () => {
    const families = {
      ...bitOps,
      ...matrixOps,
      ...scatterOps,
      ...coupledOps,
      ...decodeOps,
      ...hashOps,
      ...stringOps,
      ...transformOps,
      ...uniqueOps,
    };
    expect(Object.keys(trials).sort()).toEqual(Object.keys(families).sort());
  });

  it("registers every op there is", async () => {
    expect([...(await registered([...customOps.keys()])).keys()].sort()).toEqual([...customOps.keys()].sort());
  });

  it.each(Object.entries(trials))("%s", async (name, { inputs, attrs = {}, outputs }) => {
    const run = (await registered([name])).get(name)!;
    const results = [run({ inputs: inputs(), attrs })].flat();
    expect(
      results.map((result) => ({
        shape: result.shape,
        values: [...(result.dataSync() as unknown as ArrayLike<unknown> & Iterable<unknown>)],
      })),
    ).toEqual(outputs);
  });

  it("holds just what is asked for", async () => {
    expect([...(await registered(["BitwiseOr", "StringConcat"])).keys()]).toEqual(["BitwiseOr", "StringConcat"]);
    expect(customOpsModule(["BitwiseOr"])).not.toContain("textOf");
  });
});
