/** One ONNX node against onnxruntime: converted, run in stock TF.js on cpu and wasm, every element compared. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll } from "vitest";
import { recordCompared } from "../../../scripts/supported-ops/compared.ts";
import { ruleKey } from "../../../scripts/supported-ops/render.ts";
import { MemorySink } from "../../../src/base/memory.ts";
import { ModelError } from "../../../src/base/problem.ts";
import { convert } from "../../../src/convert.ts";
import { compare } from "../../../src/parity/compare.ts";
import { toleranceFor } from "../../../src/parity/tolerance.ts";
import { OrtProcess } from "../../../src/runtime/ort.ts";
import { TfjsWorker } from "../../../src/runtime/tfjs.ts";
import { type AttrValue, node, onnxModel, openOnnx, type TensorSpec, untyped, value } from "../../build/onnx.ts";

export interface Trial extends Leeway {
  readonly op: string;
  readonly domain?: string;
  /** Of the op's domain; default 21 (1 for other domains). */
  readonly opset?: number;
  /** Undefined: an input left out. */
  readonly inputs: readonly (TensorSpec | undefined)[];
  readonly attrs?: Readonly<Record<string, AttrValue>>;
  /** Default 1. */
  readonly outputs?: number;
  /** How many leading inputs are fed; the others are stored in the model. Default 1. */
  readonly fed?: number;
  /** Declares fed inputs, vectors aside, with symbols for dims, so that the converter knows no size. */
  readonly open?: boolean;
}

export interface Leeway {
  /** Steps that integers may be off. */
  readonly steps?: number | undefined;
  readonly rtol?: number | undefined;
  /** What onnxruntime runs in the model's place, where it has no kernel for what is tested: the same by definition. */
  readonly reference?: Uint8Array | undefined;
}

/** The runtimes of a test file: started before its tests, closed after them. */
export function againstOrt(): Pick<AgainstOrt, "differences" | "modelDifferences"> {
  let ort: AgainstOrt;
  beforeAll(async () => {
    ort = await AgainstOrt.start();
  });
  afterAll(() => ort.close());
  return {
    differences: (...of) => ort.differences(...of),
    modelDifferences: (...of) => ort.modelDifferences(...of),
  };
}

class AgainstOrt {
  private models = 0;
  /** Operators of models that agreed: what `npm run docs` calls a unit test of them. */
  private readonly agreed = new Set<string>();

  private constructor(
    private readonly folder: string,
    private readonly ort: OrtProcess,
    private readonly workers: readonly TfjsWorker[],
  ) {}

  static async start(): Promise<AgainstOrt> {
    const folder = await mkdtemp(path.join(tmpdir(), "modelwright-"));
    const workers = await Promise.all([TfjsWorker.start("cpu"), TfjsWorker.start("wasm")]);
    return new AgainstOrt(folder, await OrtProcess.start(), workers);
  }

  async close(): Promise<void> {
    await Promise.all([this.ort.close(), ...this.workers.map((worker) => worker.close())]);
    await rm(this.folder, { recursive: true });
    await recordCompared(this.agreed);
  }

  /** What differs, a line a backend and output; nothing where all agree. */
  differences(trial: Trial): Promise<string[]> {
    return this.modelDifferences(modelOf(trial), fedOf(trial), outputNames(trial), trial);
  }

  /** The same of a whole model. */
  async modelDifferences(
    bytes: Uint8Array,
    fed: readonly TensorSpec[],
    names: readonly string[],
    { rtol, steps = 0, reference = bytes }: Leeway = {},
  ): Promise<string[]> {
    const feeds = new Map(fed.map((each) => [each.name, each]));
    const file = path.join(this.folder, `${this.models++}.onnx`);
    await writeFile(file, reference);
    const loaded = await this.ort.load(file);
    const expected = await this.ort.run(loaded, feeds, names);
    await this.ort.unload(loaded);
    const sink = new MemorySink();
    const { model, files } = await openOnnx(bytes);
    const { problems } = await convert(model, files, sink);
    const failed = problems.find((each) => each.severity === "error");
    if (failed) throw new ModelError(failed);
    const found: string[] = [];
    for (const worker of this.workers) {
      const converted = await worker.load(sink.files);
      const actual = await worker.run(converted, feeds, names);
      await worker.unload(converted);
      for (const name of names) {
        const tolerance = { ...toleranceFor("float32", { rtol }), steps };
        const { verdict, firstBad, note, bad } = compare(expected.get(name)!, actual.get(name)!, { tolerance });
        if (verdict !== "different") continue;
        const where = firstBad && `[${firstBad.index}] is ${firstBad.actual}, not ${firstBad.reference}; ${bad} bad`;
        found.push(`${name} on ${worker.backend}: ${where ?? note}`);
      }
    }
    if (found.length === 0)
      for (const { nodes } of model.graphs) for (const { domain, op } of nodes) this.agreed.add(ruleKey(domain, op));
    return found;
  }
}

const outputNames = ({ outputs = 1 }: Trial): string[] => Array.from({ length: outputs }, (_, i) => `y${i}`);
const fedOf = ({ inputs, fed = 1 }: Trial): TensorSpec[] => inputs.slice(0, fed).filter((each) => each !== undefined);

function modelOf(trial: Trial): Uint8Array {
  const { op, domain = "", inputs, attrs = {}, open } = trial;
  const fed = fedOf(trial);
  const opset = trial.opset ?? (domain === "" ? 21 : 1);
  return onnxModel({
    ir: 8,
    opsets: domain === "" ? { "": opset } : { "": 17, [domain]: opset },
    graph: {
      inputs: fed.map(({ name, dtype, shape }) =>
        value(name, dtype, open && shape.length > 1 ? shape.map((_, i) => `${name}${i}`) : [...shape]),
      ),
      outputs: outputNames(trial).map(untyped),
      initializers: inputs.filter((each) => each !== undefined && !fed.includes(each)) as TensorSpec[],
      nodes: [
        node(
          op,
          inputs.map((each) => each?.name ?? ""),
          outputNames(trial),
          attrs,
          "n",
          { domain },
        ),
      ],
    },
  });
}
