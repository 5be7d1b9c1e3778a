import { mkdir, mkdtemp, realpath, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openFile, sourcesBeside } from "../../src/cli/files.ts";
import { randomInts } from "../build/random.ts";

const bytes = Uint8Array.from(randomInts(700_001, 0, 255));
let folder = "";

beforeEach(async () => {
  folder = await realpath(await mkdtemp(path.join(tmpdir(), "modelwright-files-")));
  await mkdir(path.join(folder, "model/sub"), { recursive: true });
  await writeFile(path.join(folder, "model/m.onnx"), bytes);
  await writeFile(path.join(folder, "model/sub/w.bin"), "weights");
  await writeFile(path.join(folder, "secret"), "secret");
});

afterEach(() => rm(folder, { recursive: true, force: true }));

const at = (name: string) => path.join(folder, name);
const fault = (code: string) => ({ problem: { code, severity: "error" } });

test("exact bytes, small and large, read at once", async () => {
  const source = await openFile(at("model/m.onnx"));
  expect([source.name, source.size]).toEqual(["m.onnx", 700_001]);
  const places = [
    [0, 10],
    [699_990, 11],
    [5, 600_000],
    [123_456, 262_144],
    [7, 0],
  ] as const;
  const reads = await Promise.all(places.map(([offset, length]) => source.read(offset, length)));
  for (const [i, [offset, length]] of places.entries()) {
    expect(Buffer.compare(reads[i]!, bytes.subarray(offset, offset + length))).toBe(0);
  }
});

test("past the end: a ModelError with the offset", async () => {
  const source = await openFile(at("model/m.onnx"));
  await expect(source.read(700_000, 2)).rejects.toMatchObject({ problem: { code: "truncated", offset: 700_000 } });
  await expect(source.read(0, 2 ** 40)).rejects.toMatchObject(fault("truncated"));
});

test("absent, a folder", async () => {
  await expect(openFile(at("nowhere.onnx"))).rejects.toMatchObject(fault("file-missing"));
  await expect(openFile(at("model"))).rejects.toMatchObject(fault("not-a-file"));
});

test("more models at once than handles", async () => {
  const sources = await Promise.all(
    Array.from({ length: 150 }, async (_, i) => {
      await writeFile(at(`f${i}`), `file ${i}`);
      return openFile(at(`f${i}`));
    }),
  );
  const heads = await Promise.all(sources.map((source) => source.read(0, 6)));
  expect(heads.map((head) => Buffer.from(head).toString())).toEqual(sources.map((_, i) => `file ${i}`.slice(0, 6)));
});

test("a file that has changed since is not read as if it had not", async () => {
  const source = await openFile(at("secret"));
  await writeFile(at("secret"), "another");
  await utimes(at("secret"), 1, 1);
  await expect(source.read(0, 3)).rejects.toMatchObject(fault("file-changed"));
});

test("beside a model, and nowhere else", async () => {
  const sources = sourcesBeside(at("model/m.onnx"));
  const source = await sources.open("./sub//w.bin");
  expect(Buffer.from(await source.read(0, 7)).toString()).toBe("weights");
  for (const name of ["../secret", "/etc/hostname", "sub/../../secret", at("secret"), ""]) {
    await expect(sources.open(name)).rejects.toMatchObject(fault("file-outside"));
  }
  await expect(sources.open("absent.bin")).rejects.toMatchObject(fault("file-missing"));
});

test("no link leads out of the folder", async () => {
  await symlink(at("secret"), at("model/link"));
  await symlink(folder, at("model/up"));
  await symlink(at("model/sub/w.bin"), at("model/inside"));
  const sources = sourcesBeside(at("model/m.onnx"));
  await expect(sources.open("link")).rejects.toMatchObject(fault("file-outside"));
  await expect(sources.open("up/secret")).rejects.toMatchObject(fault("file-outside"));
  expect((await sources.open("inside")).size).toBe(7);
});

test("a model in a download cache: links into the folder of blobs", async () => {
  await mkdir(at("cache/blobs"), { recursive: true });
  await mkdir(at("cache/snapshots/1"), { recursive: true });
  await writeFile(at("cache/blobs/aaa"), bytes);
  await writeFile(at("cache/blobs/bbb"), "weights");
  await symlink("../../blobs/aaa", at("cache/snapshots/1/m.onnx"));
  await symlink("../../blobs/bbb", at("cache/snapshots/1/m.onnx.data"));
  const sources = sourcesBeside(at("cache/snapshots/1/m.onnx"));
  expect((await sources.open("m.onnx.data")).size).toBe(7);
});
