import { describe, expect, it } from "vitest";
import { ModelError } from "../../../src/base/problem.ts";
import { parseJson } from "../../../src/formats/tfjs/json.ts";

const text = `{ "näme" : "a\\"}]", "list":[ 1, {"x": [true,null]} ,"z"],\n "last": {"deep": -2.5e3 } }`;
const bytes = new TextEncoder().encode(text);
const at = (part: string) => new TextEncoder().encode(text.slice(0, text.indexOf(part))).length;

describe("parseJson", () => {
  const json = parseJson(bytes);

  it("says where a value stands, in bytes", () => {
    expect(json.value).toEqual(JSON.parse(text));
    expect(json.offsetOf([])).toBe(0);
    expect(json.offsetOf(["näme"])).toBe(at('"a\\'));
    expect(json.offsetOf(["list", 1, "x", 1])).toBe(at("null"));
    expect(json.offsetOf(["list", 2])).toBe(at('"z"'));
    expect(json.offsetOf(["last", "deep"])).toBe(at("-2.5"));
    expect(json.elements(["list"])).toEqual([at("1, {"), at('{"x"'), at('"z"')]);
  });

  it("stops at the part of a path that is there", () => {
    expect(json.offsetOf(["list", 7, "x"])).toBe(at("[ 1"));
    expect(json.offsetOf(["last", "none"])).toBe(at('{"deep"'));
  });

  it("says where the text is no JSON", () => {
    const broken = (source: string) => {
      try {
        parseJson(new TextEncoder().encode(source));
      } catch (error) {
        return error instanceof ModelError ? [error.problem.reason, error.problem.offset] : error;
      }
      return undefined;
    };
    expect(broken('{"é": 1, ?}')).toEqual(["no JSON", 10]);
    expect(broken('{"a": [1, 2')).toEqual(["JSON that is cut", 11]);
  });
});
