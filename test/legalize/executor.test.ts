/** What legalize says of TF.js, asked of TF.js itself. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { getKernelsForBackend } from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import { describe, expect, it } from "vitest";
import { Node, noOrigin } from "../../src/graph/graph.ts";
import { hostInputs } from "../../src/graph/host-inputs.ts";
import { obstacle } from "../../src/legalize/backends.ts";
import { executorOps } from "../../src/legalize/ops.ts";

const require = createRequire(import.meta.url);

/** The converter's own tables, one JSON-like file a category. */
function packageTables(): string {
  const folder = path.dirname(require.resolve("@tensorflow/tfjs-converter"));
  return readFileSync(path.join(folder, "tf-converter.node.js"), "utf8");
}

const packageOps = (): Set<string> => new Set([...packageTables().matchAll(/'tfOpName': '([^']+)'/g)].map((match) => match[1]!));

/** Positions of the inputs that are no tensors, by op. */
function packageHostInputs(): Map<string, number[]> {
  const found = new Map<string, number[]>();
  for (const [, op, rest] of packageTables().matchAll(/'tfOpName': '([^']+)'([\s\S]*?)(?='tfOpName'|exports\.json)/g)) {
    const inputs = /'inputs': \[([\s\S]*?)\]/.exec(rest!.replaceAll("[]'", "s'"))?.[1] ?? "";
    for (const [, start, type] of inputs.matchAll(/'start': (-?\d+),(?:\s*'end': -?\d+,)?\s*'name': '\w+',\s*'type': '([^']+)'/g))
      if (!type!.startsWith("tensor")) found.set(op!, [...(found.get(op!) ?? []), Number(start)]);
  }
  return found;
}

describe("executorOps", () => {
  it("is what @tensorflow/tfjs-converter lists", () => {
    const listed = packageOps();
    expect(listed.size).toBeGreaterThan(200);
    expect([...executorOps].filter((op) => !listed.has(op))).toEqual([]);
    expect([...listed].filter((op) => !executorOps.has(op))).toEqual([]);
  });
});

describe("hostInputs", () => {
  it("is what @tensorflow/tfjs-converter reads back", () => {
    const listed = packageHostInputs();
    expect(listed.size).toBeGreaterThan(70);
    for (const [op, positions] of hostInputs)
      expect({ op, positions }).toEqual({ op, positions: listed.get(op)?.filter((at) => positions.includes(at)) });
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
