import { spawnSync } from "node:child_process";
import { lstat, mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DestinationError, openSink, recover, type SinkOptions } from "../../src/cli/sink.ts";

let folder = "";

beforeEach(async () => {
  folder = await realpath(await mkdtemp(path.join(tmpdir(), "modelwright-sink-")));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

const at = (name: string) => path.join(folder, name);
const text = (value: string) => new TextEncoder().encode(value);

async function put(dir: string, files: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(at(dir), { recursive: true });
  for (const [name, content] of Object.entries(files)) await writeFile(path.join(at(dir), name), content);
}

/** Every file below, by path. */
async function tree(): Promise<Record<string, string>> {
  const all: Record<string, string> = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    const name = path.relative(folder, file);
    if (entry.isFile()) all[name] = await readFile(file, "utf8");
    else if ((await lstat(file)).isDirectory() && (await readdir(file)).length === 0) all[`${name}/`] = "";
  }
  return all;
}

const output = { "model.json": "new", "model.map.json": "map", "group1-shard1of1.bin": "w" };

async function write(dir: string, options?: SinkOptions, files: Readonly<Record<string, string>> = output) {
  const sink = await openSink(at(dir), options);
  for (const [name, content] of Object.entries(files)) {
    const writer = await sink.create(name);
    await writer.write(text(content.slice(0, 1)));
    await writer.write(text(content.slice(1)));
    await writer.close();
  }
  return sink;
}

const under = (dir: string, files: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(files).map(([name, content]) => [path.join(dir, name), content]));

describe("where there is nothing", () => {
  test("nothing is seen before commit, and all of it after", async () => {
    const sink = await write("deep/out");
    await expect(lstat(at("deep/out"))).rejects.toThrow("ENOENT");
    await sink.commit();
    expect(await tree()).toEqual(under("deep/out", output));
  });

  test("abort removes all that was made, twice is once, in the middle of a file too", async () => {
    const sink = await openSink(at("very/deep/out"));
    const writer = await sink.create("model.json");
    await writer.write(text("half"));
    await sink.abort();
    await sink.abort();
    expect(await tree()).toEqual({});
  });

  test("an empty folder, a link to one", async () => {
    await put("empty", {});
    await (await write("empty")).commit();
    await put("real", {});
    await symlink(at("real"), at("link"));
    await (await write("link")).commit();
    expect((await lstat(at("link"))).isSymbolicLink()).toBe(true);
    expect(await tree()).toEqual({ ...under("empty", output), ...under("real", output) });
  });
});

describe("where an output of ours is", () => {
  const old = { "model.json": "old", "model.map.json": "old", "group1-shard1of2.bin": "o", "group1-shard2of2.bin": "o" };

  test("the old goes, and what the user put beside it stays", async () => {
    await put("out", { ...old, "notes.txt": "mine" });
    await (await write("out")).commit();
    expect(await tree()).toEqual(under("out", { ...output, "notes.txt": "mine" }));
  });

  test("abort leaves the old", async () => {
    await put("out", old);
    const sink = await write("out");
    await sink.abort();
    expect(await tree()).toEqual(under("out", old));
  });
});

describe("where something else is", () => {
  test("it is refused, and nothing is touched", async () => {
    await put("out", { "model.json": "theirs" });
    await expect(openSink(at("out"))).rejects.toBeInstanceOf(DestinationError);
    await writeFile(at("file"), "a file");
    await expect(openSink(at("file"))).rejects.toBeInstanceOf(DestinationError);
    await expect(openSink(at("file/sub"), { force: true })).rejects.toBeInstanceOf(DestinationError);
    expect(await tree()).toEqual({ "out/model.json": "theirs", file: "a file" });
  });

  test("with force our names are written and nothing is removed", async () => {
    await put("out", { "model.json": "theirs", "group1-shard7of9.bin": "theirs", "readme.md": "theirs" });
    await (await write("out", { force: true })).commit();
    expect(await tree()).toEqual(under("out", { ...output, "group1-shard7of9.bin": "theirs", "readme.md": "theirs" }));
  });
});

describe("after a crash", () => {
  const dead = String(spawnSync(process.execPath, ["-e", ""]).pid);
  const old = { "model.json": "old", "model.map.json": "old" };

  test("between setting aside and swapping, the old comes back", async () => {
    await put(`.out.modelwright-old-${dead}-x`, old);
    await put(`.out.modelwright-new-${dead}-x`, { "model.json": "half" });
    await recover(at("out"));
    expect(await tree()).toEqual(under("out", old));
  });

  test("after swapping, the old goes, but not what the user had there", async () => {
    await put(`.out.modelwright-old-${dead}-x`, { ...old, "notes.txt": "mine" });
    await put("out", output);
    await recover(at("out"));
    expect(await tree()).toEqual(under("out", { ...output, "notes.txt": "mine" }));
  });

  test("the next output to the same place recovers first", async () => {
    await put(`.out.modelwright-old-${dead}-x`, old);
    const sink = await write("out");
    await sink.abort();
    expect(await tree()).toEqual(under("out", old));
  });

  test("what a living process is writing is left alone, and so are neighbours", async () => {
    await put(`.out.modelwright-new-${process.pid}-x`, { a: "b" });
    await put(`.other.modelwright-new-${dead}-x`, { a: "b" });
    await recover(at("out"));
    expect(Object.keys(await tree())).toHaveLength(2);
  });
});

test("a name with a path is a fault of ours", async () => {
  const sink = await openSink(at("out"));
  await expect(sink.create("../x")).rejects.toThrow("no plain file name");
  await sink.abort();
});
