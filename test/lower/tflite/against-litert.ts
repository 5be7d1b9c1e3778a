/** One TFLite operator against LiteRT: converted, run in stock TF.js on cpu and wasm and in onnxruntime, every element compared. */
import type { DType } from "../../../src/base/dtype.ts";
import { MemorySink, memorySource } from "../../../src/base/memory.ts";
import { ModelError } from "../../../src/base/problem.ts";
import { convert } from "../../../src/convert.ts";
import type { TableValue } from "../../../src/formats/flatbuffers/write.ts";
import { carriedCopy } from "../../../src/formats/tflite/carried.ts";
import type { Tensor } from "../../../src/graph/tensor.ts";
import type { QuantizedMode } from "../../../src/lower/rule.ts";
import { compare } from "../../../src/parity/compare.ts";
import { specs } from "../../../src/parity/feeds.ts";
import { toleranceFor } from "../../../src/parity/tolerance.ts";
import { LiteRtProcess } from "../../../src/runtime/litert.ts";
import { TfjsWorker } from "../../../src/runtime/tfjs.ts";
import {
  type Codes,
  constant,
  type GraphSpec,
  type OperatorSpec,
  openTflite,
  operator,
  type TensorSpec,
  tfliteModel,
  value,
} from "../../build/tflite.ts";
import { InOnnx } from "./in-onnx.ts";

/** A fed value, in the type that the operator takes; its elements as numbers. */
export interface Fed {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Real numbers, also where the operator takes codes. */
  readonly data: ArrayLike<number>;
  readonly codes?: Codes;
}

export interface Result {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly codes?: Codes;
}

export interface Trial {
  readonly op: string;
  readonly fed: readonly Fed[];
  /** The operator's inputs: a number is that of a fed value, undefined is left out, the rest is stored in the model. */
  readonly inputs?: readonly (number | TensorSpec | undefined)[];
  readonly table?: string;
  readonly options?: TableValue | undefined;
  readonly custom?: Uint8Array;
  readonly results: readonly Result[];
  readonly subgraphs?: readonly GraphSpec[];
  /** Puts an addition of 0 behind integer results: LiteRT.js hands out unwritten memory for what is settled before a run. */
  readonly settled?: true;
  readonly rtol?: number;
  readonly atol?: number;
  readonly quantized?: QuantizedMode;
}

/** What LiteRT.js carries across its border, and what other types are cast to there. */
const border = (dtype: DType): DType =>
  dtype === "float32" || dtype === "int32" || dtype === "uint8" ? dtype : /^(float|bfloat)/.test(dtype) ? "float32" : "int32";

export class AgainstLiteRt {
  private constructor(
    private readonly liteRt: LiteRtProcess,
    private readonly workers: readonly TfjsWorker[],
    private readonly onnx: InOnnx,
  ) {}

  static async start(): Promise<AgainstLiteRt> {
    const workers = await Promise.all([TfjsWorker.start("cpu"), TfjsWorker.start("wasm")]);
    return new AgainstLiteRt(await LiteRtProcess.start(), workers, await InOnnx.start());
  }

  async close(): Promise<void> {
    await Promise.all([this.liteRt.close(), this.onnx.close(), ...this.workers.map((worker) => worker.close())]);
  }

  /** What differs, a line a backend and output; nothing where all agree. */
  async differences(trial: Trial): Promise<string[]> {
    const bytes = modelOf(trial);
    const feeds = new Map(trial.fed.map((each, i) => [`x${i}`, feedOf(each)]));
    const names = trial.results.map((_, i) => `y${i}`);
    const { model, files } = await openTflite(bytes);
    const expected = await this.expected(bytes, model, feeds);
    const sink = new MemorySink();
    const { problems, inputs } = await convert(
      model,
      files,
      sink,
      trial.quantized === undefined ? {} : { quantized: trial.quantized },
    );
    const failed = problems.find((each) => each.severity === "error");
    if (failed) throw new ModelError(failed);
    const found: string[] = [];
    const given = new Map([
      ...feeds,
      ...statesOf(
        trial,
        inputs.map(({ name }) => name),
      ),
    ]);
    const runs: [backend: string, actual: ReadonlyMap<string, Tensor>][] = [];
    for (const worker of this.workers) {
      const loaded = await worker.load(sink.files);
      runs.push([worker.backend, await worker.run(loaded, given, names)]);
      await worker.unload(loaded);
    }
    const isCoded = trial.quantized === undefined && trial.fed.some((each) => each.codes);
    for (const mode of isCoded ? (["qdq", "faithful"] as const) : [trial.quantized]) {
      const raised = await this.onnx.run(model, files, given, names, mode);
      if (raised) runs.push([mode ? `onnxruntime, ${mode}` : "onnxruntime", raised]);
    }
    for (const [backend, actual] of runs) {
      for (const [i, name] of names.entries()) {
        // One step of the codes that were dequantised at the model's end.
        const step = (trial.results[i]!.codes?.scale[0] ?? 0) * 1.001;
        const usual = toleranceFor("float32", { rtol: trial.rtol, atol: trial.atol });
        const tolerance = { ...usual, atol: Math.max(usual.atol, step) };
        const { verdict, firstBad, note, bad } = compare(expected[i]!, actual.get(name)!, { tolerance });
        if (verdict !== "different") continue;
        const where = firstBad && `[${firstBad.index}] is ${firstBad.actual}, not ${firstBad.reference}; ${bad} bad`;
        found.push(`${name} on ${backend}: ${where ?? note}`);
      }
    }
    return found;
  }

  private async expected(
    bytes: Uint8Array,
    model: Awaited<ReturnType<typeof openTflite>>["model"],
    feeds: ReadonlyMap<string, Tensor>,
  ): Promise<Tensor[]> {
    const main = model.graphs[0]!;
    const file = await carriedCopy(memorySource("model.tflite", bytes));
    const loaded = await this.liteRt.load(file, specs(main, main.inputs), specs(main, main.outputs));
    const expected = await this.liteRt.run(loaded, feeds);
    await this.liteRt.unload(loaded);
    return expected;
  }
}

function feedOf({ dtype, shape, data, codes }: Fed): Tensor {
  const carried = codes ? "float32" : border(dtype);
  const elements =
    carried === "float32" ? Float32Array.from(data) : carried === "uint8" ? Uint8Array.from(data) : Int32Array.from(data);
  return { dtype: carried, shape, data: elements };
}

/** Variables begin at zero. */
function statesOf({ inputs = [] }: Trial, names: readonly string[]): [string, Tensor][] {
  return names
    .filter((name) => name.startsWith("state/"))
    .map((name) => {
      const spec = inputs.find((each): each is TensorSpec => typeof each === "object" && `state/${each.name}` === name)!;
      const count = spec.shape.reduce((n, dim) => n * dim, 1);
      const data = spec.dtype === "float32" ? new Float32Array(count) : new Int32Array(count);
      return [name, { dtype: spec.dtype === "float32" ? "float32" : "int32", shape: spec.shape, data }];
    });
}

/** The operator, with casts (of codes: QUANTIZE and DEQUANTIZE) where its types are not those of the border. */
function modelOf(trial: Trial): Uint8Array {
  const { op, fed, table, options, custom, results, subgraphs } = trial;
  const tensors: TensorSpec[] = [];
  const operators: OperatorSpec[] = [];
  const into = fed.map(({ dtype, shape, codes }, i) => {
    const carried = codes ? "float32" : border(dtype);
    tensors.push(value(`x${i}`, carried, shape));
    if (carried === dtype && !codes) return `x${i}`;
    tensors.push(value(`x${i}!`, dtype, shape, codes));
    operators.push(
      operator(
        codes ? "QUANTIZE" : "CAST",
        [`x${i}`],
        [`x${i}!`],
        codes ? "QuantizeOptions" : "CastOptions",
        codes ? {} : types(carried, dtype),
      ),
    );
    return `x${i}!`;
  });
  const given = trial.inputs ?? fed.map((_, i) => i);
  const inputs = given.map((each) => {
    if (each === undefined) return "";
    if (typeof each === "number") return into[each]!;
    tensors.push(each);
    return each.name;
  });
  const after: OperatorSpec[] = [];
  const outputs = results.map(({ dtype, shape, codes }, i) => {
    const carried = codes ? "float32" : border(dtype);
    tensors.push(value(`y${i}`, carried, shape));
    if (trial.settled) {
      tensors.push(value(`y${i}!`, dtype, shape), constant("nothing", dtype, [], [0]));
      after.push(operator("ADD", [`y${i}!`, "nothing"], [`y${i}`], "AddOptions"));
      return `y${i}!`;
    }
    if (carried === dtype && !codes) return `y${i}`;
    tensors.push(value(`y${i}!`, dtype, shape, codes));
    after.push(
      operator(
        codes ? "DEQUANTIZE" : "CAST",
        [`y${i}!`],
        [`y${i}`],
        codes ? "DequantizeOptions" : "CastOptions",
        codes ? {} : types(dtype, carried),
      ),
    );
    return `y${i}!`;
  });
  const middle: OperatorSpec = {
    op,
    inputs,
    outputs,
    ...(table !== undefined && { options: [table, options ?? {}] as const }),
    ...(custom && { custom }),
  };
  return tfliteModel({
    tensors,
    inputs: fed.map((_, i) => `x${i}`),
    outputs: results.map((_, i) => `y${i}`),
    operators: [...operators, middle, ...after],
    ...(subgraphs && { subgraphs }),
  });
}

const types = (from: DType, to: DType): TableValue => ({ in_data_type: from.toUpperCase(), out_data_type: to.toUpperCase() });
