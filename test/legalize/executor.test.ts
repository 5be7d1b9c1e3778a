/** What legalize says of TF.js, asked of TF.js itself. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { getKernelsForBackend } from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import { describe, expect, it } from "vitest";
import { Node, noOrigin } from "../../src/graph/graph.ts";
import { obstacle } from "../../src/legalize/backends.ts";
import { executorOps } from "../../src/legalize/ops.ts";

const require = createRequire(import.meta.url);

/** Ops in the converter's own tables, one JSON-like file a category. */
function packageOps(): Set<string> {
  const folder = path.dirname(require.resolve("@tensorflow/tfjs-converter"));
  const bundle = readFileSync(path.join(folder, "tf-converter.node.js"), "utf8");
  return new Set([...bundle.matchAll(/'tfOpName': '([^']+)'/g)].map((match) => match[1]!));
}

describe("executorOps", () => {
  it("is what @tensorflow/tfjs-converter lists", () => {
    const listed = packageOps();
    expect(listed.size).toBeGreaterThan(200);
    expect([...executorOps].filter((op) => !listed.has(op))).toEqual([]);
    expect([...listed].filter((op) => !executorOps.has(op))).toEqual([]);
  });
});

describe("obstacle", () => {
  const node = (op: string, rank = 2): Node =>
    new Node(op, [], {}, noOrigin, [{ dtype: "float32", shape: new Array<number>(rank).fill(3) }], [], false);

  it.each(["cpu", "wasm"] as const)("knows which kernels %s has", (backend) => {
    const kernels = new Set(getKernelsForBackend(backend).map(({ kernelName }) => kernelName));
    expect(kernels.size).toBeGreaterThan(100);
    for (const op of executorOps) if (kernels.has(op)) expect(obstacle(node(op), backend), op).toBeUndefined();
    for (const op of ["Einsum", "FFT", "Complex"]) expect(obstacle(node(op), "wasm")).toBe(`no wasm kernel for ${op}`);
  });

  it("stops at the ranks of the shaders", () => {
    expect(obstacle(node("Transpose", 7), "webgl")).toContain("which stops at 6");
    expect(obstacle(node("SelectV2", 5), "webgl")).toContain("which stops at 4");
    expect(obstacle(node("Transpose", 7), "cpu")).toBeUndefined();
  });
});
