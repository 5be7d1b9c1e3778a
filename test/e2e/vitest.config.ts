import { defineConfig } from "vitest/config";

// One VS Code server, one browser, two cores: files run one after the other.
export default defineConfig({
  cacheDir: ".cache/vite",
  test: {
    root: import.meta.dirname,
    include: process.env.E2E_SHOTS ? ["shots.e2e.ts"] : ["*.e2e.ts"],
    exclude: process.env.E2E_SHOTS ? [] : ["shots.e2e.ts"],
    globalSetup: "harness/global.ts",
    fileParallelism: false,
    testTimeout: 90_000,
    hookTimeout: 180_000,
    // A browser on a busy machine: one that needs a second go is named as such in the report.
    retry: process.env.CI ? 2 : 0,
    reporters: ["verbose"],
  },
});
