import { describe, expect, test } from "vitest";
import { onnxModel, openOnnx, tensor } from "../../build/onnx.ts";
import { bytes, int, join, message, text } from "../../build/protobuf.ts";
import { randomInts } from "../../build/random.ts";

describe("tensors that cannot be", () => {
  const raw = (...fields: Parameters<typeof join>[0]) =>
    join([message(7, [message(5, [...fields, text(8, "w")])]), message(8, [int(2, 21)])]);
  test.each([
    ["a tensor without a data type", raw(int(1, 3))],
    ["unknown data type 77", raw(int(1, 3), int(2, 77))],
    ["a tensor with a dimension of -3", raw(int(1, -3), int(2, 1))],
    ["a tensor of 3 elements without data", raw(int(1, 3), int(2, 1))],
    ["float32 elements in int64_data, where float_data belongs", raw(int(1, 1), int(2, 1), int(7, 5))],
    ["strings in raw_data", raw(int(1, 1), int(2, 8), bytes(9, Uint8Array.of(1)))],
    ["a tensor in segments, which no ONNX runtime reads", raw(int(1, 1), int(2, 1), message(3, []), bytes(9, new Uint8Array(4)))],
    ["external data without a location", raw(int(1, 1), int(2, 1), int(14, 1))],
    [
      "external data outside the model's folder: ../secret",
      raw(int(1, 1), int(2, 1), int(14, 1), message(13, [text(1, "location"), text(2, "../secret")])),
    ],
    [
      "external data at offset -4, length unset",
      raw(
        int(1, 1),
        int(2, 1),
        int(14, 1),
        message(13, [text(1, "location"), text(2, "w")]),
        message(13, [text(1, "offset"), text(2, "-4")]),
      ),
    ],
  ])("%s", async (reason, file) => {
    const { model } = await openOnnx(file);
    expect(model.problems[0]).toMatchObject({ code: "bad-tensor", severity: "error", tensor: "w", reason });
    expect(model.problems[0]!.offset).toBeTypeOf("number");
    expect(model.graphs[0]!.values[0]!.tensor).toBeUndefined();
  });
});

test("no elements need no data", async () => {
  const { model } = await openOnnx(
    join([message(7, [message(5, [int(1, 0), int(2, 1), text(8, "w")])]), message(8, [int(2, 21)])]),
  );
  expect(model.graphs[0]!.values[0]!.tensor).toEqual({ dtype: "float32", shape: [0], slices: [], encoding: "raw" });
  expect(model.problems).toEqual([]);
});

describe("external data", () => {
  const external = (location: string, length?: number) =>
    onnxModel({
      graph: {
        name: "g",
        nodes: [],
        initializers: [
          tensor("w", "float32", [3, 2], randomInts(6, -9, 9), {
            location,
            offset: 8,
            ...(length === undefined ? {} : { length }),
          }),
        ],
      },
    });

  test("has its file among the model's, once", async () => {
    const { model } = await openOnnx(external("./data.bin"), { "data.bin": new Uint8Array(32) });
    expect(model.files).toEqual(["model.onnx", "data.bin"]);
    expect(model.graphs[0]!.values[0]!.tensor!.slices).toEqual([{ file: 1, offset: 8, length: 24 }]);
    expect(model.problems).toEqual([]);
  });

  test("absent: the model opens, with an error", async () => {
    const { model } = await openOnnx(external("data.bin"));
    expect(model.problems).toMatchObject([
      { code: "external-data", severity: "error", reason: "external data: no such file: data.bin" },
    ]);
  });

  test("too short a file, and too short a slice", async () => {
    const short = await openOnnx(external("data.bin"), { "data.bin": new Uint8Array(31) });
    expect(short.model.problems).toMatchObject([
      { code: "external-data", graph: "g", tensor: "w", reason: "bytes 8 to 32 of data.bin, which has 31" },
    ]);
    const slice = await openOnnx(external("data.bin", 20), { "data.bin": new Uint8Array(64) });
    expect(slice.model.problems).toMatchObject([
      { code: "tensor-length", graph: "g", tensor: "w", reason: "20 bytes where float32[3,2] takes 24" },
    ]);
  });
});
