import fs from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it } from "vitest";
import type { DType } from "../../../src/base/dtype.ts";
import { MemorySink, memorySource } from "../../../src/base/memory.ts";
import { find, openHdf5 } from "../../../src/formats/hdf5/read.ts";
import { type NewDataset, NewGroup, writeHdf5 } from "../../../src/formats/hdf5/write.ts";
import { random } from "../../build/random.ts";

async function written(root: NewGroup, bytesOf: (dataset: NewDataset) => Uint8Array = () => new Uint8Array()) {
  const sink = new MemorySink();
  await writeHdf5(await sink.create("m.h5"), root, async (dataset) => bytesOf(dataset));
  await sink.commit();
  return sink.files["m.h5"]!;
}

/** The reference implementation's own view of a file. */
async function byLibrary<T>(bytes: Uint8Array, look: (file: import("h5wasm").File) => T): Promise<T> {
  const { ready, File } = await import("h5wasm/node");
  await ready;
  const folder = await fs.mkdtemp(path.join(tmpdir(), "hdf5-"));
  const name = path.join(folder, "m.h5");
  await fs.writeFile(name, bytes);
  const file = new File(name, "r");
  try {
    return look(file);
  } finally {
    file.close();
    await fs.rm(folder, { recursive: true });
  }
}

const numbers: readonly (readonly [DType, ArrayBufferView & Iterable<number | bigint>])[] = [
  ["float32", random(42, 1)],
  ["float64", Float64Array.from(random(42, 2), (x) => x / 3)],
  ["int8", Int8Array.from(random(42, 3), (x) => x * 100)],
  ["uint8", Uint8Array.from(random(42, 4), (x) => Math.abs(x) * 200)],
  ["int16", Int16Array.from(random(42, 5), (x) => x * 30000)],
  ["uint16", Uint16Array.from(random(42, 6), (x) => Math.abs(x) * 60000)],
  ["int32", Int32Array.from(random(42, 7), (x) => x * 2e9)],
  ["uint32", Uint32Array.from(random(42, 8), (x) => Math.abs(x) * 4e9)],
  ["int64", BigInt64Array.from(random(42, 9), (x) => BigInt(Math.round(x * 2 ** 50)))],
];

it.each(numbers)("writes %s as libhdf5 and our own reader read it", async (dtype, data) => {
  const root = new NewGroup();
  root.dataset("a/b/kernel:0", { dtype, shape: [2, 3, 7] });
  const bytes = await written(root, () => new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  await byLibrary(bytes, (file) => {
    const dataset = file.get("a/b/kernel:0") as import("h5wasm").Dataset;
    expect(dataset.shape).toEqual([2, 3, 7]);
    expect([...(dataset.value as typeof data)]).toEqual([...data]);
  });
  const own = (await find(await openHdf5(memorySource("m.h5", bytes)), "a/b/kernel:0"))!.dataset!;
  expect(own.type.dtype).toBe(dtype);
  expect(own.shape).toEqual([2, 3, 7]);
  if (own.layout.kind !== "contiguous") throw new Error(own.layout.kind);
  const { offset, length } = own.layout;
  expect([...bytes.subarray(offset, offset + length)]).toEqual([...new Uint8Array(data.buffer)]);
});

it("writes halves, scalars and datasets of nothing", async () => {
  const root = new NewGroup();
  root.dataset("half", { dtype: "float16", shape: [3] });
  root.dataset("scalar", { dtype: "float32", shape: [] });
  root.dataset("none", { dtype: "float32", shape: [0, 5] });
  const bytes = await written(root, ({ dtype }) =>
    dtype === "float16" ? new Uint8Array([0, 0x3c, 0, 0xc0, 0, 0x35]) : new Uint8Array(new Float32Array([0.37]).buffer),
  );
  await byLibrary(bytes, (file) => {
    const get = (name: string) => file.get(name) as import("h5wasm").Dataset;
    expect(get("half").metadata).toMatchObject({ size: 2, type: 1, littleEndian: true });
    expect(get("none").shape).toEqual([0, 5]);
    expect(get("scalar").shape).toEqual([]);
    expect(get("scalar").value).toBe(Math.fround(0.37));
  });
  const own = await openHdf5(memorySource("m.h5", bytes));
  expect((await find(own, "half"))!.dataset!.type.dtype).toBe("float16");
  expect((await find(own, "none"))!.dataset!.layout).toEqual({ kind: "empty" });
});

it("writes texts of any length and lists of texts, of ASCII and beyond, empty ones too", async () => {
  const root = new NewGroup();
  const long = `{"é": "${"x".repeat(100_001)}"}`;
  root.attributes.set("model_config", long).set("keras_version", "2.15.0").set("nothing", "");
  const list = ["dense_1/kernel:0", "ü/bias:0", ""];
  root.group("model_weights").attributes.set("weight_names", list).set("none", []);
  const bytes = await written(root);
  await byLibrary(bytes, (file) => {
    expect(file.attrs["model_config"]!.value).toBe(long);
    expect(file.attrs["keras_version"]!.value).toBe("2.15.0");
    const { attrs } = file.get("model_weights") as import("h5wasm").Group;
    expect(attrs["weight_names"]!.value).toEqual(list);
    expect(attrs["none"]!.shape).toEqual([0]);
  });
  const own = await openHdf5(memorySource("m.h5", bytes));
  expect(await own.strings("model_config")).toEqual([long]);
  expect(await own.strings("nothing")).toEqual([""]);
  expect(await (await find(own, "model_weights"))!.strings("weight_names")).toEqual(list);
  expect(await (await find(own, "model_weights"))!.strings("none")).toEqual([]);
});

it("writes thousands of members, each with its own numbers", async () => {
  const root = new NewGroup();
  const values = new Map<NewDataset, number>();
  for (let i = 0; i < 3001; i++) {
    const dataset: NewDataset = { dtype: "int32", shape: [1] };
    root.dataset(`layer_${i}/w`, dataset);
    values.set(dataset, 7 * i);
  }
  const bytes = await written(root, (dataset) => new Uint8Array(Int32Array.of(values.get(dataset)!).buffer));
  await byLibrary(bytes, (file) => {
    expect(file.keys().length).toBe(3001);
    for (const i of [0, 1, 1499, 3000])
      expect((file.get(`layer_${i}/w`) as import("h5wasm").Dataset).value).toEqual(Int32Array.of(7 * i));
  });
});

it("refuses two things of one name, and types that HDF5 does not have", async () => {
  const root = new NewGroup();
  root.dataset("a", { dtype: "float32", shape: [1] });
  expect(() => root.dataset("a", { dtype: "float32", shape: [1] })).toThrow(/two things of one name/);
  expect(() => root.group("a/b")).toThrow(/two things of one name/);
  const other = new NewGroup();
  other.dataset("b", { dtype: "bfloat16", shape: [1] });
  await expect(written(other)).rejects.toThrow(/bfloat16/);
});
