import { describe, expect, it } from "vitest";
import type { DType } from "../../src/base/dtype.ts";
import { memorySource } from "../../src/base/memory.ts";
import { type Tensor, tensorOf } from "../../src/graph/tensor.ts";
import { assign, type Decoders, type NamedTensor, readStored } from "../../src/parity/stored.ts";
import type { ValueSpec } from "../../src/runtime/run.ts";

const spec = (name: string, dtype: DType = "float32"): ValueSpec => ({ name, dtype, shape: undefined });
const named = (name: string, ...values: number[]): NamedTensor => ({
  name,
  tensor: tensorOf("float32", [values.length], values),
});
/** A file whose content stands for what a decoder would give. */
const file = (name: string, content: unknown) => memorySource(name, new TextEncoder().encode(JSON.stringify(content)));
const decode = async (source: { name: string }): Promise<readonly NamedTensor[]> => contents.get(source.name)!;
const decoders: Decoders = { pb: decode, npy: decode, npz: decode };
let contents: Map<string, NamedTensor[]>;

function folder(entries: Record<string, NamedTensor[]>) {
  contents = new Map(Object.entries(entries));
  return readStored(
    Object.keys(entries).map((name) => memorySource(name, new Uint8Array())),
    decoders,
  );
}

const values = (found: Map<string, Tensor>) =>
  Object.fromEntries([...found].map(([name, { data }]) => [name, [...(data as Float32Array)]]));

describe("binary files", () => {
  it("are matched by tensor name, else by number", async () => {
    const set = await folder({
      "input_1.pb": [named("", 1)],
      "input_0.pb": [named("c", 3)],
      "input_2.pb": [named("a", 5)],
      "output_0.pb": [named("y", 7)],
      "notes.txt": [],
    });
    expect(values(assign(set.inputs, [spec("a"), spec("b"), spec("c")]))).toEqual({ a: [5], b: [1], c: [3] });
    expect(values(assign(set.outputs, [spec("z"), spec("y")]))).toEqual({ y: [7] });
  });

  it("fall back to the number where the file has names of its own", async () => {
    const set = await folder({ "input_0.pb": [named("gpu_0/data_0", 1)], "input_1.pb": [named("other", 2)] });
    expect(values(assign(set.inputs, [spec("x"), spec("y")]))).toEqual({ x: [1], y: [2] });
  });

  it("name arrays by file in .npy and by key in .npz", async () => {
    const npy = await folder({ "x.npy": [named("", 1)], "input_1.npy": [named("", 2)] });
    expect(values(assign(npy.inputs, [spec("x"), spec("y")]))).toEqual({ x: [1], y: [2] });
    const single = await folder({ "whatever.npy": [named("", 3)] });
    expect(values(assign(single.inputs, [spec("x")]))).toEqual({ x: [3] });
    const npz = await folder({ "all.npz": [named("y", 4), named("arr_0", 5)] });
    expect(values(assign(npz.inputs, [spec("x"), spec("y")]))).toEqual({ x: [5], y: [4] });
  });

  it("are converted where no value and no kind of type changes", async () => {
    const double: NamedTensor = { name: "x", tensor: tensorOf("float64", [2], [0.5, 1 / 3]) };
    const long: NamedTensor = { name: "i", tensor: tensorOf("int64", [2], [-5, 300]) };
    const set = await folder({ "a.pb": [double], "b.pb": [long] });
    const found = assign(set.inputs, [spec("x", "float16"), spec("i", "int16")]);
    expect(found.get("x")).toEqual({ dtype: "float16", shape: [2], data: Float32Array.of(0.5, 0.333251953125) });
    expect(found.get("i")).toEqual({ dtype: "int16", shape: [2], data: Int16Array.of(-5, 300) });
    expect(() => assign(set.inputs, [spec("i", "int8")])).toThrowError(/i: int8 wanted, the file holds int64/);
    expect(() => assign(set.inputs, [spec("i", "float32")])).toThrowError(/float32 wanted/);
  });
});

describe("json", () => {
  const read = async (content: unknown, ...specs: ValueSpec[]) =>
    assign((await readStored([file("in.json", content)], decoders)).inputs, specs);

  it("takes nested arrays, flat data with a shape, and the model's dtypes", async () => {
    const found = await read(
      {
        x: [
          [1, 2.5, -3],
          ["NaN", "-Infinity", 0],
        ],
        i: { shape: [2, 1], data: ["9007199254740993", -1] },
        ok: [true, 0],
        s: ["a", "b"],
        n: 7,
      },
      spec("x"),
      spec("i", "int64"),
      spec("ok", "bool"),
      spec("s", "string"),
      spec("n", "int32"),
    );
    expect(found.get("x")).toEqual({ dtype: "float32", shape: [2, 3], data: Float32Array.of(1, 2.5, -3, Number.NaN, -1 / 0, 0) });
    expect(found.get("i")).toEqual({ dtype: "int64", shape: [2, 1], data: BigInt64Array.of(9007199254740993n, -1n) });
    expect(found.get("ok")).toEqual({ dtype: "bool", shape: [2], data: Uint8Array.of(1, 0) });
    expect(found.get("s")).toEqual({ dtype: "string", shape: [2], data: ["a", "b"] });
    expect(found.get("n")).toEqual({ dtype: "int32", shape: [], data: Int32Array.of(7) });
    expect((await read([[1], [2]], spec("only"))).get("only")!.shape).toEqual([2, 1]);
  });

  it.each([
    [{ x: [[1], [2, 3]] }, "float32", /rows of unequal length/],
    [{ x: [1, [2]] }, "float32", /mixes values and rows/],
    [{ x: { shape: [2, 2], data: [1, 2, 3] } }, "float32", /not as many values as its shape/],
    [{ x: [1.5] }, "int32", /no int32: 1\.5/],
    [{ x: [300] }, "int8", /no int8: 300/],
    [{ x: ["nine"] }, "float32", /no float32: "nine"/],
    [{ x: [null] }, "float32", /no float32: null/],
    [{ x: [2] }, "bool", /no bool: 2/],
  ] as const)("refuses %j as %s", async (content, dtype, message) => {
    await expect(read(content, spec("x", dtype))).rejects.toThrowError(message);
  });

  it("is refused where it is no JSON or no object", async () => {
    await expect(readStored([memorySource("in.json", new TextEncoder().encode("{"))], decoders)).rejects.toThrowError(
      /in\.json is no JSON/,
    );
    await expect(read(3, spec("x"))).rejects.toThrowError(/holds no object of tensors/);
  });
});
