/** The Chromium of the tests: a software GPU (SwiftShader) for WebGL and WebGPU, or none at all. */
import { type Browser, type BrowserServer, chromium } from "playwright-core";
import type { Chromium } from "../setup.mjs";

export type Gpu = "software" | "none";

const common = [
  "--no-sandbox",
  "--no-first-run",
  "--no-proxy-server",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-quic",
  "--disable-sync",
];

const byGpu: Readonly<Record<Gpu, readonly string[]>> = {
  software: [
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
    "--enable-unsafe-webgpu",
    "--use-webgpu-adapter=swiftshader",
    "--enable-features=Vulkan",
  ],
  // `navigator.gpu` is there, its adapter is null: what a machine without a usable GPU shows.
  none: ["--disable-gpu"],
};

const launchOptions = ({ executable, env }: Chromium, gpu: Gpu) => ({
  executablePath: executable,
  headless: true,
  args: [...common, ...byGpu[gpu]],
  env: { ...process.env, ...env } as Record<string, string>,
});

/** A browser that test files share by its address. */
export const launchBrowserServer = (program: Chromium, gpu: Gpu): Promise<BrowserServer> =>
  chromium.launchServer(launchOptions(program, gpu));

export const launchBrowser = (program: Chromium, gpu: Gpu): Promise<Browser> => chromium.launch(launchOptions(program, gpu));
