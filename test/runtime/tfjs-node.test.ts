/** The process that runs TensorFlow, with a package in its place that computes x / 2 + 2. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type Tensor, tensorOf } from "../../src/graph/tensor.ts";
import { tensorflowReference } from "../../src/parity/tensorflow-reference.ts";
import { findTfjsNode, TfjsNodeProcess, tfjsNodeVariable } from "../../src/runtime/tfjs-node.ts";

const stub = `
const tensor = (data, shape, dtype) => ({ shape, dtype, dataSync: () => data, dispose() {} });
exports.version = { "tfjs-node": "9.8.7" };
exports.tensor = tensor;
exports.node = {
  async loadSavedModel(folder, tags, signature) {
    if (!folder.endsWith("model") || tags.join() !== "serve" || signature !== "predict") throw new Error("no such model: " + folder);
    return {
      predict({ x, ids }) {
        if (!x) throw new Error("x is missing");
        if (ids.dtype !== "int32") throw new Error("ids of " + ids.dtype);
        return { y: tensor(Float32Array.from(x.dataSync(), (v) => v / 2 + 2), x.shape, "float32"), n: tensor(ids.dataSync(), ids.shape, "int32") };
      },
    };
  },
};`;

let home: string;
beforeAll(() => {
  home = mkdtempSync(path.join(tmpdir(), "modelwright-"));
  const folder = path.join(home, "node_modules/@tensorflow/tfjs-node");
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, "package.json"), '{"name":"@tensorflow/tfjs-node","main":"index.js"}');
  writeFileSync(path.join(folder, "index.js"), stub);
  vi.stubEnv(tfjsNodeVariable, home);
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(home, { recursive: true });
});

const x = tensorOf("float32", [3], [1, -4, 0.5]);
const ids = tensorOf("int64", [2], [7, -9]);
const feeds = new Map<string, Tensor>([
  ["x", x],
  ["ids", ids],
]);

describe("TensorFlow by way of tfjs-node", () => {
  it("is found where it is installed, and only there", () => {
    expect(findTfjsNode([home])).toBe(path.join(home, "node_modules/@tensorflow/tfjs-node/index.js"));
    expect(findTfjsNode([path.join(home, "..")])).toBeUndefined();
  });

  it("runs the signature of a SavedModel", async () => {
    const process = await TfjsNodeProcess.start("/some/model", ["serve"], "predict");
    const found = await process.run(feeds);
    await process.close();
    expect(process.version).toBe("9.8.7");
    expect(found.get("y")).toEqual(tensorOf("float32", [3], [2.5, 0, 2.25]));
    expect(found.get("n")).toEqual(tensorOf("int32", [2], [7, -9]));
  });

  it("says what it refuses", async () => {
    await expect(TfjsNodeProcess.start("/other", ["serve"], "predict")).rejects.toMatchObject({
      problem: { code: "reference-refused", reason: "TensorFlow refuses the model: no such model: /other" },
    });
    const process = await TfjsNodeProcess.start("/some/model", ["serve"], "predict");
    await expect(process.run(new Map([["ids", ids]]))).rejects.toMatchObject({ problem: { code: "reference-failed" } });
    await process.close();
  });

  it("is the reference of a SavedModel, and of no other file", async () => {
    const model = { metadata: { tags: "serve", signature: "predict" } } as unknown as Parameters<typeof tensorflowReference>[1];
    const reference = await tensorflowReference("/some/model/saved_model.pb", model);
    expect((await reference.values(feeds, ["y"])).get("y")?.data).toEqual(Float32Array.of(2.5, 0, 2.25));
    await expect(reference.values(feeds, ["inner"])).rejects.toMatchObject({
      problem: { code: "no-reference", tensor: "inner" },
    });
    await reference.close();
    await expect(tensorflowReference("/some/frozen.pb", model)).rejects.toMatchObject({ problem: { code: "no-reference" } });
  });
});
