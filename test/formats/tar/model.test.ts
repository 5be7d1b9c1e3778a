import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { memorySource, memorySources } from "../../../src/base/memory.ts";
import { ModelError } from "../../../src/base/problem.ts";
import { openModel } from "../../../src/formats/open.ts";
import { gunzip } from "../../../src/formats/tar/gunzip.ts";
import { readTar } from "../../../src/formats/tar/read.ts";
import { loadTensor } from "../../../src/graph/decode.ts";
import { tensorOf } from "../../../src/graph/tensor.ts";
import { random } from "../../build/random.ts";
import { type TarFile, tar } from "../../build/tar.ts";
import { bundle, type MetaSpec, placeholder, savedModel } from "../../build/tensorflow.ts";

const weight = tensorOf("float32", [3, 5], random(15));
const model: MetaSpec = {
  tags: [],
  graph: {
    nodes: [
      placeholder("x", "float32", [-1, 3]),
      { name: "w", op: "VarHandleOp", attrs: { dtype: { type: "float32" }, shape: { shape: [3, 5] }, shared_name: { s: "w" } } },
      { name: "read", op: "ReadVariableOp", inputs: ["w"], attrs: { dtype: { type: "float32" } } },
      { name: "y", op: "MatMul", inputs: ["x", "read"] },
    ],
  },
  signatures: {
    default: {
      inputs: { x: { value: "x:0", dtype: "float32", shape: [-1, 3] } },
      outputs: { default: { value: "y:0", dtype: "float32", shape: [-1, 5] } },
    },
  },
};
const utf8 = new TextEncoder();
const files: readonly TarFile[] = [
  { name: "./", content: new Uint8Array(0), kind: "5" },
  { name: "./tfhub_module.pb", content: utf8.encode("\x08\x03") },
  ...Object.entries(bundle("variables/variables", { w: weight })).map(([name, content]) => ({ name: `./${name}`, content })),
  { name: "./saved_model.pb", content: savedModel(model) },
];
const packed = new Uint8Array(gzipSync(tar(files)));

const open = (bytes: Uint8Array, name = "module_1.tar.gz") => openModel(memorySource(name, bytes), memorySources());

async function weightIn(bytes: Uint8Array, name?: string) {
  const { model: read, files: sources } = await open(bytes, name);
  const attr = read.graphs[0]!.nodes.find((node) => node.name === "w")!.attrs["value"];
  if (attr?.kind !== "tensor") throw new Error("no value");
  const { dtype, shape } = attr.value;
  return (await loadTensor({ dtype, shape, stored: attr.value, files: sources })).data;
}

describe("an archive of TensorFlow Hub", () => {
  it("is the SavedModel in it, with its weights", async () => {
    expect(await weightIn(packed)).toEqual(weight.data);
    expect(await weightIn(tar(files), "module.tar")).toEqual(weight.data);
  });

  it("may have its model in a folder, below names too long for a header", async () => {
    const folder = `${"deep/".repeat(40)}`;
    const long = files.slice(1).flatMap(({ name, content }, i): TarFile[] => {
      const full = folder + name;
      const record = `path=${full}\n`;
      const length = record.length + 4;
      const said: TarFile =
        i % 2 === 0
          ? { name: "././@LongLink", content: utf8.encode(`${full}\0`), kind: "L" }
          : { name: "pax", content: utf8.encode(`${length} ${record}`), kind: "x" };
      return [said, { name: full.slice(0, 99), content }];
    });
    expect(await weightIn(new Uint8Array(gzipSync(tar(long))), "m.tgz")).toEqual(weight.data);
  });

  it("that names files outside itself is refused", async () => {
    const outside = [...files, { name: "../../etc/passwd", content: new Uint8Array(3) }];
    await expect(open(new Uint8Array(gzipSync(tar(outside))))).rejects.toMatchObject({ problem: { code: "file-outside" } });
    const absolute = [{ name: "/saved_model.pb", content: savedModel(model) }];
    await expect(open(new Uint8Array(gzipSync(tar(absolute))))).rejects.toMatchObject({ problem: { code: "file-outside" } });
  });

  it("without a model says so", async () => {
    const none = new Uint8Array(gzipSync(tar([{ name: "notes.txt", content: utf8.encode("nothing") }])));
    await expect(open(none)).rejects.toThrow("no model in module_1.tar.gz: 1 file, none of a known kind");
  });

  it("cut at any 64th byte, or with a flipped one, is refused with a place", async () => {
    for (let at = 0; at < packed.length; at += 64) {
      const flipped = packed.slice();
      flipped[at]! ^= 0x40;
      for (const bytes of [packed.slice(0, at), flipped]) {
        const error = await weightIn(bytes).then(
          (data) => data,
          (thrown: unknown) => thrown,
        );
        if (error instanceof ModelError) expect(error.problem.offset).toBeGreaterThanOrEqual(0);
        else expect(error).toEqual(weight.data);
      }
    }
  });

  it("that is a bomb stops at the limit", async () => {
    const zeroes = new Uint8Array(gzipSync(new Uint8Array(2 ** 24)));
    await expect(gunzip(memorySource("z", zeroes), "z", 2 ** 20)).rejects.toThrow("unpacks to more than 1048576 bytes");
    const lie = tar([{ name: "a", content: new Uint8Array(5) }]);
    lie.set(utf8.encode("77777777777"), 124);
    await expect(readTar(memorySource("t", lie))).rejects.toMatchObject({ problem: { code: "malformed", offset: 0 } });
  });
});
