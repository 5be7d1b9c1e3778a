/** Models that ML.NET exported, as files and as its own text baselines: converted, and compared with onnxruntime over data that takes many paths. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { openFile, sourcesBeside } from "../../src/cli/files.ts";
import { readOnnx } from "../../src/formats/onnx/read.ts";
import type { SourceAttr, SourceModel } from "../../src/graph/source.ts";
import type { Tensor } from "../../src/graph/tensor.ts";
import { tensor } from "../build/onnx.ts";
import { type JsonModel, modelFromJson } from "../build/onnx-json.ts";
import { random, randomInts } from "../build/random.ts";
import { writeTensorProto } from "../build/tensors.ts";
import type { Backends, ConformanceBackend } from "./backends.ts";
import { runOnnxModel } from "./onnx-models.ts";
import { type Case, casesBelow, type Row } from "./suite.ts";

export function mlnetModels(zoo: string): Case[] {
  const isText = (name: string) => name.includes(`${path.sep}Onnx${path.sep}`) && name.endsWith(".txt");
  return casesBelow(zoo, "mlnet", (name) => name.endsWith(".onnx") || isText(name));
}

const rows = 43;

export async function runMlnetModel(test: Case, backends: Backends, wanted: readonly ConformanceBackend[]): Promise<Row> {
  const folder = mkdtempSync(path.join(tmpdir(), "modelwright-mlnet-"));
  try {
    const file = path.join(folder, "model.onnx");
    const bytes = readFileSync(test.path);
    writeFileSync(file, test.path.endsWith(".txt") ? modelFromJson(JSON.parse(bytes.toString("utf8")) as JsonModel) : bytes);
    const { model } = await readOnnx(await openFile(file), sourcesBeside(file));
    const data = path.join(folder, "test_data_set_0");
    mkdirSync(data);
    inputsOf(model).forEach(([name, each], i) => {
      writeFileSync(path.join(data, `input_${i}.pb`), writeTensorProto(name, each));
    });
    return await runOnnxModel({ id: test.id, path: file }, backends, wanted);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Numbers round the thresholds of the model's trees, words of its vocabularies, some of neither. */
function inputsOf(model: SourceModel): (readonly [name: string, tensor: Tensor])[] {
  const main = model.graphs[0]!;
  const lists = (name: string): (number | string | bigint)[] => main.nodes.flatMap(({ attrs }) => listOf(attrs[name]));
  const words = ["neither of them", ...lists("keys_strings").map(String)];
  const thresholds = [...lists("nodes_values").map(Number), 0.3, 2.5];
  return main.inputs.map((id, i) => {
    const { name, type } = main.values[id]!;
    const shape = (type.shape ?? []).map((dim, axis) => (typeof dim === "number" && dim > 0 ? dim : axis === 0 ? rows : 1));
    const count = shape.reduce((product, dim) => product * dim, 1);
    const places = randomInts(count, 0, 1_000_003, i + 2);
    if (type.dtype === "string")
      return [
        name,
        tensor(
          name,
          "string",
          shape,
          places.map((at) => words[at % words.length]!),
        ),
      ];
    if (type.dtype === "bool")
      return [
        name,
        tensor(
          name,
          "bool",
          shape,
          places.map((at) => at % 2),
        ),
      ];
    if (type.dtype !== "float32") throw new Error(`${name} is of type ${type.dtype}`);
    const noise = random(count, i + 3);
    return [
      name,
      tensor(
        name,
        "float32",
        shape,
        Float32Array.from(places, (at, k) => thresholds[at % thresholds.length]! + noise[k]!),
      ),
    ];
  });
}

function listOf(attr: SourceAttr | undefined): readonly (number | string | bigint)[] {
  return attr?.kind === "floats" || attr?.kind === "strings" || attr?.kind === "ints" ? [...attr.value] : [];
}
