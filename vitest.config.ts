import { defineConfig } from "vitest/config";

/** Tests start processes and threads; how long those take says nothing on a busy machine. */
const patience = 120_000;

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: patience,
    hookTimeout: patience,
    // Likewise; one that needs a second go is named in the report.
    retry: process.env.CI ? 1 : 0,
  },
});
