/**
 * The page without VS Code: themes by hand, a host that serves a model made in code, or a `SourceModel` as JSON by `?source=`.
 * `?model=squeezenet|encoder|encoder-large|chain|empty|broken|crashed|opening&theme=dark|light|hc-dark|hc-light`
 */

import type { SourceModel } from "../../../src/graph/source.ts";
import { layOut } from "../../../src/layout/layout.ts";
import { layoutInput } from "../../../src/protocol/boxes.ts";
import { graphView } from "../../../src/protocol/graph-view.ts";
import { modelView } from "../../../src/protocol/model-view.ts";
import { nodeDetails } from "../../../src/protocol/node-details.ts";
import { connect, type Port, serve } from "../../../src/protocol/rpc.ts";
import type { DrawnGraph, HostApi, ParityView, ProblemView, VerdictsView, WebviewApi } from "../../../src/protocol/views.ts";
import { Draft, encoder, squeezenet } from "./models.ts";
import { applyTheme, type ThemeName } from "./themes.ts";

const query = new URLSearchParams(location.search);
applyTheme((query.get("theme") ?? "dark") as ThemeName);

/** Two ends of one wire. */
const toPage = new MessageChannel();
let state: unknown;
Object.assign(window, {
  acquireVsCodeApi: () => ({
    postMessage: (message: unknown) => toPage.port2.postMessage(message),
    getState: () => state,
    setState: (kept: unknown) => {
      state = kept;
    },
  }),
  harness: { applyTheme, calls: [] as unknown[], timing: {} as Record<string, number> },
});
const { calls, timing } = (window as unknown as { harness: { calls: unknown[]; timing: Record<string, number> } }).harness;

const port: Port = {
  post: (message) => window.postMessage(message, "*"),
  listen(listener) {
    toPage.port1.onmessage = (event) => listener(event.data);
    return () => {};
  },
};
const page = connect<WebviewApi>({
  post: port.post,
  listen(listener) {
    toPage.port1.addEventListener("message", (event) => listener(event.data));
    toPage.port1.start();
    return () => {};
  },
}).api;

function chain(length: number): SourceModel {
  const d = new Draft();
  let x = d.input("x", [2, 3, 7, 5]);
  const ops = ["Relu", "Add", "Mul", "Sigmoid", "Transpose"];
  for (let i = 0; i < length; i++) x = d.node(ops[i % ops.length]!, `node_${i}`, [x], [2, 3, 7, 5]);
  d.outputs.push(x);
  return d.model("chain", { "": 17 }, "test");
}

const made: Readonly<Record<string, () => SourceModel>> = {
  squeezenet,
  encoder: () => encoder(12),
  "encoder-large": () => encoder(112),
  "encoder-huge": () => encoder(770),
  chain: () => chain(20_000),
  empty: () => new Draft().model("empty", { "": 17 }, "test"),
};
const name = query.get("model") ?? "squeezenet";
const source = query.get("source");
const model = source ? ((await (await fetch(source)).json()) as SourceModel) : (made[name] ?? squeezenet)();
const file = `${model.name}.onnx`;

const draw = (id: number): DrawnGraph => {
  const graph = graphView(model, id);
  const start = performance.now();
  const layout = layOut(layoutInput(graph));
  timing[`layout ${id}`] = performance.now() - start;
  return { graph, layout };
};

function verdicts(backend: VerdictsView["backend"]): VerdictsView {
  const problems: ProblemView[] = [];
  const support: VerdictsView["support"][number][] = [];
  for (const node of model.graphs[0]!.nodes) {
    const at = { graph: 0, node: node.id };
    const place = { graph: model.graphs[0]!.name, node: node.name };
    if (node.domain === "ai.acme") {
      const reason =
        "no lowering for FancyNorm in domain ai.acme, version 1; the operator is not part of ONNX and the file holds no function for it";
      problems.push({
        ...place,
        at,
        op: "ai.acme.FancyNorm",
        code: "unsupported-op",
        severity: "error",
        reason,
        hint: "provide it in modelwright.ops.mjs, or cut the model before block.9",
      });
      support.push({ ...at, backends: { cpu: "missing", wasm: "missing", webgl: "missing", webgpu: "missing" } });
    } else if (node.op === "Einsum") {
      if (node.name.startsWith("block.9"))
        problems.push({
          ...place,
          at,
          op: "Einsum",
          code: "no-kernel",
          severity: "warning",
          reason: "Einsum has no wasm kernel, converted to MatMul; runs everywhere",
        });
      support.push({
        ...at,
        backends: { cpu: "changed", wasm: "changed", webgl: "changed", webgpu: "changed" },
        becomes: "MatMul",
      });
    }
  }
  const errors = problems.filter(({ severity }) => severity === "error").length;
  const backends = (["cpu", "wasm", "webgl", "webgpu"] as const).map((each) => ({
    backend: each,
    ready: errors === 0,
    nodes: errors,
  }));
  return { backend, problems, backends, types: [], support };
}

const host: HostApi = {
  async ready() {
    if (name === "broken") {
      const problem = {
        code: "truncated",
        severity: "error",
        reason: "field data of length 401 408 runs past the end of the file",
        offset: 1204224,
      } as const;
      await page.failed({ kind: "broken", file: "resnet.onnx", problem, read: "212 of about 300 nodes" });
      return;
    }
    if (name === "crashed") return page.failed({ kind: "crashed", reason: "the engine stopped unexpectedly" });
    if (name === "opening") return page.opening({ what: "Reading llama.onnx", fraction: 0.4 });
    const start = performance.now();
    const main = draw(0);
    timing.views = performance.now() - start;
    const shown = performance.now();
    await page.show(modelView(model, file, model.graphs[0]!.values.length * 75_000), main, "wasm");
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    timing.show = performance.now() - shown;
    if (!query.has("unchecked")) await page.verdicts(verdicts("wasm"));
    if (query.has("parity")) await page.parity(parity());
    timing.ready = 1;
  },
  graph: async (id) => draw(id),
  details: async (graph, node) => nodeDetails(model, graph, node),
  select: async (...args) => void calls.push(["select", ...args]),
  revealInText: async (...args) => void calls.push(["revealInText", ...args]),
  async setBackend(backend) {
    calls.push(["setBackend", backend]);
    await page.verdicts(verdicts(backend));
  },
  reload: async () => void calls.push(["reload"]),
  cancel: async () => void calls.push(["cancel"]),
  run: async (action) => void calls.push(["run", action]),
};

/** Small errors first, one jump past the tolerance, then its symptoms. */
function parity(): ParityView {
  const nodes = model.graphs[0]!.nodes.map((node) => {
    const different = node.id >= 30;
    return {
      graph: 0,
      node: node.id,
      verdict: different ? ("different" as const) : ("within" as const),
      maxAbs: different ? 1.9e-2 / (1 + (node.id - 30) / 8) : 2.4e-7 * (1 + node.id / 3),
    };
  });
  return { backend: "wasm", tolerance: 1e-3, nodes, first: { graph: 0, node: 30 } };
}

Object.assign((window as unknown as { harness: object }).harness, { page });
serve<HostApi>(port, host);
toPage.port1.start();
await import("../../../webview/main.ts");
