/** A model that ML.NET saved: a zip of components, from whose headers the pipeline, the columns and the trainer are told. It holds no graph. */
import type { ByteSource } from "../../base/bytes.ts";
import { ModelError, modelError, type Problem } from "../../base/problem.ts";
import { decodeUtf8 } from "../../base/utf8.ts";
import { readZip, type ZipEntry } from "../zip/read.ts";
import { EntryBytes } from "./bytes.ts";
import { readModelKey } from "./model-key.ts";
import { type MlnetColumn, readSchema } from "./schema.ts";

export interface MlnetComponent {
  /** Folder in the archive: `TransformerChain/Transform_001`. */
  readonly path: string;
  /** What loads it: `ConcatTransform`. */
  readonly name: string;
  /** Of a transform: the names it holds, the columns it makes and reads. */
  readonly columns: readonly string[];
}

export interface MlnetModel {
  /** Of ML.NET. */
  readonly version: string | undefined;
  /** A part after the one that holds it, steps in their order. */
  readonly components: readonly MlnetComponent[];
  /** Names of the trained models in it: `FastTreeTweedie`, `MulticlassLinear`. */
  readonly trainers: readonly string[];
  /** Of the data that the pipeline takes. */
  readonly columns: readonly (MlnetColumn | { readonly name: string })[];
  /** Compressed and unpacked, all of it. */
  readonly bytes: number;
  /** Components that are damaged. */
  readonly problems: readonly Problem[];
}

/** The way out, for whoever wants to convert it. */
export const exportHint =
  "export it in .NET with mlContext.Model.ConvertToOnnx(model, data, stream) of Microsoft.ML.OnnxConverter, then open the .onnx";

/** Trees and vocabularies live in one entry; ML.NET itself loads it into one array. */
const MAX_COMPONENT = 2 ** 28;
/** Text beside the components. */
const MAX_TEXT = 2 ** 16;

const predictor = /(^|\/)(Model|Predictor|SubPredictor_\d+)$/;
const transform = /(^|\/)(Transform_\d+|Mapper|Loader)$/;

/** A `ModelError` where the file is no archive, or none of ML.NET. */
export async function readMlnet(source: ByteSource): Promise<MlnetModel> {
  // .NET on Windows writes its own separator.
  const entries = new Map((await readZip(source)).map((entry) => [entry.name.replaceAll("\\", "/"), entry]));
  const problems: Problem[] = [];
  const whole = async <T>(name: string, limit: number, read: (bytes: EntryBytes) => T): Promise<T | undefined> => {
    const entry = entries.get(name);
    if (!entry) return undefined;
    try {
      return read(new EntryBytes(name, await bounded(entry, name, limit)));
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
      problems.push(error.problem);
      return undefined;
    }
  };
  const keys = [...entries.keys()].filter((name) => /(^|\/)Model\.key$/.test(name)).sort(byPath);
  if (keys.length === 0)
    throw modelError(
      "unknown-format",
      `a zip archive without a model of ML.NET: ${source.name}`,
      {},
      "unpack it and open what is in it",
    );
  const components: MlnetComponent[] = [];
  for (const name of keys) {
    const found = await whole(name, MAX_COMPONENT, readModelKey);
    const path = name.replace(/\/?Model\.key$/, "");
    if (found) components.push({ path, name: found.loader, columns: transform.test(path) ? found.strings : [] });
  }
  const version = await whole("TrainingInfo/Version.txt", MAX_TEXT, ({ bytes }) => decodeUtf8(bytes).trim().split(/\s/)[0]);
  const schema = await whole("Schema", MAX_COMPONENT, readSchema);
  return {
    version,
    components,
    trainers: trainersOf(components),
    columns: schema ?? loaderColumns(components),
    bytes: [...entries.values()].reduce((sum, { size }) => sum + size, 0),
    problems,
  };
}

async function bounded(entry: ZipEntry, name: string, limit: number): Promise<Uint8Array> {
  if (entry.size > limit) throw modelError("too-large", `${name}: ${entry.size} bytes, more than ${limit}`);
  return entry.read();
}

/** A folder before what lies in it. */
function byPath(a: string, b: string): number {
  const [x, y] = [a.replace(/Model\.key$/, ""), b.replace(/Model\.key$/, "")];
  return x < y ? -1 : x > y ? 1 : 0;
}

/** A calibrated or a combined predictor holds those that were trained. */
function trainersOf(components: readonly MlnetComponent[]): string[] {
  const trained = components.filter(({ path }) => predictor.test(path));
  const innermost = trained.filter(({ path }) => !trained.some((other) => other.path.startsWith(`${path}/`)));
  return [...new Set(innermost.map(({ name }) => name.replace(/Exec$/, "")))];
}

/** Models of before 1.0 keep no schema, but the loader of their data. */
function loaderColumns(components: readonly MlnetComponent[]): { readonly name: string }[] {
  const loader = components.find(({ path, name }) => path.endsWith("/Loader") && name === "TextLoader");
  return (loader?.columns ?? []).map((name) => ({ name }));
}
