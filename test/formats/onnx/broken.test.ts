import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import type { Problem } from "../../../src/base/problem.ts";
import { examine as examineWith } from "../../build/examine.ts";
import { node, onnxModel, openOnnx, tensor, value } from "../../build/onnx.ts";
import fc from "../../build/properties.ts";
import { random } from "../../build/random.ts";
import { specimen } from "../../build/specimen.ts";
import { zooFiles } from "../../build/zoo.ts";

const examine = (file: Uint8Array) => examineWith(file, openOnnx);

const chain = onnxModel({
  graph: {
    inputs: [value("h0", "float32", ["n", 3])],
    outputs: [value("h90", "float32", ["n", 3])],
    initializers: Array.from({ length: 90 }, (_, i) => tensor(`w${i}`, "float32", [3, 3], random(9, i + 1))),
    nodes: Array.from({ length: 90 }, (_, i) => node("MatMul", [`h${i}`, `w${i}`], [`h${i + 1}`], {}, `layer.${i}`)),
  },
});

const large = onnxModel({
  graph: {
    inputs: [value("x", "float32", ["n", 131])],
    outputs: [value("y", "float32", ["n", 67])],
    initializers: [tensor("w", "float32", [131, 67], random(131 * 67))],
    nodes: [node("MatMul", ["x", "w"], ["y"])],
  },
});

test("the specimen itself is sound", async () => {
  expect(await examine(specimen())).toEqual([]);
});

describe.each([
  ["the specimen", specimen()],
  ["a chain", chain],
  ["a large weight", large],
])("%s cut", (_, file) => {
  test("at every 64th byte: a located problem each", { timeout: 60_000 }, async () => {
    for (let size = 0; size < file.length; size += 64) {
      const problems = await examine(file.subarray(0, size));
      // A cut between two fields of the model leaves a model, which lacks its operator sets or its functions.
      expect(problems.length, `cut at ${size}`).toBeGreaterThan(0);
      const [{ offset, reason }] = problems as [Problem];
      expect(offset, `cut at ${size}: ${reason}`).toBeLessThanOrEqual(size);
    }
  });
});

test("any byte changed: a model or a ModelError, never anything else", { timeout: 60_000 }, async () => {
  const file = specimen();
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      async (changes) => {
        const spoilt = file.slice();
        for (const [at, byte] of changes) spoilt[at] = byte;
        await examine(spoilt);
      },
    ),
    { numRuns: 500 },
  );
});

test("any bytes: a ModelError or a model", { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
      await examine(bytes);
    }),
    { numRuns: 500 },
  );
});

test.each([
  ["", "empty-file"],
  ["version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n", "not-this-format"],
  ["<!DOCTYPE html><html><body>404</body></html>", "not-this-format"],
  ["PK\x03\x04 and more", "not-this-format"],
  ["\x1c\0\0\0TFL3 and more", "not-this-format"],
  ["\x89HDF\r\n\x1a\n and more", "not-this-format"],
])("%j is told for what it is", async (content, code) => {
  expect((await examine(Uint8Array.from(content, (c) => c.charCodeAt(0))))[0]).toMatchObject({
    code,
    severity: "error",
    offset: 0,
  });
});

test("a function's default attribute that holds a graph reads no outer names", async () => {
  const graph = { name: "inner", nodes: [node("Neg", ["a"], ["n"])], outputs: [value("n", "float32")] };
  const body = { name: "F", domain: "my", inputs: ["a"], outputs: ["a"], nodes: [], defaults: { body: graph } };
  expect(await examine(onnxModel({ graph: { nodes: [] }, functions: [body] }))).toMatchObject([
    { code: "dangling-input", graph: "inner" },
  ]);
});

test("two functions of one name are told", async () => {
  const body = { name: "F", domain: "my", inputs: ["a"], outputs: ["a"], nodes: [] };
  expect(await examine(onnxModel({ graph: { nodes: [] }, functions: [body, body] }))).toMatchObject([
    { code: "duplicate-name", severity: "error", graph: "F" },
  ]);
});

const broken = zooFiles("broken", ".onnx");
if (broken.length) {
  test.each(broken.map((file) => [path.basename(file), file]))("zoo: %s", async (_, file) => {
    const started = performance.now();
    await examine(readFileSync(file));
    expect(performance.now() - started).toBeLessThan(2000);
  });
}
