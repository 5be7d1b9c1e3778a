/** The engine's calls: what is short is answered here from the kept structure, what is long by a job. */
import { recover } from "../cli/sink.ts";
import type { EngineApi, GpuApi } from "../protocol/engine.ts";
import { detailsOf } from "./details.ts";
import { Jobs } from "./jobs.ts";
import { jsonSpans } from "./json-spans.ts";
import { Models } from "./models.ts";
import { sweepScratch, withScratch } from "./scratch.ts";
import { snippetFor } from "./snippet.ts";

export function createEngine(gpu: GpuApi): EngineApi {
  const models = new Models();
  const jobs = new Jobs(gpu);
  jobs.prepare();
  void sweepScratch();
  const text = async (path: string) => (await models.get(path)).text;
  return {
    open: async (path) => (await models.get(path)).view,
    graph: (path, graph, signal) => jobs.run(signal, (api) => api.graph(path, graph, signal)),
    details: async (path, graph, node) => detailsOf(await models.get(path), graph, node),
    async check(path, backend, ownOps, signal) {
      const kept = await models.get(path);
      const verdicts = await jobs.run(signal, (api) => api.check(path, backend, ownOps, signal));
      kept.verdicts = verdicts;
      return verdicts;
    },
    text: async (path) => (await text(path)).projection.text,
    textFolds: async (path) => (await text(path)).projection.folds,
    textSymbols: async (path) => (await text(path)).symbols(),
    textAt: async (path, line, column) => (await text(path)).at(line, column),
    async textSpans(path, nodes) {
      const projection = await text(path);
      return nodes.map((at) => projection.span(at));
    },
    jsonSpans,
    async convert(request, progress, signal) {
      try {
        return await jobs.run(signal, (api) => api.convert(request, progress, signal));
      } catch (error) {
        // A thread that did not end by itself could not clear up.
        await recover(request.out, true).catch(() => {});
        throw error;
      }
    },
    parity: (request, progress, signal) =>
      withScratch((scratch) => jobs.run(signal, (api) => api.parity(request, scratch, progress, signal))),
    snippet: snippetFor,
  };
}
