#!/usr/bin/env node
/** The command line; docs/cli.md is its contract. */
import module from "node:module";
import { cac } from "cac";
import { Cancelled } from "../base/cancel.ts";
import { ModelError } from "../base/problem.ts";
import { version } from "../version.ts";
import { dashed, marked, unmarked } from "./arguments.ts";
import { interruptedCode } from "./interrupt.ts";
import type { NamedModel } from "./models.ts";
import type { Told } from "./report.ts";
import { UsageError } from "./usage.ts";

/** 0 all well, 1 a fault of a model or a difference, 2 wrong usage, 3 a fault of ours. */
type ExitCode = 0 | 1 | 2 | 3;

type Options = Readonly<Record<string, unknown>>;

/** The flags of tensorflowjs_converter are written with an underscore, ours never. */
const oldFlag = /^--[a-z0-9]+(_[a-z0-9]+)+(=|$)/;

// Node 22.1 and up keep what they compiled in the folder for temporary files, and start sooner with it; 20 has no such thing.
(module as { enableCompileCache?(): unknown }).enableCompileCache?.();

const cli = cac("modelwright");
cli.version(version);
cli.help();

cli
  .command("inspect [...models]", "Tell what a model file is and holds")
  .option("--json", "One JSON object a model a line")
  .option("--text", "The graph as text, one line a node")
  .action((models: string[], options: Options) => {
    running = inspect(models, options);
  });

cli
  .command("check [...models]", "Tell what TF.js can run, node by node")
  .option("--backend <name>", "cpu, wasm, webgl or webgpu; default: any of them")
  .option("--deep", "Read every weight too")
  .option("--input <name:shape>", "Shape of an input, e.g. x:1x3x224x224")
  .option("--outputs <names>", "Values to cut the model at")
  .option("--signature <key>", "Of a SavedModel; default: serving_default, else the first")
  .option("--tags <names>", "Of a SavedModel's graph; default: that for serving")
  .option("--ops <file>", "Operators of your own, a modelwright.ops.mjs; it is run")
  .option("--json", "One JSON object a model a line")
  .action((models: string[], options: Options) => {
    running = check(models, options);
  });

cli
  .command("convert [...models]", "Convert to TF.js or ONNX")
  .option("--out <dir>", "Folder to write")
  .option("--to <format>", "tfjs, tfjs-layers, onnx or keras", { default: "tfjs" })
  .option("--opset <n>", "Of ONNX: 13 to 26; default 17, or the least after it that has all operators")
  .option("--for <loader>", "mlnet: an ONNX model that ML.NET takes")
  .option("--quantize <kind>", "float16, uint8 or uint16, with :GLOB,GLOB for some weights only")
  .option("--shard-bytes <n>", "Bytes of a weight file; default 4 MiB")
  .option("--input <name:shape>", "Shape of an input, e.g. x:1x3x224x224")
  .option("--outputs <names>", "Values to cut the model at")
  .option("--quantized <mode>", "Of a TFLite model: faithful (rounded as there), float or qdq; default faithful, to ONNX qdq")
  .option("--bake <mean=…,std=…>", "Put (x - mean) / std in front of the image input; one value, or one a channel")
  .option("--no-optimize", "Leave the graph as it was lowered")
  .option("--split-by-layer", "Of a layers model: the weights of each layer in files of their own")
  .option("--metadata <key:file,…>", "JSON to put into userDefinedMetadata of model.json")
  .option("--structured-outputs", "predict() gives the outputs by name")
  .option("--from <format>", "Refuse a model of any other: onnx, tflite, tensorflow, keras or tfjs")
  .option("--keep-debug-ops", "Refuse a model with Print, Assert or CheckNumerics, where they would be dropped")
  .option("--force", "Write into a folder that holds other things")
  .option("--signature <key>", "Of a SavedModel; default: serving_default, else the first")
  .option("--tags <names>", "Of a SavedModel's graph; default: that for serving")
  .option("--ops <file>", "Operators of your own, a modelwright.ops.mjs; it is run")
  .option("--json", "One JSON object a model a line")
  .action((models: string[], options: Options) => {
    running = convert(models, options);
  });

cli
  .command("parity [...models]", "Compare the converted model with the source's own runtime")
  .option("--converted <dir>", "A conversion; default: converted now")
  .option("--inputs <path>", "Folder of input_N.pb, or an .npz, .npy, .pb or .json file")
  .option("--reference <kind>", "files or runtime")
  .option("--backend <name>", "cpu or wasm; default wasm")
  .option("--input <name:shape>", "Shape of an input for the conversion")
  .option("--outputs <names>", "Values to compare")
  .option("--layers", "Compare every value that survives")
  .option("--seed <n>", "Of the inputs; default 0")
  .option("--atol <x>", "Absolute tolerance")
  .option("--rtol <x>", "Tolerance relative to the largest reference value")
  .option("--bake <mean=…,std=…>", "Convert with this normalisation in front; the source is fed what it wants")
  .option("--no-optimize", "Convert without the optimiser")
  .option("--signature <key>", "Of a SavedModel; default: serving_default, else the first")
  .option("--tags <names>", "Of a SavedModel's graph; default: that for serving")
  .option("--ops <file>", "Operators of your own, a modelwright.ops.mjs; it is run")
  .option("--json", "One JSON object a model a line")
  .action((models: string[], options: Options) => {
    running = parity(models, options);
  });

cli
  .command("bench [model]", "Time the converted model, next to onnxruntime if asked")
  .option("--backend <name>", "cpu or wasm; default wasm")
  .option("--against <runtime>", "ort or ort-web: the source in onnxruntime, native or WebAssembly, on the same inputs")
  .option("--input <name:shape>", "Shape of an input, e.g. x:1x3x224x224")
  .option("--no-optimize", "Convert without the optimiser")
  .option("--ops <file>", "Operators of your own, a modelwright.ops.mjs; it is run")
  .option("--json", "One JSON object on stdout")
  .action((model: string | undefined, options: Options) => {
    running = bench(model, options);
  });

let running: Promise<ExitCode> | undefined;

async function inspect(models: readonly string[], options: Options): Promise<ExitCode> {
  const { inspectModel, textOf } = await import("./inspect.ts");
  if (options["text"]) return each("inspect", models, { ...options, json: false }, textOf);
  return each("inspect", models, options, ({ path }) => inspectModel(path));
}

async function check(models: readonly string[], options: Options): Promise<ExitCode> {
  const [{ checkModel }, parse] = await Promise.all([import("./check.ts"), import("./options.ts")]);
  const backend = parse.backendOf(options["backend"]);
  const outputs = parse.names(options["outputs"]);
  const settings = {
    inputShapes: parse.inputShapes(parse.list(options["input"])),
    deep: options["deep"] === true,
    opening: parse.opening(options["signature"], options["tags"]),
    userOps: await ownOps(options),
    ...(backend && { backend }),
    ...(outputs && { outputs }),
  };
  return each("check", models, options, ({ path }) => checkModel(path, settings));
}

/** Options that not all targets have. */
const onlyFor: Readonly<Record<string, readonly string[]>> = {
  input: ["tfjs", "onnx"],
  outputs: ["tfjs", "onnx"],
  bake: ["tfjs", "onnx"],
  quantize: ["tfjs", "tfjs-layers"],
  shardBytes: ["tfjs", "tfjs-layers"],
  structuredOutputs: ["tfjs"],
  metadata: ["tfjs", "tfjs-layers"],
  ops: ["tfjs"],
  splitByLayer: ["tfjs-layers"],
  opset: ["onnx"],
  for: ["onnx"],
};

async function convert(models: readonly string[], options: Options): Promise<ExitCode> {
  const [{ convertModel }, parse, { join }] = await Promise.all([
    import("./convert.ts"),
    import("./options.ts"),
    import("node:path"),
  ]);
  const out = options["out"];
  if (typeof out !== "string" || out === "") throw new UsageError("--out DIR is missing");
  const to = parse.oneOf(options["to"], "to", ["tfjs", "tfjs-layers", "onnx", "keras"]) ?? "tfjs";
  for (const [option, targets] of Object.entries(onlyFor))
    if (!targets.includes(to) && options[option])
      throw new UsageError(`--${dashed(option)} is for --to ${targets.join(" or ")}, not ${to}`);
  const opset = parse.numberOf(options["opset"], "opset", 13);
  if (opset !== undefined && opset > 26) throw new UsageError(`--opset wants 13 to 26, not ${opset}`);
  const loader = parse.oneOf(options["for"], "for", ["mlnet"]);
  const shardBytes = parse.numberOf(options["shardBytes"], "shard-bytes", 1);
  const metadata = await parse.metadata(options["metadata"]);
  const from = parse.oneOf(options["from"], "from", ["onnx", "tflite", "tensorflow", "keras", "tfjs"]);
  const settings = {
    ...(await conversion(options)),
    to,
    force: options["force"] === true,
    splitByLayer: options["splitByLayer"] === true,
    structuredOutputs: options["structuredOutputs"] === true,
    keepDebugOps: options["keepDebugOps"] === true,
    asFile: options["asFile"] === true,
    ...(opset === undefined ? {} : { opset }),
    ...(loader && { for: loader }),
    ...(shardBytes === undefined ? {} : { shardBytes }),
    ...(metadata && { metadata }),
    ...(from && { from }),
  };
  return each("convert", models, options, ({ path, below }) => convertModel(path, join(out, below), settings));
}

/** In the spelling of tensorflowjs_converter. */
async function convertAsBefore(args: readonly string[]): Promise<ExitCode> {
  if (args.includes("--version") || args.includes("-v")) {
    cli.outputVersion();
    return 0;
  }
  const { fromConverter } = await import("./converter.ts");
  const { models, options, notes } = fromConverter(args);
  for (const note of notes) console.error(`modelwright: ${note}`);
  return convert(models, options);
}

async function ownOps({ ops }: Options) {
  if (ops === undefined) return undefined;
  const { loadUserOps } = await import("./user-ops.ts");
  return loadUserOps(String(ops)).catch((error: unknown) => {
    throw error instanceof ModelError ? new UsageError(`--ops: ${error.message}`) : error;
  });
}

async function conversion(options: Options) {
  const parse = await import("./options.ts");
  const outputs = parse.names(options["outputs"]);
  const bake = parse.normalisation(options["bake"]);
  const quantize = parse.quantization(parse.list(options["quantize"]));
  const quantized = parse.oneOf(options["quantized"], "quantized", ["faithful", "float", "qdq"]);
  return {
    inputShapes: parse.inputShapes(parse.list(options["input"])),
    optimize: options["optimize"] !== false,
    userOps: await ownOps(options),
    ...(quantized && { quantized }),
    opening: parse.opening(options["signature"], options["tags"]),
    ...(outputs && { outputs }),
    ...(bake && { bake }),
    ...(quantize && { quantize }),
  };
}

async function parity(models: readonly string[], options: Options): Promise<ExitCode> {
  const [{ parityModel }, parse] = await Promise.all([import("./parity.ts"), import("./options.ts")]);
  if (models.length !== 1) throw new UsageError("parity takes one model");
  const backend = parse.oneOf(options["backend"], "backend", ["cpu", "wasm", "webgl", "webgpu"]) ?? "wasm";
  if (backend === "webgl" || backend === "webgpu")
    throw new UsageError(`${backend} needs a browser: check parity in the editor, or use --backend wasm`);
  const settings = {
    backend,
    convert: await conversion(options),
    converted: options["converted"] as string | undefined,
    inputs: options["inputs"] as string | undefined,
    reference: parse.oneOf(options["reference"], "reference", ["files", "runtime"]),
    outputs: parse.names(options["outputs"]),
    layers: options["layers"] === true,
    seed: parse.numberOf(options["seed"], "seed"),
    atol: parse.numberOf(options["atol"], "atol", 0, false),
    rtol: parse.numberOf(options["rtol"], "rtol", 0, false),
  };
  return each("parity", models, options, ({ path }) => parityModel(path, settings));
}

async function bench(model: string | undefined, options: Options): Promise<ExitCode> {
  const [{ benchModel }, parse] = await Promise.all([import("./bench.ts"), import("./options.ts")]);
  if (model === undefined) throw new UsageError("bench takes one model");
  const backend = parse.oneOf(options["backend"], "backend", ["cpu", "wasm"]) ?? "wasm";
  const against = parse.oneOf(options["against"], "against", ["ort", "ort-web"]);
  const settings = { backend, against, convert: await conversion(options) };
  return each("bench", [model], options, ({ path }) => benchModel(path, settings));
}

/** Runs a command over every model; one that fails does not stop the rest. */
async function each(
  command: string,
  args: readonly string[],
  options: Options,
  act: (model: NamedModel) => Promise<Told>,
): Promise<ExitCode> {
  const [{ namedModels }, { failure, jsonLine, problemLines }] = await Promise.all([
    import("./models.ts"),
    import("./report.ts"),
  ]);
  const models = await namedModels(args);
  let code: ExitCode = 0;
  for (const model of models) {
    let told: Told;
    try {
      told = await act(model);
    } catch (error) {
      if (!(error instanceof ModelError)) {
        if (models.length === 1 || error instanceof UsageError || (error as Error).name === "DestinationError") throw error;
        code = 3;
        console.error(error);
        continue;
      }
      const report = failure(error);
      told = { report, text: () => problemLines(report.problems) };
    }
    if (!told.report.ok && code === 0) code = 1;
    const lines = options["json"]
      ? [jsonLine(command, model.label, told.report)]
      : [...(models.length > 1 ? [model.label] : []), ...told.text()];
    process.stdout.write(`${lines.join("\n")}\n`);
  }
  return code;
}

// Whoever reads our output may stop reading (`| head`); the work goes on, since it may be a conversion.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});

async function main(): Promise<number> {
  try {
    const [, , command, ...rest] = process.argv;
    if (command === "convert" && rest.some((each) => oldFlag.test(each)) && !rest.includes("--help"))
      return await convertAsBefore(rest);
    const valued = new Set(
      cli.commands.flatMap(({ options }) => options.filter(({ required }) => required).map(({ name }) => dashed(name))),
    );
    const { options } = cli.parse(
      [...process.argv.slice(0, 2), ...marked(process.argv.slice(2), (name) => valued.has(dashed(name)))],
      {
        run: false,
      },
    );
    Object.assign(options, unmarked(options));
    cli.runMatchedCommand();
    if (running) return await running;
    if (options["help"] || options["version"]) return 0;
    const word = process.argv[2];
    throw new UsageError(
      word === undefined ? "no command given; see modelwright --help" : `no such command: ${word}; see modelwright --help`,
    );
  } catch (error) {
    if (error instanceof Cancelled) return interruptedCode() ?? 1;
    const { name, message } = error as Error;
    if (error instanceof UsageError || name === "DestinationError" || name === "CACError") {
      console.error(`modelwright: ${message}`);
      return 2;
    }
    console.error(error);
    return 3;
  }
}

process.exitCode = await main();
