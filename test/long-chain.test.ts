/** Invariant: no recursion over nodes. A chain of 100 000 nodes passes every stage at the default stack. */
import { describe, expect, it } from "vitest";
import { chainOnnx } from "../scripts/bench/models.ts";
import { MemorySink, memorySource, memorySources } from "../src/base/memory.ts";
import { check } from "../src/check.ts";
import { convert } from "../src/convert.ts";
import { convertToOnnx } from "../src/convert-onnx.ts";
import { readOnnx } from "../src/formats/onnx/read.ts";
import { print } from "../src/graph/print.ts";
import { verify } from "../src/graph/verify.ts";
import { inspect } from "../src/inspect.ts";
import { projectText } from "../src/text/project.ts";
import { translate } from "../src/translate.ts";

const length = 100_000;
const bytes = chainOnnx(length);
const source = memorySource("chain.onnx", bytes);

describe("a chain of 100 000 nodes", { timeout: 240_000 }, () => {
  it("is read, verified and inspected", async () => {
    const { model } = await readOnnx(source, memorySources());
    expect(model.graphs[0]!.nodes.length).toBe(length);
    expect(verify(model)).toEqual([]);
    expect((await inspect(source, memorySources())).nodes).toBe(length);
    expect(projectText(model).text.split("\n").length).toBeGreaterThan(length);
  });

  it("is lowered, optimised, legalised, printed and written", async () => {
    const { model, files } = await readOnnx(source, memorySources());
    const { graph, problems } = await translate(model, files);
    expect(problems).toEqual([]);
    expect(print(graph).length).toBeGreaterThan(length);
    const sink = new MemorySink();
    const converted = await convert(model, files, sink);
    expect(converted.ok).toBe(true);
    expect(Object.keys(sink.files)).toContain("model.json");
  });

  it("is raised and written as ONNX", async () => {
    const { model, files } = await readOnnx(source, memorySources());
    const sink = new MemorySink();
    const converted = await convertToOnnx(model, files, sink);
    expect(converted.problems).toEqual([]);
    expect(converted.nodes.final).toBeGreaterThan(length / 2);
    const written = memorySource("model.onnx", sink.files["model.onnx"]!);
    const { nodes } = (await readOnnx(written, memorySources())).model.graphs[0]!;
    expect(nodes.length).toBe(converted.nodes.final);
  });

  it("is checked", async () => {
    const { model, files } = await readOnnx(source, memorySources());
    expect((await check(model, files)).ok).toBe(true);
  });
});
