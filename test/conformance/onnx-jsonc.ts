/** onnxruntime-web's operator tests: a node with its inputs and outputs a case, in JSON with comments. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { MemorySink } from "../../src/base/memory.ts";
import { ModelError } from "../../src/base/problem.ts";
import type { Tensor } from "../../src/graph/tensor.ts";
import { compare } from "../../src/parity/compare.ts";
import { toleranceFor } from "../../src/parity/tolerance.ts";
import {
  type AttrValue,
  emptyInts,
  float,
  floats,
  node,
  onnxModel,
  openOnnx,
  type TensorSpec,
  tensor,
  untyped,
  value,
} from "../build/onnx.ts";
import type { Backends, ConformanceBackend } from "./backends.ts";
import { type Case, differenceIn, type Row } from "./suite.ts";

interface JsonTensor {
  readonly type: TensorSpec["dtype"];
  readonly dims: readonly number[];
  /** null: an input that is left out. */
  readonly data: readonly (number | string | boolean)[] | null;
}

interface JsonTest {
  readonly name: string;
  readonly operator: string;
  readonly opset?: { readonly domain: string; readonly version: number };
  readonly attributes?: readonly { readonly name: string; readonly type: string; readonly data: unknown }[];
  readonly cases: readonly {
    readonly name: string;
    readonly inputs: readonly JsonTensor[];
    readonly outputs: readonly JsonTensor[];
  }[];
}

interface JsoncCase extends Case {
  readonly test: number;
  readonly at: number;
}

const timeoutMs = 30_000;

export function jsoncCases(zoo: string): Case[] {
  const folder = path.join(zoo, "onnx-models/onnxruntime/js/web/test/data/ops");
  return readdirSync(folder)
    .filter((name) => name.endsWith(".jsonc"))
    .sort()
    .flatMap((name) => {
      const file = path.join(folder, name);
      return readTests(file).flatMap((test, i) =>
        test.cases.map((each, at): JsoncCase => ({ id: `${name}/${test.name}/${each.name}`, path: file, test: i, at })),
      );
    });
}

const readTests = (file: string): readonly JsonTest[] => JSON.parse(plainJson(readFileSync(file, "utf8"))) as readonly JsonTest[];

/** Without comments and commas before a closing bracket. */
const plainJson = (text: string): string =>
  text
    .replace(/("(?:[^"\\]|\\.)*")|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, (_, word: string | undefined) => word ?? "")
    .replace(/,(\s*[\]}])/g, "$1");

export async function runJsoncCase(given: Case, backends: Backends, wanted: readonly ConformanceBackend[]): Promise<Row> {
  const { id, path: file, test, at } = given as JsoncCase;
  const each = readTests(file)[test]!;
  const { inputs, outputs } = each.cases[at]!;
  const tensors = inputs.map((input, i) => specOf(`x${i}`, input));
  const expected = outputs.map((output, i) => specOf(`y${i}`, output));
  try {
    let refused: unknown;
    // Operands are stored where feeding them all leaves too much open.
    for (const fed of [tensors.length, 1]) {
      try {
        return (
          (await run(id, modelOf(each, tensors, expected, fed), tensors.slice(0, fed), expected, backends, wanted)) ?? {
            test: id,
            status: "passed",
          }
        );
      } catch (error) {
        if (!(error instanceof ModelError)) throw error;
        refused = error;
      }
    }
    return { test: id, status: "refused", reason: (refused as ModelError).message };
  } catch (error) {
    return { test: id, status: "crashed", reason: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

const specOf = (name: string, { type, dims, data }: JsonTensor): TensorSpec | undefined =>
  data === null
    ? undefined
    : tensor(
        name,
        type,
        dims,
        data.map((x) => (typeof x === "boolean" ? Number(x) : x)),
      );

type Specs = readonly (TensorSpec | undefined)[];
const present = (specs: Specs): TensorSpec[] => specs.filter((spec) => spec !== undefined);

function modelOf({ operator, opset, attributes = [] }: JsonTest, inputs: Specs, outputs: Specs, fed: number): Uint8Array {
  const { domain, version } = opset ?? { domain: "", version: 17 };
  const attrs = Object.fromEntries(attributes.map(({ name, type, data }) => [name, attributeOf(type, data)]));
  const names = (specs: Specs) => specs.map((spec) => spec?.name ?? "");
  return onnxModel({
    ir: 8,
    opsets: domain === "" ? { "": version } : { "": 17, [domain]: version },
    graph: {
      inputs: present(inputs.slice(0, fed)).map(({ name, dtype, shape }) => value(name, dtype, [...shape])),
      outputs: present(outputs).map(({ name }) => untyped(name)),
      initializers: present(inputs.slice(fed)),
      nodes: [node(operator, names(inputs), names(outputs), attrs, "op", { domain })],
    },
  });
}

function attributeOf(type: string, data: unknown): AttrValue {
  if (type === "float") return float(data as number);
  if (type === "floats") return floats(data as number[]);
  return Array.isArray(data) && data.length === 0 ? emptyInts() : (data as AttrValue);
}

/** A row where the case does not pass; throws a `ModelError` where it is refused. */
async function run(
  test: string,
  bytes: Uint8Array,
  fed: Specs,
  expected: Specs,
  backends: Backends,
  wanted: readonly ConformanceBackend[],
): Promise<Row | undefined> {
  const { model, files } = await openOnnx(bytes);
  const sink = new MemorySink();
  const { problems } = await backends.convert(model, files, sink);
  const failed = problems.find(({ severity }) => severity === "error");
  if (failed) throw new ModelError(failed);
  const feeds = new Map<string, Tensor>(present(fed).map((spec) => [spec.name, spec]));
  const names = present(expected).map(({ name }) => name);
  for (const backend of wanted) {
    const worker = await backends.get(backend);
    const signal = AbortSignal.timeout(timeoutMs);
    const loaded = await worker.load(sink.files, signal);
    const actual = await worker.run(loaded, feeds, names, signal);
    await worker.unload(loaded);
    for (const reference of present(expected)) {
      // The numbers are written with few digits.
      const half = present(expected).some(({ dtype }) => dtype === "float16");
      const tolerance = toleranceFor("float32", half ? { rtol: 2e-3, atol: 2e-3 } : { rtol: 1e-3, atol: 1e-4 });
      const found = compare(reference, actual.get(reference.name)!, { tolerance });
      if (found.verdict !== "different") continue;
      return { test, status: "wrong", backend, reason: `${reference.name} ${differenceIn(found)}` };
    }
  }
  return undefined;
}
