import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { ModelError } from "../../../src/base/problem.ts";
import { readTensorProto, readValueProto } from "../../../src/formats/onnx/tensor.ts";
import { tensorOf } from "../../../src/graph/tensor.ts";
import { externalFile, tensor, writeTensorProto } from "../../build/onnx.ts";
import { bytes, int, join, text } from "../../build/protobuf.ts";
import { random } from "../../build/random.ts";
import { zooFiles } from "../../build/zoo.ts";

const t = { dtype: "float32", shape: [3, 5], data: random(15) } as const;

test.each(["raw", "typed", "unpacked"] as const)("a tensor, %s", (storage) => {
  expect(readTensorProto(writeTensorProto("x", t, storage))).toEqual({ name: "x", tensor: t });
});

test("bytes at an odd offset of a Node buffer", () => {
  const file = Buffer.concat([Buffer.alloc(3), writeTensorProto("x", t)]).subarray(3);
  expect(readTensorProto(file).tensor.data).toEqual(t.data);
});

describe("sequences and optionals", () => {
  const a = writeTensorProto("", tensorOf("int64", [2], [4, -5]));
  const b = writeTensorProto("", t);

  test("a sequence of tensors", () => {
    const file = join([text(1, "seq"), int(2, 1), bytes(3, a), bytes(3, b)]);
    expect(readValueProto(file, "sequence")).toEqual({ name: "seq", value: [tensorOf("int64", [2], [4, -5]), t] });
  });

  test("an optional: a tensor, a sequence, nothing", () => {
    expect(readValueProto(join([text(1, "o"), int(2, 1), bytes(3, b)]), "optional")).toEqual({ name: "o", value: t });
    const inner = join([int(2, 1), bytes(3, a)]);
    expect(readValueProto(join([int(2, 3), bytes(5, inner)]), "optional").value).toEqual([tensorOf("int64", [2], [4, -5])]);
    expect(readValueProto(join([text(1, "o"), int(2, 1)]), "optional").value).toBeUndefined();
  });

  test("a map is refused", () => {
    expect(() => readValueProto(join([int(2, 4), bytes(6, new Uint8Array(0))]), "sequence")).toThrow("field 6");
  });
});

test("external data in a file of its own is refused", () => {
  const { tensors } = externalFile("w.bin", [tensor("x", "float32", [2], [1, 2])]);
  const [placed] = tensors;
  expect(() => readTensorProto(writeTensorProto("x", placed!, placed!.storage))).toThrow(
    "external data in a file that is no model",
  );
});

test.each([
  ["text", new TextEncoder().encode("not a tensor")],
  ["nothing", new Uint8Array(0)],
  ["a cut tensor", writeTensorProto("x", t).subarray(0, 40)],
])("%s is a ModelError", (_, file) => {
  expect(() => readTensorProto(file)).toThrow(ModelError);
});

const stored = zooFiles("onnx-node-tests", ".pb");
if (stored.length) {
  test("zoo: every stored tensor can be read, but for those that are sequences or optionals", { timeout: 60_000 }, () => {
    const failed = stored.filter((file) => {
      const content = readFileSync(file);
      try {
        readTensorProto(content);
        return false;
      } catch (error) {
        if (!(error instanceof ModelError)) throw error;
        return !["sequence", "optional"].some((kind) => readable(content, kind as "sequence" | "optional"));
      }
    });
    expect(failed.map((file) => path.basename(path.dirname(path.dirname(file))))).toEqual([]);
  });
}

function readable(content: Uint8Array, kind: "sequence" | "optional"): boolean {
  try {
    readValueProto(content, kind);
    return true;
  } catch {
    return false;
  }
}
