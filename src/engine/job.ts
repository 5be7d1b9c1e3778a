/** Entry of a job's thread. */
import { parentPort } from "node:worker_threads";
import { layOut } from "../layout/layout.ts";
import { layoutInput } from "../protocol/boxes.ts";
import type { GpuApi } from "../protocol/engine.ts";
import { graphView } from "../protocol/graph-view.ts";
import { connect, type Port, serve } from "../protocol/rpc.ts";
import { checkModel } from "./check-job.ts";
import { convertModel } from "./convert-job.ts";
import type { JobApi } from "./job-api.ts";
import { readModel } from "./models.ts";
import { runParity } from "./parity-job.ts";

if (!parentPort) throw new Error("engine-job runs in a worker thread");
const parent = parentPort;
const port: Port = {
  post: (message) => parent.postMessage(message),
  listen(listener) {
    parent.on("message", listener);
    return () => parent.off("message", listener);
  },
};
const gpu = connect<GpuApi>(port).api;

serve<JobApi>(port, {
  async graph(path, id) {
    const { model } = await readModel(path);
    const graph = graphView(model, id);
    return { graph, layout: layOut(layoutInput(graph)) };
  },
  check: checkModel,
  convert: convertModel,
  parity: (request, scratch, progress, signal) => runParity(request, scratch, gpu, progress, signal),
});
