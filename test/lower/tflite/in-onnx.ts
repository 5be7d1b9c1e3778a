/** The models of these tests converted to ONNX too, and run in onnxruntime. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { MemorySink } from "../../../src/base/memory.ts";
import { ModelError } from "../../../src/base/problem.ts";
import { convertToOnnx } from "../../../src/convert-onnx.ts";
import { onnxName } from "../../../src/formats/onnx/write.ts";
import { opLabel, type SourceModel } from "../../../src/graph/source.ts";
import type { ModelFiles, Tensor } from "../../../src/graph/tensor.ts";
import type { QuantizedMode } from "../../../src/lower/rule.ts";
import { asDeclared } from "../../../src/parity/onnx-target.ts";
import { OrtProcess } from "../../../src/runtime/ort.ts";
import { notInOnnx } from "./not-in-onnx.ts";

export class InOnnx {
  private constructor(
    private readonly process: OrtProcess,
    private readonly folder: string,
  ) {}

  static async start(): Promise<InOnnx> {
    return new InOnnx(await OrtProcess.start(), await mkdtemp(path.join(tmpdir(), "modelwright-")));
  }

  async close(): Promise<void> {
    await this.process.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** The outputs asked for; undefined where the model holds an operator of the list, and is refused. */
  async run(
    model: SourceModel,
    files: ModelFiles,
    feeds: ReadonlyMap<string, Tensor>,
    names: readonly string[],
    quantized?: QuantizedMode,
  ): Promise<Map<string, Tensor> | undefined> {
    const sink = new MemorySink();
    const { problems } = await convertToOnnx(model, files, sink, { ...(quantized && { quantized }), opset: 18 });
    const failed = problems.find(({ severity }) => severity === "error");
    const listed = model.graphs.flatMap(({ nodes }) => nodes.map(opLabel)).find((op) => Object.hasOwn(notInOnnx, op));
    if (failed && listed !== undefined) return undefined;
    if (failed) throw new ModelError(failed);
    if (listed !== undefined) throw new Error(`${listed} is listed as not in ONNX, and converts`);
    const file = path.join(this.folder, onnxName);
    await writeFile(file, sink.files[onnxName]!);
    const loaded = await this.process.load(file);
    const known = new Set(loaded.inputs.map(({ name }) => name));
    const given = new Map([...feeds].filter(([name]) => known.has(name)));
    // No two values of an ONNX model have one name: a state comes out under another than it goes in.
    const made = new Set(loaded.outputs.map(({ name }) => name));
    const fetches = names.map((name) => (made.has(name) ? name : `${name}_next`));
    const found = await this.process.run(loaded, asDeclared(given, loaded.inputs), fetches);
    await this.process.unload(loaded);
    return new Map(names.map((name, i) => [name, found.get(fetches[i]!)!]));
  }
}
