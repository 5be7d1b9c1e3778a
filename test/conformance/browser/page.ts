/** The page of the conformance browser: TF.js on webgl or webgpu, called by the runner. Tensors travel as text. */
import "@tensorflow/tfjs-backend-webgl";
import "@tensorflow/tfjs-backend-webgpu";
import type { TfjsModel } from "../../../src/runtime/tfjs-api.ts";
import { customOpsName, readArtifacts } from "../../../src/runtime/tfjs-artifacts.ts";
import { TfjsModels } from "../../../src/runtime/tfjs-models.ts";
import { bytesOfText, packed, type TextTensor, unpacked } from "./text.ts";

const models = new TfjsModels();

const api = {
  start: (backend: string): Promise<string> => models.start(backend),
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
    return (await models.run(id, tensors, fetches)).map(packed);
  },
  unload: async (id: number): Promise<void> => models.unload(id),
};

export type PageApi = typeof api;

(globalThis as unknown as { conformance: PageApi }).conformance = api;
