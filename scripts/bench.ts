/** `npm run bench NAME...`: measurements of the built command line; figures, no verdicts. Without a name: which there are. */
import path from "node:path";
import { benchConvert } from "./bench/convert.ts";
import { benchInspect } from "./bench/inspect.ts";
import { benchStart } from "./bench/start.ts";

interface Bench {
  readonly what: string;
  readonly run: (cli: string) => Promise<void>;
}

const benches: Readonly<Record<string, Bench>> = {
  start: {
    what: "the command line before it does anything, and with a model of next to nothing, beside a bare Node",
    run: benchStart,
  },
  inspect: { what: "inspect of a 1 GB model and of 100 000 nodes", run: benchInspect },
  convert: {
    what: "convert of 1 GB, BERT-base and MobileNetV2 beside a copy; of weights to be folded; of 100 000 nodes",
    run: benchConvert,
  },
};

const cli = path.join(import.meta.dirname, "cli.js");
const asked = process.argv.slice(2);
const unknown = asked.find((name) => name !== "all" && !Object.hasOwn(benches, name));
if (unknown !== undefined) throw new Error(`no bench ${unknown}; there are ${Object.keys(benches).join(", ")} and all`);
if (asked.length === 0) {
  for (const [name, { what }] of Object.entries(benches)) console.log(`${name.padEnd(8)} ${what}`);
  console.log("all      one after another");
}
for (const name of asked.includes("all") ? Object.keys(benches) : asked) await benches[name]!.run(cli);
