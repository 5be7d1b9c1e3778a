/** LiteRT over values that it does not carry itself. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { memorySource } from "../../src/base/memory.ts";
import { carriedCopy } from "../../src/formats/tflite/carried.ts";
import { type Tensor, tensorOf } from "../../src/graph/tensor.ts";
import { LiteRtProcess } from "../../src/runtime/litert.ts";
import type { ValueSpec } from "../../src/runtime/run.ts";
import { constant, operator, type TensorSpec, tfliteModel, value } from "../build/tflite.ts";

let liteRt: LiteRtProcess;
beforeAll(async () => {
  liteRt = await LiteRtProcess.start();
});
afterAll(() => liteRt.close());

async function run(
  file: Uint8Array,
  feeds: Record<string, Tensor>,
  outputs: readonly ValueSpec[],
  ids?: number[],
): Promise<Tensor[]> {
  const inputs = Object.entries(feeds).map(([name, { dtype, shape }]) => ({ name, dtype, shape }));
  const loaded = await liteRt.load(await carriedCopy(memorySource("m.tflite", file), ids), inputs, outputs);
  try {
    return await liteRt.run(loaded, new Map(Object.entries(feeds)));
  } finally {
    await liteRt.unload(loaded);
  }
}

test("codes of 8 bits in and out, and of a value between", async () => {
  const codes = { scale: [0.5], zero: [-10] };
  const file = tfliteModel({
    tensors: [
      value("x", "int8", [2, 3], codes),
      constant("c", "int8", [3], [-8, -10, -5], codes),
      value("sum", "int8", [2, 3], codes),
      value("y", "int8", [2, 3], { scale: [1], zero: [5] }),
    ],
    inputs: ["x"],
    outputs: ["y"],
    operators: [operator("ADD", ["x", "c"], ["sum"], "AddOptions"), operator("QUANTIZE", ["sum"], ["y"])],
  });
  const x = tensorOf("int8", [2, 3], [-10, 0, 20, 127, -128, 3]);
  const spec = (name: string): ValueSpec => ({ name, dtype: "int8", shape: [2, 3] });
  const [y, sum] = await run(file, { x }, [spec("y"), spec("sum")], [3, 2]);
  // c stands for 1, 0 and 2.5: its steps are 2, 0 and 5.
  expect(sum).toEqual(tensorOf("int8", [2, 3], [-8, 0, 25, 127, -128, 8]));
  expect(y!.dtype).toBe("int8");
  const halves = [-8, 0, 25, 127, -128, 8].map((code) => (code + 10) / 2 + 5);
  for (const [i, wanted] of halves.entries()) expect(Math.abs(Number(y!.data[i]) - wanted)).toBeLessThanOrEqual(0.5);
});

test("64-bit integers and booleans", async () => {
  const file = tfliteModel({
    tensors: [
      value("x", "int64", [4]),
      constant("c", "int64", [4], [7, -3, 100, 2]),
      value("y", "bool", [4]),
      value("z", "int64", [4]),
    ],
    inputs: ["x"],
    outputs: ["y", "z"],
    operators: [operator("LESS", ["x", "c"], ["y"]), operator("ADD", ["x", "c"], ["z"], "AddOptions")],
  });
  const x = tensorOf("int64", [4], [6, -3, 2000, -2]);
  const [y, z] = await run(file, { x }, [
    { name: "y", dtype: "bool", shape: [4] },
    { name: "z", dtype: "int64", shape: [4] },
  ]);
  expect(y).toEqual(tensorOf("bool", [4], [1, 0, 0, 1]));
  expect(z).toEqual(tensorOf("int64", [4], [13, -6, 2100, 0]));
});

test("a value of unknown rank is not asked for: LiteRT.js would hand out memory that nobody wrote", async () => {
  const file = tfliteModel({
    tensors: [value("x", "float32", [3]), value("y", "float32", [3])],
    inputs: ["x"],
    outputs: ["y"],
    operators: [operator("NEG", ["x"], ["y"])],
  });
  const x = tensorOf("float32", [3], [1, 2, 3]);
  await expect(run(file, { x }, [{ name: "y", dtype: "float32", shape: undefined }])).rejects.toThrow("unknown rank");
});

test("a state that changes from run to run is no unwritten memory", async () => {
  const handle: TensorSpec = { ...value("h", "int32", []), more: { type: "RESOURCE" } };
  const own = operator("VAR_HANDLE", [], ["h"], "VarHandleOptions", { container: "", shared_name: "kept" });
  const file = tfliteModel({
    tensors: [value("x", "float32", [3]), handle, value("before", "float32", [3]), value("y", "float32", [3])],
    inputs: ["x"],
    outputs: ["y"],
    operators: [
      operator("CALL_ONCE", [], [], "CallOnceOptions", { init_subgraph_index: 1 }),
      own,
      operator("READ_VARIABLE", ["h"], ["before"]),
      operator("ADD", ["before", "x"], ["y"], "AddOptions"),
      operator("ASSIGN_VARIABLE", ["h", "y"], []),
    ],
    subgraphs: [
      {
        tensors: [handle, constant("first", "float32", [3], [10, 20, 30])],
        inputs: [],
        outputs: [],
        operators: [own, operator("ASSIGN_VARIABLE", ["h", "first"], [])],
      },
    ],
  });
  const x = tensorOf("float32", [3], [1, 2, 3]);
  const [y] = await run(file, { x }, [{ name: "y", dtype: "float32", shape: [3] }]);
  expect(y).toEqual(tensorOf("float32", [3], [11, 22, 33]));
});
