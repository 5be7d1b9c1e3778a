/** The page of the conformance browser: TF.js on webgl or webgpu, called by the runner. Tensors travel as text. */
import type { TfjsModel } from "../../../src/runtime/tfjs-api.ts";
import { customOpsName, readArtifacts } from "../../../src/runtime/tfjs-artifacts.ts";
import { TfjsModels } from "../../../src/runtime/tfjs-models.ts";
import { type Device, openDevice } from "../../../webview/gpu/device.ts";
import { bytesOfText, packed, type TextTensor, unpacked } from "./text.ts";

const models = new TfjsModels();
let device: Device | undefined;
let lost: string | undefined;

/** A GPU reports its faults beside the results, which then are zeros. */
function checkDevice(): void {
  if (lost !== undefined) throw new Error(`the device was lost: ${lost}`);
  device?.check();
}

const api = {
  async start(backend: "webgl" | "webgpu"): Promise<string> {
    device = await openDevice(backend, (reason) => {
      lost = reason;
    });
    const version = await models.start(backend);
    device.watch();
    return version;
  },
  async load(files: Readonly<Record<string, string>>): Promise<TfjsModel> {
    const artifacts = await readArtifacts(async (name) => {
      const text = files[name];
      if (text === undefined) throw new Error(`no such file: ${name}`);
      return bytesOfText(text).buffer;
    });
    const code = files[customOpsName];
    const url = code === undefined ? undefined : URL.createObjectURL(new Blob([bytesOfText(code)], { type: "text/javascript" }));
    return models.load(artifacts, url);
  },
  async run(id: number, feeds: readonly (readonly [string, TextTensor])[], fetches: readonly string[]): Promise<TextTensor[]> {
    const tensors = feeds.map(([name, tensor]) => [name, unpacked(tensor)] as const);
    const results = await models.run(id, tensors, fetches);
    checkDevice();
    return results.map(packed);
  },
  unload: async (id: number): Promise<void> => models.unload(id),
};

export type PageApi = typeof api;

(globalThis as unknown as { conformance: PageApi }).conformance = api;
