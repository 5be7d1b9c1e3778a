// @ts-check
/**
 * Runs the end-to-end tests: `npm run e2e -- [--leg 1.100|current] [--shots DIR] [filters and options of vitest]`.
 * With --shots, takes the pictures of every view in the four themes instead.
 */
import { spawn } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { canRunTests } from "./setup.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const own = { "--leg": "1.100", "--shots": "" };
/** @type {string[]} */
const passedOn = [];
for (let args = process.argv.slice(2); args.length > 0; ) {
  const arg = /** @type {string} */ (args.shift());
  if (arg === "--leg" || arg === "--shots") own[arg] = args.shift() ?? "";
  else passedOn.push(arg);
}
if (own["--leg"] !== "1.100" && own["--leg"] !== "current") {
  console.error(`--leg is 1.100 or current, not ${own["--leg"]}`);
  process.exit(2);
}
if (!canRunTests) {
  console.log(`end-to-end tests skipped: they need linux-x64, this is ${process.platform}-${process.arch}`);
  process.exit(0);
}

const env = { ...process.env, E2E_LEG: own["--leg"], E2E_SHOTS: own["--shots"] && path.resolve(own["--shots"]) };
const config = path.join(here, "vitest.config.ts");
const vitest = path.resolve(here, "../../node_modules/vitest/vitest.mjs");
const child = spawn(process.execPath, [vitest, "run", "--config", config, ...passedOn], {
  stdio: ["ignore", "inherit", "inherit"],
  env,
});
child.once("exit", (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
