import { expect, it } from "vitest";
import { nodeForNative } from "../../src/runtime/native-node.ts";

const electron = { ...process.versions, electron: "34.5.1" } as NodeJS.ProcessVersions;
const never = async () => {
  throw new Error("nobody is to be asked");
};

it("is this process's own outside Electron", async () => {
  expect(await nodeForNative(process.versions, never)).toBeUndefined();
});

it("is an installed Node inside Electron, where it is new enough", async () => {
  expect(await nodeForNative(electron, async () => "20.19.1")).toBe("node");
  expect(await nodeForNative(electron, async () => "18.20.0")).toBeUndefined();
  expect(await nodeForNative(electron, async () => undefined)).toBeUndefined();
  expect(await nodeForNative(electron, async () => "no version")).toBeUndefined();
});

it("finds the Node that is on the path", async () => {
  expect(await nodeForNative(electron)).toBe("node");
});
