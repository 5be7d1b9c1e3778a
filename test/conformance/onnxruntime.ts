/** Written ONNX models in onnxruntime, one process for many, behind the door that TF.js has for the suites. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { onnxName } from "../../src/formats/onnx/write.ts";
import type { Tensor } from "../../src/graph/tensor.ts";
import { asDeclared } from "../../src/parity/onnx-target.ts";
import { asTarget } from "../../src/parity/ort-session.ts";
import { OrtProcess } from "../../src/runtime/ort.ts";
import type { OrtModel } from "../../src/runtime/ort-api.ts";
import type { Runner } from "./backends.ts";

export class OrtRunner implements Runner {
  private constructor(
    private readonly process: OrtProcess,
    private readonly folder: string,
  ) {}

  static async start(): Promise<OrtRunner> {
    return new OrtRunner(await OrtProcess.start(), await mkdtemp(path.join(tmpdir(), "modelwright-ort-")));
  }

  get alive(): boolean {
    return this.process.alive;
  }

  async load(files: Readonly<Record<string, Uint8Array>>, signal?: AbortSignal): Promise<OrtModel> {
    const names = Object.keys(files).filter((name) => name.startsWith(onnxName));
    for (const name of names) await writeFile(path.join(this.folder, name), files[name]!);
    return this.process.load(path.join(this.folder, onnxName), [], signal).catch(rethrow);
  }

  run(
    model: OrtModel,
    feeds: ReadonlyMap<string, Tensor>,
    fetches: readonly string[],
    signal?: AbortSignal,
  ): Promise<Map<string, Tensor>> {
    const known = new Set(model.inputs.map(({ name }) => name));
    const given = new Map([...feeds].filter(([name]) => known.has(name)));
    return this.process.run(model, asDeclared(given, model.inputs), fetches, signal).catch(rethrow);
  }

  unload(model: OrtModel): Promise<void> {
    return this.process.unload(model);
  }

  async close(): Promise<void> {
    await this.process.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

function rethrow(error: unknown): never {
  throw asTarget(error);
}
