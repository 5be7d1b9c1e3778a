/** The page that runs TF.js on the machine's GPU. It receives files and feeds, and sends results back; nothing else leaves it. */
import { modelError } from "../../src/base/problem.ts";
import { type GpuHostApi, type GpuPageApi, heartbeatMs } from "../../src/protocol/gpu.ts";
import { connect, serve } from "../../src/protocol/rpc.ts";
import { customOpsName, readArtifacts } from "../../src/runtime/tfjs-artifacts.ts";
import { TfjsModels } from "../../src/runtime/tfjs-models.ts";
import { t } from "../l10n.ts";
import { vscodeHost } from "../vscode.ts";
import { type Device, openDevice } from "./device.ts";
import { ReceivedFiles } from "./files.ts";
import "./page.css";

const { port } = vscodeHost();
const host = connect<GpuHostApi>(port).api;
const files = new ReceivedFiles();
const models = new TfjsModels();
let device: Device | undefined;
let model: number | undefined;
let version = "";

function say(text: string): void {
  document.querySelector("[role=status]")!.textContent = text;
}

const api: GpuPageApi = {
  async start(backend) {
    say(t("Starting {0}.", backend));
    device = await openDevice(backend, (reason) => void host.lost(reason));
    version = await models.start(backend);
    device.watch();
    document.querySelector("h1")!.textContent = device.name || backend;
    return device.name;
  },
  file: async (name, size) => files.announce(name, size),
  async chunk(name, offset, bytes) {
    files.put(name, offset, bytes);
    say(t("Receiving {0}.", name));
  },
  async load() {
    say(t("Loading the model."));
    const artifacts = await readArtifacts(async (name) => files.take(name));
    const customOps = files.has(customOpsName)
      ? URL.createObjectURL(new Blob([files.take(customOpsName)], { type: "text/javascript" }))
      : undefined;
    files.clear();
    const { id, inputs, outputs } = await models.load(artifacts, customOps);
    model = id;
    // JSON has no undefined: what is not known is left out.
    const plain = (specs: typeof inputs) =>
      specs.map(({ name, dtype, shape }) => ({ name, ...(dtype && { dtype }), ...(shape && { shape }) }));
    return { version, inputs: plain(inputs), outputs: plain(outputs) };
  },
  async run(feeds, fetches) {
    if (model === undefined || !device) throw modelError("gpu-page-closed", "no model is loaded in this page");
    say(t("Running; values asked for: {0}.", fetches.length));
    const results = await models.run(model, feeds, fetches).catch((error: unknown) => {
      device?.check();
      throw error;
    });
    // A GPU reports its faults beside the results, which then are zeros.
    device.check();
    say(t("Waiting for the next run."));
    return results;
  },
};

serve<GpuPageApi>(port, api);
setInterval(() => void host.alive(), heartbeatMs);
void host.ready();
