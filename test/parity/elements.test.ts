/** A sequence that was written as an output an element: onnxruntime hands none out, and the other outputs are compared all the same. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it } from "vitest";
import { MemorySink } from "../../src/base/memory.ts";
import { convert } from "../../src/convert.ts";
import { parity } from "../../src/parity.ts";
import { TfjsWorker } from "../../src/runtime/tfjs.ts";
import { node, onnxModel, openOnnx, tensor, untyped, value } from "../build/onnx.ts";

it("elements of a sequence are told as not compared", async () => {
  const bytes = onnxModel({
    ir: 8,
    opsets: { "": 17 },
    graph: {
      inputs: [value("x", "float32", [5, 3])],
      outputs: [untyped("y"), untyped("s")],
      initializers: [tensor("sizes", "int64", [2], [2, 3])],
      nodes: [node("Neg", ["x"], ["y"]), node("SplitToSequence", ["x", "sizes"], ["s"])],
    },
  });
  const folder = await mkdtemp(path.join(tmpdir(), "modelwright-"));
  const worker = await TfjsWorker.start("cpu");
  try {
    const file = path.join(folder, "m.onnx");
    await writeFile(file, bytes);
    const { model, files } = await openOnnx(bytes);
    const sink = new MemorySink();
    await convert(model, files, sink);
    const loaded = await worker.load(sink.files);
    const target = {
      backend: "cpu",
      inputs: loaded.inputs,
      outputs: loaded.outputs,
      run: (feeds: Parameters<typeof worker.run>[1], fetches: readonly string[]) => worker.run(loaded, feeds, fetches),
      close: async () => {},
    };
    const report = await parity({ model, path: file, target });
    expect(report.outputs.map(({ name, verdict }) => [name, verdict])).toEqual([
      ["y", "equal"],
      ["s_0", "not-compared"],
      ["s_1", "not-compared"],
    ]);
  } finally {
    await worker.close();
    await rm(folder, { recursive: true });
  }
});
