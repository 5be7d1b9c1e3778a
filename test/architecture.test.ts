/** Who may import whom: the table of DESIGN §3, read from the sources. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";

const root = path.resolve(import.meta.dirname, "..");

const core = [
  "base",
  "graph",
  "formats",
  "tf",
  "lower",
  "legalize",
  "raise",
  "optimize",
  "customops",
  "runtime",
  "parity",
  "pipelines",
  "text",
  "layout",
];

interface Rule {
  /** Layers of the project. */
  readonly layers: readonly string[];
  /** Packages, by name or by `scope/`; `node:` stands for Node's own modules. */
  readonly packages: readonly string[];
}

/** The row of a layer: what its files may import beside each other. */
const rules: Readonly<Record<string, Rule>> = {
  base: { layers: [], packages: [] },
  graph: { layers: ["base"], packages: [] },
  formats: { layers: ["base", "graph"], packages: ["protobufjs/minimal", "protobufjs/minimal.js", "flatbuffers", "fflate"] },
  tf: { layers: ["base", "graph"], packages: [] },
  lower: { layers: ["base", "graph", "tf"], packages: [] },
  legalize: { layers: ["base", "graph", "tf", "customops"], packages: [] },
  raise: { layers: ["base", "graph", "tf"], packages: [] },
  optimize: { layers: ["base", "graph", "tf"], packages: [] },
  customops: { layers: ["base"], packages: [] },
  layout: { layers: ["base", "graph"], packages: [] },
  text: { layers: ["base", "graph"], packages: [] },
  protocol: { layers: ["base", "graph"], packages: [] },
  runtime: {
    layers: ["base", "graph", "protocol"],
    packages: ["node:", "onnxruntime-node", "onnxruntime-web", "@litertjs/core", "@tensorflow/"],
  },
  parity: { layers: ["base", "graph", "runtime"], packages: [] },
  // The library hands on how Node opens files.
  pipelines: { layers: [...core, "cli"], packages: [] },
  engine: { layers: [...core, "protocol", "cli"], packages: ["node:", "h5wasm"] },
  cli: { layers: [...core, "protocol"], packages: ["node:", "cac", "h5wasm"] },
  extension: { layers: ["protocol", "base"], packages: ["vscode", "node:"] },
  webview: { layers: ["protocol", "base"], packages: ["d3", "d3-", "@vscode-elements/elements/", "@vscode/codicons"] },
  "webview/gpu": { layers: ["protocol", "base", "webview", "runtime"], packages: ["@tensorflow/"] },
};

/** Files of the core that must run where there is no Node: everything but the borders. */
const layerOf = (file: string): string => {
  const parts = file.split("/");
  if (parts[0] === "webview") return parts[1] === "gpu" ? "webview/gpu" : "webview";
  if (parts[0] === "package.json") return "package.json";
  return parts.length === 2 ? "pipelines" : parts[1]!;
};

interface Import {
  readonly file: string;
  readonly target: string;
  readonly typeOnly: boolean;
}

function sources(folder: string): string[] {
  return readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return sources(name);
    return /\.ts$/.test(entry.name) && !entry.name.endsWith(".d.ts") ? [name] : [];
  });
}

const pattern =
  /^\s*(?:import|export)\s+(type\s+)?(?:[\w*{][^"';]*?\sfrom\s+)?["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']\s*\)/gm;

function importsOf(file: string, text: string): Import[] {
  return [...text.matchAll(pattern)].map((match) => ({ file, target: match[2] ?? match[3]!, typeOnly: match[1] !== undefined }));
}

/** Why an import is not allowed, or undefined. */
function violation({ file, target, typeOnly }: Import): string | undefined {
  const from = layerOf(file);
  const rule = rules[from];
  if (!rule) return `${file}: no row for the folder ${from}`;
  if (target.startsWith(".")) {
    const to = layerOf(path.posix.normalize(path.posix.join(path.posix.dirname(file), target)));
    if (to === from || to === "package.json" || rule.layers.includes(to)) return undefined;
    return `${file} imports ${to}`;
  }
  if (typeOnly && from === "customops" && target === "@tensorflow/tfjs-core") return undefined;
  const allowed = rule.packages.some((name) => target === name || (/[/:-]$/.test(name) && target.startsWith(name)));
  return allowed ? undefined : `${file} imports ${target}`;
}

describe("architecture", () => {
  it("keeps to the table of who may import whom", () => {
    const files = [...sources("src"), ...sources("webview")];
    expect(files.length).toBeGreaterThan(50);
    const imports = files.flatMap((file) => importsOf(file, readFileSync(path.join(root, file), "utf8")));
    expect(imports.length).toBeGreaterThan(files.length);
    expect(imports.map(violation).filter((each) => each !== undefined)).toEqual([]);
  });

  it.each([
    ["src/base/dtype.ts", 'import { Value } from "../graph/graph.ts";', "src/base/dtype.ts imports graph"],
    ["src/lower/onnx/conv.ts", 'import { readFileSync } from "node:fs";', "src/lower/onnx/conv.ts imports node:fs"],
    [
      "src/extension/activate.ts",
      'import * as ort from "onnxruntime-node";',
      "src/extension/activate.ts imports onnxruntime-node",
    ],
    ["src/extension/activate.ts", 'const m = await import("../convert.ts");', "src/extension/activate.ts imports pipelines"],
    ["webview/main.ts", 'import {\n  a,\n  b,\n} from "../src/engine/router.ts";', "webview/main.ts imports engine"],
    ["src/formats/onnx/read.ts", 'export { x } from "../../tf/build.ts";', "src/formats/onnx/read.ts imports tf"],
  ])("finds a planted violation in %s", (file, text, expected) => {
    expect(importsOf(file, text).map(violation)).toEqual([expected]);
  });
});
