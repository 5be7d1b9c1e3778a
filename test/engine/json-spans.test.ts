import { writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { memorySource, memorySources } from "../../src/base/memory.ts";
import { problem } from "../../src/base/problem.ts";
import { check } from "../../src/check.ts";
import { jsonSpans, spansAt } from "../../src/engine/json-spans.ts";
import { openModel } from "../../src/formats/open.ts";
import { graphModelDense } from "../build/dense.ts";
import { folderOf } from "../build/tfjs.ts";

/** What the spans mark of the text, as an editor cuts it. */
const marked = (text: string, spans: readonly ({ line: number; start: number; end: number } | undefined)[]) =>
  spans.map((span) => span && text.split("\n")[span.line]!.slice(span.start, span.end));

it("marks strings, words and objects, in UTF-16 units, line by line", () => {
  const text = '{"näme 🙂": "x",\n  "list": [12.5e3, true, {"a": [1, "}"]}],\n "last": "end"}';
  const bytes = new TextEncoder().encode(text);
  const at = (part: string) => new TextEncoder().encode(text.slice(0, text.indexOf(part))).length;
  const offsets = [at('"end"'), at("12.5"), undefined, at("true"), at('{"a"'), at('"x"'), at("[12.5"), 0];
  expect(marked(text, spansAt(bytes, offsets))).toEqual([
    '"end"',
    "12.5e3",
    undefined,
    "true",
    '{"a": [1, "}"]}',
    '"x"',
    '[12.5e3, true, {"a": [1, "}"]}]',
    '{"näme 🙂": "x",',
  ]);
  const withMark = new TextEncoder().encode(`\ufeff${text}`);
  expect(marked(text, spansAt(withMark, [3 + at('"x"')]))).toEqual(['"x"']);
});

it("finds the nodes and the weights that problems of a model name", async () => {
  const files = graphModelDense();
  const text = new TextDecoder().decode(files["model.json"]).replace('"op":"Relu"', '"op":"Fancy"');
  const dir = await folderOf({ ...files, "model.json": new TextEncoder().encode(text) });
  const { model, files: opened } = await openModel(memorySource("model.json", new TextEncoder().encode(text)), memorySources());
  const { problems } = await check(model, opened);
  const fancy = problems.filter(({ op }) => op === "Fancy");
  const missing = problems.filter(({ code }) => code === "file-missing");
  expect([fancy.length, missing.length]).toEqual([1, 1]);
  const spans = await jsonSpans(path.join(dir, "model.json"), [...fancy, ...missing, problem("error", "any", "of the model")]);
  const [node, file, none] = marked(text, spans);
  expect(node).toBe('"Fancy"');
  expect(file).toBe('"group1-shard1of1.bin"');
  expect(none).toBeUndefined();
});

it("finds layers, also within layers", async () => {
  const layer = (name: string, more: object = {}) => ({ class_name: "Dense", config: { name, units: 3, ...more } });
  const inner = { class_name: "Sequential", name: "inner", config: { name: "inner", layers: [layer("deep")] } };
  const config = { class_name: "Sequential", config: { name: "outer", layers: [layer("first"), inner] } };
  const json = { modelTopology: { model_config: config }, weightsManifest: [] };
  const text = JSON.stringify(json, undefined, 1);
  const dir = await folderOf({});
  const file = path.join(dir, "model.json");
  await writeFile(file, text);
  const at = (node: string, graph = "main") => problem("error", "any", "wrong", { graph, node });
  const spans = await jsonSpans(file, [at("first"), at("deep#1", "inner"), at("absent")]);
  expect(marked(text, spans)).toEqual(['"Dense"', '"Dense"', undefined]);
  const lines = text.split("\n");
  const nameAt = (name: string) => lines.findIndex((line) => line.includes(`"name": "${name}"`));
  // A layer's class is told two lines before its name.
  expect(spans.map((span) => span?.line)).toEqual([nameAt("first") - 2, nameAt("deep") - 2, undefined]);
});
