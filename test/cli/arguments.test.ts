import { describe, expect, it } from "vitest";
import { marked, unmarked } from "../../src/cli/arguments.ts";

/** A value with its mark. */
const m = (value: string) => `\u0000${value}`;
const valued = new Set(["out", "outputs", "shard-bytes"]);
const through = (...args: string[]) => marked(args, (name) => valued.has(name));

describe("marked", () => {
  it("keeps values from being taken for numbers, in both spellings", () => {
    expect(through("convert", "m.onnx", "--out", "007", "--outputs=1.10")).toEqual([
      "convert",
      "m.onnx",
      `--out=${m("007")}`,
      `--outputs=${m("1.10")}`,
    ]);
    expect(through("--out", "")).toEqual([`--out=${m("")}`]);
    expect(through("--outputs=a=b")).toEqual([`--outputs=${m("a=b")}`]);
  });

  it("puts models before the flags, which would take them for their values", () => {
    expect(through("inspect", "--json", "2024", "-v")).toEqual(["inspect", "2024", "--json", "-v"]);
  });

  it("takes a negative number for a value, another option for none", () => {
    expect(through("--shard-bytes", "-1")).toEqual([`--shard-bytes=${m("-1")}`]);
    expect(through("--out", "--json")).toEqual(["--out", "--json"]);
    expect(through("--out")).toEqual(["--out"]);
  });
});

describe("unmarked", () => {
  it("gives the values as they were typed", () => {
    expect(unmarked({ out: m("007"), outputs: [m("a"), m("1.10")], json: true, "--": [] })).toEqual({
      out: "007",
      outputs: ["a", "1.10"],
      json: true,
      "--": [],
    });
  });

  it("refuses two values where one is meant", () => {
    expect(() => unmarked({ shardBytes: [m("1"), m("2")] })).toThrow("--shard-bytes is given more than once: 1, 2");
  });
});
