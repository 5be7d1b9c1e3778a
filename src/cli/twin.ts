/** Our own conversion for another runtime: a second look at a model that no runtime here runs as it is. */
import path from "node:path";
import { ModelError, modelError } from "../base/problem.ts";
import { convert } from "../convert.ts";
import { convertToOnnx } from "../convert-onnx.ts";
import { onnxName } from "../formats/onnx/write.ts";
import { parseSourceMap, type SourceMap, sourceMapName } from "../graph/map.ts";
import type { SourceModel } from "../graph/source.ts";
import type { ModelFiles } from "../graph/tensor.ts";
import { openOnnxTarget } from "../parity/onnx-target.ts";
import type { Reference } from "../parity/reference.ts";
import type { Run } from "../runtime/run.ts";
import { openTfjs } from "../runtime/tfjs.ts";
import type { TranslateOptions } from "../translate.ts";
import { openFile } from "./files.ts";
import { openSink } from "./sink.ts";

/**
 * Converts into `folder` and opens what was written: in onnxruntime where TF.js is to be proven, in TF.js where onnxruntime is. A
 * `ModelError` with the first problem where the model does not convert.
 */
export async function openTwin(
  model: SourceModel,
  files: ModelFiles,
  to: "tfjs" | "onnx",
  folder: string,
  options: TranslateOptions,
): Promise<Reference> {
  const { signal } = options;
  const sink = await openSink(folder);
  const { problems, ok } = await (to === "onnx" ? convertToOnnx : convert)(model, files, sink, options).finally(() =>
    sink.abort(),
  );
  const error = problems.find(({ severity }) => severity === "error");
  if (!ok)
    throw error ? new ModelError({ ...error, code: "no-reference" }) : modelError("no-reference", "the model does not convert");
  const source = await openFile(path.join(folder, sourceMapName));
  const map = parseSourceMap(new TextDecoder().decode(await source.read(0, source.size)));
  const run =
    to === "onnx"
      ? await openOnnxTarget(path.join(folder, onnxName), signal)
      : await openTfjs(folder, { backend: "wasm", signal });
  return twinReference(model.graphs[0]!.name, run, map);
}

/** The values of the source as the conversion has them; one that it has in another layout only is none. */
function twinReference(main: string, run: Run & { readonly version: string }, map: SourceMap): Reference {
  const own = new Set(run.outputs.map(({ name }) => name));
  const mapped = new Map(map.values.map((value) => [value.source, value]));
  const inputs = new Set(run.inputs.map(({ name }) => name));
  return {
    kind: "modelwright",
    version: run.version,
    async values(feeds, names) {
      const fetches = names.map((name) => {
        if (own.has(name)) return name;
        const found = mapped.get(`${main}/${name}`);
        if (found?.exact && !found.perm && !found.reshaped) return found.target;
        throw modelError("no-reference", "our other conversion does not hold this value", { tensor: name });
      });
      const given = new Map([...feeds].filter(([name]) => inputs.has(name)));
      const values = await run.run(given, fetches);
      return new Map(names.map((name, i) => [name, values.get(fetches[i]!)!]));
    },
    close: () => run.close(),
  };
}
