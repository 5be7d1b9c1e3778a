import { describe, expect, test } from "vitest";
import { modelView } from "../../../src/protocol/model-view.ts";
import type { GraphLink, VerdictsView } from "../../../src/protocol/views.ts";
import { pathTo } from "../../../webview/panel/breadcrumb.ts";
import {
  placeOf,
  problemCounts,
  problemTitle,
  sentence,
  titleParts,
  verdictText,
  verdictWords,
} from "../../../webview/panel/words.ts";
import { squeezenet } from "../harness/models.ts";

const verdicts = (nodes: Readonly<Record<string, number>>): VerdictsView => ({
  backend: "wasm",
  problems: [],
  types: [],
  support: [],
  backends: Object.entries(nodes).map(([backend, stuck]) => ({ backend: backend as "wasm", ready: stuck === 0, nodes: stuck })),
});

describe("words", () => {
  test("the title line", () => {
    expect(titleParts(modelView(squeezenet(), "squeezenet.onnx", 4_941_984))).toEqual([
      "ONNX opset 9",
      "66 nodes",
      "1.24 M parameters",
      "4.9 MB",
    ]);
    const keras = modelView({ ...squeezenet(), dialect: "keras", opsets: { "": 2 } }, "net.h5", 4_941_984);
    expect(titleParts(keras)[0]).toBe("Keras");
  });

  test("the verdict: checking, ready, partly, stuck", () => {
    expect(verdictWords(undefined, true)).toMatchObject({ kind: "checking", text: "Checking for TF.js" });
    expect(verdictWords(undefined, false).text).toBe("TF.js: not checked");
    const ready = verdictWords(verdicts({ cpu: 0, wasm: 0, webgl: 0, webgpu: 0 }), false);
    expect([ready.kind, ready.text, ...ready.backends.map(({ name }) => name)]).toEqual([
      "ready",
      "TF.js: ready on",
      "wasm",
      "webgl",
      "webgpu",
    ]);
    const partly = verdictWords(verdicts({ cpu: 0, wasm: 2, webgl: 0, webgpu: 0 }), false);
    expect([partly.kind, partly.backends[0]]).toEqual(["partly", { name: "wasm", ready: false }]);
    expect(verdictWords(verdicts({ cpu: 0, wasm: 1, webgl: 1, webgpu: 1 }), false).backends[0]).toEqual({
      name: "cpu",
      ready: true,
    });
    expect(verdictWords(verdicts({ cpu: 3, wasm: 4, webgl: 3, webgpu: 3 }), false)).toMatchObject({
      kind: "stuck",
      text: "TF.js: 3 nodes cannot run",
    });
    expect(verdictWords(verdicts({ cpu: 1, wasm: 1, webgl: 1, webgpu: 1 }), false).text).toBe("TF.js: 1 node cannot run");
    const none = verdicts({ cpu: 0, wasm: 0, webgl: 0, webgpu: 0 });
    const faulty = { ...none, backends: none.backends.map((backend) => ({ ...backend, ready: false })) };
    expect(verdictText(verdicts({ cpu: 0, wasm: 2, webgl: 0, webgpu: 1 }))).toBe(
      "TF.js: ready on webgl; not ready on wasm, webgpu",
    );
    expect([verdictText(none), verdictText(faulty)]).toEqual(["TF.js: ready on wasm, webgl, webgpu", "TF.js: not convertible"]);
    expect(verdictWords(faulty, false)).toMatchObject({ kind: "stuck", text: "TF.js: not convertible" });
  });

  test("clauses become sentences", () => {
    expect(sentence("2 groups of 4 channels")).toBe("2 groups of 4 channels.");
    expect(sentence("no kernel. Use wasm.")).toBe("No kernel. Use wasm.");
    expect(sentence("com.acme.Foo has no lowering")).toBe("com.acme.Foo has no lowering.");
    expect(sentence("")).toBe("");
  });

  test("heads and places of problems", () => {
    expect(problemTitle({ severity: "error", code: "unsupported-op" })).toBe("Cannot run in TF.js");
    expect(problemTitle({ severity: "warning", code: "no-kernel" })).toBe("Runs with a change");
    expect(placeOf({ severity: "error", code: "truncated", reason: "cut", offset: 1204224 })).toBe("at byte 1\u2009204\u2009224");
    expect(placeOf({ severity: "error", code: "x", reason: "y", graph: "main", node: "conv" })).toBe("in node conv, graph main");
    const severities = ["error", "info", "warning", "error"] as const;
    expect(problemCounts(severities.map((severity) => ({ severity, code: "x", reason: "y" })))).toEqual({
      errors: 2,
      warnings: 1,
    });
  });

  test("the path through nested graphs ends, also where a damaged file nests in a ring", () => {
    const link = (id: number, parent?: number): GraphLink => ({
      id,
      name: `g${id}`,
      role: "subgraph",
      nodes: 1,
      ...(parent === undefined ? {} : { parent }),
    });
    expect(pathTo([link(0), link(1, 0), link(2, 1)], 2).map(({ id }) => id)).toEqual([0, 1, 2]);
    expect(pathTo([link(0, 1), link(1, 0)], 1).map(({ id }) => id)).toEqual([0, 1]);
  });
});
