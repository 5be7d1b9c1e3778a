/** `npm run bench [NAME...]`: measurements of the built command line; figures, no verdicts. */
import path from "node:path";
import { benchConvert } from "./bench/convert.ts";
import { benchInspect } from "./bench/inspect.ts";

const benches: Readonly<Record<string, (cli: string) => Promise<void>>> = { inspect: benchInspect, convert: benchConvert };

const cli = path.join(import.meta.dirname, "cli.js");
const names = process.argv.slice(2);
for (const name of names.length > 0 ? names : Object.keys(benches)) {
  const bench = benches[name];
  if (!bench) throw new Error(`no bench ${name}; there are ${Object.keys(benches).join(", ")}`);
  await bench(cli);
}
