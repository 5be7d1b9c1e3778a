import { describe, expect, test } from "vitest";
import {
  type AttrValue,
  attr,
  emptyInts,
  float,
  floats,
  node,
  onnxModel,
  openOnnx,
  packedFloats,
  packedInts,
  ref,
  sparse,
  tensor,
  typeAttr,
  value,
} from "../../build/onnx.ts";
import { bytes, int, join, message, text } from "../../build/protobuf.ts";
import { random } from "../../build/random.ts";

const codes = (problems: readonly { code: string }[]) => problems.map(({ code }) => code);

describe("attributes", () => {
  async function attrOf(v: Readonly<Record<string, AttrValue>>) {
    const { model } = await openOnnx(onnxModel({ graph: { nodes: [node("Op", [], ["y"], v)] } }));
    return { attrs: model.graphs[0]!.nodes[0]!.attrs, problems: model.problems };
  }

  test("of every kind", async () => {
    const { attrs, problems } = await attrOf({
      i: -7,
      big: 2n ** 63n - 1n,
      f: float(0.1),
      s: "SAME_UPPER",
      empty: "",
      ints: [3, -1, 2n ** 60n],
      packed: packedInts([5, -6]),
      none: emptyInts(),
      floats: floats([0.5, -2]),
      packedFloats: packedFloats([1.5, 3]),
      strings: ["a", ""],
      type: typeAttr(value("", "int8", [2, "k"])),
      reference: ref("alpha", "FLOAT"),
      __proto__x: 1,
    });
    expect(problems).toEqual([]);
    expect(attrs).toEqual({
      i: { kind: "int", value: -7 },
      big: { kind: "int", value: "9223372036854775807" },
      f: { kind: "float", value: Math.fround(0.1) },
      s: { kind: "string", value: "SAME_UPPER" },
      empty: { kind: "string", value: "" },
      ints: { kind: "ints", value: [3, -1, "1152921504606846976"] },
      packed: { kind: "ints", value: [5, -6] },
      none: { kind: "ints", value: [] },
      floats: { kind: "floats", value: [0.5, -2] },
      packedFloats: { kind: "floats", value: [1.5, 3] },
      strings: { kind: "strings", value: ["a", ""] },
      type: { kind: "type", value: { dtype: "int8", shape: [2, "k"] } },
      reference: { kind: "ref", value: "alpha" },
      __proto__x: { kind: "int", value: 1 },
    });
  });

  test("tensors, dense and sparse", async () => {
    const dense = tensor("", "int64", [2], [4, 5]);
    const { attrs } = await attrOf({
      t: dense,
      ts: [dense, tensor("", "float32", [3], random(3))],
      s: sparse(tensor("", "float32", [2], [1, 2]), tensor("", "int64", [2], [3, 8]), [3, 5]),
    });
    expect(attrs.t).toMatchObject({ kind: "tensor", value: { dtype: "int64", shape: [2] } });
    expect(attrs.ts).toMatchObject({ kind: "tensors", value: [{ dtype: "int64" }, { dtype: "float32", shape: [3] }] });
    expect(attrs.s).toMatchObject({ kind: "sparse", shape: [3, 5], values: { shape: [2] }, indices: { dtype: "int64" } });
  });

  test("an attribute named __proto__ is an attribute", async () => {
    const hostile = JSON.parse('{"__proto__": 5}') as Record<string, number>;
    const { attrs } = await attrOf(hostile);
    expect(Object.hasOwn(attrs, "__proto__")).toBe(true);
    expect(Object.getPrototypeOf(attrs)).toBe(Object.prototype);
  });

  test("left-out zeroes take the type's default; before IR 2 the field tells the type", async () => {
    const { attrs } = await attrOf({
      zero: attr("INT"),
      f: attr("FLOAT"),
      old: attr(0, int(3, 9)),
      olds: attr(0, int(8, 4), int(8, 5)),
    });
    expect(attrs).toEqual({
      zero: { kind: "int", value: 0 },
      f: { kind: "float", value: 0 },
      old: { kind: "int", value: 9 },
      olds: { kind: "ints", value: [4, 5] },
    });
  });

  test.each([
    ["another type than its value", attr("INT", text(4, "x")), "says INT, holds another"],
    ["no type and no value", attr(0), "without type or value"],
    ["a type of a newer ONNX", attr(99, int(3, 1)), "of type 99"],
    ["bytes that are not text", attr("STRING", bytes(4, Uint8Array.of(0xff, 0x00, 0xfe))), "3 bytes that are not text"],
    ["a tensor that cannot be read", attr("TENSOR", message(5, [int(1, -4), int(2, 1)])), "a tensor that cannot be read"],
  ])("%s is kept as unknown and told", async (_, bad, words) => {
    const { attrs, problems } = await attrOf({ bad });
    expect(attrs.bad).toEqual({ kind: "unknown", value: words });
    expect(codes(problems)).toContain("bad-attribute");
  });

  test("the first of two with one name stays", async () => {
    const twice = join([text(1, "k"), int(3, 1), int(20, 2)]);
    const again = join([text(1, "k"), int(3, 2), int(20, 2)]);
    const raw = join([message(7, [message(1, [text(4, "Op"), bytes(5, twice), bytes(5, again)])]), message(8, [int(2, 21)])]);
    const { model } = await openOnnx(raw);
    expect(model.graphs[0]!.nodes[0]!.attrs).toEqual({ k: { kind: "int", value: 1 } });
    expect(codes(model.problems)).toEqual(["duplicate-attribute"]);
  });
});
