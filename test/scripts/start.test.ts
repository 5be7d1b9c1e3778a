import { spawnSync } from "node:child_process";
import path from "node:path";
import { expect, test } from "vitest";

const script = path.resolve(import.meta.dirname, "../../scripts/start.mjs");
const start = (...args: string[]) => spawnSync(process.execPath, [script, ...args], { encoding: "utf8" });

test.each([
  [["--host", "0.0.0.0"], "--host is one of 127.0.0.1, ::1, localhost: anyone who reaches this server can use it\n"],
  [["--port", "70000"], "--port is a number up to 65535, not 70000\n"],
  [["--port", "8o23"], "--port is a number up to 65535, not 8o23\n"],
])("%j is refused before anything starts", (args, message) => {
  const { status, stderr, stdout } = start(...args);
  expect({ status, stderr, stdout }).toEqual({ status: 1, stderr: message, stdout: "" });
});

test("a folder that is not there is told", () => {
  const { status, stderr } = start("samples/absent");
  expect(status).toBe(1);
  expect(stderr).toMatch(/^there is no .*absent\n$/);
});
