import { describe, expect, it } from "vitest";
import { memorySource, memorySources } from "../../src/base/memory.ts";
import { ModelError } from "../../src/base/problem.ts";
import { openModel } from "../../src/formats/open.ts";
import { graphModelDense, savedDense } from "../build/dense.ts";

/** A character a byte. */
const bytes = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));

async function refused(name: string, content: string): Promise<ModelError["problem"]> {
  const error = await openModel(memorySource(name, bytes(content)), memorySources()).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ModelError)) throw new Error(`${name} is not refused: ${error}`);
  return error.problem;
}

/** The local header of a zip's first entry. */
const zip = (entry: string): string => `PK\x03\x04${"\x14".padEnd(22, "\0")}${String.fromCharCode(entry.length)}\0\0\0${entry}`;
const lfs =
  "version https://git-lfs.github.com/spec/v1\noid sha256:4665a5ea423c2713d436b5ee50593a9640e0018c1550b5a0002f74190d6caea8\nsize 12345\n";
const page = "<!DOCTYPE html>\n<html><body>404</body></html>";

describe("what a file is that no reader takes, and the way out", () => {
  it.each([
    ["a.pt", zip("archive/data.pkl"), "a PyTorch model", "torch.onnx.export"],
    ["a.onnx", zip("net/data.pkl"), "a PyTorch model", "torch.onnx.export"],
    ["old.pth", "\x80\x02\x8a\nl\xfc\x9cF", "a Python pickle", "torch.onnx.export"],
    ["forest.pkl", "\x80\x04\x95", "a Python pickle", "skl2onnx"],
    [
      "model.safetensors",
      `\x58\x01\0\0\0\0\0\0{"w":{"dtype":"F32"}}`,
      "safetensors: weights without a graph",
      "torch.onnx.export",
    ],
    ["net.mlmodel", "\x08\x01\x12\x00", "a Core ML model", "convert the model that it was made from"],
    [
      "net.xml",
      '<?xml version="1.0"?>\n<net name="n" version="11">',
      "an OpenVINO model",
      "convert the model that it was made from",
    ],
    ["net.bin", "\x01\x02\x03\x04\x05\x06\x07\x08\x09", "weights without a graph", "the graph beside it"],
    ["group1-shard1of2.bin", "\x01\x02\x03\x04\x05\x06\x07\x08\x09", "a weight file of a TF.js model", "open the model.json"],
    ["variables.data-00000-of-00001", "\x01\x02\x03", "a part of a TensorFlow checkpoint", "saved_model.pb"],
    ["model.ckpt", "\x01\x02\x03", "a checkpoint: weights without a graph", ".meta file"],
    ["llama.gguf", "GGUF\x03\0\0\0", "a GGUF model", "convert the model that it was made from"],
    ["m.pdmodel", "\x0a\x02", "a PaddlePaddle model", "paddle2onnx"],
    ["m.engine", "ftrt", "a TensorRT engine", "the .onnx file it was built from"],
    ["m.ort", "\x10\0\0\0ORTM", "a model in ORT format", "use the .onnx file"],
    ["resnet-symbol.json", '{"nodes":[]}', "an MXNet model", "mxnet.onnx"],
    ["boosted", "tree\nversion=v4\n", "a LightGBM model", "onnxmltools"],
    ["data.onnx", "\x93NUMPY\x01\0", "a NumPy array", "the model that it is fed to"],
    [
      "notes.md",
      "# A model\n\nIt was trained on a great many digits, and says which of the ten each is.\n",
      "plain text, no model",
      "goes with it",
    ],
    ["model.onnx.gz", "\x1f\x8b\x08\0", "a compressed file", "unpack it"],
  ])("%s", async (name, content, reason, hint) => {
    const problem = await refused(name, content);
    expect(problem.reason).toContain(reason);
    expect(problem.hint).toContain(hint);
  });

  it.each(["m.onnx", "m.tflite", "m.pb", "m.h5", "m.keras", "model.json", "saved_model.pb", "m.pt", "m.safetensors"])(
    "%s that is another thing's stand-in",
    async (name) => {
      expect((await refused(name, lfs)).reason).toBe("a Git LFS pointer, not the file itself");
      expect((await refused(name, page)).reason).toBe("a web page, not a model");
      expect((await refused(name, "404: Not Found")).reason).toBe("a server's word that there is no such file");
      expect((await refused(name, '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code>')).reason).toContain(
        "an error message of a storage service",
      );
      expect((await refused(name, "")).reason).toBe("the file is empty");
    },
  );

  it("an HDF5 file in place of model.json is told, and what to do", async () => {
    expect(await refused("model.json", "\x89HDF\r\n\x1a\n")).toMatchObject({ reason: "an HDF5 file", hint: "rename it to .h5" });
  });
});

describe("weights that are something else", () => {
  const openFolder = (files: Record<string, Uint8Array>, name: string) =>
    openModel(memorySource(name, files[name]!), memorySources(files));

  it("a shard that is a Git LFS pointer, or the page of a server that knows no such file", async () => {
    const files = graphModelDense();
    const shard = Object.keys(files).find((name) => name.startsWith("group"))!;
    const pointer = await openFolder({ ...files, [shard]: bytes(lfs) }, "model.json");
    expect(pointer.model.problems[0]).toMatchObject({
      code: "not-this-format",
      severity: "error",
      reason: `${shard} is a Git LFS pointer, not the file itself`,
      hint: "fetch it with git lfs pull",
    });
    const served = await openFolder({ ...files, [shard]: bytes(page.padEnd(80)) }, "model.json");
    expect(served.model.problems[0]!.reason).toBe(`${shard} is a web page, not a model`);
    expect((await openFolder(files, "model.json")).model.problems).toEqual([]);
  });

  it("a checkpoint that is a Git LFS pointer", async () => {
    const files = savedDense();
    const data = "variables/variables.data-00000-of-00001";
    const { model } = await openFolder({ ...files, [data]: bytes(lfs) }, "saved_model.pb");
    expect(model.problems[0]!.reason).toBe(`${data} is a Git LFS pointer, not the file itself`);
  });
});
